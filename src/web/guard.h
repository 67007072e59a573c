/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that are open, and what each may still take: time and places. libmicrohttpd's
 * own timeout starts again with every byte, and its limits are per listener; these are absolute,
 * and over all listeners.
 *
 *     accept ─ HEAD ──── head complete ─ BODY ─ request complete ─ REPLY ─ reply sent ─┐
 *               ▲  header_deadline for both, counted from the start                    │
 *               └──────────────────────────────────────────────────────────────────────┘
 *
 * All on the web thread.
 */
#ifndef HX_WEB_GUARD_H
#define HX_WEB_GUARD_H

#include "web/request.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct MHD_Connection;
struct hx_later;
struct hx_rules;

/* Who is at the other end, as far as limits go: an IPv4 address, the /64 of an IPv6 one. */
struct hx_peer {
    bool is_limited;     /* false for a unix socket */
    bool is_local;       /* a loopback address, or a unix socket */
    uint8_t key[9];      /* the IP version, and the address */
    uint8_t address[16]; /* whole, IPv4 v4-mapped; zero for a unix socket */
};

struct hx_peer hx_peer_of(const struct sockaddr_storage *address);

enum hx_stage { HX_STAGE_HEAD, HX_STAGE_BODY, HX_STAGE_REPLY };

/* Replies that are rendered while they are sent have places, which are few for each kind. */
enum hx_sending { HX_SENDING_LITTLE, HX_SENDING_METRICS, HX_SENDING_DETAILS, HX_SENDING_PAGE };

/* One connection, and the request that it is on. */
struct hx_client {
    struct hx_client *next, *previous;
    int fd; /* libmicrohttpd's: only ever shut down here */
    struct hx_peer peer;
    struct hx_rules *rules; /* held, that its TLS session uses; NULL: no TLS */
    enum hx_stage stage;
    int64_t deadline_ns;
    /* The request. */
    const struct hx_fault *fault; /* what was wrong with its first line */
    bool is_seen;                 /* its head was judged */
    enum hx_sending sending;      /* what its reply is */
    bool is_admitted;             /* network and rate were judged */
    char *body;                   /* owned; NULL: none yet */
    size_t body_size, body_len;
    struct hx_later *later;           /* what its reply waits for, or NULL */
    struct MHD_Connection *suspended; /* itself, while it waits */
};

struct hx_guard {
    struct hx_client *first;
    unsigned n, max, max_per_peer;
    unsigned reserve; /* the last places are for peers that have no connection yet */
    int64_t head_ns, reply_ns;
    bool is_draining;
};

void hx_guard_init(struct hx_guard *guard, unsigned max, unsigned max_per_peer, int64_t head_ns);

/* Is there a place for one more from that peer? */
bool hx_guard_admits(const struct hx_guard *guard, const struct hx_peer *peer);

/* A connection came; NULL when out of memory. The guard frees it in hx_guard_remove(). */
struct hx_client *hx_guard_add(struct hx_guard *guard, int fd, const struct hx_peer *peer,
                               int64_t now_ns);
void hx_guard_remove(struct hx_guard *guard, struct hx_client *connection);

/* It is on to the next stage. HEAD forgets the request before and begins a new deadline. */
void hx_guard_enter(const struct hx_guard *guard, struct hx_client *connection, enum hx_stage stage,
                    int64_t now_ns);

/* Gives the client's reply a place of that kind, until its next request. False: all are taken, or
 * half of them by its peer, so that nobody can hold them all by reading slowly. */
bool hx_guard_take_place(const struct hx_guard *guard, struct hx_client *client,
                         enum hx_sending sending);

/* Shuts down the connections whose time is over; how many. */
unsigned hx_guard_sweep(struct hx_guard *guard, int64_t now_ns);

/* Tells the connections without a complete head, at once or when their reply is sent, that nothing
 * more is read than what has arrived. */
void hx_guard_drain(struct hx_guard *guard);

#endif
