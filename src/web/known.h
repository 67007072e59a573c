/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins that were right, so that bcrypt is asked once and not for each scrape. What is kept is a
 * keyed hash over user and password, each with its length in front (CVE-2022-46146 came from a key
 * that was glued together without); the key is random and never leaves the process.
 */
#ifndef HX_WEB_KNOWN_H
#define HX_WEB_KNOWN_H

#include "health_exporter/error.h"
#include "web/authorization.h"

#include <stdint.h>

#define HX_MAC_SIZE  32
#define HX_MAX_KNOWN 64

struct hx_known {
    uint8_t key[32];
    uint8_t macs[HX_MAX_KNOWN][HX_MAC_SIZE];
    size_t n;    /* in use */
    size_t next; /* that gives way to a new one */
};

enum hx_errcode hx_known_init(struct hx_known *known, struct hx_error *err) HX_MUST_CHECK;
void hx_known_fini(struct hx_known *known);

/* Forgets all logins: users may have changed. */
void hx_known_clear(struct hx_known *known);

/* False: the library failed, and nobody is known. */
bool hx_known_mac(const struct hx_known *known, const struct hx_login *login,
                  uint8_t mac[HX_MAC_SIZE]);

/* How long it takes tells nothing. */
bool hx_known_has(const struct hx_known *known, const uint8_t mac[HX_MAC_SIZE]);
void hx_known_add(struct hx_known *known, const uint8_t mac[HX_MAC_SIZE]);

#endif
