/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/health+json, https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
 * "output" is raw text of a failure there; here it is of a closed list, because the body is public.
 */
#include "web/writer.h"

#include "base/clock.h"

#include <string.h>

static const char *word_of(enum hx_health health)
{
    switch (health) {
    case HX_HEALTH_UP:
        return "pass";
    case HX_HEALTH_DEGRADED:
        return "warn";
    case HX_HEALTH_DOWN:
    case HX_HEALTH_UNKNOWN:
    case HX_HEALTH_OUT:
        return "fail";
    }
    return "fail";
}

static void put_known(struct hx_strbuf *buf, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    hx_write_key(buf, key, false);
    hx_strbuf_put_json(buf, value);
}

static void put_notes(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    for (size_t i = 0; i < answer->n_ignored; i++) {
        struct hx_strbuf note;
        hx_strbuf_init(&note);
        hx_strbuf_puts(&note, "no dependency to exclude is named ");
        hx_strbuf_put_json(&note, answer->ignored[i]);
        hx_strbuf_puts(buf, i == 0 ? ",\"notes\":[" : ",");
        hx_strbuf_put_json(buf, hx_strbuf_text(&note));
        buf->is_failed = buf->is_failed || note.is_failed;
        hx_strbuf_fini(&note);
    }
    if (answer->n_ignored > 0)
        hx_strbuf_putc(buf, ']');
}

static void begin(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    hx_strbuf_putc(buf, '{');
    hx_write_key(buf, "status", true);
    hx_strbuf_put_json(buf, word_of(answer->health));
    put_known(buf, "version", answer->service.version);
    put_known(buf, "releaseId", answer->service.commit);
    put_known(buf, "serviceId", answer->service.name);
    put_notes(buf, answer);
    if (answer->probe == HX_PROBE_LIVEZ && !answer->is_good)
        put_known(buf, "output", "engine stalled");
    else if (answer->probe != HX_PROBE_DEPENDENCY && answer->health != HX_HEALTH_UP)
        put_known(buf, "output", answer->status);
    if (answer->probe != HX_PROBE_LIVEZ)
        hx_strbuf_puts(buf, ",\"checks\":{");
}

/* "datastore", "system" and "component" are the draft's words. */
static const char *component_type(const char *kind)
{
    static const struct {
        const char *kind, *type;
    } types[] = {{"postgres", "datastore"},
                 {"redis", "datastore"},
                 {"disk", "system"},
                 {"memory", "system"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(kind, types[i].kind) == 0)
            return types[i].type;
    }
    return "component";
}

static void item(struct hx_strbuf *buf, const struct hx_answer *answer,
                 const struct hx_item *dependency, bool is_first)
{
    char time[HX_RFC3339_SIZE];
    (void)answer;
    if (!is_first)
        hx_strbuf_putc(buf, ',');
    /* Names hold nothing that JSON escapes. */
    hx_strbuf_printf(buf, "\"%s:responseTime\":[{", dependency->name);
    hx_write_key(buf, "componentId", true);
    hx_strbuf_put_json(buf, dependency->name);
    put_known(buf, "componentType", component_type(dependency->kind));
    if (dependency->has_result) {
        hx_write_key(buf, "observedValue", false);
        hx_write_milliseconds(buf, dependency->latency_ns);
        put_known(buf, "observedUnit", "ms");
    }
    put_known(buf, "status", word_of(dependency->health));
    if (dependency->has_result)
        put_known(buf, "time", hx_clock_rfc3339(dependency->last_run_wall_ns, time));
    put_known(buf, "output", dependency->reason);
    hx_strbuf_puts(buf, "}]");
}

static void end(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    hx_strbuf_puts(buf, answer->probe == HX_PROBE_LIVEZ ? "}" : "}}");
}

const struct hx_writer hx_writer_health_json = {.begin = begin, .item = item, .end = end};
