/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: the checks of a generation on one loop, or of that part of it which is its engine's.
 * It knows no thread; the engine puts it in one.
 *
 * One uv timer serves everything that is due, starts and deadlines alike. A turn of it: drop the
 * connections that are to go, end the checks whose deadline has passed, start those that are due (a
 * few at a time, so that the loop reads replies in between), give free slots to those that waited.
 */
#ifndef HX_ENGINE_RUNNER_H
#define HX_ENGINE_RUNNER_H

#include "base/log.h"
#include "engine/board.h"
#include "engine/damper.h"
#include "engine/schedule.h"
#include "engine/state.h"
#include "net/resolver.h"

#include <uv.h>

struct hx_runner;

/* Where a check stands. */
enum hx_step {
    HX_STEP_IDLE,
    HX_STEP_QUEUED,   /* due, but all slots are taken */
    HX_STEP_STARTING, /* within kind->start */
    HX_STEP_RUNNING,
};

/* A dependency's place in the runner; a check of it runs here, one after the other. What is seldom
 * needed comes first, the rest stands together: of thousands of dependencies no line of the cache
 * is still there when it is their turn. */
struct hx_check {
    struct hx_gauge *connections; /* of the kind; NULL: it makes none */
    struct hx_check *next_queued;
    struct hx_check *next_dropped;
    struct hx_damper change_lines, slow_lines; /* in the log */

    struct hx_runner *runner;
    struct hx_record *record;               /* held */
    const struct hx_dependency *dependency; /* of the record */
    void *run;                              /* kind->run_size bytes, behind the check */
    void *shared;                           /* kind->attach's, of the runner */
    struct hx_timer_node due;
    struct hx_timer_node deadline;
    struct hx_schedule schedule;
    struct hx_machine machine;
    enum hx_step step;
    bool is_finished;      /* hx_check_finish() was called in this run */
    bool is_to_be_dropped; /* its connection is to go before the next run */
    bool is_listed;        /* on the runner's list of those to be dropped */
    int64_t started_ns;
    int64_t finished_ns;
    int64_t connected_ns; /* start of the run that may have opened the kept connection; 0: none */
    int64_t phase_started_ns;
    int phase; /* enum hx_phase, or -1 */
    enum hx_reason reason;
    struct hx_status status; /* what is published next */
    max_align_t run_memory[];
};

/* What all checks of a kind share on this loop. */
struct hx_shared_part {
    const struct hx_kind *kind;
    void *shared;                 /* NULL: nothing */
    struct hx_gauge *connections; /* NULL: it makes none */
};

struct hx_runner_options {
    struct uv_loop_s *loop;
    struct hx_board *board;
    struct hx_log *log;
    struct hx_resolver *resolver;
    struct hx_histogram *loop_lag;       /* observed at each turn that had its time */
    struct hx_gauge *in_flight, *queued; /* of all engines together */
    struct hx_registry *registry;        /* for the gauges of kinds */
    size_t engine, n_engines; /* its place among those that share the dependencies by name */
    size_t max_sockets;       /* of all engines together */
    uint64_t seed;
};

struct hx_runner {
    struct hx_runner_options options;
    struct hx_generation *generation; /* held; checks[i] belongs to its records[i] */
    struct hx_check **checks;         /* NULL for those of other engines */
    uv_timer_t timer;                 /* of the next turn */
    uv_idle_t more;         /* for a turn that is to come as soon as the loop has polled */
    int64_t turn_at_ns;     /* for when it is armed; INT64_MAX: not */
    int64_t turn_for_ns;    /* what it was armed for: nothing is to be done before this */
    int64_t wall_offset_ns; /* wall clock minus monotonic, at the last turn by the timer */
    struct hx_timer_heap dues;
    struct hx_timer_heap deadlines;
    struct hx_check *queue_first, **queue_last;
    struct hx_check *dropped;
    struct hx_shared_part *parts;
    size_t n_parts;
    size_t n_in_flight, n_slots;
    bool is_keeping; /* connections, from check to check */
    size_t n_without_result;
    bool is_first_round_done;
    int64_t next_check_id;
    uint64_t random_state;
};

/* The loop must not be running in another thread. */
void hx_runner_init(struct hx_runner *runner, const struct hx_runner_options *options);

/* ---- which checks there are: change.c ---- */

/* A generation on its way in. */
struct hx_change {
    struct hx_generation *generation; /* held */
    struct hx_check **checks; /* for its records; some are the runner's already, NULL: not its */
};

/* Makes all that the generation needs and that can fail; nothing else changes. Takes the reference,
 * also on failure. Ended by commit or abandon, before the next one. */
enum hx_errcode hx_runner_prepare(struct hx_runner *runner, struct hx_generation *generation,
                                  struct hx_change *change, struct hx_error *err) HX_MUST_CHECK;

/* Takes the generation over: dependencies whose record it shares with the one before go on
 * undisturbed, others end or begin. */
void hx_runner_commit(struct hx_runner *runner, struct hx_change *change);
void hx_runner_abandon(struct hx_runner *runner, struct hx_change *change);

/* Cancels and frees all. */
void hx_runner_end_checks(struct hx_runner *runner);

/* All that it had at first have a result; those that a reload adds make no second first round. */
void hx_runner_end_first_round(struct hx_runner *runner);

/* ---- the turn: runner.c ---- */

/* Hands a report to the dependency's kind and checks it at once; nothing when it has gone. */
void hx_runner_report(struct hx_runner *runner, const char *name, const struct hx_report *report);

/* Cancels everything and begins to close the handles; the loop must turn until they are closed. */
void hx_runner_stop(struct hx_runner *runner);

/* Makes the turn happen in time for what is due first; after anything that changed that. */
void hx_runner_arm(struct hx_runner *runner);

/* One check more is running (1), or one less (-1). */
void hx_runner_count(struct hx_runner *runner, int more);

/* 64 bits for jitter: no secret may hang on them. */
uint64_t hx_runner_random(struct hx_runner *runner);

/* ---- a single check: check.c ---- */

/* Runs it now if it is idle and a slot is free; queues it, or counts it as skipped, if not. */
void hx_check_due(struct hx_check *check, int64_t now_ns);
/* Starts one that waited. */
void hx_check_begin(struct hx_check *check);
/* The deadline has passed. */
void hx_check_expire(struct hx_check *check, int64_t now_ns);
/* Lets kind->cancel drop what it has, if that is due. */
void hx_check_drop(struct hx_check *check);

#endif
