/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdicts: from the board at one moment to live, started, ready. Time counts here as much as
 * results do: an engine that has stopped publishes nothing, so a reader has to see by itself that
 * its word has become old.
 */
#include "engine/board.h"

const char *hx_readiness_text(enum hx_readiness readiness)
{
    switch (readiness) {
    case HX_READY_UP:
        return "up";
    case HX_READY_DEGRADED:
        return "degraded";
    case HX_READY_DOWN:
        return "down";
    case HX_READY_STARTING:
        return "starting";
    case HX_READY_MAINTENANCE:
        return "maintenance";
    case HX_READY_DRAINING:
        return "draining";
    }
    return "down";
}

bool hx_readiness_is_ready(enum hx_readiness readiness)
{
    return readiness == HX_READY_UP || readiness == HX_READY_DEGRADED;
}

bool hx_board_is_live(const struct hx_board *board, int64_t now_ns, int64_t *stalled_ns)
{
    int64_t beat = atomic_load_explicit(&board->heartbeat_ns, memory_order_acquire);
    int64_t age = beat == 0 || now_ns < beat ? 0 : now_ns - beat;
    if (stalled_ns != NULL)
        *stalled_ns = age;
    return age <= board->liveness_grace_ns;
}

static bool is_started(struct hx_board *board, const struct hx_generation *generation)
{
    if (!atomic_load_explicit(&board->is_first_round_done, memory_order_acquire))
        return false;
    for (size_t i = 0; i < generation->n_startup_requires; i++) {
        if (HX_RECORD_FIELD(generation->startup_requires[i], has_ever_passed) == 0)
            return false;
    }
    return true;
}

/* One that a reload has just added counts only from its first result on, or when that does not come
 * in time: a reload must not take a service out of traffic for the second until its first round.
 * (Before the very first round is done the service is starting, whatever this says.) */
static bool is_awaited(const struct hx_record *record, const struct hx_status *status,
                       int64_t now_ns, int64_t *valid_until_ns)
{
    int64_t until_ns = record->added_ns + record->dependency->policy.stale_after_ns;
    if (status->has_result || now_ns > until_ns)
        return false;
    if (until_ns < *valid_until_ns)
        *valid_until_ns = until_ns;
    return true;
}

/* What one dependency makes of readiness, and until when time leaves it so. */
static enum hx_readiness readiness_of(const struct hx_record *record, int64_t now_ns,
                                      int64_t *valid_until_ns)
{
    struct hx_status status;
    HX_RECORD_READ_PART(record, state, fresh_until_ns, &status);
    if (is_awaited(record, &status, now_ns, valid_until_ns))
        return HX_READY_UP;
    if (status.has_result && status.fresh_until_ns >= now_ns &&
        status.fresh_until_ns < *valid_until_ns)
        *valid_until_ns = status.fresh_until_ns;
    switch (hx_status_state(&status, now_ns, NULL)) {
    case HX_STATE_UP:
        return HX_READY_UP;
    case HX_STATE_DEGRADED:
        return HX_READY_DEGRADED;
    case HX_STATE_UNKNOWN:
    case HX_STATE_DOWN:
        break;
    }
    return record->dependency->policy.critical ? HX_READY_DOWN : HX_READY_DEGRADED;
}

/* The worst that the dependencies make of readiness, and until when time leaves it so. */
static enum hx_readiness worst_of(const struct hx_generation *generation, const bool *is_left_out,
                                  int64_t now_ns, int64_t *valid_until_ns)
{
    enum hx_readiness worst = HX_READY_UP;
    *valid_until_ns = INT64_MAX;
    for (size_t i = 0; i < generation->n; i++) {
        if (is_left_out != NULL && is_left_out[i])
            continue;
        enum hx_readiness one = readiness_of(generation->records[i], now_ns, valid_until_ns);
        if (one > worst)
            worst = one;
    }
    return worst;
}

void hx_board_verdict(struct hx_board *board, const struct hx_generation *generation,
                      int64_t now_ns, struct hx_verdict *verdict)
{
    hx_board_verdict_without(board, generation, NULL, now_ns, verdict);
}

void hx_board_verdict_without(struct hx_board *board, const struct hx_generation *generation,
                              const bool *is_left_out, int64_t now_ns, struct hx_verdict *verdict)
{
    *verdict = (struct hx_verdict){.readiness = HX_READY_STARTING, .valid_until_ns = INT64_MAX};
    verdict->is_live = hx_board_is_live(board, now_ns, &verdict->stalled_ns);
    if (generation != NULL) {
        verdict->is_started = is_started(board, generation);
        enum hx_readiness worst =
            worst_of(generation, is_left_out, now_ns, &verdict->valid_until_ns);
        if (verdict->is_started)
            verdict->readiness = worst;
    }
    verdict->maintenance = hx_board_maintenance(board, now_ns);
    if (verdict->maintenance.is_on) {
        verdict->readiness = HX_READY_MAINTENANCE;
        if (verdict->maintenance.until_ns < verdict->valid_until_ns)
            verdict->valid_until_ns = verdict->maintenance.until_ns;
    }
    if (atomic_load_explicit(&board->is_draining, memory_order_acquire))
        verdict->readiness = HX_READY_DRAINING;
}
