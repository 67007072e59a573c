/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From seconds to bars. A bucket is drawn as the worst that it has seen, however short that was: an
 * outage of three seconds is what one looks for, and its title says that it was no more. Equal
 * neighbours are one bar.
 */
#include "web/page_history.h"

#include "base/clock.h"
#include "web/html.h"

#include <inttypes.h>
#include <math.h>

enum bar { BAR_NONE, BAR_UP, BAR_UNKNOWN, BAR_DEGRADED, BAR_DOWN };

/* Of a bar. */
#define HEIGHT 10
/* The line is drawn from 11 (zero) up to 1 (the largest), in tenths. */
#define POINT_ZERO 1
#define POINT_MOST 101

_Static_assert(sizeof(struct hx_page_history) ==
                   6 * sizeof(int64_t) + HX_HISTORY_BUCKETS * (3 * sizeof(uint32_t) + 2),
               "it is hashed as it lies in memory: no padding");

/* ---- taking ---- */

/* That nothing is known counts from half of the time on: a restart is no news. */
static uint8_t bar_of(const struct hx_history_bucket *bucket)
{
    double whole = bucket->up_s + bucket->degraded_s + bucket->down_s + bucket->unknown_s;
    if (whole <= 0)
        return BAR_NONE;
    if (bucket->down_s > 0)
        return BAR_DOWN;
    if (bucket->degraded_s > 0)
        return BAR_DEGRADED;
    return bucket->unknown_s >= whole / 2 ? BAR_UNKNOWN : BAR_UP;
}

static uint32_t whole_seconds(double seconds)
{
    return seconds > 0 ? (uint32_t)ceil(seconds) : 0;
}

/* What still grows gets coarser the longer it is, so that a long outage is no new page each second.
 */
static void coarsen(uint32_t *seconds)
{
    uint32_t step = *seconds < 60 ? 1 : *seconds < 600 ? 10 : 60;
    *seconds = *seconds / step * step;
}

static int64_t latency_of(const struct hx_history_bucket *bucket)
{
    return (int64_t)(bucket->latency_s * (double)HX_NS_PER_S);
}

static void take_range(struct hx_page_history *history, const struct hx_history_view *view)
{
    history->least_ns = history->most_ns = -1;
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++) {
        if (view->buckets[i].n_checks == 0)
            continue;
        int64_t latency_ns = hx_html_round_latency(latency_of(&view->buckets[i]));
        if (latency_ns > history->most_ns)
            history->most_ns = latency_ns;
        if (history->least_ns < 0 || latency_ns < history->least_ns)
            history->least_ns = latency_ns;
    }
}

static uint8_t point_of(const struct hx_history_bucket *bucket, int64_t most_ns)
{
    if (bucket->n_checks == 0)
        return 0;
    double share = most_ns <= 0 ? 0 : (double)latency_of(bucket) / (double)most_ns;
    return (uint8_t)(POINT_ZERO + (POINT_MOST - POINT_ZERO) * (share < 1 ? share : 1));
}

void hx_page_history_take(struct hx_page_history *history, const struct hx_history_view *view)
{
    double availability = hx_history_availability(view);
    history->begin_s = (view->begin_wall_ns + HX_NS_PER_S / 2) / HX_NS_PER_S;
    history->width_s = view->width_ns / HX_NS_PER_S;
    /* Rounded down: nothing but the whole is a hundred percent. */
    history->availability = isnan(availability) ? -1 : (int64_t)(availability * 10000);
    take_range(history, view);
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++) {
        const struct hx_history_bucket *bucket = &view->buckets[i];
        history->bars[i] = bar_of(bucket);
        history->down_s[i] = whole_seconds(bucket->down_s);
        history->degraded_s[i] = whole_seconds(bucket->degraded_s);
        history->unknown_s[i] = (uint32_t)bucket->unknown_s;
        history->points[i] = point_of(bucket, history->most_ns);
    }
    coarsen(&history->down_s[HX_HISTORY_BUCKETS - 1]);
    coarsen(&history->degraded_s[HX_HISTORY_BUCKETS - 1]);
    coarsen(&history->unknown_s[HX_HISTORY_BUCKETS - 1]);
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        history->down_total_s += history->down_s[i];
}

/* ---- words ---- */

static void put_window(struct hx_strbuf *buf, const struct hx_page_history *history)
{
    hx_strbuf_puts(buf, "last ");
    hx_html_put_span(buf, history->width_s * HX_HISTORY_BUCKETS);
}

static void put_percent(struct hx_strbuf *buf, int64_t hundredths)
{
    if (hundredths % 100 == 0)
        hx_strbuf_printf(buf, "%" PRId64 " %%", hundredths / 100);
    else
        hx_strbuf_printf(buf, "%" PRId64 ".%02" PRId64 " %%", hundredths / 100, hundredths % 100);
}

/* The beginning of bucket i, to the minute unless buckets are finer. */
static void put_moment(struct hx_strbuf *buf, const struct hx_page_history *history, size_t i)
{
    char text[HX_RFC3339_SIZE];
    int64_t second = history->begin_s + history->width_s * (int64_t)i;
    hx_clock_rfc3339(second * HX_NS_PER_S, text);
    hx_strbuf_printf(buf, "%.10s %.*s", text, history->width_s % 60 == 0 ? 5 : 8, text + 11);
}

static void put_part(struct hx_strbuf *buf, const char *state, uint64_t seconds, bool *is_first)
{
    if (seconds == 0)
        return;
    hx_strbuf_printf(buf, "%s%s for ", *is_first ? "" : ", ", state);
    hx_html_put_span(buf, (int64_t)seconds);
    *is_first = false;
}

/* ---- bars ---- */

static size_t end_of_run(const struct hx_page_history *history, size_t begin)
{
    size_t end = begin + 1;
    while (end < HX_HISTORY_BUCKETS && history->bars[end] == history->bars[begin])
        end++;
    return end;
}

static void put_title(struct hx_strbuf *buf, const struct hx_page_history *history, size_t begin,
                      size_t end)
{
    uint64_t down_s = 0, degraded_s = 0, unknown_s = 0;
    bool is_first = true;
    for (size_t i = begin; i < end; i++) {
        down_s += history->down_s[i];
        degraded_s += history->degraded_s[i];
        unknown_s += history->unknown_s[i];
    }
    hx_strbuf_puts(buf, end == HX_HISTORY_BUCKETS ? "<title>since " : "<title>");
    put_moment(buf, history, begin);
    if (end < HX_HISTORY_BUCKETS) {
        hx_strbuf_puts(buf, " to ");
        put_moment(buf, history, end);
    }
    hx_strbuf_puts(buf, " UTC: ");
    put_part(buf, "down", down_s, &is_first);
    put_part(buf, "degraded", degraded_s, &is_first);
    put_part(buf, "unknown", unknown_s, &is_first);
    hx_strbuf_puts(buf, is_first ? "up</title>" : "</title>");
}

static void put_run(struct hx_strbuf *buf, const struct hx_page_history *history, size_t begin,
                    size_t end)
{
    static const char *const classes[] = {"", "up", "unknown", "degraded", "down"};
    enum bar bar = (enum bar)history->bars[begin];
    if (bar == BAR_NONE)
        return;
    hx_strbuf_printf(buf, "<rect class=\"%s\" x=\"%zu\" y=\"0\" width=\"%zu\" height=\"%d\">",
                     classes[bar], begin, end - begin, HEIGHT);
    put_title(buf, history, begin, end);
    hx_strbuf_puts(buf, "</rect>");
}

static void put_bars_label(struct hx_strbuf *buf, const struct hx_page_history *history)
{
    put_window(buf, history);
    hx_strbuf_puts(buf, ": ");
    if (history->availability < 0) {
        hx_strbuf_puts(buf, "nothing is known");
        return;
    }
    put_percent(buf, history->availability);
    hx_strbuf_puts(buf, " available");
    if (history->down_total_s == 0)
        return;
    hx_strbuf_puts(buf, ", down for ");
    hx_html_put_span(buf, history->down_total_s);
}

void hx_page_history_put_bars(struct hx_strbuf *buf, const struct hx_page_history *history)
{
    hx_strbuf_printf(buf, "<svg class=\"bars\" viewBox=\"0 0 %d %d\" ", HX_HISTORY_BUCKETS, HEIGHT);
    hx_strbuf_puts(buf, "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"");
    put_bars_label(buf, history);
    hx_strbuf_puts(buf, "\">");
    for (size_t begin = 0, end; begin < HX_HISTORY_BUCKETS; begin = end) {
        end = end_of_run(history, begin);
        put_run(buf, history, begin, end);
    }
    hx_strbuf_puts(buf, "</svg> <span class=\"availability\">");
    if (history->availability >= 0)
        put_percent(buf, history->availability);
    hx_strbuf_puts(buf, "</span>");
}

/* ---- the line ---- */

static void put_point(struct hx_strbuf *buf, size_t tenths_x, uint8_t point)
{
    unsigned y = 110 - ((unsigned)point - POINT_ZERO);
    hx_strbuf_printf(buf, "%zu.%zu,%u.%u ", tenths_x / 10, tenths_x % 10, y / 10, y % 10);
}

/* A stretch without a gap; one point alone is drawn as wide as its bucket. */
static void put_stretch(struct hx_strbuf *buf, const struct hx_page_history *history, size_t begin,
                        size_t end)
{
    hx_strbuf_puts(buf, "<polyline points=\"");
    if (end - begin == 1)
        put_point(buf, begin * 10, history->points[begin]);
    for (size_t i = begin; i < end; i++)
        put_point(buf, end - begin == 1 ? i * 10 + 10 : i * 10 + 5, history->points[i]);
    hx_strbuf_puts(buf, "\"/>");
}

void hx_page_history_put_line(struct hx_strbuf *buf, const struct hx_page_history *history)
{
    if (history->most_ns < 0)
        return;
    hx_strbuf_printf(buf, "<svg class=\"sparkline\" viewBox=\"0 0 %d 12\" ", HX_HISTORY_BUCKETS);
    hx_strbuf_puts(buf, "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"mean latency, ");
    put_window(buf, history);
    hx_strbuf_puts(buf, ": ");
    hx_html_put_latency(buf, history->least_ns);
    hx_strbuf_puts(buf, " to ");
    hx_html_put_latency(buf, history->most_ns);
    hx_strbuf_puts(buf, "\">");
    for (size_t begin = 0, end; begin < HX_HISTORY_BUCKETS; begin = end) {
        end = begin + 1;
        if (history->points[begin] == 0)
            continue;
        while (end < HX_HISTORY_BUCKETS && history->points[end] != 0)
            end++;
        put_stretch(buf, history, begin, end);
    }
    hx_strbuf_puts(buf, "</svg>");
}
