/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of a name, of both families: what /etc/hosts says, or else the name servers, asked
 * for both at once. The one that answers first does not wait for the other longer than the
 * "resolution delay" of RFC 8305, section 3: there are servers that drop questions for AAAA.
 */
#ifndef HX_NET_DNS_QUESTION_H
#define HX_NET_DNS_QUESTION_H

#include "net/dns_channel.h"

/* What is known so far. Borrowed for the callback. */
struct hx_dns_answer {
    int status;                              /* ARES_SUCCESS: there is an address */
    const struct ares_addrinfo *ipv6, *ipv4; /* NULL, or without addresses: none of that family */
    bool is_from_hosts;                      /* then both are the same, with both families */
    bool has_news;                           /* false: as told before */
    bool is_final;                           /* no other answer comes */
};

typedef void (*hx_dns_answer_cb)(void *data, const struct hx_dns_answer *answer);

/* Asks. The callback comes once, or twice when one family is late, the last time with is_final;
 * perhaps before this returns, and then final. When the channel is closed, what is open ends with
 * ARES_EDESTRUCTION. False: out of memory, no callback. */
bool hx_dns_question_ask(struct uv_loop_s *loop, struct hx_dns_channel *channel, const char *name,
                         hx_dns_answer_cb cb, void *data);

#endif
