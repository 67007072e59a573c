/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspending and resuming. Happy path: begin() puts the later into its connection's entry and
 * suspends; finish() lists it and wakes the loop, which resumes the connection; libmicrohttpd then
 * calls for the request once more, and that call runs resume().
 *
 * Who frees what: the later is freed after its resume(); or, when its connection ends before that,
 * by whichever comes second, its finish() or that end. libmicrohttpd does not look at a suspended
 * connection's socket: neither the guard's deadline nor a client that hangs up ends it before it is
 * resumed, and a client that has hung up by then is noticed instead of resume() being run.
 */
#include "web/later.h"

#include "web/exchange.h"

#include <unistd.h>

int hx_laters_init(struct hx_laters *laters)
{
    laters->finished = NULL;
    return pthread_mutex_init(&laters->lock, NULL);
}

void hx_laters_fini(struct hx_laters *laters)
{
    pthread_mutex_destroy(&laters->lock);
}

enum MHD_Result hx_later_begin(struct hx_exchange *exchange, struct hx_later *later)
{
    struct hx_web *web = exchange->web;
    struct hx_client *client = exchange->connection;
    hx_guard_enter(&web->guard, client, HX_STAGE_REPLY, web->now_ns);
    later->web = web;
    later->client = client;
    later->next = NULL;
    later->is_finished = false;
    client->later = later;
    client->suspended = exchange->mhd;
    MHD_suspend_connection(exchange->mhd);
    return MHD_YES;
}

void hx_later_finish(struct hx_later *later)
{
    struct hx_web *web = later->web;
    uint64_t one = 1;
    pthread_mutex_lock(&web->laters.lock);
    bool is_awaited = later->client != NULL;
    if (is_awaited) {
        later->is_finished = true;
        later->next = web->laters.finished;
        web->laters.finished = later;
        /* Under the lock, because the loop closes the descriptor when it has abandoned all. */
        (void)!write(web->wake_fd, &one, sizeof(one));
    }
    pthread_mutex_unlock(&web->laters.lock);
    if (!is_awaited)
        later->free(later);
}

void hx_laters_wake(struct hx_web *web)
{
    pthread_mutex_lock(&web->laters.lock);
    struct hx_later *later = web->laters.finished;
    web->laters.finished = NULL;
    pthread_mutex_unlock(&web->laters.lock);
    while (later != NULL) {
        struct hx_later *next = later->next;
        struct hx_client *client = later->client;
        MHD_resume_connection(client->suspended);
        client->suspended = NULL;
        later = next;
    }
}

enum MHD_Result hx_later_resume(struct hx_exchange *exchange)
{
    struct hx_later *later = exchange->connection->later;
    exchange->connection->later = NULL;
    enum MHD_Result result = later->resume(exchange, later);
    later->free(later);
    return result;
}

void hx_later_drop(struct hx_web *web, struct hx_client *client)
{
    struct hx_later *later = client->later;
    if (later == NULL)
        return;
    client->later = NULL;
    pthread_mutex_lock(&web->laters.lock);
    bool is_finished = later->is_finished;
    later->client = NULL;
    pthread_mutex_unlock(&web->laters.lock);
    if (is_finished)
        later->free(later);
}

void hx_laters_abandon(struct hx_web *web)
{
    for (struct hx_client *client = web->guard.first; client != NULL; client = client->next) {
        if (client->suspended != NULL)
            MHD_resume_connection(client->suspended);
        client->suspended = NULL;
        hx_later_drop(web, client);
    }
    pthread_mutex_lock(&web->laters.lock);
    web->laters.finished = NULL; /* all of them were freed above */
    pthread_mutex_unlock(&web->laters.lock);
}
