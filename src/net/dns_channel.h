/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A c-ares channel on the loop: its sockets, its timer, its end. It asks one configuration of name
 * servers; when that changes, the resolver closes this channel and makes another.
 */
#ifndef HX_NET_DNS_CHANNEL_H
#define HX_NET_DNS_CHANNEL_H

#include "health_exporter/error.h"

#include <ares.h>
#include <stdbool.h>

struct uv_loop_s;
struct hx_dns_channel;

/* servers: "ip[:port],..."; NULL: those of /etc/resolv.conf, as it is now. */
enum hx_errcode hx_dns_channel_new(struct uv_loop_s *loop, const char *servers,
                                   struct hx_dns_channel **channel,
                                   struct hx_error *err) HX_MUST_CHECK;

/* Looks the name up in /etc/hosts, then by DNS, both families. The callback comes exactly once,
 * perhaps before this returns; it owns what it is given (ares_freeaddrinfo). */
void hx_dns_channel_ask(struct hx_dns_channel *channel, const char *name, ares_addrinfo_callback cb,
                        void *data);

/* True when every question has its answer. */
bool hx_dns_channel_is_idle(const struct hx_dns_channel *channel);

/* Ends all questions with ARES_EDESTRUCTION, before this returns unless it is called from within
 * an answer; the memory goes when the loop has closed the handles. Takes NULL. */
void hx_dns_channel_close(struct hx_dns_channel *channel);

#endif
