/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: one loop in one thread that checks its part of the dependencies of a generation and
 * writes on the board. One has all of them; engine/engines.h is for as many as there are.
 *
 *     schedule ─ due ─ [queue while all slots are taken] ─ kind.start ─ finish or deadline ─┐
 *        └──────────────────── next run ◀─ publish ◀─ machine ◀─────────────────────────────┘
 */
#ifndef HX_ENGINE_ENGINE_H
#define HX_ENGINE_ENGINE_H

#include "base/log.h"
#include "engine/board.h"
#include "health_exporter/metrics.h"
#include "net/resolver.h"

struct hx_engine;

struct hx_engine_options {
    struct hx_board *board;       /* borrowed, outlives the engine */
    struct hx_registry *registry; /* for the engine's own families; borrowed */
    struct hx_log *log;           /* may be NULL */
    size_t index, n_engines;      /* its part: the names of which hx_shard_of() says so */
    size_t max_sockets;           /* of checks, of all engines; what hx_slots_of() makes of them */
    uint64_t seed;                /* of the phases: the same seed gives the same phases */
    int64_t answer_ns;            /* how long a loop may take to answer a reload; 0: 10 s */
    struct hx_resolver_options resolver;
};

enum hx_errcode hx_engine_new(const struct hx_engine_options *options, struct hx_engine **engine,
                              struct hx_error *err) HX_MUST_CHECK;

/*
 * The taking over of a generation, step by step, as engine/handover.h has it; any thread, one at a
 * time. ask takes the reference, also on failure. Once decided, the generation before is still on
 * the board: the asker publishes the next when all engines have settled.
 */
enum hx_errcode hx_engine_ask(struct hx_engine *engine, struct hx_generation *generation,
                              struct hx_error *err) HX_MUST_CHECK;
enum hx_errcode hx_engine_await(struct hx_engine *engine, int64_t until_ns,
                                struct hx_error *err) HX_MUST_CHECK;
bool hx_engine_decide(struct hx_engine *engine, bool is_wanted);
void hx_engine_settle(struct hx_engine *engine, int64_t until_ns);

enum hx_errcode hx_engine_start(struct hx_engine *engine, struct hx_error *err) HX_MUST_CHECK;

/* A dependency reports about itself; it is nobody's when it has gone. Any thread. LIMIT: too many
 * are waiting. */
enum hx_errcode hx_engine_post(struct hx_engine *engine, const char *name,
                               const struct hx_report *report, struct hx_error *err) HX_MUST_CHECK;

/* Has all checks cancelled and the loop end, soon; idempotent. free waits for that. */
void hx_engine_end(struct hx_engine *engine);
void hx_engine_free(struct hx_engine *engine);

#endif
