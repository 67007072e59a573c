/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A web configuration ready for use: what was read, and what TLS needs, made of it. Immutable. A
 * reload brings new rules; a TLS connection holds those that it began with until it ends, because
 * GnuTLS goes on using the credentials.
 */
#ifndef HX_WEB_RULES_H
#define HX_WEB_RULES_H

#include "base/access.h"

#include <gnutls/gnutls.h>

struct hx_rules {
    unsigned n_refs; /* counted on the web thread only, once the rules are its own */
    struct hx_access *access;
    char dummy_hash[61]; /* nobody's; costs as much as the most expensive one of the users */
    gnutls_certificate_credentials_t credentials; /* NULL: no TLS */
    gnutls_priority_t priorities;
};

/* Takes access, also on failure; NULL: no restriction. One reference is the caller's. */
enum hx_errcode hx_rules_new(struct hx_access *access_take, struct hx_rules **rules,
                             struct hx_error *err) HX_MUST_CHECK;
struct hx_rules *hx_rules_ref(struct hx_rules *rules);
/* Frees them with the last reference. Takes NULL. */
void hx_rules_unref(struct hx_rules *rules);

#endif
