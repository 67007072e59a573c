/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of one dependency: how long it was in each state, and how its checks went, for the
 * last stretch of time in buckets. Every moment is counted, not sampled: the time from one result
 * to the next belongs to what was believed meanwhile, and to unknown from the moment that belief
 * had outlived its time. So an outage of three seconds stands in it, whoever looked when.
 *
 * The time is given in: monotonic, so that no set clock can tear a hole. Buckets begin at round
 * times of the wall clock as it stood when the process started.
 *
 * One thread writes; others copy it at any time, and neither waits for the other.
 */
#ifndef HX_ENGINE_HISTORY_H
#define HX_ENGINE_HISTORY_H

#include "health_exporter/check.h"

#include <stdbool.h>
#include <stdint.h>

#define HX_HISTORY_BUCKETS 48

/* How far back: bounds of what hx_history_scale() takes, and what the exporter keeps unless set. */
#define HX_HISTORY_MIN_NS     (INT64_C(3600) * 1000000000)
#define HX_HISTORY_MAX_NS     (INT64_C(30) * 86400 * 1000000000)
#define HX_HISTORY_DEFAULT_NS (INT64_C(86400) * 1000000000)

/* Where the buckets lie: the same for all dependencies of a process, so that their bars stand above
 * each other, also after a reload. */
struct hx_history_scale {
    int64_t width_ms;
    int64_t wall_offset_ns; /* wall clock minus monotonic */
};

/* The scale for the last span_ns, with the two clocks read at one moment. */
struct hx_history_scale hx_history_scale(int64_t span_ns, int64_t wall_ns, int64_t monotonic_ns);

struct hx_history;

/* An empty history, 0.9 kB; NULL when out of memory. Free takes NULL. */
struct hx_history *hx_history_new(const struct hx_history_scale *scale);
void hx_history_free(struct hx_history *history);

/* What a check found, and what is believed from now_ns on. */
struct hx_history_result {
    int64_t now_ns;         /* monotonic; never before the one of the result before */
    int64_t fresh_until_ns; /* monotonic; from then on the belief counts for nothing */
    int64_t duration_ns;
    enum hx_state state;
    bool is_pass;
};

/* One thread at a time. */
void hx_history_add(struct hx_history *history, const struct hx_history_result *result);

/* One stretch of time, seconds in each state; what is missing was before the first result, or is
 * still to come. Exact to a millisecond for spans of up to 27 hours, to 26 ms for a month. */
struct hx_history_bucket {
    double up_s, degraded_s, down_s, unknown_s;
    double latency_s; /* mean of its checks, failed ones too, to 0.05 %; 0 without any */
    uint64_t n_checks, n_failures;
};

/* Oldest first; the last is the current one, still growing. */
struct hx_history_view {
    int64_t begin_wall_ns;
    int64_t width_ns;
    struct hx_history_bucket buckets[HX_HISTORY_BUCKETS];
};

/* A copy as of now_ns (monotonic): the time since the last result is added. Any thread. */
void hx_history_read(const struct hx_history *history, int64_t now_ns,
                     struct hx_history_view *view);

/* Share of the known time in which it was up or degraded, 0..1; NaN when nothing is known. */
double hx_history_availability(const struct hx_history_view *view);

struct hx_record;

/* That of a record. false: none is kept. Any thread. */
bool hx_record_history(const struct hx_record *record, int64_t now_ns,
                       struct hx_history_view *view);

#endif
