/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply that comes later: its connection is suspended while another thread works it out, so that
 * all others go on being served.
 *
 *     web thread      begin ─ (suspended) ───────────────────── resume ─ reply, or begin again
 *     other thread        └─> works ─ finish ─ (wakes the loop) ──┘
 *
 * The client may be gone by then, and the server may stop first; what finishes after that is only
 * freed. Nobody may wait for what
 * never finishes: whoever takes a `later` finishes it exactly once, before hx_web_free() ends.
 */
#ifndef HX_WEB_LATER_H
#define HX_WEB_LATER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

struct hx_client;
struct hx_exchange;
struct hx_web;

/* The head of a caller's own allocated struct, which holds what the other thread found out. */
struct hx_later {
    /* Web thread: replies, or begins another later. Called once, unless the client is gone or the
     * server stops. */
    enum MHD_Result (*resume)(struct hx_exchange *exchange, struct hx_later *later);
    /* Web thread or the one that finishes; the last thing that happens to it. */
    void (*free)(struct hx_later *later);
    /* The mechanism's own, guarded by its lock. */
    struct hx_web *web;
    struct hx_client *client; /* who waits; NULL: nobody any more */
    bool is_finished;
    struct hx_later *next; /* of those that have finished */
};

struct hx_laters {
    pthread_mutex_t lock;
    struct hx_later *finished;
};

/* Suspends the exchange's connection until `later` finishes, and takes it. Only at the end of a
 * request; no reply may be queued, and the result is the one to return to libmicrohttpd. After this
 * the other thread may be given its work; if that fails, say so in the struct and finish. */
enum MHD_Result hx_later_begin(struct hx_exchange *exchange, struct hx_later *later);

/* What was found out is in the struct. Any thread. */
void hx_later_finish(struct hx_later *later);

/* ---- for the loop and the exchange ---- */

int hx_laters_init(struct hx_laters *laters); /* 0, or an errno value */
void hx_laters_fini(struct hx_laters *laters);

/* Lets the connections go on whose `later` has finished. */
void hx_laters_wake(struct hx_web *web);

/* The connection goes on: answers with what it waited for. */
enum MHD_Result hx_later_resume(struct hx_exchange *exchange);

/* The connection ends, whether it waits or not. */
void hx_later_drop(struct hx_web *web, struct hx_client *client);

/* Nobody waits any more; libmicrohttpd may not be stopped with suspended connections. */
void hx_laters_abandon(struct hx_web *web);

#endif
