/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to say, the same in all dialects, and the status code of each state. How it is said
 * is the writers'.
 */
#include "web/probes.h"

#include "base/clock.h"
#include "web/writer.h"

#define OK          200U
#define UNAVAILABLE 503U

void hx_write_milliseconds(struct hx_strbuf *buf, int64_t ns)
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

void hx_write_key(struct hx_strbuf *buf, const char *key, bool is_first)
{
    if (!is_first)
        hx_strbuf_putc(buf, ',');
    hx_strbuf_put_json(buf, key);
    hx_strbuf_putc(buf, ':');
}

struct hx_service hx_service_of(const struct hx_generation *generation)
{
    if (generation == NULL)
        return (struct hx_service){NULL, NULL, NULL};
    return (struct hx_service){generation->service_name, generation->service_version,
                               generation->service_commit};
}

static const struct hx_writer *writer_of(enum hx_dialect dialect)
{
    switch (dialect) {
    case HX_DIALECT_JSON:
        return &hx_writer_json;
    case HX_DIALECT_HEALTH_JSON:
        return &hx_writer_health_json;
    case HX_DIALECT_SPRING:
        return &hx_writer_spring;
    case HX_DIALECT_MICROPROFILE:
        return &hx_writer_microprofile;
    case HX_DIALECT_KUBERNETES:
    case HX_DIALECT_KUBERNETES_VERBOSE:
        return &hx_writer_kubernetes;
    }
    return &hx_writer_json;
}

/* ---- what is known ---- */

static enum hx_health health_of_state(enum hx_state state)
{
    switch (state) {
    case HX_STATE_UP:
        return HX_HEALTH_UP;
    case HX_STATE_DEGRADED:
        return HX_HEALTH_DEGRADED;
    case HX_STATE_DOWN:
        return HX_HEALTH_DOWN;
    case HX_STATE_UNKNOWN:
        return HX_HEALTH_UNKNOWN;
    }
    return HX_HEALTH_UNKNOWN;
}

static enum hx_health health_of_readiness(enum hx_readiness readiness)
{
    switch (readiness) {
    case HX_READY_UP:
        return HX_HEALTH_UP;
    case HX_READY_DEGRADED:
        return HX_HEALTH_DEGRADED;
    case HX_READY_DOWN:
        return HX_HEALTH_DOWN;
    case HX_READY_STARTING:
        return HX_HEALTH_UNKNOWN;
    case HX_READY_MAINTENANCE:
    case HX_READY_DRAINING:
        return HX_HEALTH_OUT;
    }
    return HX_HEALTH_DOWN;
}

static struct hx_item item_of(const struct hx_record *record, const struct hx_status *status,
                              int64_t now_ns)
{
    enum hx_reason reason;
    enum hx_state state = hx_status_state(status, now_ns, &reason);
    bool is_bad = state == HX_STATE_DOWN || state == HX_STATE_UNKNOWN;
    return (struct hx_item){.name = record->dependency->name,
                            .kind = record->dependency->kind->name,
                            .health = health_of_state(state),
                            .status = hx_state_text(state),
                            .reason =
                                is_bad && reason != HX_REASON_NONE ? hx_reason_text(reason) : NULL,
                            .is_critical = record->dependency->policy.critical,
                            .has_result = status->has_result != 0,
                            .latency_ns = status->duration_ns,
                            .last_run_wall_ns = status->last_run_wall_ns};
}

/* ---- the dependencies that have a part in it ---- */

struct writing {
    const struct hx_question *question;
    const struct hx_writer *writer;
    struct hx_strbuf *buf;
    struct hx_answer answer;
    bool is_first;
};

static void put_item(struct writing *writing, const struct hx_item *item)
{
    writing->writer->item(writing->buf, &writing->answer, item, writing->is_first);
    writing->is_first = false;
}

static void put_record(struct writing *writing, const struct hx_record *record, bool is_left_out)
{
    struct hx_status status;
    hx_record_read(record, &status);
    struct hx_item item = item_of(record, &status, writing->question->now_ns);
    item.is_left_out = is_left_out;
    put_item(writing, &item);
}

/* The place of the dependency that the dialect has as its i-th. */
static size_t index_of(const struct writing *writing, size_t i)
{
    return writing->writer->is_sorted ? writing->question->generation->by_name[i] : i;
}

static void put_selected(struct writing *writing)
{
    const struct hx_generation *generation = writing->question->generation;
    const struct hx_selection *selection = writing->question->selection;
    for (size_t i = 0; generation != NULL && i < generation->n; i++) {
        size_t index = index_of(writing, i);
        bool is_left_out =
            selection != NULL && selection->is_left_out != NULL && selection->is_left_out[index];
        if (!is_left_out || writing->writer->has_left_out)
            put_record(writing, generation->records[index], is_left_out);
    }
}

/* One that startup waits for: its first pass, whatever its state is. */
static void put_awaited(struct writing *writing, const struct hx_record *record)
{
    put_item(writing, &(struct hx_item){.name = record->dependency->name,
                                        .kind = record->dependency->kind->name,
                                        .health = HX_HEALTH_UNKNOWN,
                                        .status = "waiting",
                                        .is_critical = record->dependency->policy.critical});
}

static void put_all_awaited(struct writing *writing)
{
    const struct hx_generation *generation = writing->question->generation;
    if (writing->answer.is_good || generation == NULL)
        return;
    /* Whoever has had no check yet holds up the first round; then those that have to pass once and
     * have not. */
    for (size_t i = 0; i < generation->n; i++) {
        const struct hx_record *record = generation->records[index_of(writing, i)];
        if (HX_RECORD_FIELD(record, has_result) == 0)
            put_awaited(writing, record);
    }
    for (size_t i = 0; i < generation->n_startup_requires; i++) {
        const struct hx_record *record = generation->startup_requires[i];
        if (HX_RECORD_FIELD(record, has_result) != 0 &&
            HX_RECORD_FIELD(record, has_ever_passed) == 0)
            put_awaited(writing, record);
    }
}

/* ---- the answers ---- */

static void answer_livez(struct writing *writing)
{
    const struct hx_verdict *verdict = writing->question->verdict;
    writing->answer.title = "livez";
    writing->answer.is_good = verdict->is_live;
    writing->answer.health = verdict->is_live ? HX_HEALTH_UP : HX_HEALTH_DOWN;
    writing->answer.status = verdict->is_live ? "up" : "down";
    writing->answer.stalled_ns = verdict->stalled_ns;
}

static void answer_startupz(struct writing *writing)
{
    bool is_started = writing->question->verdict->is_started;
    writing->answer.title = "startupz";
    writing->answer.is_good = is_started;
    writing->answer.health = is_started ? HX_HEALTH_UP : HX_HEALTH_UNKNOWN;
    writing->answer.status = is_started ? "up" : "starting";
}

/* How long until then, in whole seconds, rounded up, and until when that is so. */
static void promise(struct hx_reply *reply, int64_t until_ns, int64_t now_ns)
{
    if (until_ns == INT64_MAX)
        return;
    reply->retry_after_seconds = (until_ns - now_ns + HX_NS_PER_S - 1) / HX_NS_PER_S;
    int64_t next_ns = until_ns - (reply->retry_after_seconds - 1) * HX_NS_PER_S;
    if (next_ns < reply->valid_until_ns)
        reply->valid_until_ns = next_ns;
}

static void answer_readyz(struct writing *writing, struct hx_reply *reply)
{
    const struct hx_question *question = writing->question;
    const struct hx_verdict *verdict = question->verdict;
    writing->answer.title = "readyz";
    writing->answer.is_good = hx_readiness_is_ready(verdict->readiness);
    writing->answer.health = health_of_readiness(verdict->readiness);
    writing->answer.status = hx_readiness_text(verdict->readiness);
    if (verdict->readiness == HX_READY_MAINTENANCE) {
        writing->answer.maintenance = &verdict->maintenance;
        promise(reply, verdict->maintenance.until_ns, question->now_ns);
    }
    if (question->selection != NULL) {
        writing->answer.ignored = question->selection->ignored;
        writing->answer.n_ignored = question->selection->n_ignored;
    }
}

static void answer_dependency(struct writing *writing, struct hx_reply *reply)
{
    const struct hx_question *question = writing->question;
    struct hx_status status;
    hx_record_read(question->record, &status);
    struct hx_item item = item_of(question->record, &status, question->now_ns);
    writing->answer.title = item.name;
    writing->answer.is_good = item.health == HX_HEALTH_UP || item.health == HX_HEALTH_DEGRADED;
    writing->answer.health = item.health;
    writing->answer.status = item.status;
    if (status.has_result != 0 && question->now_ns <= status.fresh_until_ns)
        reply->valid_until_ns = status.fresh_until_ns;
    writing->writer->begin(writing->buf, &writing->answer);
    put_item(writing, &item);
    writing->writer->end(writing->buf, &writing->answer);
}

struct hx_reply hx_probe_answer(struct hx_strbuf *buf, const struct hx_question *question)
{
    struct hx_reply reply = {.valid_until_ns = INT64_MAX};
    struct writing writing = {
        .question = question,
        .writer = writer_of(question->dialect),
        .buf = buf,
        .is_first = true,
        .answer = {.probe = question->probe,
                   .is_verbose = question->dialect == HX_DIALECT_KUBERNETES_VERBOSE,
                   .service = hx_service_of(question->generation)}};
    if (question->probe == HX_PROBE_DEPENDENCY) {
        answer_dependency(&writing, &reply);
        reply.status = writing.answer.is_good ? OK : UNAVAILABLE;
        return reply;
    }
    reply.valid_until_ns = question->verdict->valid_until_ns;
    if (question->probe == HX_PROBE_LIVEZ)
        answer_livez(&writing);
    else if (question->probe == HX_PROBE_READYZ)
        answer_readyz(&writing, &reply);
    else
        answer_startupz(&writing);
    writing.writer->begin(buf, &writing.answer);
    if (question->probe == HX_PROBE_READYZ)
        put_selected(&writing);
    else if (question->probe == HX_PROBE_STARTUPZ)
        put_all_awaited(&writing);
    writing.writer->end(buf, &writing.answer);
    reply.status = writing.answer.is_good ? OK : UNAVAILABLE;
    return reply;
}
