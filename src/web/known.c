/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 by GnuTLS, and a ring of results. */
#include "web/known.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

enum hx_errcode hx_known_init(struct hx_known *known, struct hx_error *err)
{
    *known = (struct hx_known){0};
    if (gnutls_rnd(GNUTLS_RND_KEY, known->key, sizeof(known->key)) == 0)
        return HX_OK;
    return hx_error_set(err, HX_ERR_SYSTEM, "there are no random bytes");
}

void hx_known_fini(struct hx_known *known)
{
    explicit_bzero(known, sizeof(*known));
}

void hx_known_clear(struct hx_known *known)
{
    known->n = known->next = 0;
    explicit_bzero(known->macs, sizeof(known->macs));
}

static void put_part(uint8_t *text, size_t *len, const char *part, size_t part_len)
{
    uint32_t prefix = (uint32_t)part_len;
    memcpy(text + *len, &prefix, sizeof(prefix));
    memcpy(text + *len + sizeof(prefix), part, part_len);
    *len += sizeof(prefix) + part_len;
}

bool hx_known_mac(const struct hx_known *known, const struct hx_login *login,
                  uint8_t mac[HX_MAC_SIZE])
{
    uint8_t text[2 * sizeof(uint32_t) + HX_MAX_USER + HX_MAX_PASSWORD];
    size_t len = 0;
    put_part(text, &len, login->user, login->user_len);
    put_part(text, &len, login->password, login->password_len);
    int status =
        gnutls_hmac_fast(GNUTLS_MAC_SHA256, known->key, sizeof(known->key), text, len, mac);
    explicit_bzero(text, sizeof(text));
    return status == 0;
}

bool hx_known_has(const struct hx_known *known, const uint8_t mac[HX_MAC_SIZE])
{
    unsigned n_equal = 0;
    for (size_t i = 0; i < known->n; i++)
        n_equal += gnutls_memcmp(known->macs[i], mac, HX_MAC_SIZE) == 0;
    return n_equal > 0;
}

void hx_known_add(struct hx_known *known, const uint8_t mac[HX_MAC_SIZE])
{
    if (hx_known_has(known, mac))
        return;
    memcpy(known->macs[known->next], mac, HX_MAC_SIZE);
    known->next = (known->next + 1) % HX_MAX_KNOWN;
    known->n += known->n < HX_MAX_KNOWN;
}
