/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields of http_server_config.headers, on every reply. */
#ifndef HX_WEB_HEADERS_H
#define HX_WEB_HEADERS_H

#include "base/access.h"

#include <microhttpd.h>

/* Gives the response these fields and no other ones of them, whatever it had before a reload. Web
 * thread only: responses are shared, and nobody else looks at them. False: out of memory. */
bool hx_headers_apply(struct MHD_Response *response, const struct hx_map *headers);

#endif
