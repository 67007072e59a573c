/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver's memory: a hash table of names, and a queue of the same entries by age, so that the
 * oldest can go first. An entry is one block: the struct, its addresses, its name, its message. An
 * entry that is no longer good goes when it is asked for, or when it is the oldest of a full cache.
 */
#include "net/resolver_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
    LIST_ENTRY(entry) in_bucket;
    TAILQ_ENTRY(entry) by_age;
    uint64_t hash;
    int64_t expires_ns;
    enum hx_reason reason;
    const char *name;    /* inside this block */
    const char *message; /* inside this block */
    size_t n;
    struct hx_address addresses[];
};

LIST_HEAD(bucket, entry);
TAILQ_HEAD(queue, entry);

struct hx_resolver_cache {
    size_t max_names, count;
    struct queue by_age; /* oldest first */
    size_t n_buckets;    /* a power of two */
    struct bucket buckets[];
};

uint64_t hx_resolver_name_hash(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return hash;
}

static struct bucket *bucket_of(struct hx_resolver_cache *cache, uint64_t hash)
{
    return &cache->buckets[hash & (cache->n_buckets - 1)];
}

static struct entry *find(struct hx_resolver_cache *cache, const char *name)
{
    struct entry *entry;
    uint64_t hash = hx_resolver_name_hash(name);
    LIST_FOREACH(entry, bucket_of(cache, hash), in_bucket)
    {
        if (entry->hash == hash && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void drop(struct hx_resolver_cache *cache, struct entry *entry)
{
    LIST_REMOVE(entry, in_bucket);
    TAILQ_REMOVE(&cache->by_age, entry, by_age);
    cache->count--;
    free(entry);
}

static struct entry *entry_new(const char *name, const struct hx_resolver_answer *answer,
                               int64_t expires_ns)
{
    size_t addresses_size = answer->n * sizeof answer->addresses[0];
    size_t name_size = strlen(name) + 1;
    size_t message_size = strlen(answer->message) + 1;
    struct entry *entry = malloc(sizeof *entry + addresses_size + name_size + message_size);
    if (entry == NULL) {
        return NULL;
    }
    char *texts = (char *)entry + sizeof *entry + addresses_size;
    memcpy(entry->addresses, answer->addresses, addresses_size);
    entry->name = memcpy(texts, name, name_size);
    entry->message = memcpy(texts + name_size, answer->message, message_size);
    entry->n = answer->n;
    entry->reason = answer->reason;
    entry->hash = hx_resolver_name_hash(name);
    entry->expires_ns = expires_ns;
    return entry;
}

struct hx_resolver_cache *hx_resolver_cache_new(size_t max_names)
{
    size_t n_buckets = 16;
    while (n_buckets < max_names) {
        n_buckets *= 2;
    }
    struct hx_resolver_cache *cache =
        calloc(1, sizeof *cache + n_buckets * sizeof cache->buckets[0]);
    if (cache == NULL) {
        return NULL;
    }
    cache->max_names = max_names;
    cache->n_buckets = n_buckets;
    TAILQ_INIT(&cache->by_age);
    return cache;
}

void hx_resolver_cache_free(struct hx_resolver_cache *cache)
{
    if (cache != NULL) {
        hx_resolver_cache_clear(cache);
        free(cache);
    }
}

bool hx_resolver_cache_get(struct hx_resolver_cache *cache, const char *name, int64_t now_ns,
                           struct hx_resolver_answer *answer)
{
    struct entry *entry = find(cache, name);
    if (entry == NULL) {
        return false;
    }
    if (entry->expires_ns <= now_ns) {
        drop(cache, entry);
        return false;
    }
    answer->n = entry->n;
    memcpy(answer->addresses, entry->addresses, entry->n * sizeof entry->addresses[0]);
    answer->reason = entry->reason;
    memcpy(answer->message, entry->message, strlen(entry->message) + 1);
    return true;
}

void hx_resolver_cache_put(struct hx_resolver_cache *cache, const char *name,
                           const struct hx_resolver_answer *answer, int64_t expires_ns)
{
    struct entry *old = find(cache, name);
    if (old != NULL) {
        drop(cache, old);
    }
    struct entry *entry = entry_new(name, answer, expires_ns);
    if (entry == NULL) {
        return;
    }
    if (cache->count == cache->max_names) {
        drop(cache, TAILQ_FIRST(&cache->by_age));
    }
    LIST_INSERT_HEAD(bucket_of(cache, entry->hash), entry, in_bucket);
    TAILQ_INSERT_TAIL(&cache->by_age, entry, by_age);
    cache->count++;
}

void hx_resolver_cache_clear(struct hx_resolver_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->by_age)) {
        drop(cache, TAILQ_FIRST(&cache->by_age));
    }
}

size_t hx_resolver_cache_count(const struct hx_resolver_cache *cache)
{
    return cache->count;
}
