/* SPDX-License-Identifier: Apache-2.0 */
/* What curl calls while an exchange goes on: sockets, TLS, the request, the reply. */
#ifndef HX_KINDS_HTTP_EVENTS_H
#define HX_KINDS_HTTP_EVENTS_H

#include "kinds/http_exchange.h"

#define HX_HTTP_MAX_HEADER_BYTES 65536

/* Has curl call for the exchange. False: what guards us could not be set. */
bool hx_http_events_listen(CURL *easy, struct hx_http_exchange *exchange);

/* A transfer that has failed leaves no socket. Those that never got connected libcurl 7.88 closes
 * without a call. */
void hx_http_events_forget_sockets(struct hx_http_exchange *exchange);

#endif
