/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resolver remembers: the answers to names, good and bad, each until its moment. Bounded:
 * when it is full the oldest answer goes. It has no clock and knows no DNS.
 */
#ifndef HX_NET_RESOLVER_CACHE_H
#define HX_NET_RESOLVER_CACHE_H

#include "net/resolver_answer.h"

struct hx_resolver_cache;

/* For tables of names. FNV-1a: the names come from the configuration, so nobody chooses them to
 * collide. */
uint64_t hx_resolver_name_hash(const char *name);

/* NULL: out of memory. */
struct hx_resolver_cache *hx_resolver_cache_new(size_t max_names);
void hx_resolver_cache_free(struct hx_resolver_cache *cache);

/* Copies the answer that is still good at now_ns; false when there is none. */
bool hx_resolver_cache_get(struct hx_resolver_cache *cache, const char *name, int64_t now_ns,
                           struct hx_resolver_answer *answer);

/* Remembers a copy of the answer until expires_ns, in place of what was known of that name. Without
 * memory nothing is remembered, which costs a question and no more. */
void hx_resolver_cache_put(struct hx_resolver_cache *cache, const char *name,
                           const struct hx_resolver_answer *answer, int64_t expires_ns);

void hx_resolver_cache_clear(struct hx_resolver_cache *cache);
size_t hx_resolver_cache_count(const struct hx_resolver_cache *cache);

#endif
