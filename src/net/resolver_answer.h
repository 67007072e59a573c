/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a name, and how it is made of what c-ares says. */
#ifndef HX_NET_RESOLVER_ANSWER_H
#define HX_NET_RESOLVER_ANSWER_H

#include "net/resolver.h"

struct hx_dns_answer;

/* A name takes up to 254 bytes of it. */
#define HX_RESOLVER_MESSAGE_SIZE 384

/* Without a port. */
struct hx_resolver_answer {
    size_t n; /* 0: failed, for the reason */
    struct hx_address addresses[HX_RESOLVER_MAX_ADDRESSES];
    enum hx_reason reason;
    char message[HX_RESOLVER_MESSAGE_SIZE];
};

void hx_resolver_answer_fail(struct hx_resolver_answer *answer, enum hx_reason reason,
                             const char *format, ...) HX_PRINTF(3, 4);

/* Of what DNS or /etc/hosts said of name. The families take turns (RFC 8305, section 4), so that
 * who has time for the first few addresses only has tried both. */
void hx_resolver_answer_make(struct hx_resolver_answer *answer, const char *name,
                             const struct hx_dns_answer *dns);

/* The shortest TTL in what was said, aliases too, seconds; 0 for the entries of /etc/hosts, which
 * have none. */
int hx_resolver_answer_ttl(const struct hx_dns_answer *dns);

#endif
