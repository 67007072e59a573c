/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The road that the stream kinds share: resolve the host, try its addresses in turn, connect,
 * secure. It enters the phases resolve, connect and tls on the check, notes the certificate's
 * expiry, and ends the check with the right reason when the road ends early.
 *
 * Names: an address that fails lets the next one be tried while the deadline lasts; the last
 * failure is the one reported, with its address.
 */
#ifndef HX_KINDS_DIAL_H
#define HX_KINDS_DIAL_H

#include "health_exporter/check.h"
#include "net/resolver.h"
#include "net/stream.h"

/* Embedded in a kind's run memory. Zeroed is idle. */
struct hx_dial {
    struct hx_check *check;
    SSL_CTX *context;       /* NULL: no TLS */
    const char *server_name;
    void (*on_ready)(struct hx_check *check);
    void (*on_data)(struct hx_check *check, const char *bytes, size_t len);
    void (*on_end)(struct hx_check *check, enum hx_reason reason, const char *message);
    struct hx_lookup *lookup;
    struct hx_stream *stream;
    struct hx_address addresses[HX_RESOLVER_MAX_ADDRESSES];
    size_t n_addresses, next_address;
    bool is_ready;
};

/* What a kind wants from the road. on_end is told of an end after on_ready; ends before it finish
 * the check without the kind. */
struct hx_dial_plan {
    const char *host; /* or a path of a unix socket, beginning with "/" */
    uint16_t port;
    SSL_CTX *context;
    const char *server_name;
    void (*on_ready)(struct hx_check *check);
    void (*on_data)(struct hx_check *check, const char *bytes, size_t len);
    void (*on_end)(struct hx_check *check, enum hx_reason reason, const char *message);
};

void hx_dial_start(struct hx_dial *dial, struct hx_check *check, const struct hx_dial_plan *plan);

/* Drops lookup and stream; no callback after it; the dial is idle again. Idempotent. */
void hx_dial_cancel(struct hx_dial *dial);

#endif
