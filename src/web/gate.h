/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the handlers: it learns who asks, has access.c rule, and answers those who may
 * not go on. It also holds the rules that are in force.
 *
 *     request ── admit: network, rate ── identify: user ──────────────────── handler
 *                   403, 429               │ 401, 403    │ known, or no user needed
 *                                          └─ a password not seen before: hashed by another thread,
 *                                             while the connection is suspended
 */
#ifndef HX_WEB_GATE_H
#define HX_WEB_GATE_H

#include "web/guard.h"
#include "web/hasher.h"
#include "web/known.h"
#include "web/rate.h"
#include "web/rules.h"

#include <microhttpd.h>
#include <pthread.h>

struct hx_exchange;

struct hx_gate {
    struct hx_rules *rules; /* in force; the web thread's */
    uint64_t n_renewals;
    bool is_tls;      /* of all TCP listeners, for the life of the server */
    bool has_headers; /* some rules had header fields: replies may have to lose them */
    struct hx_bucket all;
    struct hx_rate_table clients;
    struct hx_rate_table failures; /* passwords that were tried and not right */
    struct hx_known known;
    struct hx_hasher hasher;
    pthread_mutex_t lock;
    struct hx_rules *next; /* offered, to be in force soon; guarded by the lock */
};

/* Takes access, also on failure; NULL: everything is open. */
enum hx_errcode hx_gate_init(struct hx_gate *gate, struct hx_access *access_take,
                             struct hx_error *err) HX_MUST_CHECK;
/* After the web thread has ended. */
void hx_gate_fini(struct hx_gate *gate);

/* Other rules; any thread. They hold after the next hx_gate_renew(). UNSUPPORTED: TLS would be
 * switched on or off. Takes access, also on failure. */
enum hx_errcode hx_gate_offer(struct hx_gate *gate, struct hx_access *access_take,
                              struct hx_error *err) HX_MUST_CHECK;

/* Puts the rules that were offered in force. */
void hx_gate_renew(struct hx_gate *gate);

/* Both: true when the request may go on; else it was answered or waits, and *result is for
 * libmicrohttpd. Once per request, admit first. */
bool hx_gate_admit(struct hx_exchange *exchange, enum MHD_Result *result);
bool hx_gate_identify(struct hx_exchange *exchange, enum MHD_Result *result);

/* May what is for operators be in the reply: would /health/detailed answer, or has ?details brought
 * the request here, for which a user is asked as there? For the status page. */
bool hx_gate_is_operator(const struct hx_exchange *exchange);

bool hx_gate_has_users(const struct hx_gate *gate);

#endif
