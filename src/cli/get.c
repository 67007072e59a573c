/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_exporter get PATH|URL: asks a running exporter and prints the body; for HEALTHCHECK and
 * exec probes in images without curl. 0 when the answer is 2xx, 1 when it is not or none came.
 */
#include "cli/cli.h"
#include "cli/flags.h"

#include "base/clock.h"
#include "base/units.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct get_options {
    const char *timeout;
    bool is_help;
};

static const struct hx_flag get_flags[] = {
    {"timeout", 0, HX_FLAG_TEXT, offsetof(struct get_options, timeout), "DURATION",
     "How long to wait for the answer. Default: 2s.", NULL},
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct get_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static void print_help(void)
{
    printf("Asks a running exporter and prints its answer; exit code 0 when it is 2xx, else 1.\n"
           "\n"
           "usage: health_exporter get [flags] PATH|URL\n"
           "\n"
           "A PATH is asked of 127.0.0.1:%d: health_exporter get /readyz\n"
           "\n"
           "Flags:\n",
           HX_DEFAULT_PORT);
    hx_flags_print(get_flags);
}

static CURLcode set_options(CURL *easy, const char *url, int64_t timeout_ns, char *error)
{
    long timeout_ms = (long)(timeout_ns / HX_NS_PER_MS);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms < 1 ? 1L : timeout_ms);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    return code;
}

/* Turns the multi handle until its one transfer is over. */
static CURLcode perform(CURLM *multi, CURL *easy)
{
    int running = 1;
    int left;
    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return CURLE_FAILED_INIT;
    while (running > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK ||
            curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            return CURLE_FAILED_INIT;
    }
    CURLMsg *message = curl_multi_info_read(multi, &left);
    CURLcode code = message == NULL ? CURLE_FAILED_INIT : message->data.result;
    curl_multi_remove_handle(multi, easy);
    return code;
}

static int get(const char *url, int64_t timeout_ns)
{
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    CURLcode code = CURLE_FAILED_INIT;
    if (multi != NULL && easy != NULL)
        code = set_options(easy, url, timeout_ns, error);
    if (code == CURLE_OK)
        code = perform(multi, easy);
    if (code == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    else
        fprintf(stderr, "health_exporter: error: %s\n",
                error[0] != '\0' ? error : curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return status >= 200 && status < 300 ? HX_EXIT_OK : HX_EXIT_UNHEALTHY;
}

static int get_target(const char *target, int64_t timeout_ns)
{
    if (target[0] != '/' && strncmp(target, "http://", 7) != 0 &&
        strncmp(target, "https://", 8) != 0)
        return hx_cli_usage_error("get: expected a path such as /readyz, or a URL such as "
                                  "http://127.0.0.1:10119/readyz");
    size_t size = strlen(target) + 64;
    char *url = malloc(size);
    if (url == NULL)
        return hx_cli_usage_error("out of memory");
    if (target[0] == '/')
        snprintf(url, size, "http://127.0.0.1:%d%s", HX_DEFAULT_PORT, target);
    else
        snprintf(url, size, "%s", target);
    int code = get(url, timeout_ns);
    free(url);
    return code;
}

int hx_cli_get(int argc, char **argv)
{
    struct get_options options = {.timeout = "2s"};
    struct hx_error err = {0};
    int64_t timeout_ns = 0;
    size_t n = 0;
    char **arguments = calloc((size_t)argc + 1, sizeof(char *));
    if (arguments == NULL)
        return hx_cli_usage_error("out of memory");
    int code = HX_EXIT_OK;
    if (hx_flags_parse(get_flags, argc, argv, &options, arguments, &n, &err) != HX_OK)
        code = hx_cli_usage_error(err.message);
    else if (options.is_help)
        print_help();
    else if (hx_parse_duration(options.timeout, &timeout_ns, &err) != HX_OK)
        code = hx_cli_usage_error(err.message);
    else if (n != 1)
        code = hx_cli_usage_error("get: expected one path or URL: health_exporter get /readyz");
    else
        code = get_target(arguments[0], timeout_ns);
    free(arguments);
    return code;
}
