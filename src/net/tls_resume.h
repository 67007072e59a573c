/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumed sessions, for checks that make a connection each time (connection: fresh): they spare
 * both sides most of the arithmetic of a handshake, and the server a signature.
 *
 * What is resumed shows no certificate, and a check with TLS promises to see it: renewed, expired,
 * or another. So a session serves for HX_TLS_RESUME_FOR_NS after the last full handshake, which is
 * the longest that a change on the server stays unseen, and never beyond the expiry of the chain
 * that was seen then. It belongs to one context, so other trust means a full handshake. A kind
 * whose purpose is the certificate does not use this.
 */
#ifndef HX_NET_TLS_RESUME_H
#define HX_NET_TLS_RESUME_H

#include "health_exporter/check.h"

#include <openssl/ssl.h>
#include <stdbool.h>

#define HX_TLS_RESUME_FOR_NS INT64_C(60000000000)

/* hx_tls_context_new() of the policy's options; where the policy wants fresh connections, these may
 * resume each other's sessions. They must all be to one peer, and may be of several threads. */
enum hx_errcode hx_tls_resuming_context_new(const struct hx_policy *policy, SSL_CTX **context,
                                            struct hx_error *err) HX_MUST_CHECK;

/* The same for a context that somebody else made for a single connection to that peer: it remembers
 * in owner, which must outlive it. Does nothing when owner does not resume. */
void hx_tls_resume_lend(SSL_CTX *context, SSL_CTX *owner);

/* The next handshake will be a full one: for who looks at the certificate after the handshake, as
 * libcurl does for the name, and does not like it. */
void hx_tls_resume_forget(SSL_CTX *owner);

#endif
