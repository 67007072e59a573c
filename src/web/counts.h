/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter_http_requests_total{route,code}: all series from the start, at 0. */
#ifndef HX_WEB_COUNTS_H
#define HX_WEB_COUNTS_H

#include "health_exporter/metrics.h"
#include "web/routes.h"

#define HX_N_STATUSES 17

/* The other families of the web side go with it. */
struct hx_counts {
    struct hx_counter *cells[HX_N_ROUTES][HX_N_STATUSES]; /* NULL: the route never says that */
    struct hx_gauge *connections;
    /* Of the last one that was sent whole. */
    struct hx_gauge *scrape_seconds, *scrape_bytes, *scrape_sent_bytes;
};

enum hx_errcode hx_counts_init(struct hx_counts *counts, struct hx_registry *registry,
                               struct hx_error *err) HX_MUST_CHECK;

/* A request was answered. libmicrohttpd's own answers (414, 431 and the like to heads that it
 * cannot take) never come here. */
void hx_counts_add(const struct hx_counts *counts, enum hx_route route, unsigned status);

#endif
