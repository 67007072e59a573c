/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a handover. The lock guards the step; whoever is to move next by the step owns the
 * rest: generation and error go with the answer, the change never leaves the loop's thread.
 */
#include "engine/handover.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum hx_errcode hx_handover_init(struct hx_handover *handover, struct hx_error *err)
{
    pthread_condattr_t attributes;
    *handover = (struct hx_handover){0};
    int error = pthread_condattr_init(&attributes);
    if (error == 0) {
        error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = error != 0 ? error : pthread_cond_init(&handover->moved, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    if (error == 0) {
        error = pthread_mutex_init(&handover->lock, NULL);
        if (error != 0)
            pthread_cond_destroy(&handover->moved);
    }
    return error == 0 ? HX_OK
                      : hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock: %s", strerror(error));
}

void hx_handover_fini(struct hx_handover *handover)
{
    hx_generation_release(handover->generation);
    pthread_cond_destroy(&handover->moved);
    pthread_mutex_destroy(&handover->lock);
}

static void move_to(struct hx_handover *handover, enum hx_handover_step step)
{
    handover->step = step;
    pthread_cond_broadcast(&handover->moved);
}

/* ------------------------------------------------------------------------ the loop's thread -- */

/* The lock is held on entry and exit, and not while the checks are made. */
static void prepare(struct hx_handover *handover, struct hx_runner *runner)
{
    struct hx_generation *generation = handover->generation;
    struct hx_error err = {0};
    handover->generation = NULL;
    move_to(handover, HX_HANDOVER_MAKING);
    pthread_mutex_unlock(&handover->lock);
    enum hx_errcode code = hx_runner_prepare(runner, generation, &handover->change, &err);
    pthread_mutex_lock(&handover->lock);
    bool is_unwanted = handover->step == HX_HANDOVER_UNWANTED;
    if (is_unwanted && code == HX_OK)
        hx_runner_abandon(runner, &handover->change);
    handover->err = err;
    if (is_unwanted)
        move_to(handover, HX_HANDOVER_IDLE);
    else
        move_to(handover, code == HX_OK ? HX_HANDOVER_READY : HX_HANDOVER_FAILED);
}

void hx_handover_serve(struct hx_handover *handover, struct hx_runner *runner)
{
    pthread_mutex_lock(&handover->lock);
    switch (handover->step) {
    case HX_HANDOVER_ASKED:
        prepare(handover, runner);
        break;
    case HX_HANDOVER_WANTED:
        hx_runner_commit(runner, &handover->change);
        move_to(handover, HX_HANDOVER_IDLE);
        break;
    case HX_HANDOVER_UNWANTED:
        hx_runner_abandon(runner, &handover->change);
        move_to(handover, HX_HANDOVER_IDLE);
        break;
    case HX_HANDOVER_IDLE:
    case HX_HANDOVER_MAKING:
    case HX_HANDOVER_READY:
    case HX_HANDOVER_FAILED:
        break;
    }
    pthread_mutex_unlock(&handover->lock);
}

void hx_handover_end(struct hx_handover *handover, struct hx_runner *runner)
{
    pthread_mutex_lock(&handover->lock);
    bool has_change = handover->step == HX_HANDOVER_READY || handover->step == HX_HANDOVER_WANTED ||
                      handover->step == HX_HANDOVER_UNWANTED;
    if (has_change)
        hx_runner_abandon(runner, &handover->change);
    hx_generation_release(handover->generation);
    handover->generation = NULL;
    hx_error_set(&handover->err, HX_ERR_BUSY, "the engine is stopping");
    move_to(handover, HX_HANDOVER_FAILED);
    pthread_mutex_unlock(&handover->lock);
}

/* ---------------------------------------------------------------------------- other threads -- */

enum hx_errcode hx_handover_ask(struct hx_handover *handover, struct hx_generation *generation,
                                struct hx_error *err)
{
    pthread_mutex_lock(&handover->lock);
    bool is_free = handover->step == HX_HANDOVER_IDLE;
    if (is_free) {
        handover->generation = generation;
        move_to(handover, HX_HANDOVER_ASKED);
    }
    pthread_mutex_unlock(&handover->lock);
    if (is_free)
        return HX_OK;
    hx_generation_release(generation);
    return hx_error_set(err, HX_ERR_BUSY,
                        "the engine has not taken over the configuration before this one");
}

/* Waits while the step is one of the two; the lock is held. */
static void wait_while(struct hx_handover *handover, enum hx_handover_step first,
                       enum hx_handover_step second, int64_t until_ns)
{
    struct timespec deadline = {.tv_sec = until_ns / HX_NS_PER_S,
                                .tv_nsec = until_ns % HX_NS_PER_S};
    int error = 0;
    while ((handover->step == first || handover->step == second) && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&handover->moved, &handover->lock, &deadline);
}

/* The loop gave no answer: it shall not act on what nobody waits for any more. */
static void take_back(struct hx_handover *handover)
{
    bool is_untouched = handover->step == HX_HANDOVER_ASKED;
    if (is_untouched) {
        hx_generation_release(handover->generation);
        handover->generation = NULL;
    }
    move_to(handover, is_untouched ? HX_HANDOVER_IDLE : HX_HANDOVER_UNWANTED);
}

enum hx_errcode hx_handover_await(struct hx_handover *handover, int64_t until_ns,
                                  struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    pthread_mutex_lock(&handover->lock);
    wait_while(handover, HX_HANDOVER_ASKED, HX_HANDOVER_MAKING, until_ns);
    if (handover->step == HX_HANDOVER_FAILED) {
        code = hx_error_set(err, handover->err.code, "%s", handover->err.message);
        move_to(handover, HX_HANDOVER_IDLE);
    } else if (handover->step != HX_HANDOVER_READY) {
        code = hx_error_set(err, HX_ERR_BUSY, "the engine does not answer");
        take_back(handover);
    }
    pthread_mutex_unlock(&handover->lock);
    return code;
}

bool hx_handover_decide(struct hx_handover *handover, bool is_wanted)
{
    pthread_mutex_lock(&handover->lock);
    bool is_ready = handover->step == HX_HANDOVER_READY;
    if (is_ready)
        move_to(handover, is_wanted ? HX_HANDOVER_WANTED : HX_HANDOVER_UNWANTED);
    pthread_mutex_unlock(&handover->lock);
    return is_ready;
}

void hx_handover_settle(struct hx_handover *handover, int64_t until_ns)
{
    pthread_mutex_lock(&handover->lock);
    wait_while(handover, HX_HANDOVER_WANTED, HX_HANDOVER_UNWANTED, until_ns);
    pthread_mutex_unlock(&handover->lock);
}
