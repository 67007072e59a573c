/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts for connections to dependencies (OpenSSL 3): made once per configuration, because
 * reading a CA bundle costs tens of milliseconds; shared by threads, read only.
 */
#ifndef HX_NET_TLS_H
#define HX_NET_TLS_H

#include "health_exporter/check.h"

#include <openssl/ssl.h>

/* A client context of these options: verification against ca_file or the system's store (parsed
 * once per process), client certificate, lowest version. Errors name the file. It may be that of
 * others too, and is not to be changed. SSL_CTX_free(). */
enum hx_errcode hx_tls_context_new(const struct hx_tls_options *options, SSL_CTX **context,
                                   struct hx_error *err) HX_MUST_CHECK;

/* The same, for the caller alone. */
enum hx_errcode hx_tls_own_context_new(const struct hx_tls_options *options, SSL_CTX **context,
                                       struct hx_error *err) HX_MUST_CHECK;

/* Aims the session at a peer: SNI (not for addresses) and the name or address that its certificate
 * must be for. A last dot and an IPv6 zone are left out. False: out of memory. */
bool hx_tls_expect_peer(SSL *ssl, const char *name) HX_MUST_CHECK;

/* The earliest notAfter in the chain the peer sent, Unix seconds; 0 when it sent none. Also after a
 * handshake that was refused for it. */
int64_t hx_tls_certificate_expiry(const SSL *ssl);

/* The same of a list of certificates; 0 when it is empty or NULL. */
int64_t hx_certificates_expiry(const STACK_OF(X509) * chain);

/* A sentence on why a handshake failed: the verification error if there is one ("certificate has
 * expired"), else OpenSSL's reason. Clears OpenSSL's queue of the thread. */
void hx_tls_error_text(const SSL *ssl, char *text, size_t size);

#endif
