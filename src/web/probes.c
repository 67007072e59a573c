/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering, and the status code of each state; nothing here knows of HTTP. */
#include "web/probes.h"

#include "base/clock.h"

#define OK          200U
#define UNAVAILABLE 503U

unsigned hx_probe_livez(struct hx_strbuf *buf, bool is_live, int64_t stalled_ns)
{
    if (is_live) {
        hx_strbuf_puts(buf, "{\"status\":\"up\"}");
        return OK;
    }
    hx_strbuf_printf(buf,
                     "{\"status\":\"down\",\"reason\":\"engine stalled\",\"stalled_seconds\":%.1f}",
                     (double)stalled_ns / (double)HX_NS_PER_S);
    return UNAVAILABLE;
}

/* Nanoseconds as milliseconds with up to three decimals: 3.2, 0.8, 500. */
static void put_milliseconds(struct hx_strbuf *buf, int64_t ns)
{
    uint64_t us = ns < 0 ? 0 : ((uint64_t)ns + HX_NS_PER_US / 2) / HX_NS_PER_US;
    hx_strbuf_put_u64(buf, us / 1000);
    unsigned fraction = (unsigned)(us % 1000);
    if (fraction == 0)
        return;
    int digits = 3;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    hx_strbuf_printf(buf, ".%0*u", digits, fraction);
}

/* The keys from "status" on, without the braces. */
static enum hx_state put_dependency(struct hx_strbuf *buf, const struct hx_record *record,
                                    const struct hx_status *status, int64_t now_ns,
                                    bool is_with_critical)
{
    enum hx_reason reason;
    enum hx_state state = hx_status_state(status, now_ns, &reason);
    hx_strbuf_puts(buf, "\"status\":\"");
    hx_strbuf_puts(buf, hx_state_text(state));
    hx_strbuf_putc(buf, '"');
    if (is_with_critical && !record->dependency->policy.critical)
        hx_strbuf_puts(buf, ",\"critical\":false");
    bool is_bad = state == HX_STATE_DOWN || state == HX_STATE_UNKNOWN;
    if (is_bad && reason != HX_REASON_NONE) {
        hx_strbuf_puts(buf, ",\"reason\":\"");
        hx_strbuf_puts(buf, hx_reason_text(reason));
        hx_strbuf_putc(buf, '"');
    }
    if (status->has_result != 0) {
        hx_strbuf_puts(buf, ",\"latency_ms\":");
        put_milliseconds(buf, status->duration_ns);
    }
    return state;
}

unsigned hx_probe_readyz(struct hx_strbuf *buf, const struct hx_generation *generation,
                         const struct hx_verdict *verdict, int64_t now_ns)
{
    size_t n = generation == NULL ? 0 : generation->n;
    hx_strbuf_puts(buf, "{\"status\":\"");
    hx_strbuf_puts(buf, hx_readiness_text(verdict->readiness));
    hx_strbuf_puts(buf, "\",\"checks\":{");
    for (size_t i = 0; i < n; i++) {
        struct hx_status status;
        hx_record_read(generation->records[i], &status);
        if (i > 0)
            hx_strbuf_putc(buf, ',');
        hx_strbuf_put_json(buf, generation->records[i]->dependency->name);
        hx_strbuf_puts(buf, ":{");
        put_dependency(buf, generation->records[i], &status, now_ns, true);
        hx_strbuf_putc(buf, '}');
    }
    hx_strbuf_puts(buf, "}}");
    return hx_readiness_is_ready(verdict->readiness) ? OK : UNAVAILABLE;
}

static void put_waiting(struct hx_strbuf *buf, const struct hx_record *record, bool *is_first)
{
    if (!*is_first)
        hx_strbuf_putc(buf, ',');
    *is_first = false;
    hx_strbuf_put_json(buf, record->dependency->name);
}

unsigned hx_probe_startupz(struct hx_strbuf *buf, const struct hx_generation *generation,
                           const struct hx_verdict *verdict)
{
    if (verdict->is_started) {
        hx_strbuf_puts(buf, "{\"status\":\"up\"}");
        return OK;
    }
    bool is_first = true;
    hx_strbuf_puts(buf, "{\"status\":\"starting\",\"waiting_for\":[");
    /* Whoever has had no check yet holds up the first round; then those that have to pass once and
     * have not. */
    for (size_t i = 0; generation != NULL && i < generation->n; i++) {
        if (HX_RECORD_FIELD(generation->records[i], has_result) == 0)
            put_waiting(buf, generation->records[i], &is_first);
    }
    for (size_t i = 0; generation != NULL && i < generation->n_startup_requires; i++) {
        const struct hx_record *record = generation->startup_requires[i];
        if (HX_RECORD_FIELD(record, has_result) != 0 &&
            HX_RECORD_FIELD(record, has_ever_passed) == 0)
            put_waiting(buf, record, &is_first);
    }
    hx_strbuf_puts(buf, "]}");
    return UNAVAILABLE;
}

unsigned hx_probe_dependency(struct hx_strbuf *buf, const struct hx_record *record, int64_t now_ns,
                             int64_t *valid_until_ns)
{
    struct hx_status status;
    hx_record_read(record, &status);
    hx_strbuf_puts(buf, "{\"name\":");
    hx_strbuf_put_json(buf, record->dependency->name);
    hx_strbuf_putc(buf, ',');
    enum hx_state state = put_dependency(buf, record, &status, now_ns, false);
    hx_strbuf_putc(buf, '}');
    bool is_fresh = status.has_result != 0 && now_ns <= status.fresh_until_ns;
    *valid_until_ns = is_fresh ? status.fresh_until_ns : INT64_MAX;
    return state == HX_STATE_UP || state == HX_STATE_DEGRADED ? OK : UNAVAILABLE;
}
