/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of all engines is asked of each before any is waited for, so that it takes as long
 * as the slowest of them and not as their sum.
 *
 *     prepare:  ask all ── wait for all ──┬─ all agreed: the generation waits here
 *                                         └─ one did not: those that did throw it away
 *     commit:   decide in all ── wait for all ── publish, once
 *
 * One that gives no answer in time refuses (engine/handover.h). One that gets stuck between its
 * answer and the decision makes the change when it turns again; the board shows it meanwhile.
 */
#include "engine/engines.h"

#include "base/clock.h"
#include "base/shard.h"

#include <assert.h>
#include <stdlib.h>

/* After this a loop counts as stuck. */
#define DEFAULT_ANSWER_NS (10 * HX_NS_PER_S)

struct hx_engines {
    struct hx_board *board;
    int64_t answer_ns;
    struct hx_generation *next; /* prepared; held */
    size_t n;
    struct hx_engine *all[];
};

enum hx_errcode hx_engines_new(const struct hx_engine_options *options, struct hx_engines **engines,
                               struct hx_error *err)
{
    assert(options->n_engines >= 1 && options->n_engines <= HX_MAX_ENGINE_THREADS);
    struct hx_engines *e = calloc(1, sizeof(*e) + options->n_engines * sizeof(struct hx_engine *));
    if (e == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    struct hx_engine_options one = *options;
    enum hx_errcode code = HX_OK;
    e->board = options->board;
    e->answer_ns = options->answer_ns == 0 ? DEFAULT_ANSWER_NS : options->answer_ns;
    e->board->n_engines = options->n_engines;
    for (one.index = 0; code == HX_OK && one.index < options->n_engines; one.index++) {
        code = hx_engine_new(&one, &e->all[one.index], err);
        if (code == HX_OK)
            e->n++;
    }
    if (code != HX_OK) {
        hx_engines_free(e);
        return code;
    }
    *engines = e;
    return HX_OK;
}

/* -------------------------------------------------------------------------- generations -- */

static struct hx_generation *hold(struct hx_generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

static void decide(struct hx_engines *engines, bool is_wanted)
{
    bool is_decided[HX_MAX_ENGINE_THREADS];
    for (size_t i = 0; i < engines->n; i++)
        is_decided[i] = hx_engine_decide(engines->all[i], is_wanted);
    int64_t until = hx_clock_monotonic_ns() + engines->answer_ns;
    for (size_t i = 0; i < engines->n; i++) {
        if (is_decided[i])
            hx_engine_settle(engines->all[i], until);
    }
}

/* The first error counts. All that were asked are waited for, so that none agrees later. */
static enum hx_errcode ask_all(struct hx_engines *engines, struct hx_generation *generation,
                               struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    size_t n_asked = 0;
    int64_t until = hx_clock_monotonic_ns() + engines->answer_ns;
    while (code == HX_OK && n_asked < engines->n) {
        code = hx_engine_ask(engines->all[n_asked], hold(generation), err);
        if (code == HX_OK)
            n_asked++;
    }
    for (size_t i = 0; i < n_asked; i++) {
        struct hx_error *first = code == HX_OK ? err : NULL;
        enum hx_errcode answer = hx_engine_await(engines->all[i], until, first);
        code = code == HX_OK ? answer : code;
    }
    return code;
}

enum hx_errcode hx_engines_prepare(struct hx_engines *engines, struct hx_generation *generation,
                                   struct hx_error *err)
{
    enum hx_errcode code = ask_all(engines, generation, err);
    if (code == HX_OK) {
        engines->next = generation;
    } else {
        decide(engines, false);
        hx_generation_release(generation);
    }
    return code;
}

void hx_engines_commit(struct hx_engines *engines)
{
    decide(engines, true);
    hx_board_set(engines->board, engines->next);
    engines->next = NULL;
}

void hx_engines_abandon(struct hx_engines *engines)
{
    decide(engines, false);
    hx_generation_release(engines->next);
    engines->next = NULL;
}

enum hx_errcode hx_engines_apply(struct hx_engines *engines, struct hx_generation *generation,
                                 struct hx_error *err)
{
    enum hx_errcode code = hx_engines_prepare(engines, generation, err);
    if (code == HX_OK)
        hx_engines_commit(engines);
    return code;
}

/* -------------------------------------------------------------------------------- the rest -- */

enum hx_errcode hx_engines_start(struct hx_engines *engines, struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    for (size_t i = 0; code == HX_OK && i < engines->n; i++)
        code = hx_engine_start(engines->all[i], err);
    return code;
}

enum hx_errcode hx_engines_report(struct hx_engines *engines, const char *name,
                                  const struct hx_report *report, struct hx_error *err)
{
    struct hx_generation *generation = hx_board_hold(engines->board);
    struct hx_record *record = generation == NULL ? NULL : hx_generation_find(generation, name);
    size_t owner = hx_shard_of(name, HX_SHARING_ENGINES, engines->n);
    enum hx_errcode code = HX_OK;
    if (record == NULL)
        code = hx_error_set(err, HX_ERR_NOTFOUND, "no dependency named \"%s\"", name);
    else if (record->dependency->kind->report == NULL)
        code = hx_error_set(err, HX_ERR_UNSUPPORTED,
                            "dependency \"%s\" is checked by kind %s and takes no reports", name,
                            record->dependency->kind->name);
    if (code == HX_OK)
        code = hx_engine_post(engines->all[owner], name, report, err);
    hx_generation_release(generation);
    return code;
}

void hx_engines_free(struct hx_engines *engines)
{
    if (engines == NULL)
        return;
    for (size_t i = 0; i < engines->n; i++)
        hx_engine_end(engines->all[i]);
    for (size_t i = 0; i < engines->n; i++)
        hx_engine_free(engines->all[i]);
    hx_generation_release(engines->next);
    free(engines);
}
