/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: a runner, a resolver and a loop in a thread of their own. Other threads reach it by
 * reports, which lie in a list under a mutex until the loop takes them, and by the handover of a
 * generation; uv_async_send() wakes it. Life: new (loop and handles made, nothing runs) - handover
 * of the first generation, in the caller's thread - start - commands - end (cancel all, close the
 * handles, turn the loop until they are closed) - free (join).
 */
#include "engine/engine.h"

#include "engine/handover.h"
#include "engine/runner.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define HEARTBEAT_MS 1000

/* Reports waiting for the loop; a service that reports faster is told so. */
#define MAX_POSTED 4096

struct posted {
    struct posted *next;
    struct hx_report report;
    char name[72];
};

/* Counters of others that the heartbeat carries over into the registry. */
struct carried {
    struct hx_counter *counter;
    uint64_t seen;
};

struct hx_engine {
    struct hx_engine_options options;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t heartbeat;
    struct hx_resolver *resolver;
    struct hx_runner runner;
    struct hx_histogram *loop_lag;
    struct hx_gauge *in_flight, *queued;
    struct carried log_dropped, lookups, cache_hits;
    pthread_t thread;
    bool is_started;
    atomic_bool is_stop_wanted;
    struct hx_handover handover;
    pthread_mutex_t lock; /* guards the list */
    struct posted *first, **last;
    size_t n_posted;
};

static void on_wake(uv_async_t *async);
static void on_heartbeat(uv_timer_t *timer);

/* ------------------------------------------------------------------------------- making one -- */

static enum hx_errcode make_families(struct hx_engine *engine, struct hx_error *err)
{
    static const double lag_bounds[] = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5};
    struct hx_registry *registry = engine->options.registry;
    engine->loop_lag =
        hx_registry_histogram(registry, "health_exporter_loop_lag_seconds",
                              "How much later than planned the engine's loop turned.", NULL,
                              lag_bounds, sizeof(lag_bounds) / sizeof(lag_bounds[0]), err);
    engine->in_flight = hx_registry_gauge(registry, "health_exporter_checks_in_flight",
                                          "Checks that are running now.", NULL, err);
    engine->queued = hx_registry_gauge(registry, "health_exporter_checks_queued",
                                       "Checks that are due and wait for a slot.", NULL, err);
    engine->log_dropped.counter =
        hx_registry_counter(registry, "health_exporter_log_dropped_total",
                            "Log lines lost because their reader was too slow.", NULL, err);
    engine->lookups.counter =
        hx_registry_counter(registry, "health_exporter_resolver_lookups_total",
                            "Names looked up for checks, cached or not.", NULL, err);
    engine->cache_hits.counter =
        hx_registry_counter(registry, "health_exporter_resolver_cache_hits_total",
                            "Lookups answered from the resolver's cache.", NULL, err);
    bool is_complete = engine->loop_lag != NULL && engine->in_flight != NULL &&
                       engine->queued != NULL && engine->log_dropped.counter != NULL &&
                       engine->lookups.counter != NULL && engine->cache_hits.counter != NULL;
    return is_complete ? HX_OK : HX_ERR_NOMEM;
}

/* Begins to close the handles of the loop itself. */
static void close_handles(struct hx_engine *engine)
{
    uv_close((uv_handle_t *)&engine->wake, NULL);
    uv_close((uv_handle_t *)&engine->heartbeat, NULL);
    hx_resolver_free(engine->resolver);
    engine->resolver = NULL;
}

/* Turns the loop until all handles are closed, and ends it. */
static void close_loop(struct hx_engine *engine)
{
    uv_run(&engine->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&engine->loop) != 0)
        hx_log(engine->options.log, HX_LOG_ERROR, "a handle was left open on the engine's loop",
               HX_LOG_BOOL("defect", true));
}

static enum hx_errcode open_loop(struct hx_engine *engine, struct hx_error *err)
{
    int error = uv_loop_init(&engine->loop);
    if (error != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make an event loop: %s",
                            uv_strerror(error));
    uv_timer_init(&engine->loop, &engine->heartbeat);
    engine->heartbeat.data = engine;
    error = uv_async_init(&engine->loop, &engine->wake, on_wake);
    engine->wake.data = engine;
    if (error != 0) {
        uv_close((uv_handle_t *)&engine->heartbeat, NULL);
        uv_run(&engine->loop, UV_RUN_DEFAULT);
        uv_loop_close(&engine->loop);
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make an event loop: %s",
                            uv_strerror(error));
    }
    enum hx_errcode code =
        hx_resolver_new(&engine->loop, &engine->options.resolver, &engine->resolver, err);
    if (code != HX_OK) {
        close_handles(engine);
        close_loop(engine);
    }
    return code;
}

static void init_runner(struct hx_engine *engine)
{
    struct hx_runner_options options = {
        .loop = &engine->loop,
        .board = engine->options.board,
        .log = engine->options.log,
        .resolver = engine->resolver,
        .loop_lag = engine->loop_lag,
        .in_flight = engine->in_flight,
        .queued = engine->queued,
        .registry = engine->options.registry,
        .engine = engine->options.index,
        .n_engines = engine->options.n_engines,
        .max_sockets = engine->options.max_sockets,
        .seed = engine->options.seed,
    };
    hx_runner_init(&engine->runner, &options);
}

static enum hx_errcode init_locks(struct hx_engine *engine, struct hx_error *err)
{
    enum hx_errcode code = hx_handover_init(&engine->handover, err);
    if (code == HX_OK && pthread_mutex_init(&engine->lock, NULL) != 0) {
        hx_handover_fini(&engine->handover);
        code = hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock");
    }
    return code;
}

enum hx_errcode hx_engine_new(const struct hx_engine_options *options, struct hx_engine **engine,
                              struct hx_error *err)
{
    struct hx_engine *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    e->options = *options;
    e->last = &e->first;
    enum hx_errcode code = make_families(e, err);
    if (code == HX_OK)
        code = init_locks(e, err);
    if (code != HX_OK) {
        free(e);
        return code;
    }
    code = open_loop(e, err);
    if (code != HX_OK) {
        hx_handover_fini(&e->handover);
        pthread_mutex_destroy(&e->lock);
        free(e);
        return code;
    }
    init_runner(e);
    *engine = e;
    return HX_OK;
}

/* ------------------------------------------------------------------------------- the thread -- */

static void *run_engine(void *data)
{
    struct hx_engine *engine = data;
    uv_run(&engine->loop, UV_RUN_DEFAULT);
    return NULL;
}

enum hx_errcode hx_engine_start(struct hx_engine *engine, struct hx_error *err)
{
    char name[16];
    on_heartbeat(&engine->heartbeat);
    uv_update_time(&engine->loop);
    uv_timer_start(&engine->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
    int error = pthread_create(&engine->thread, NULL, run_engine, engine);
    if (error != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot start the engine's thread: %s",
                            strerror(error));
    snprintf(name, sizeof(name), "hx-engine-%u", (unsigned)(engine->options.index % 100));
    pthread_setname_np(engine->thread, name);
    engine->is_started = true;
    return HX_OK;
}

static void carry(struct carried *carried, uint64_t now)
{
    hx_counter_add(carried->counter, now - carried->seen);
    carried->seen = now;
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct hx_engine *engine = timer->data;
    struct hx_resolver_stats stats;
    hx_board_beat(engine->options.board, engine->options.index, hx_clock_monotonic_ns());
    hx_resolver_stats(engine->resolver, &stats);
    carry(&engine->lookups, stats.lookups);
    carry(&engine->cache_hits, stats.cache_hits);
    /* The log is one for all engines. */
    if (engine->options.log != NULL && engine->options.index == 0)
        carry(&engine->log_dropped, hx_log_dropped(engine->options.log));
}

/* -------------------------------------------------------------------------------- reports -- */

enum hx_errcode hx_engine_post(struct hx_engine *engine, const char *name,
                               const struct hx_report *report, struct hx_error *err)
{
    struct posted *posted = calloc(1, sizeof(*posted));
    if (posted == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    posted->report = *report;
    snprintf(posted->name, sizeof(posted->name), "%s", name);
    pthread_mutex_lock(&engine->lock);
    bool is_full = engine->n_posted >= MAX_POSTED;
    if (!is_full) {
        *engine->last = posted;
        engine->last = &posted->next;
        engine->n_posted++;
    }
    pthread_mutex_unlock(&engine->lock);
    if (is_full) {
        free(posted);
        return hx_error_set(err, HX_ERR_LIMIT, "too many reports are waiting, try again later");
    }
    uv_async_send(&engine->wake);
    return HX_OK;
}

static void take_reports(struct hx_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    struct posted *posted = engine->first;
    engine->first = NULL;
    engine->last = &engine->first;
    engine->n_posted = 0;
    pthread_mutex_unlock(&engine->lock);
    while (posted != NULL) {
        struct posted *next = posted->next;
        hx_runner_report(&engine->runner, posted->name, &posted->report);
        free(posted);
        posted = next;
    }
}

static void on_wake(uv_async_t *async)
{
    struct hx_engine *engine = async->data;
    hx_handover_serve(&engine->handover, &engine->runner);
    take_reports(engine);
    if (atomic_load(&engine->is_stop_wanted) && engine->resolver != NULL) {
        hx_handover_end(&engine->handover, &engine->runner);
        hx_runner_stop(&engine->runner);
        close_handles(engine);
    }
}

/* -------------------------------------------------------------------------- generations -- */

/* Before the start the caller's thread is the loop's. */
static void let_serve(struct hx_engine *engine)
{
    if (engine->is_started)
        uv_async_send(&engine->wake);
    else
        hx_handover_serve(&engine->handover, &engine->runner);
}

enum hx_errcode hx_engine_ask(struct hx_engine *engine, struct hx_generation *generation,
                              struct hx_error *err)
{
    enum hx_errcode code = hx_handover_ask(&engine->handover, generation, err);
    if (code == HX_OK)
        let_serve(engine);
    return code;
}

enum hx_errcode hx_engine_await(struct hx_engine *engine, int64_t until_ns, struct hx_error *err)
{
    return hx_handover_await(&engine->handover, until_ns, err);
}

bool hx_engine_decide(struct hx_engine *engine, bool is_wanted)
{
    bool is_decided = hx_handover_decide(&engine->handover, is_wanted);
    if (is_decided)
        let_serve(engine);
    return is_decided;
}

void hx_engine_settle(struct hx_engine *engine, int64_t until_ns)
{
    hx_handover_settle(&engine->handover, until_ns);
}

/* ------------------------------------------------------------------------------- the end -- */

void hx_engine_end(struct hx_engine *engine)
{
    if (!engine->is_started)
        return;
    atomic_store(&engine->is_stop_wanted, true);
    uv_async_send(&engine->wake);
}

static void free_posted(struct hx_engine *engine)
{
    while (engine->first != NULL) {
        struct posted *posted = engine->first;
        engine->first = posted->next;
        free(posted);
    }
}

void hx_engine_free(struct hx_engine *engine)
{
    if (engine == NULL)
        return;
    hx_engine_end(engine);
    if (engine->is_started)
        pthread_join(engine->thread, NULL);
    if (engine->resolver != NULL) { /* it never ran */
        hx_handover_end(&engine->handover, &engine->runner);
        hx_runner_stop(&engine->runner);
        close_handles(engine);
    }
    close_loop(engine);
    free_posted(engine);
    hx_handover_fini(&engine->handover);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}
