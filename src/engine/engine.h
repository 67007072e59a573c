/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one loop in one thread that checks the dependencies of a generation and writes on the
 * board. It is an object; several may run over parts of a generation.
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
    size_t max_in_flight;         /* checks at once; >= 1. With more dependencies than that, no
                                     connection is kept: each may take two descriptors */
    uint64_t seed;                /* of the phases: the same seed gives the same phases */
    struct hx_resolver_options resolver;
};

enum hx_errcode hx_engine_new(const struct hx_engine_options *options, struct hx_engine **engine,
                              struct hx_error *err) HX_MUST_CHECK;

/*
 * A generation is taken over in two steps, so that others can agree in between. prepare makes all
 * that it needs and that can fail, and waits for that: BUSY when the loop is stuck. Takes the
 * reference, also on failure. commit ends the dependencies that are not in it, begins those that
 * are new, publishes it on the board, and returns when that is done; it cannot fail. abandon leaves
 * everything as it was. Any thread, one at a time.
 */
enum hx_errcode hx_engine_prepare(struct hx_engine *engine, struct hx_generation *generation,
                                  struct hx_error *err) HX_MUST_CHECK;
void hx_engine_commit(struct hx_engine *engine);
void hx_engine_abandon(struct hx_engine *engine);

/* Both steps at once. */
enum hx_errcode hx_engine_apply(struct hx_engine *engine, struct hx_generation *generation,
                                struct hx_error *err) HX_MUST_CHECK;

enum hx_errcode hx_engine_start(struct hx_engine *engine, struct hx_error *err) HX_MUST_CHECK;

/* A dependency reports about itself. Any thread; posted. NOTFOUND: no such dependency.
 * UNSUPPORTED: its kind takes no reports. LIMIT: too many are waiting. */
enum hx_errcode hx_engine_report(struct hx_engine *engine, const char *name,
                                 const struct hx_report *report,
                                 struct hx_error *err) HX_MUST_CHECK;

/* Cancels all checks, ends the thread, closes the loop. Idempotent. */
void hx_engine_stop(struct hx_engine *engine);
void hx_engine_free(struct hx_engine *engine);

#endif
