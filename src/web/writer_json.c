/* SPDX-License-Identifier: Apache-2.0 */
/* Our own JSON. Its keys are a promise: design, appendix. */
#include "web/writer.h"

#include "base/clock.h"

static void put_maintenance(struct hx_strbuf *buf, const struct hx_maintenance *maintenance)
{
    char text[HX_RFC3339_SIZE];
    hx_strbuf_puts(buf, ",\"maintenance\":{\"reason\":");
    hx_strbuf_put_json(buf, maintenance->reason);
    hx_strbuf_puts(buf, ",\"until\":");
    hx_strbuf_put_json(buf, maintenance->until_wall_ns == 0
                                ? NULL
                                : hx_clock_rfc3339(maintenance->until_wall_ns, text));
    hx_strbuf_putc(buf, '}');
}

static void put_ignored(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    if (answer->n_ignored == 0)
        return;
    hx_strbuf_puts(buf, ",\"ignored\":[");
    for (size_t i = 0; i < answer->n_ignored; i++) {
        if (i > 0)
            hx_strbuf_putc(buf, ',');
        hx_strbuf_put_json(buf, answer->ignored[i]);
    }
    hx_strbuf_putc(buf, ']');
}

static void begin(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    if (answer->probe == HX_PROBE_DEPENDENCY) {
        hx_strbuf_putc(buf, '{');
        return;
    }
    hx_strbuf_puts(buf, "{\"status\":");
    hx_strbuf_put_json(buf, answer->status);
    if (answer->probe == HX_PROBE_LIVEZ && !answer->is_good)
        hx_strbuf_printf(buf, ",\"reason\":\"engine stalled\",\"stalled_seconds\":%.1f",
                         (double)answer->stalled_ns / (double)HX_NS_PER_S);
    if (answer->probe == HX_PROBE_STARTUPZ && !answer->is_good)
        hx_strbuf_puts(buf, ",\"waiting_for\":[");
    if (answer->probe != HX_PROBE_READYZ)
        return;
    if (answer->maintenance != NULL)
        put_maintenance(buf, answer->maintenance);
    put_ignored(buf, answer);
    hx_strbuf_puts(buf, ",\"checks\":{");
}

static void put_fields(struct hx_strbuf *buf, const struct hx_item *item, bool is_with_critical)
{
    hx_strbuf_puts(buf, "\"status\":");
    hx_strbuf_put_json(buf, item->status);
    if (is_with_critical && !item->is_critical)
        hx_strbuf_puts(buf, ",\"critical\":false");
    if (item->reason != NULL) {
        hx_strbuf_puts(buf, ",\"reason\":");
        hx_strbuf_put_json(buf, item->reason);
    }
    if (item->has_result) {
        hx_strbuf_puts(buf, ",\"latency_ms\":");
        hx_write_milliseconds(buf, item->latency_ns);
    }
}

static void item(struct hx_strbuf *buf, const struct hx_answer *answer,
                 const struct hx_item *dependency, bool is_first)
{
    switch (answer->probe) {
    case HX_PROBE_LIVEZ:
        break;
    case HX_PROBE_READYZ:
        hx_write_key(buf, dependency->name, is_first);
        hx_strbuf_putc(buf, '{');
        put_fields(buf, dependency, true);
        hx_strbuf_putc(buf, '}');
        break;
    case HX_PROBE_STARTUPZ:
        if (!is_first)
            hx_strbuf_putc(buf, ',');
        hx_strbuf_put_json(buf, dependency->name);
        break;
    case HX_PROBE_DEPENDENCY:
        hx_write_key(buf, "name", true);
        hx_strbuf_put_json(buf, dependency->name);
        hx_strbuf_putc(buf, ',');
        put_fields(buf, dependency, false);
        break;
    }
}

static void end(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    if (answer->probe == HX_PROBE_STARTUPZ && !answer->is_good)
        hx_strbuf_putc(buf, ']');
    if (answer->probe == HX_PROBE_READYZ)
        hx_strbuf_putc(buf, '}');
    hx_strbuf_putc(buf, '}');
}

const struct hx_writer hx_writer_json = {.begin = begin, .item = item, .end = end};
