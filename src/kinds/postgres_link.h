/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of libpq on the loop: resolves the name, tries the addresses in turn, finds out
 * whether there is TLS, logs in, and from then on tells when the socket has something. libpq
 * itself never resolves and never waits.
 */
#ifndef HX_KINDS_POSTGRES_LINK_H
#define HX_KINDS_POSTGRES_LINK_H

#include "health_exporter/check.h"
#include "kinds/flood.h"
#include "net/resolver.h"

#include <libpq-fe.h>
#include <uv.h>

/* Embedded in the run memory. Zeroed is closed. */
struct hx_postgres_link {
    struct hx_check *check;
    void (*on_ready)(struct hx_check *check); /* logged in; the connection does not block */
    /* The socket may be read (or written, if that was asked for), or is broken. */
    void (*on_event)(struct hx_check *check);

    PGconn *conn;
    bool is_ready;
    uv_poll_t *poll; /* on conn's socket; a heap block of its own */
    int fd;          /* that poll watches */
    int events;      /* that poll waits for; 0: stopped */
    enum hx_phase phase;

    struct hx_lookup *lookup;
    struct hx_address *addresses;
    size_t n_addresses, next_address;
    uv_timer_t *timer; /* ends an address' share of the time; NULL when there is no other */

    struct hx_flood flood;

    /* Learnt of the server, kept from connection to connection until one fails. */
    bool is_plain;          /* it has no TLS */
    bool is_without_limits; /* it refuses startup options */
};

/* Opens it; on_ready comes, or the check ends. The link must be closed; on_ready and on_event must
 * be set. */
void hx_postgres_link_open(struct hx_postgres_link *link, struct hx_check *check);

/* Waits for events (UV_READABLE, UV_WRITABLE). False, and the check ended: out of resources. */
bool hx_postgres_link_watch(struct hx_postgres_link *link, int events);

/* From here on hx_postgres_link_is_flooded() counts. */
void hx_postgres_link_count(struct hx_postgres_link *link);

/* True when more has been received than a check may cost, complete reply or not: libpq itself
 * would go on to buffer a row of a gigabyte. */
bool hx_postgres_link_is_flooded(struct hx_postgres_link *link);

/* Drops everything at once but what was learnt; no callback after it. Idempotent. */
void hx_postgres_link_close(struct hx_postgres_link *link);

#endif
