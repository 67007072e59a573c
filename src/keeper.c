/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's thread: a list of those that wait for a reload, and a clock, under one lock that is
 * never held while anything is done.
 *
 * A reload takes the whole list with it. Whoever asks while it runs is put on a new list and served
 * by the next one, because the files may have changed after they were read. So a thousand requests
 * at once cost two reloads, and a storm of them no more than one each gap. At the end those that
 * still wait are told that the exporter stops.
 */
#include "keeper.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_WAITING 1024

struct waiting {
    struct waiting *next;
    hx_reload_done done;
    void *done_data;
};

struct hx_keeper {
    struct hx_keeper_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t wake;
    struct waiting *first, **last;
    size_t n_waiting;
    unsigned poll_reasons; /* bit per enum hx_poll_reason */
    int64_t next_poll_ns;
    int64_t next_reload_ns; /* not before */
    bool is_stopping;
    bool is_joined;
};

static void *run_keeper(void *data);

/* ------------------------------------------------------------------------------- making one -- */

static int init_locks(struct hx_keeper *keeper)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0)
        return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(&keeper->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (error != 0)
        return error;
    error = pthread_mutex_init(&keeper->lock, NULL);
    if (error != 0)
        pthread_cond_destroy(&keeper->wake);
    return error;
}

static void fini_locks(struct hx_keeper *keeper)
{
    pthread_mutex_destroy(&keeper->lock);
    pthread_cond_destroy(&keeper->wake);
}

enum hx_errcode hx_keeper_new(const struct hx_keeper_options *options, struct hx_keeper **keeper,
                              struct hx_error *err)
{
    struct hx_keeper *k = calloc(1, sizeof(*k));
    if (k == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    k->options = *options;
    k->last = &k->first;
    int error = init_locks(k);
    if (error == 0) {
        error = pthread_create(&k->thread, NULL, run_keeper, k);
        if (error != 0)
            fini_locks(k);
    }
    if (error != 0) {
        free(k);
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot start the keeper's thread: %s",
                            strerror(error));
    }
    pthread_setname_np(k->thread, "hx-keeper");
    *keeper = k;
    return HX_OK;
}

/* ---------------------------------------------------------------------------- other threads -- */

enum hx_errcode hx_keeper_reload(struct hx_keeper *keeper, hx_reload_done done, void *done_data,
                                 struct hx_error *err)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (waiting == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    waiting->done = done;
    waiting->done_data = done_data;
    pthread_mutex_lock(&keeper->lock);
    bool is_stopping = keeper->is_stopping;
    bool is_taken = !is_stopping && keeper->n_waiting < MAX_WAITING;
    if (is_taken) {
        *keeper->last = waiting;
        keeper->last = &waiting->next;
        keeper->n_waiting++;
        pthread_cond_signal(&keeper->wake);
    }
    pthread_mutex_unlock(&keeper->lock);
    if (is_taken)
        return HX_OK;
    free(waiting);
    if (is_stopping)
        return hx_error_set(err, HX_ERR_BUSY, "the exporter is stopping");
    return hx_error_set(err, HX_ERR_LIMIT, "too many reloads are waiting, try again later");
}

void hx_keeper_poll(struct hx_keeper *keeper, enum hx_poll_reason reason, bool is_wanted)
{
    unsigned bit = 1U << reason;
    pthread_mutex_lock(&keeper->lock);
    bool was_polling = keeper->poll_reasons != 0;
    keeper->poll_reasons = is_wanted ? keeper->poll_reasons | bit : keeper->poll_reasons & ~bit;
    if (!was_polling && keeper->poll_reasons != 0) {
        keeper->next_poll_ns = hx_clock_monotonic_ns() + keeper->options.period_ns;
        pthread_cond_signal(&keeper->wake);
    }
    pthread_mutex_unlock(&keeper->lock);
}

/* ------------------------------------------------------------------------------- the thread -- */

static struct waiting *take_waiting(struct hx_keeper *keeper)
{
    struct waiting *first = keeper->first;
    keeper->first = NULL;
    keeper->last = &keeper->first;
    keeper->n_waiting = 0;
    return first;
}

/* Tells each of them the outcome, and frees the list. */
static void tell(struct waiting *waiting, const struct hx_reload *reload)
{
    while (waiting != NULL) {
        struct waiting *next = waiting->next;
        if (waiting->done != NULL)
            waiting->done(waiting->done_data, reload);
        free(waiting);
        waiting = next;
    }
}

static void serve(struct hx_keeper *keeper, struct waiting *waiting)
{
    struct hx_reload reload = {0};
    keeper->options.reload(keeper->options.data, &reload);
    tell(waiting, &reload);
    hx_reload_fini(&reload);
}

static void refuse(struct waiting *waiting)
{
    char message[] = "the exporter is stopping";
    struct hx_reload_error error = {.message = message};
    struct hx_reload reload = {.errors = &error, .n_errors = 1};
    tell(waiting, &reload);
}

/* When there is something to do; INT64_MAX: when somebody wakes it. */
static int64_t next_moment(const struct hx_keeper *keeper)
{
    int64_t next = keeper->first == NULL ? INT64_MAX : keeper->next_reload_ns;
    if (keeper->poll_reasons != 0 && keeper->next_poll_ns < next)
        next = keeper->next_poll_ns;
    return next;
}

/* The lock is held. */
static void sleep_until(struct hx_keeper *keeper, int64_t moment_ns)
{
    struct timespec until = {.tv_sec = moment_ns / HX_NS_PER_S, .tv_nsec = moment_ns % HX_NS_PER_S};
    if (moment_ns == INT64_MAX)
        pthread_cond_wait(&keeper->wake, &keeper->lock);
    else
        pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
}

/* The one thing that is due; the lock is held on entry and exit. */
static void do_next(struct hx_keeper *keeper, int64_t now_ns)
{
    bool is_reload = keeper->first != NULL && now_ns >= keeper->next_reload_ns;
    struct waiting *waiting = is_reload ? take_waiting(keeper) : NULL;
    pthread_mutex_unlock(&keeper->lock);
    if (is_reload)
        serve(keeper, waiting);
    else
        keeper->options.poll(keeper->options.data);
    pthread_mutex_lock(&keeper->lock);
    int64_t end = hx_clock_monotonic_ns();
    if (is_reload)
        keeper->next_reload_ns = end + keeper->options.gap_ns;
    else
        keeper->next_poll_ns = end + keeper->options.period_ns;
}

static void *run_keeper(void *data)
{
    struct hx_keeper *keeper = data;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->is_stopping) {
        int64_t now = hx_clock_monotonic_ns();
        int64_t next = next_moment(keeper);
        if (next <= now)
            do_next(keeper, now);
        else
            sleep_until(keeper, next);
    }
    struct waiting *waiting = take_waiting(keeper);
    pthread_mutex_unlock(&keeper->lock);
    refuse(waiting);
    return NULL;
}

/* ---------------------------------------------------------------------------------- the end -- */

void hx_keeper_stop(struct hx_keeper *keeper)
{
    if (keeper->is_joined)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->is_stopping = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    keeper->is_joined = true;
}

void hx_keeper_free(struct hx_keeper *keeper)
{
    if (keeper == NULL)
        return;
    hx_keeper_stop(keeper);
    fini_locks(keeper);
    free(keeper);
}
