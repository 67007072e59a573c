/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses on the loop, by c-ares: the only place of the program where a name is looked
 * up. Literals are answered without a question, /etc/hosts is honoured, answers are cached for
 * their TTL (bounded), negative ones for a second. Lookups of the same name share one query, unless
 * that has been without an answer for so long that it may never come. A silent server costs the
 * asker its own deadline and nobody else anything: a lookup that is cancelled leaves its query to
 * end by itself; one that is silent for one family only costs 50 ms. A changed /etc/resolv.conf is
 * read again.
 *
 * All functions on the loop thread.
 */
#ifndef HX_NET_RESOLVER_H
#define HX_NET_RESOLVER_H

#include "health_exporter/check.h"
#include "net/address.h"

#include <stdint.h>

struct hx_resolver;
struct hx_lookup;

#define HX_RESOLVER_MAX_ADDRESSES 8

struct hx_resolver_options {
    const char *servers;     /* "ip[:port],..." instead of /etc/resolv.conf's; NULL: those */
    int64_t max_ttl_ns;      /* upper bound of what is cached; 0: 30 s */
    int64_t negative_ttl_ns; /* 0: 1 s */
};

/* What a lookup ended with: addresses (port set), or a reason (dns, timeout, internal) and a
 * sentence. Borrowed for the callback. */
struct hx_resolved {
    size_t n; /* 0: failed */
    const struct hx_address *addresses;
    enum hx_reason reason;
    const char *message;
};

typedef void (*hx_resolve_cb)(void *data, const struct hx_resolved *resolved);

enum hx_errcode hx_resolver_new(struct uv_loop_s *loop, const struct hx_resolver_options *options,
                                struct hx_resolver **resolver, struct hx_error *err) HX_MUST_CHECK;

/* Ends all queries without callbacks, and frees the lookups that still wait (they may not be
 * cancelled any more); its handles close on the next turns of the loop. Takes NULL. */
void hx_resolver_free(struct hx_resolver *resolver);

/*
 * Looks host up. The callback comes exactly once unless the lookup is cancelled; it may come before
 * this returns (a literal, a cached answer), then *lookup is NULL. Addresses of both families in
 * turn, IPv6 first, as RFC 6724 has it where both are reachable; each family in the server's order.
 */
void hx_resolver_lookup(struct hx_resolver *resolver, const char *host, uint16_t port,
                        hx_resolve_cb cb, void *data, struct hx_lookup **lookup);

/* No callback after this. Takes NULL. */
void hx_lookup_cancel(struct hx_lookup *lookup);

/* Counters for the exporter's own metrics. */
struct hx_resolver_stats {
    uint64_t lookups, cache_hits, queries, failures; /* failures: of queries */
};
void hx_resolver_stats(const struct hx_resolver *resolver, struct hx_resolver_stats *stats);

#endif
