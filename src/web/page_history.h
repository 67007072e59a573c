/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a dependency as the status page shows it: bars of what it was, and a line of how
 * long its checks took. What is taken from the record is already as coarse as what is drawn, so
 * that a page which looks the same is the same.
 */
#ifndef HX_WEB_PAGE_HISTORY_H
#define HX_WEB_PAGE_HISTORY_H

#include "base/strbuf.h"
#include "engine/history.h"

/* Without padding: it is hashed as it lies in memory. */
struct hx_page_history {
    int64_t begin_s, width_s; /* Unix time; a width of 0: no history is kept */
    int64_t availability;     /* in hundredths of a percent; -1: not known */
    int64_t down_total_s;
    int64_t least_ns, most_ns;           /* mean latencies, rounded; -1: none */
    uint32_t down_s[HX_HISTORY_BUCKETS]; /* whole seconds, at least 1 when there was any */
    uint32_t degraded_s[HX_HISTORY_BUCKETS];
    uint32_t unknown_s[HX_HISTORY_BUCKETS];
    uint8_t bars[HX_HISTORY_BUCKETS];   /* the worst that each has seen, 0: nothing */
    uint8_t points[HX_HISTORY_BUCKETS]; /* height of the latency in tenths, 0: none */
};

/* Into zeroed memory. */
void hx_page_history_take(struct hx_page_history *history, const struct hx_history_view *view);

/* <svg class="bars">, and the availability in words. */
void hx_page_history_put_bars(struct hx_strbuf *buf, const struct hx_page_history *history);
/* <svg class="sparkline">; nothing when nothing was measured. */
void hx_page_history_put_line(struct hx_strbuf *buf, const struct hx_page_history *history);

#endif
