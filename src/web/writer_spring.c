/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/vnd.spring-boot.actuator.v3+json, as Spring Boot's SystemHealthDescriptor and
 * CompositeHealthDescriptor give it: components by name, sorted. Spring has no word for degraded,
 * so that is UP, and "state" among the details tells.
 */
#include "web/writer.h"

static const char *word_of(enum hx_health health)
{
    switch (health) {
    case HX_HEALTH_UP:
    case HX_HEALTH_DEGRADED:
        return "UP";
    case HX_HEALTH_DOWN:
        return "DOWN";
    case HX_HEALTH_UNKNOWN:
        return "UNKNOWN";
    case HX_HEALTH_OUT:
        return "OUT_OF_SERVICE";
    }
    return "DOWN";
}

static void put_status(struct hx_strbuf *buf, enum hx_health health)
{
    hx_write_key(buf, "status", true);
    hx_strbuf_put_json(buf, word_of(health));
}

static void begin(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    hx_strbuf_putc(buf, '{');
    if (answer->probe == HX_PROBE_DEPENDENCY)
        return; /* its status is that of its only item */
    put_status(buf, answer->health);
    if (answer->probe == HX_PROBE_LIVEZ && !answer->is_good)
        hx_strbuf_puts(buf, ",\"details\":{\"reason\":\"engine stalled\"}");
    if (answer->probe != HX_PROBE_LIVEZ)
        hx_strbuf_puts(buf, ",\"components\":{");
}

static void put_component(struct hx_strbuf *buf, const struct hx_item *dependency)
{
    put_status(buf, dependency->health);
    hx_strbuf_puts(buf, ",\"details\":{\"state\":");
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
    hx_strbuf_putc(buf, '}');
}

static void item(struct hx_strbuf *buf, const struct hx_answer *answer,
                 const struct hx_item *dependency, bool is_first)
{
    if (answer->probe == HX_PROBE_DEPENDENCY) {
        put_component(buf, dependency);
        return;
    }
    hx_write_key(buf, dependency->name, is_first);
    hx_strbuf_putc(buf, '{');
    put_component(buf, dependency);
    hx_strbuf_putc(buf, '}');
}

static void end(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    bool has_components = answer->probe == HX_PROBE_READYZ || answer->probe == HX_PROBE_STARTUPZ;
    hx_strbuf_puts(buf, has_components ? "}}" : "}");
}

const struct hx_writer hx_writer_spring = {
    .is_sorted = true, .begin = begin, .item = item, .end = end};
