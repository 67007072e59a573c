/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of Kubernetes' own /readyz (k8s.io/apiserver/pkg/server/healthz): "ok", or a line per
 * check when that is asked for or something failed.
 */
#include "web/writer.h"

static bool has_lines(const struct hx_answer *answer)
{
    return answer->is_verbose || !answer->is_good;
}

/* People's own words must not look like lines of ours. */
static void put_one_line(struct hx_strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_control = (unsigned char)*text < 0x20 || *text == 0x7f;
        hx_strbuf_append(buf, is_control ? "?" : text, 1);
    }
}

static void put_line(struct hx_strbuf *buf, const char *name, bool is_good, const char *reason)
{
    hx_strbuf_puts(buf, is_good ? "[+]" : "[-]");
    hx_strbuf_puts(buf, name);
    hx_strbuf_puts(buf, is_good ? " ok" : " failed");
    if (reason != NULL && reason[0] != '\0') {
        hx_strbuf_puts(buf, ": ");
        put_one_line(buf, reason);
    }
}

static void begin(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    if (!has_lines(answer))
        return;
    if (answer->probe == HX_PROBE_LIVEZ) {
        put_line(buf, "engine", answer->is_good, answer->is_good ? NULL : "engine stalled");
        hx_strbuf_putc(buf, '\n');
    }
    bool is_about_service = answer->health == HX_HEALTH_OUT || answer->health == HX_HEALTH_UNKNOWN;
    if (answer->probe != HX_PROBE_READYZ || !is_about_service)
        return;
    put_line(buf, answer->status, false,
             answer->maintenance == NULL ? NULL : answer->maintenance->reason);
    hx_strbuf_putc(buf, '\n');
}

/* What is to be said behind the colon; NULL: nothing. */
static const char *cause_of(const struct hx_item *dependency)
{
    if (dependency->health == HX_HEALTH_UP)
        return NULL;
    return dependency->reason != NULL ? dependency->reason : dependency->status;
}

static void item(struct hx_strbuf *buf, const struct hx_answer *answer,
                 const struct hx_item *dependency, bool is_first)
{
    (void)is_first;
    if (!has_lines(answer))
        return;
    if (dependency->is_left_out) {
        hx_strbuf_puts(buf, "[+]");
        hx_strbuf_puts(buf, dependency->name);
        hx_strbuf_puts(buf, " excluded: ok\n");
        return;
    }
    bool is_good = dependency->health == HX_HEALTH_UP || dependency->health == HX_HEALTH_DEGRADED;
    put_line(buf, dependency->name, is_good, cause_of(dependency));
    hx_strbuf_puts(buf, is_good || dependency->is_critical ? "\n" : " (not critical)\n");
}

static void end(struct hx_strbuf *buf, const struct hx_answer *answer)
{
    if (!has_lines(answer)) {
        hx_strbuf_puts(buf, "ok");
        return;
    }
    for (size_t i = 0; i < answer->n_ignored; i++) {
        hx_strbuf_puts(buf, i == 0 ? "warn: some health checks cannot be excluded: no matches for "
                                   : ",");
        hx_strbuf_put_json(buf, answer->ignored[i]);
    }
    if (answer->n_ignored > 0)
        hx_strbuf_putc(buf, '\n');
    hx_strbuf_puts(buf, answer->title);
    hx_strbuf_puts(buf, answer->is_good ? " check passed\n" : " check failed\n");
}

const struct hx_writer hx_writer_kubernetes = {
    .has_left_out = true, .begin = begin, .item = item, .end = end};
