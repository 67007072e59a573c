/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The details are rendered while they are sent, a dependency after the other, each as it is at the
 * moment of the request. The reply holds its generation until its last byte was sent or the client
 * is gone.
 */
#include "web/detailed.h"

#include "base/clock.h"
#include "health_exporter/exporter.h"
#include "metrics/number.h"
#include "web/pieces.h"
#include "web/probe_routes.h"
#include "web/reply.h"
#include "web/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- members of objects ---- */

static void put_text(struct hx_strbuf *buf, const char *key, const char *value)
{
    hx_write_key(buf, key, false);
    hx_strbuf_put_json(buf, value);
}

static void put_count(struct hx_strbuf *buf, const char *key, uint64_t value)
{
    hx_write_key(buf, key, false);
    hx_strbuf_put_u64(buf, value);
}

/* A moment; 0 is never, and null. */
static void put_time(struct hx_strbuf *buf, const char *key, int64_t wall_ns)
{
    char text[HX_RFC3339_SIZE];
    put_text(buf, key, wall_ns == 0 ? NULL : hx_clock_rfc3339(wall_ns, text));
}

/* To the second, because the end of a certificate may lie beyond what nanoseconds reach (2262): a
 * certificate without an end has the year 9999 (RFC 5280, 4.1.2.5). */
static void put_expiry(struct hx_strbuf *buf, int64_t unix_seconds)
{
    char text[HX_RFC3339_SIZE] = "";
    time_t seconds = (time_t)unix_seconds;
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    put_text(buf, "certificate_expiry", text);
}

/* ---- one dependency ---- */

static void put_configuration(struct hx_strbuf *buf, const struct hx_dependency *dependency)
{
    hx_write_key(buf, "kind", true);
    hx_strbuf_put_json(buf, dependency->kind->name);
    hx_write_key(buf, "critical", false);
    hx_strbuf_puts(buf, dependency->policy.critical ? "true" : "false");
    hx_write_key(buf, "tags", false);
    hx_strbuf_putc(buf, '[');
    for (size_t i = 0; i < dependency->policy.tags.n; i++) {
        if (i > 0)
            hx_strbuf_putc(buf, ',');
        hx_strbuf_put_json(buf, dependency->policy.tags.items[i]);
    }
    hx_strbuf_putc(buf, ']');
}

static void put_belief(struct hx_strbuf *buf, const struct hx_status *status, int64_t now_ns)
{
    enum hx_reason reason;
    enum hx_state state = hx_status_state(status, now_ns, &reason);
    put_text(buf, "status", hx_state_text(state));
    put_time(buf, "since", status->since_wall_ns);
    put_text(buf, "reason", reason == HX_REASON_NONE ? NULL : hx_reason_text(reason));
    put_text(buf, "message", status->message[0] == '\0' ? NULL : status->message);
}

static void put_phases(struct hx_strbuf *buf, const struct hx_status *status)
{
    bool is_first = true;
    hx_write_key(buf, "phases_ms", false);
    hx_strbuf_putc(buf, '{');
    for (unsigned phase = 0; phase < HX_N_PHASES; phase++) {
        if (((uint64_t)status->phase_set >> phase & 1) == 0)
            continue;
        hx_write_key(buf, hx_phase_text((enum hx_phase)phase), is_first);
        hx_write_milliseconds(buf, status->phases_ns[phase]);
        is_first = false;
    }
    hx_strbuf_putc(buf, '}');
}

static void put_values(struct hx_strbuf *buf, const struct hx_kind *kind,
                       const struct hx_status *status)
{
    bool is_first = true;
    hx_write_key(buf, "values", false);
    hx_strbuf_putc(buf, '{');
    for (size_t i = 0; kind->values != NULL && i < HX_MAX_VALUES && kind->values[i] != NULL; i++) {
        /* JSON has no word for what is not finite. */
        if (((uint64_t)status->value_set >> i & 1) == 0 || !isfinite(status->values[i]))
            continue;
        hx_write_key(buf, kind->values[i], is_first);
        hx_double_append(buf, status->values[i]);
        is_first = false;
    }
    hx_strbuf_putc(buf, '}');
}

static void put_last_check(struct hx_strbuf *buf, const struct hx_kind *kind,
                           const struct hx_status *status)
{
    bool has_result = status->has_result != 0;
    hx_write_key(buf, "latency_ms", false);
    if (has_result)
        hx_write_milliseconds(buf, status->duration_ns);
    else
        hx_strbuf_puts(buf, "null");
    put_phases(buf, status);
    put_values(buf, kind, status);
    put_text(buf, "last_result", !has_result ? NULL : status->is_last_pass ? "pass" : "fail");
    put_time(buf, "last_run", status->last_run_wall_ns);
    put_time(buf, "last_success", status->last_success_wall_ns);
}

static void put_counts(struct hx_strbuf *buf, const struct hx_record *record)
{
    uint64_t n_checks = hx_cells_count(record->durations.cells, record->durations.buckets);
    uint64_t n_failures = 0;
    for (size_t reason = 0; reason < HX_N_REASONS; reason++)
        n_failures += atomic_load_explicit(&record->failures[reason], memory_order_relaxed);
    put_count(buf, "checks_total", n_checks);
    put_count(buf, "failures_total", n_failures);
}

void hx_detailed_put_check(struct hx_strbuf *buf, const struct hx_record *record, int64_t now_ns)
{
    const struct hx_dependency *dependency = record->dependency;
    struct hx_status status;
    char check_id[24];
    hx_record_read(record, &status);
    hx_strbuf_putc(buf, '{');
    put_configuration(buf, dependency);
    put_belief(buf, &status, now_ns);
    put_last_check(buf, dependency->kind, &status);
    put_counts(buf, record);
    put_count(buf, "consecutive_failures", (uint64_t)status.failures_in_row);
    put_count(buf, "failure_threshold", (uint64_t)dependency->policy.failure_threshold);
    snprintf(check_id, sizeof(check_id), "%" PRId64, status.check_id);
    put_text(buf, "check_id", status.check_id == 0 ? NULL : check_id);
    put_text(buf, "breaker", status.is_breaker_open ? "open" : "closed");
    put_time(buf, "next_run", status.next_run_wall_ns);
    if (status.certificate_expiry != 0)
        put_expiry(buf, status.certificate_expiry);
    hx_strbuf_putc(buf, '}');
}

/* ---- all of them ---- */

struct details {
    struct hx_pieces pieces;
    struct hx_board *board;
    struct hx_generation *generation; /* held, or NULL */
    struct hx_selection selection;    /* owned; what it borrows from the request is not looked at */
    struct hx_verdict verdict;
    int64_t now_ns;
    size_t next; /* dependency */
    bool is_begun, has_check;
};

static void put_service(struct hx_strbuf *buf, struct hx_service service)
{
    hx_strbuf_puts(buf, ",\"service\":{\"name\":");
    hx_strbuf_put_json(buf, service.name);
    put_text(buf, "version", service.version);
    put_text(buf, "commit_hash", service.commit);
    hx_strbuf_putc(buf, '}');
}

static void put_exporter(struct hx_strbuf *buf, const struct details *details)
{
    int64_t uptime_ns = hx_clock_wall_ns() - details->board->started_wall_ns;
    hx_strbuf_puts(buf, ",\"exporter\":{\"version\":");
    hx_strbuf_put_json(buf, hx_version());
    put_text(buf, "revision", hx_revision());
    put_time(buf, "started_at", details->board->started_wall_ns);
    hx_strbuf_printf(buf, ",\"uptime_seconds\":%.3f",
                     uptime_ns < 0 ? 0 : (double)uptime_ns / (double)HX_NS_PER_S);
    put_time(buf, "config_loaded_at",
             details->generation == NULL ? 0 : details->generation->loaded_wall_ns);
    if (details->board->shard.total > 1)
        hx_strbuf_printf(buf, ",\"shard\":{\"ordinal\":%zu,\"total\":%zu}",
                         details->board->shard.ordinal, details->board->shard.total);
    hx_strbuf_putc(buf, '}');
}

static void put_head(struct hx_strbuf *buf, const struct details *details)
{
    const struct hx_maintenance *maintenance = &details->verdict.maintenance;
    hx_strbuf_puts(buf, "{\"status\":");
    hx_strbuf_put_json(buf, hx_readiness_text(details->verdict.readiness));
    if (maintenance->is_on) {
        hx_strbuf_puts(buf, ",\"maintenance\":{\"reason\":");
        hx_strbuf_put_json(buf, maintenance->reason);
        put_time(buf, "until", maintenance->until_wall_ns);
        hx_strbuf_putc(buf, '}');
    }
    put_service(buf, hx_service_of(details->generation));
    put_exporter(buf, details);
    hx_strbuf_puts(buf, ",\"checks\":{");
}

static void on_write(struct hx_pieces *pieces, struct hx_strbuf *piece, size_t limit)
{
    struct details *details = (struct details *)pieces;
    const struct hx_generation *generation = details->generation;
    size_t n = generation == NULL ? 0 : generation->n;
    if (!details->is_begun)
        put_head(piece, details);
    details->is_begun = true;
    for (; details->next < n && piece->len < limit && !piece->is_failed; details->next++) {
        if (details->selection.is_left_out[details->next])
            continue;
        const struct hx_record *record = generation->records[details->next];
        hx_write_key(piece, record->dependency->name, !details->has_check);
        hx_detailed_put_check(piece, record, details->now_ns);
        details->has_check = true;
    }
    if (details->next < n)
        return;
    hx_strbuf_puts(piece, "}}");
    pieces->is_done = true;
}

static void on_free(struct hx_pieces *pieces)
{
    struct details *details = (struct details *)pieces;
    hx_generation_release(details->generation);
    hx_selection_fini(&details->selection);
    free(details);
}

static struct details *begin(const struct hx_web *web)
{
    struct details *details = calloc(1, sizeof(*details));
    if (details == NULL)
        return NULL;
    details->pieces = (struct hx_pieces){.write = on_write, .free = on_free};
    details->board = web->options.board;
    details->generation = hx_board_hold(details->board);
    details->now_ns = web->now_ns;
    return details;
}

static enum MHD_Result send_details(struct hx_exchange *exchange, struct hx_query *query,
                                    struct details *details)
{
    const char *unknown_tag;
    enum hx_errcode code =
        hx_query_select(query, details->generation, &details->selection, &unknown_tag);
    if (code == HX_OK && exchange->method != HX_METHOD_HEAD) {
        hx_board_verdict_without(details->board, details->generation,
                                 details->selection.is_left_out, details->now_ns,
                                 &details->verdict);
        return hx_exchange_send_take(
            exchange, MHD_HTTP_OK,
            hx_pieces_take(&details->pieces, HX_TYPE_JSON, exchange->is_closing));
    }
    on_free(&details->pieces);
    if (code == HX_ERR_NOTFOUND)
        return hx_send_unknown_tag(exchange, unknown_tag);
    if (code != HX_OK)
        return MHD_NO;
    return hx_exchange_send_take(exchange, MHD_HTTP_OK,
                                 hx_pieces_head(HX_TYPE_JSON, false, exchange->is_closing));
}

enum MHD_Result hx_detailed_handle(struct hx_exchange *exchange)
{
    struct hx_query query;
    const struct hx_fault *fault = hx_query_read(exchange, &query);
    if (fault != NULL)
        return hx_exchange_send_error(exchange, fault->status, fault->sentence);
    if (!hx_guard_take_place(&exchange->web->guard, exchange->connection, HX_SENDING_DETAILS))
        return hx_exchange_send_later(exchange, "too many details at once");
    struct details *details = begin(exchange->web);
    return details == NULL ? MHD_NO : send_details(exchange, &query, details);
}
