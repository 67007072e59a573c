/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of the listeners, by GnuTLS, which libmicrohttpd is built on. libmicrohttpd 0.9.75 reads
 * certificate, trust and priorities once; here each session is given those of the rules that hold
 * when its connection comes, so that all of them can change without ending a connection.
 */
#ifndef HX_WEB_TLS_H
#define HX_WEB_TLS_H

#include "web/rules.h"

#include <gnutls/abstract.h>

/* Makes credentials and priorities of access->tls, if it is enabled. */
enum hx_errcode hx_tls_prepare(struct hx_rules *rules, struct hx_error *err) HX_MUST_CHECK;
void hx_tls_release(struct hx_rules *rules);

/* Before the handshake: gives the session what the rules say. False when that fails. The session's
 * pointer is its MHD_Connection, whose socket context is a struct hx_client with these rules. */
bool hx_tls_begin(const struct hx_rules *rules, gnutls_session_t session);

/* MHD_OPTION_HTTPS_CERT_CALLBACK2, which libmicrohttpd does not start TLS without; never asked,
 * since no session keeps libmicrohttpd's own credentials. */
gnutls_certificate_retrieve_function3 hx_tls_no_certificate;

#endif
