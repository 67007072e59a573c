/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields of http_server_config.headers, on every reply. */
#ifndef HX_WEB_HEADERS_H
#define HX_WEB_HEADERS_H

#include "base/access.h"

#include <microhttpd.h>

/* What the status page may do: nothing but its own style, script, pictures and form. */
#define HX_PAGE_POLICY                                                              \
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " \
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/* Gives the response these fields and no other ones of them, whatever it had before a reload,
 * except that HX_PAGE_POLICY gives way to another policy only. Web
 * thread only: responses are shared, and nobody else looks at them. False: out of memory. */
bool hx_headers_apply(struct MHD_Response *response, const struct hx_map *headers);

#endif
