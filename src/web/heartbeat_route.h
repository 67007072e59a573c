/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /-/heartbeat/NAME: a dependency reports about itself. */
#ifndef HX_WEB_HEARTBEAT_ROUTE_H
#define HX_WEB_HEARTBEAT_ROUTE_H

#include "web/exchange.h"

/* Reads {"status":"pass|fail","message":"..."}, both optional, into the report; no bytes are a
 * pass. The message is cut to what a report holds. */
enum hx_errcode hx_heartbeat_parse(const char *body, size_t len, struct hx_report *report,
                                   struct hx_error *err) HX_MUST_CHECK;

enum MHD_Result hx_heartbeat_handle(struct hx_exchange *exchange);

#endif
