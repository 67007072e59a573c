/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call at a time in a detached thread.
 *
 *     run ─ waiter made ─ thread: call ─ async sent ─ on_async: cb ─ waiter closed
 *                └─ cancel: waiter closed; the thread ends when the call does, and tells nobody
 *
 * The waiter is the loop's side: a heap block with the uv_async_t, freed by its close callback. The
 * offload itself is shared by its owner and the thread, and whoever leaves last frees it. The mutex
 * guards who waits and whether a call runs; the thread sends to the waiter only under it, so that
 * no async handle is touched after its uv_close(). While a call runs, data is the thread's alone.
 *
 * The thread blocks all signals: they belong to the main program's threads.
 */
#include "kinds/offload.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Enough for a system call and what a sanitizer adds; address space only, until it is used. */
#define STACK_SIZE 262144

struct waiter {
    uv_async_t async;
    struct hx_offload *offload;
    hx_offload_cb cb;
    void *owner;
};

struct hx_offload {
    pthread_mutex_t mutex;
    int references; /* the owner, and the thread while there is one */
    bool is_running;
    struct waiter *waiter; /* NULL: nobody waits */
    hx_offload_call call;
    max_align_t data[];
};

enum hx_errcode hx_offload_new(hx_offload_call call, const void *data, size_t size,
                               struct hx_offload **offload, struct hx_error *err)
{
    struct hx_offload *made = calloc(1, sizeof(*made) + size);

    if (made == NULL || pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    made->references = 1;
    made->call = call;
    memcpy(made->data, data, size);
    *offload = made;
    return HX_OK;
}

static void drop(struct hx_offload *offload)
{
    pthread_mutex_lock(&offload->mutex);
    bool is_last = --offload->references == 0;
    pthread_mutex_unlock(&offload->mutex);

    if (is_last) {
        pthread_mutex_destroy(&offload->mutex);
        free(offload);
    }
}

void hx_offload_free(struct hx_offload *offload)
{
    if (offload != NULL) {
        drop(offload);
    }
}

static void *run_thread(void *argument)
{
    struct hx_offload *offload = argument;

    offload->call(offload->data);
    pthread_mutex_lock(&offload->mutex);
    offload->is_running = false;
    if (offload->waiter != NULL) {
        uv_async_send(&offload->waiter->async);
    }
    pthread_mutex_unlock(&offload->mutex);
    drop(offload);
    return NULL;
}

static int start_thread(struct hx_offload *offload)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    int error = pthread_attr_init(&attributes);

    if (error != 0) {
        return error;
    }
    sigfillset(&all);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setsigmask_np(&attributes, &all);
    error = pthread_create(&thread, &attributes, run_thread, offload);
    pthread_attr_destroy(&attributes);
    return error;
}

static void on_waiter_close(uv_handle_t *handle)
{
    free(handle->data);
}

/* Takes the waiter off; NULL when there is none, or when a call still runs and must_have_ended. */
static struct waiter *take_waiter(struct hx_offload *offload, bool must_have_ended)
{
    struct waiter *waiter = NULL;

    pthread_mutex_lock(&offload->mutex);
    if (!must_have_ended || !offload->is_running) {
        waiter = offload->waiter;
        offload->waiter = NULL;
    }
    pthread_mutex_unlock(&offload->mutex);
    return waiter;
}

static void on_async(uv_async_t *async)
{
    struct hx_offload *offload = ((struct waiter *)async->data)->offload;
    struct waiter *waiter = take_waiter(offload, true);

    if (waiter != NULL) {
        uv_close((uv_handle_t *)&waiter->async, on_waiter_close);
        waiter->cb(waiter->owner, offload->data);
    }
}

static struct waiter *waiter_new(struct hx_offload *offload, uv_loop_t *loop)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));

    if (waiter == NULL || uv_async_init(loop, &waiter->async, on_async) != 0) {
        free(waiter);
        return NULL;
    }
    waiter->async.data = waiter;
    waiter->offload = offload;
    return waiter;
}

enum hx_errcode hx_offload_run(struct hx_offload *offload, struct uv_loop_s *loop, hx_offload_cb cb,
                               void *owner, struct hx_error *err)
{
    struct waiter *waiter = waiter_new(offload, loop);
    int error = 0;

    if (waiter == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    waiter->cb = cb;
    waiter->owner = owner;
    pthread_mutex_lock(&offload->mutex);
    offload->waiter = waiter;
    if (!offload->is_running) {
        offload->is_running = true;
        offload->references++;
        error = start_thread(offload);
    }
    if (error != 0) {
        offload->is_running = false;
        offload->references--;
    }
    pthread_mutex_unlock(&offload->mutex);
    if (error != 0) {
        hx_offload_cancel(offload);
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot start a thread: %s",
                            strerrordesc_np(error));
    }
    return HX_OK;
}

void hx_offload_cancel(struct hx_offload *offload)
{
    struct waiter *waiter = take_waiter(offload, false);

    if (waiter != NULL) {
        uv_close((uv_handle_t *)&waiter->async, on_waiter_close);
    }
}
