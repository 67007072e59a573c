/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client on libcurl's multi interface: a request is turned by curl_multi_poll() until it ends
 * or its time is over. One easy handle serves all requests of a client, so that `wait` keeps its
 * connection. A password is read from its file, handed to libcurl, and wiped.
 */
#include "cli/client.h"

#include "base/clock.h"
#include "cli/endpoint.h"
#include "config/file.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY     ((size_t)1024 * 1024)
#define MAX_PASSWORD ((size_t)4096)
#define POLL_MS      1000

struct hx_client {
    struct hx_endpoint endpoint;
    CURLM *multi;
    CURL *easy;
    struct hx_strbuf *body; /* of the request under way; NULL: standard output */
    int output_error;       /* the errno of standard output; 0: none */
    char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct hx_client *client = arg;
    size_t len = size * n;
    if (client->body == NULL) {
        size_t n_written = fwrite(data, 1, len, stdout);
        client->output_error = n_written == len ? 0 : errno;
        return n_written;
    }
    size_t room = client->body->len < MAX_BODY ? MAX_BODY - client->body->len : 0;
    hx_strbuf_append(client->body, data, len < room ? len : room);
    return len;
}

static enum hx_errcode set_password(CURL *easy, const char *path, struct hx_error *err)
{
    char *data = NULL;
    size_t len = 0;
    enum hx_errcode code = hx_file_read(path, MAX_PASSWORD, &data, &len, err);
    if (code != HX_OK)
        return hx_error_wrap(err, code, "--password-file=%s", path);
    data[strcspn(data, "\r\n")] = '\0';
    if (curl_easy_setopt(easy, CURLOPT_PASSWORD, data) != CURLE_OK)
        code = hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    hx_file_free(data, len);
    return code;
}

static enum hx_errcode set_user(struct hx_client *client, const struct hx_client_options *options,
                                struct hx_error *err)
{
    if ((options->user == NULL) != (options->password_file == NULL))
        return hx_error_set(err, HX_ERR_INVALID, "--user and --password-file are given together");
    if (options->user == NULL)
        return HX_OK;
    if (curl_easy_setopt(client->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) != CURLE_OK ||
        curl_easy_setopt(client->easy, CURLOPT_USERNAME, options->user) != CURLE_OK)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    return set_password(client->easy, options->password_file, err);
}

/* An unknown option of libcurl and a lack of memory end alike: the first that fails is told. */
static CURLcode set_options(struct hx_client *client, const struct hx_client_options *options)
{
    CURL *easy = client->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, client->endpoint.url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    if (code == CURLE_OK && client->endpoint.socket != NULL)
        code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->endpoint.socket);
    if (code == CURLE_OK && options->ca_file != NULL)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    if (code == CURLE_OK && options->is_insecure)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    if (code == CURLE_OK && options->is_insecure)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    return code;
}

static enum hx_errcode set_up(struct hx_client *client, const struct hx_client_options *options,
                              struct hx_error *err)
{
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    if (client->multi == NULL || client->easy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    CURLcode code = set_options(client, options);
    if (code != CURLE_OK)
        return hx_error_set(err, HX_ERR_INVALID, "%s", curl_easy_strerror(code));
    return set_user(client, options, err);
}

enum hx_errcode hx_client_new(const struct hx_client_options *options, const char *text,
                              const char *route, struct hx_client **client, struct hx_error *err)
{
    struct hx_client *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    enum hx_errcode code =
        hx_endpoint_parse(text, route, options->unix_socket, &made->endpoint, err);
    if (code == HX_OK)
        code = set_up(made, options, err);
    if (code != HX_OK) {
        hx_client_free(made);
        return code;
    }
    *client = made;
    return HX_OK;
}

void hx_client_free(struct hx_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    hx_endpoint_fini(&client->endpoint);
    free(client);
}

const char *hx_client_shown(const struct hx_client *client)
{
    return client->endpoint.shown;
}

/* Turns the multi handle until its one transfer is over. */
static CURLcode perform(struct hx_client *client)
{
    int running = 1;
    int left;
    if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        return CURLE_FAILED_INIT;
    CURLMcode code = CURLM_OK;
    while (running > 0 && code == CURLM_OK) {
        code = curl_multi_perform(client->multi, &running);
        if (code == CURLM_OK && running > 0)
            code = curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
    }
    CURLMsg *message = code == CURLM_OK ? curl_multi_info_read(client->multi, &left) : NULL;
    CURLcode result = message == NULL ? CURLE_FAILED_INIT : message->data.result;
    curl_multi_remove_handle(client->multi, client->easy);
    return result;
}

/* libcurl's own sentence names a port for a unix socket as well. */
static enum hx_errcode tell(const struct hx_client *client, CURLcode code, struct hx_error *err)
{
    long error = 0;
    if (client->output_error != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "standard output cannot be written: %s",
                            strerrordesc_np(client->output_error));
    curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &error);
    if (code == CURLE_COULDNT_CONNECT && error > 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot connect: %s", strerrordesc_np((int)error));
    return hx_error_set(err, code == CURLE_OPERATION_TIMEDOUT ? HX_ERR_LIMIT : HX_ERR_SYSTEM, "%s",
                        client->error[0] != '\0' ? client->error : curl_easy_strerror(code));
}

enum hx_errcode hx_client_get(struct hx_client *client, int64_t timeout_ns, long *status,
                              struct hx_strbuf *body, struct hx_error *err)
{
    long timeout_ms = (long)(timeout_ns / HX_NS_PER_MS);
    client->body = body;
    client->output_error = 0;
    client->error[0] = '\0';
    CURLcode code =
        curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, timeout_ms < 1 ? 1L : timeout_ms);
    if (code == CURLE_OK)
        code = perform(client);
    if (code == CURLE_OK && body == NULL && fflush(stdout) != 0) {
        client->output_error = errno;
        code = CURLE_WRITE_ERROR;
    }
    if (code == CURLE_OK)
        code = curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, status);
    return code == CURLE_OK ? HX_OK : tell(client, code, err);
}
