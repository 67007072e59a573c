/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured of an HTTP dependency. */
#ifndef HX_KINDS_HTTP_SETTINGS_H
#define HX_KINDS_HTTP_SETTINGS_H

#include "health_exporter/check.h"
#include "kinds/http_expect.h"
#include "kinds/http_target.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

enum hx_http_method { HX_HTTP_GET, HX_HTTP_HEAD, HX_HTTP_OPTIONS };

struct hx_http_settings {
    int method; /* enum hx_http_method */
    struct hx_map headers;
    char *user;
    char *password;
    int64_t max_body;
    int64_t max_redirects;
    struct hx_http_expect expect;

    /* Made by prepare. */
    struct hx_http_target target;
    struct curl_slist *header_list; /* with the credentials: secret */
    SSL_CTX *tls;                   /* NULL: nothing that is asked speaks TLS */
};

enum hx_errcode hx_http_settings_prepare(struct hx_dependency *dependency,
                                         struct hx_error *err) HX_MUST_CHECK;
/* Undoes prepare; what the option table filled stays. */
void hx_http_settings_release(struct hx_dependency *dependency);

#endif
