/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handing over of a generation to the loop, in two steps, so that a reload is all or nothing:
 * first all is made that can fail, and nothing is changed; then, when everybody else has agreed,
 * the change is made, which cannot fail.
 *
 *     asker:  ask ──── waits ────┐            ┌─ commit or abandon ─ waits ─┐
 *     loop:        serve ─ prepare ─ ready ───┘            serve ─ change ──┘
 *
 * The asker waits for a bounded time: a loop that is stuck refuses the change. What it has given is
 * then taken back, or thrown away by the loop when that turns again.
 */
#ifndef HX_ENGINE_HANDOVER_H
#define HX_ENGINE_HANDOVER_H

#include "engine/runner.h"

#include <pthread.h>

enum hx_handover_step {
    HX_HANDOVER_IDLE,
    HX_HANDOVER_ASKED,    /* the loop is to prepare */
    HX_HANDOVER_MAKING,   /* it does */
    HX_HANDOVER_READY,    /* the asker is to decide */
    HX_HANDOVER_FAILED,   /* could not be prepared; nothing is left of it */
    HX_HANDOVER_WANTED,   /* the loop is to make the change */
    HX_HANDOVER_UNWANTED, /* the loop is to throw it away */
};

struct hx_handover {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* the step has changed */
    enum hx_handover_step step;
    struct hx_generation *generation; /* while asked: held */
    struct hx_change change;          /* the loop's own */
    struct hx_error err;
};

enum hx_errcode hx_handover_init(struct hx_handover *handover, struct hx_error *err) HX_MUST_CHECK;
void hx_handover_fini(struct hx_handover *handover);

/* ---- the loop's thread ---- */

/* Does what is asked. */
void hx_handover_serve(struct hx_handover *handover, struct hx_runner *runner);

/* The loop ends: throws away what is under way, and serves no more. */
void hx_handover_end(struct hx_handover *handover, struct hx_runner *runner);

/* ---- other threads, one at a time; the loop must be woken after ask and decide ---- */

/* Gives the generation (takes the reference, also on failure). BUSY: one is under way. */
enum hx_errcode hx_handover_ask(struct hx_handover *handover, struct hx_generation *generation,
                                struct hx_error *err) HX_MUST_CHECK;

/* Waits for the loop's answer to it, until a monotonic moment at most. */
enum hx_errcode hx_handover_await(struct hx_handover *handover, int64_t until_ns,
                                  struct hx_error *err) HX_MUST_CHECK;

/* After an answer that was HX_OK: yes or no. False: there was none such, and nothing is done. */
bool hx_handover_decide(struct hx_handover *handover, bool is_wanted);

/* Waits until the loop has done it, or that moment has come; it will, however late. */
void hx_handover_settle(struct hx_handover *handover, int64_t until_ns);

#endif
