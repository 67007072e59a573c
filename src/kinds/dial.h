/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The road that the stream kinds share: resolve the host, try its addresses in turn, connect,
 * secure. It enters the phases resolve, connect and tls on the check, notes the certificate's
 * expiry, and ends the check with the right reason when the road ends early.
 *
 * Names: an address that fails, or uses up its share of the time that is left, lets the next one be
 * tried; the last failure is the one reported, with its address.
 *
 * A dial that succeeds at the first literal or cached address allocates nothing.
 */
#ifndef HX_KINDS_DIAL_H
#define HX_KINDS_DIAL_H

#include "health_exporter/check.h"
#include "net/resolver.h"
#include "net/stream.h"

struct hx_dial_candidates;

/* What a kind wants from the road. on_end is told of an end after on_ready; ends before it finish
 * the check without the kind. context is borrowed until the dial is idle again, host for the call.
 * With TLS the peer must be tls.server_name, or else the URL's host. */
struct hx_dial_plan {
    const char *host; /* or a path of a unix socket, beginning with "/" */
    uint16_t port;
    enum hx_stream_use use;
    SSL_CTX *context; /* NULL: no TLS */
    void (*on_ready)(struct hx_check *check);
    void (*on_data)(struct hx_check *check, const char *bytes, size_t len);
    void (*on_end)(struct hx_check *check, enum hx_reason reason, const char *message);
};

/* Embedded in a kind's run memory. Zeroed is idle. */
struct hx_dial {
    struct hx_check *check;
    struct hx_dial_plan plan;
    struct hx_lookup *lookup;
    struct hx_stream *stream;              /* the kind writes to it after on_ready */
    struct hx_dial_candidates *candidates; /* the addresses to try; NULL once one has worked */
    bool is_ready;
};

/* attach and detach of a kind that dials: what all dials of a loop share. */
enum hx_errcode hx_dial_attach(struct uv_loop_s *loop, void **shared,
                               struct hx_error *err) HX_MUST_CHECK;
void hx_dial_detach(void *shared);

/* The dial must be idle. The check may be finished when this returns. */
void hx_dial_start(struct hx_dial *dial, struct hx_check *check, const struct hx_dial_plan *plan);

/* Drops lookup and stream; no callback after it; the dial is idle again. Idempotent. */
void hx_dial_cancel(struct hx_dial *dial);

/* The same, but closes by RST: for connections that nothing was said on. Within on_ready of a dial
 * that knocks, the peer's application does not hear of it. */
void hx_dial_reset(struct hx_dial *dial);

#endif
