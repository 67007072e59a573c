/* SPDX-License-Identifier: Apache-2.0 */
/* POST /-/reload, POST and DELETE /-/maintenance: what operators ask of the exporter itself. */
#ifndef HX_WEB_LIFECYCLE_H
#define HX_WEB_LIFECYCLE_H

#include "web/exchange.h"

/* Appends the answer to a reload and returns its status code. Out of memory marks buf. */
unsigned hx_reload_render(struct hx_strbuf *buf, const struct hx_reload *reload);

/* Reads {"duration":"30m","reason":"..."}, both optional, into a maintenance that begins now. */
enum hx_errcode hx_maintenance_parse(const char *body, size_t len,
                                     struct hx_maintenance *maintenance,
                                     struct hx_error *err) HX_MUST_CHECK;

enum MHD_Result hx_reload_handle(struct hx_exchange *exchange);
enum MHD_Result hx_maintenance_handle(struct hx_exchange *exchange);

#endif
