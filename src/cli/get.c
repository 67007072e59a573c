/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_exporter get PATH|URL: asks a running exporter and prints the body; for HEALTHCHECK and
 * exec probes in images without curl. 0 when the answer is 2xx, 1 when it is not or none came.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/command.h"

#include "base/clock.h"

#include <stdio.h>

struct get_options {
    struct hx_client_options client;
    int64_t timeout_ns;
    bool is_help;
};

static const struct hx_flag get_flags[] = {
    {"timeout", 0, HX_FLAG_DURATION, offsetof(struct get_options, timeout_ns), "DURATION",
     "How long to wait for the answer. Default: 2s.", NULL},
    HX_CLIENT_FLAGS(struct get_options),
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct get_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static const char help[] =
    "Asks a running exporter and prints its answer; exit code 0 when its status is 2xx, 1\n"
    "when it is not or none comes, 2 when the arguments are wrong.\n"
    "\n"
    "usage: health_exporter get [flags] PATH|URL|unix:SOCKET:PATH\n"
    "\n"
    "A PATH is asked of " HX_DEFAULT_URL ", or of --unix-socket. For example:\n"
    "\n"
    "  health_exporter get /readyz\n"
    "  health_exporter get unix:/run/health.sock:/livez\n"
    "  HEALTHCHECK CMD [\"health_exporter\", \"get\", \"/livez\"]     in a Dockerfile\n";

/* A body tells more than a status; the status is told for those who answer without one. */
static int get(struct hx_client *client, int64_t timeout_ns)
{
    struct hx_error err = {0};
    long status = 0;
    if (hx_client_get(client, timeout_ns, &status, NULL, &err) != HX_OK) {
        fprintf(stderr, "health_exporter: error: %s: %s\n", hx_client_shown(client), err.message);
        return HX_EXIT_UNHEALTHY;
    }
    if (status >= 200 && status < 300)
        return HX_EXIT_OK;
    fprintf(stderr, "health_exporter: %s: status %ld\n", hx_client_shown(client), status);
    return HX_EXIT_UNHEALTHY;
}

static int run(const void *data, char *const *arguments, size_t n)
{
    const struct get_options *options = data;
    struct hx_client *client = NULL;
    struct hx_error err = {0};
    if (n != 1)
        return hx_cli_usage_error("get: expected one path or URL: health_exporter get /readyz");
    enum hx_errcode code = hx_client_new(&options->client, arguments[0], NULL, &client, &err);
    if (code != HX_OK) {
        (void)hx_error_wrap(&err, code, "get");
        return hx_cli_usage_error(err.message);
    }
    int exit_code = get(client, options->timeout_ns);
    hx_client_free(client);
    return exit_code;
}

int hx_cli_get(int argc, char **argv)
{
    static const struct hx_command command = {get_flags, offsetof(struct get_options, is_help),
                                              help, run};
    struct get_options options = {.timeout_ns = 2 * HX_NS_PER_S};
    return hx_command_run(&command, argc, argv, &options);
}
