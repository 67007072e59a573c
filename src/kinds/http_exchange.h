/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its reply, over one address, by libcurl on the loop. Counts what comes, enters
 * the check's phases, and notes the certificate's expiry.
 */
#ifndef HX_KINDS_HTTP_EXCHANGE_H
#define HX_KINDS_HTTP_EXCHANGE_H

#include "base/strbuf.h"
#include "health_exporter/check.h"
#include "kinds/curl_loop.h"
#include "kinds/http_target.h"
#include "net/address.h"

#include <curl/curl.h>

/* How an exchange ended. Borrowed for the callback. */
struct hx_http_outcome {
    enum hx_reason reason; /* NONE: a whole reply has come */
    const char *message;   /* with the address, why it failed */
    bool is_connect;       /* it failed before there was a connection */
    long status;
};

typedef void (*hx_http_outcome_cb)(struct hx_check *check, const struct hx_http_outcome *outcome);

enum hx_http_step {
    HX_HTTP_CONNECTING, /* and TLS */
    HX_HTTP_SENDING,
    HX_HTTP_WAITING, /* for the status line */
    HX_HTTP_HEADERS,
    HX_HTTP_BODY,
};

/* Which of our own bounds ended the transfer. */
enum hx_http_bound {
    HX_HTTP_BOUND_NONE,
    HX_HTTP_BOUND_HEADERS,
    HX_HTTP_BOUND_BODY,
    HX_HTTP_MEMORY
};

/* Lives from check to check. Zeroed is idle, without a connection. */
struct hx_http_exchange {
    struct hx_curl_transfer transfer;
    CURLSH *cache; /* holds the kept connection */
    struct hx_check *check;
    hx_http_outcome_cb on_end;
    bool is_own_origin;
    bool has_first_target; /* the easy handle has the URL and headers that no redirect leads to */
    bool is_connected;     /* a connection to address may be in the cache */
    struct hx_address address;
    char connect_to_text[HX_ADDRESS_TEXT_SIZE + 2]; /* "::" and the address */
    struct curl_slist connect_to;
    enum hx_http_step step;
    enum hx_http_bound bound;
    int socket_error; /* errno of our own socket() */
    int n_sockets;    /* open */
    int64_t header_bytes;
    int64_t body_bytes;
    struct hx_strbuf body; /* when an expectation needs it */
    char error_text[CURL_ERROR_SIZE];
};

/* Begins; on_end comes later, once, unless it is cancelled. The target is borrowed until then.
 * connect_timeout_ns: for connection and TLS; 0: as long as the check lasts. False: out of
 * memory. */
bool hx_http_exchange_start(struct hx_http_exchange *exchange, struct hx_check *check,
                            const struct hx_http_target *target, const struct hx_address *address,
                            int64_t connect_timeout_ns, hx_http_outcome_cb on_end);

/* The absolute URL that a redirecting reply names, borrowed until the next start; NULL: none. */
const char *hx_http_exchange_location(const struct hx_http_exchange *exchange);

/* Closes the kept connection, if there is one. */
void hx_http_exchange_disconnect(struct hx_http_exchange *exchange);

/* Forgets the body, between checks. */
void hx_http_exchange_forget(struct hx_http_exchange *exchange);

/* Drops everything: no on_end after it; zeroed again. Idempotent. */
void hx_http_exchange_cancel(struct hx_http_exchange *exchange, struct hx_curl_loop *loop);

#endif
