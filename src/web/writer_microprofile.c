/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MicroProfile Health 4.0: a list of checks, UP or DOWN, whose data are texts, numbers and
 * booleans. What keeps the service itself out of traffic is a check of its own there, so that a
 * reader who looks for the one that is DOWN finds it.
 */
#include "web/writer.h"

static const char *word_of(enum hx_health health)
{
    return health == HX_HEALTH_UP || health == HX_HEALTH_DEGRADED ? "UP" : "DOWN";
}

static void put_check(struct hx_strbuf *buf, const char *name, enum hx_health health, bool is_first)
{
    hx_strbuf_puts(buf, is_first ? "{" : ",{");
    hx_write_key(buf, "name", true);
    hx_strbuf_put_json(buf, name);
    hx_write_key(buf, "status", false);
    hx_strbuf_put_json(buf, word_of(health));
}

/* Is it the service that stands in the way, and not a dependency? */
static bool is_about_service(const struct hx_answer *answer)
{
    return answer->probe == HX_PROBE_READYZ &&
           (answer->health == HX_HEALTH_OUT || answer->health == HX_HEALTH_UNKNOWN);
}

static void begin(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    hx_strbuf_puts(buf, "{\"status\":");
    hx_strbuf_put_json(buf, word_of(answer->health));
    hx_strbuf_puts(buf, ",\"checks\":[");
    if (answer->probe == HX_PROBE_LIVEZ) {
        put_check(buf, "engine", answer->health, true);
        hx_strbuf_puts(buf, answer->is_good ? "}" : ",\"data\":{\"reason\":\"engine stalled\"}}");
    }
    if (!is_about_service(answer))
        return;
    put_check(buf, answer->status, answer->health, true);
    if (answer->maintenance != NULL && answer->maintenance->reason[0] != '\0') {
        hx_strbuf_puts(buf, ",\"data\":{\"reason\":");
        hx_strbuf_put_json(buf, answer->maintenance->reason);
        hx_strbuf_putc(buf, '}');
    }
    hx_strbuf_putc(buf, '}');
}

static void item(struct hx_strbuf *buf, const struct hx_answer *answer,
                 const struct hx_item *dependency, bool is_first)
{
    put_check(buf, dependency->name, dependency->health, is_first && !is_about_service(answer));
    hx_strbuf_puts(buf, ",\"data\":{\"state\":");
    hx_strbuf_put_json(buf, dependency->status);
    if (!dependency->is_critical)
        hx_strbuf_puts(buf, ",\"critical\":false");
    if (dependency->reason != NULL) {
        hx_write_key(buf, "reason", false);
        hx_strbuf_put_json(buf, dependency->reason);
    }
    if (dependency->has_result) {
        hx_write_key(buf, "latency_ms", false);
        hx_write_milliseconds(buf, dependency->latency_ns);
    }
    hx_strbuf_puts(buf, "}}");
}

static void end(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    (void)answer;
    hx_strbuf_puts(buf, "]}");
}

const struct hx_writer hx_writer_microprofile = {.begin = begin, .item = item, .end = end};
