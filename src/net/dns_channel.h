/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares on the loop: its sockets, its timer, its end. A channel has one configuration (name
 * servers, search list); when that changes, the resolver closes this channel and makes another.
 */
#ifndef HX_NET_DNS_CHANNEL_H
#define HX_NET_DNS_CHANNEL_H

#include "health_exporter/error.h"
#include "net/host_name.h"

#include <ares.h>
#include <stdbool.h>

struct uv_loop_s;
struct hx_dns_channel;

/* servers: "ip[:port],..."; NULL: those of /etc/resolv.conf, as it is now. */
enum hx_errcode hx_dns_channel_new(struct uv_loop_s *loop, const char *servers,
                                   struct hx_dns_channel **channel,
                                   struct hx_error *err) HX_MUST_CHECK;

/* What /etc/hosts says of the name, or what needs no asking (localhost): both families. NULL: it
 * says nothing. The caller owns it (ares_freeaddrinfo). */
struct ares_addrinfo *hx_dns_channel_hosts(struct hx_dns_channel *channel, const char *name);

/* The index-th name to ask for, when name was written: itself, and with each domain of the search
 * list behind it (resolv.conf(5): search, ndots). False: there are no more. It is "" when it would
 * be too long. */
bool hx_dns_channel_candidate(const struct hx_dns_channel *channel, const char *name, size_t index,
                              char candidate[HX_HOST_NAME_SIZE]);

/* Asks the name servers for the addresses of a family (AF_INET, AF_INET6) that just this name has.
 * The callback comes exactly once, perhaps before this returns; it owns what it is given. */
void hx_dns_channel_ask(struct hx_dns_channel *channel, const char *name, int family,
                        ares_addrinfo_callback cb, void *data);

/* True when every question has its answer. */
bool hx_dns_channel_is_idle(const struct hx_dns_channel *channel);

/* Ends all questions with ARES_EDESTRUCTION, before this returns unless it is called from within
 * an answer; the memory goes when the loop has closed the handles. Takes NULL. */
void hx_dns_channel_close(struct hx_dns_channel *channel);

#endif
