/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outcome of one round. A dependency that the service itself reports about has no result when
 * nothing runs that could report: it is shown as unknown, with that note, and fails nothing.
 */
#include "cli/outcome.h"

#include "base/json.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORTED_NOTE "reports by itself: not checked"

enum { NAME, KIND, STATE, LATENCY, REASON, MESSAGE, N_COLUMNS };

#define LATENCY_SIZE 32
#define MESSAGE_SIZE 256

/* The texts of a row that are not the snapshot's own. */
struct row_texts {
    char latency[LATENCY_SIZE];
    char message[MESSAGE_SIZE];
};

static enum hx_state state_of(const struct hx_snapshot *snapshot)
{
    return snapshot->is_reported ? HX_STATE_UNKNOWN : snapshot->state;
}

static bool is_bad(const struct hx_snapshot *snapshot)
{
    return !snapshot->is_reported &&
           (snapshot->state == HX_STATE_DOWN || snapshot->state == HX_STATE_UNKNOWN);
}

enum hx_state hx_outcome_state(const struct hx_snapshot *snapshots, size_t n)
{
    enum hx_state worst = HX_STATE_UP;
    for (size_t i = 0; i < n; i++) {
        if (is_bad(&snapshots[i]) && snapshots[i].is_critical)
            return HX_STATE_DOWN;
        if (is_bad(&snapshots[i]) || state_of(&snapshots[i]) == HX_STATE_DEGRADED)
            worst = HX_STATE_DEGRADED;
    }
    return worst;
}

/* ---- the table ---- */

static enum hx_colour colour_of(const struct hx_snapshot *snapshot)
{
    switch (state_of(snapshot)) {
    case HX_STATE_UP:
        return HX_COLOUR_GREEN;
    case HX_STATE_DEGRADED:
        return HX_COLOUR_YELLOW;
    case HX_STATE_DOWN:
        return snapshot->is_critical ? HX_COLOUR_RED : HX_COLOUR_YELLOW;
    case HX_STATE_UNKNOWN:
        return snapshot->is_reported   ? HX_COLOUR_NONE
               : snapshot->is_critical ? HX_COLOUR_RED
                                       : HX_COLOUR_YELLOW;
    }
    return HX_COLOUR_NONE;
}

static void put_latency(const struct hx_snapshot *snapshot, char text[LATENCY_SIZE])
{
    text[0] = '\0';
    if (snapshot->has_result && !snapshot->is_reported) {
        int64_t tenths = (snapshot->duration_ns + 50000) / 100000;
        snprintf(text, LATENCY_SIZE, "%" PRId64 ".%" PRId64 "ms", tenths / 10, tenths % 10);
    }
}

static void put_message(const struct hx_snapshot *snapshot, char text[MESSAGE_SIZE])
{
    if (snapshot->is_reported)
        snprintf(text, MESSAGE_SIZE, REPORTED_NOTE);
    else
        snprintf(text, MESSAGE_SIZE, "%s%s",
                 is_bad(snapshot) && !snapshot->is_critical ? "(not critical) " : "",
                 snapshot->message);
}

static void fill_row(const struct hx_snapshot *snapshot, struct row_texts *texts,
                     struct hx_cell *row)
{
    put_latency(snapshot, texts->latency);
    put_message(snapshot, texts->message);
    row[NAME].text = snapshot->name;
    row[KIND].text = snapshot->kind;
    row[STATE] = (struct hx_cell){hx_state_text(state_of(snapshot)), colour_of(snapshot)};
    row[LATENCY].text = texts->latency;
    row[REASON].text = snapshot->is_reported ? "" : hx_reason_text(snapshot->reason);
    row[MESSAGE].text = texts->message;
}

/* "degraded: 2 up, 1 down"; a shard, and an empty file, may have "up: nothing to check". */
static void put_summary(const struct hx_snapshot *snapshots, size_t n, struct hx_strbuf *out)
{
    static const enum hx_state order[] = {HX_STATE_UP, HX_STATE_DEGRADED, HX_STATE_DOWN,
                                          HX_STATE_UNKNOWN};
    hx_strbuf_printf(out, "\n%s:", hx_state_text(hx_outcome_state(snapshots, n)));
    const char *joint = " ";
    if (n == 0)
        hx_strbuf_puts(out, " nothing to check");
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        size_t count = 0;
        for (size_t j = 0; j < n; j++)
            count += state_of(&snapshots[j]) == order[i];
        if (count > 0) {
            hx_strbuf_printf(out, "%s%zu %s", joint, count, hx_state_text(order[i]));
            joint = ", ";
        }
    }
    hx_strbuf_putc(out, '\n');
}

void hx_outcome_write_table(const struct hx_snapshot *snapshots, size_t n, bool has_colours,
                            struct hx_strbuf *out)
{
    static const char *const titles[] = {"NAME", "KIND", "STATE", "LATENCY", "REASON", "MESSAGE"};
    struct hx_cell *cells = calloc((n + 1) * N_COLUMNS, sizeof(*cells));
    struct row_texts *texts = calloc(n + 1, sizeof(*texts));
    if (cells == NULL || texts == NULL) {
        out->is_failed = true;
    } else {
        for (size_t column = 0; column < N_COLUMNS; column++)
            cells[column] = (struct hx_cell){titles[column], HX_COLOUR_BOLD};
        for (size_t i = 0; i < n; i++)
            fill_row(&snapshots[i], &texts[i], cells + (i + 1) * N_COLUMNS);
        hx_table_write(cells, n + 1, N_COLUMNS, has_colours, out);
        put_summary(snapshots, n, out);
    }
    free(texts);
    free(cells);
}

/* ---- JSON ---- */

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void put_check(struct hx_json *json, const struct hx_snapshot *snapshot)
{
    bool is_measured = snapshot->has_result && !snapshot->is_reported;
    const char *reason = snapshot->is_reported ? "" : hx_reason_text(snapshot->reason);
    hx_json_begin_object(json, snapshot->name);
    hx_json_text(json, "kind", snapshot->kind);
    hx_json_bool(json, "critical", snapshot->is_critical);
    hx_json_text(json, "status", hx_state_text(state_of(snapshot)));
    hx_json_text(json, "reason", or_null(reason));
    hx_json_text(json, "message",
                 snapshot->is_reported ? REPORTED_NOTE : or_null(snapshot->message));
    hx_json_milliseconds(json, "latency_ms", is_measured ? snapshot->duration_ns : -1);
    hx_json_begin_object(json, "phases_ms");
    for (enum hx_phase phase = 0; phase < HX_N_PHASES; phase++)
        hx_json_milliseconds(json, hx_phase_text(phase),
                             is_measured ? snapshot->phases_ns[phase] : -1);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

void hx_outcome_write_json(const struct hx_snapshot *snapshots, size_t n, struct hx_strbuf *out)
{
    struct hx_json json;
    hx_json_init(&json, out);
    hx_json_begin_object(&json, NULL);
    hx_json_text(&json, "status", hx_state_text(hx_outcome_state(snapshots, n)));
    hx_json_begin_object(&json, "checks");
    for (size_t i = 0; i < n; i++)
        put_check(&json, &snapshots[i]);
    hx_json_end_object(&json);
    hx_json_end_object(&json);
}
