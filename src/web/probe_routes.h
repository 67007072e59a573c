/* SPDX-License-Identifier: Apache-2.0 */
/* The probe endpoints: liveness, readiness, startup, one dependency; in the dialect that is asked
 * for, over the dependencies that are asked about. */
#ifndef HX_WEB_PROBE_ROUTES_H
#define HX_WEB_PROBE_ROUTES_H

#include "web/exchange.h"
#include "web/query.h"

enum MHD_Result hx_livez_handle(struct hx_exchange *exchange);
enum MHD_Result hx_readyz_handle(struct hx_exchange *exchange);
enum MHD_Result hx_startupz_handle(struct hx_exchange *exchange);
enum MHD_Result hx_dependency_handle(struct hx_exchange *exchange);

/* 404: no dependency has that tag. */
enum MHD_Result hx_send_unknown_tag(struct hx_exchange *exchange, const char *tag);

#endif
