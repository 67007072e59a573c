/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, URLs and unix sockets of an exporter. No message repeats a URL: it may hold a password. */
#include "cli/endpoint.h"

#include "base/mem.h"
#include "cli/cli.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is missing stays NULL, and the caller looks once, at the end. */
static char *join(const char *a, const char *b, const char *c)
{
    char *text = NULL;
    return asprintf(&text, "%s%s%s", a, b, c) < 0 ? NULL : text;
}

/* The name of the host is only for the header Host. */
static void set_socket(struct hx_endpoint *endpoint, const char *socket, size_t len,
                       const char *path)
{
    endpoint->socket = hx_strndup(socket, len);
    endpoint->url = join("http://localhost", path, "");
    if (endpoint->socket != NULL)
        endpoint->shown = join("unix:", endpoint->socket, ":");
    char *shown = endpoint->shown == NULL ? NULL : join(endpoint->shown, path, "");
    free(endpoint->shown);
    endpoint->shown = shown;
}

static void set_path(struct hx_endpoint *endpoint, const char *path, const char *unix_socket)
{
    if (unix_socket != NULL) {
        set_socket(endpoint, unix_socket, strlen(unix_socket), path);
        return;
    }
    endpoint->url = join(HX_DEFAULT_URL, path, "");
    endpoint->shown = join(HX_DEFAULT_URL, path, "");
}

static void set_url(struct hx_endpoint *endpoint, const char *url, const char *route,
                    const char *unix_socket)
{
    size_t len = strlen(url);
    while (route != NULL && len > 0 && url[len - 1] == '/')
        len--;
    char *base = hx_strndup(url, len);
    if (base != NULL) {
        endpoint->url = join(base, route != NULL ? route : "", "");
        endpoint->shown = join(base, route != NULL ? route : "", "");
    }
    free(base);
    if (unix_socket != NULL)
        endpoint->socket = strdup(unix_socket);
}

/* "SOCKET:/PATH", or "SOCKET" with a route. The socket's name and the path may hold colons: the
 * first ":/" parts them. */
static enum hx_errcode parse_socket(struct hx_endpoint *endpoint, const char *text,
                                    const char *route, struct hx_error *err)
{
    const char *colon = strstr(text, ":/");
    size_t len = route != NULL || colon == NULL ? strlen(text) : (size_t)(colon - text);
    const char *path = route != NULL ? route : colon == NULL ? NULL : colon + 1;
    if (text[0] != '/' || path == NULL)
        return hx_error_set(err, HX_ERR_INVALID, "expected %s",
                            route != NULL
                                ? "unix:SOCKET such as unix:/run/health.sock"
                                : "unix:SOCKET:PATH such as unix:/run/health.sock:/livez");
    set_socket(endpoint, text, len, path);
    return HX_OK;
}

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static enum hx_errcode parse(const char *text, const char *route, const char *unix_socket,
                             struct hx_endpoint *endpoint, struct hx_error *err)
{
    if (text == NULL) {
        set_path(endpoint, route, unix_socket);
    } else if (strncmp(text, "unix:", 5) == 0) {
        if (unix_socket != NULL)
            return hx_error_set(err, HX_ERR_INVALID,
                                "unix:SOCKET and --unix-socket exclude each other");
        return parse_socket(endpoint, text + 5, route, err);
    } else if (text[0] == '/' && route == NULL) {
        set_path(endpoint, text, unix_socket);
    } else if (is_url(text)) {
        set_url(endpoint, text, route, unix_socket);
    } else if (route != NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a URL such as http://127.0.0.1:10119, or unix:SOCKET");
    } else {
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a path such as /readyz, a URL such as "
                            "http://127.0.0.1:10119/readyz, or unix:SOCKET:PATH");
    }
    return HX_OK;
}

static enum hx_errcode check_url(const char *url, struct hx_error *err)
{
    CURLU *parts = curl_url();
    char *user = NULL;
    enum hx_errcode code = HX_OK;
    if (parts == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
        code = hx_error_set(err, HX_ERR_INVALID, "the URL cannot be read");
    else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK)
        code = hx_error_set(err, HX_ERR_INVALID,
                            "the URL names a user: expected --user=NAME and --password-file=FILE");
    curl_free(user);
    curl_url_cleanup(parts);
    return code;
}

enum hx_errcode hx_endpoint_parse(const char *text, const char *route, const char *unix_socket,
                                  struct hx_endpoint *endpoint, struct hx_error *err)
{
    *endpoint = (struct hx_endpoint){0};
    enum hx_errcode code = parse(text, route, unix_socket, endpoint, err);
    bool has_lost = endpoint->url == NULL || endpoint->shown == NULL ||
                    (unix_socket != NULL && endpoint->socket == NULL);
    if (code == HX_OK && has_lost)
        code = hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    if (code == HX_OK)
        code = check_url(endpoint->url, err);
    if (code != HX_OK)
        hx_endpoint_fini(endpoint);
    return code;
}

void hx_endpoint_fini(struct hx_endpoint *endpoint)
{
    free(endpoint->url);
    free(endpoint->socket);
    free(endpoint->shown);
    *endpoint = (struct hx_endpoint){0};
}
