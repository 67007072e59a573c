/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines of an exporter: one, or several when one core is not enough. Each checks the
 * dependencies whose names are its own (base/shard.h) and knows of no other; all write on the same
 * board and count in the same families. What is asked of all together is asked here.
 */
#ifndef HX_ENGINE_ENGINES_H
#define HX_ENGINE_ENGINES_H

#include "engine/engine.h"

struct hx_engines;

/* options->n_engines of them, 1 to HX_MAX_ENGINE_THREADS; index is not looked at. */
enum hx_errcode hx_engines_new(const struct hx_engine_options *options, struct hx_engines **engines,
                               struct hx_error *err) HX_MUST_CHECK;

/*
 * A generation is taken over in two steps, so that others can agree in between. prepare makes all
 * that it needs and that can fail, in every engine, and waits for that: BUSY when a loop is stuck.
 * Takes the reference, also on failure, which leaves all engines as they were. commit ends the
 * dependencies that are not in it, begins those that are new, publishes it on the board, and
 * returns when that is done; it cannot fail. abandon leaves everything as it was. Any thread, one
 * at a time.
 */
enum hx_errcode hx_engines_prepare(struct hx_engines *engines, struct hx_generation *generation,
                                   struct hx_error *err) HX_MUST_CHECK;
void hx_engines_commit(struct hx_engines *engines);
void hx_engines_abandon(struct hx_engines *engines);

/* Both steps at once. */
enum hx_errcode hx_engines_apply(struct hx_engines *engines, struct hx_generation *generation,
                                 struct hx_error *err) HX_MUST_CHECK;

/* After a failure some may run; all end with free. */
enum hx_errcode hx_engines_start(struct hx_engines *engines, struct hx_error *err) HX_MUST_CHECK;

/* A dependency reports about itself. Any thread; posted. NOTFOUND: no such dependency.
 * UNSUPPORTED: its kind takes no reports. LIMIT: too many are waiting. */
enum hx_errcode hx_engines_report(struct hx_engines *engines, const char *name,
                                  const struct hx_report *report,
                                  struct hx_error *err) HX_MUST_CHECK;

/* Cancels all checks, ends the threads, closes the loops. Takes NULL. */
void hx_engines_free(struct hx_engines *engines);

#endif
