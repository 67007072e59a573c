/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of buckets, and a hash table of sets of eight: every look-up costs the same. */
#include "web/rate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SET_SIZE 8
#define N_SETS   (HX_MAX_BUCKETS / SET_SIZE)

struct hx_bucket_entry {
    struct hx_bucket bucket;
    uint8_t key[HX_RATE_KEY];
};

bool hx_bucket_has(const struct hx_bucket *bucket, const struct hx_rate *rate, int64_t now_ns,
                   int64_t *wait_ns)
{
    int64_t full_ns = bucket->full_ns > now_ns ? bucket->full_ns : now_ns;
    /* How far ahead the full moment is when the bucket is empty. */
    int64_t depth_ns = rate->interval_ns * rate->burst;
    int64_t over_ns = full_ns + rate->interval_ns - now_ns - depth_ns;
    *wait_ns = over_ns > 0 ? over_ns : 0;
    return over_ns <= 0;
}

bool hx_bucket_take(struct hx_bucket *bucket, const struct hx_rate *rate, int64_t now_ns,
                    int64_t *wait_ns)
{
    if (!hx_bucket_has(bucket, rate, now_ns, wait_ns))
        return false;
    bucket->full_ns = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + rate->interval_ns;
    return true;
}

void hx_bucket_give(struct hx_bucket *bucket, const struct hx_rate *rate)
{
    bucket->full_ns -= rate->interval_ns;
}

/* ---- the table ---- */

enum hx_errcode hx_rate_table_init(struct hx_rate_table *buckets, struct hx_error *err)
{
    buckets->entries = calloc(HX_MAX_BUCKETS, sizeof(*buckets->entries));
    if (buckets->entries == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    if (getrandom(&buckets->seed, sizeof(buckets->seed), 0) == sizeof(buckets->seed))
        return HX_OK;
    hx_rate_table_fini(buckets);
    return hx_error_set(err, HX_ERR_SYSTEM, "the kernel gives no random bytes");
}

void hx_rate_table_fini(struct hx_rate_table *buckets)
{
    free(buckets->entries);
    buckets->entries = NULL;
}

void hx_rate_table_clear(struct hx_rate_table *buckets)
{
    memset(buckets->entries, 0, HX_MAX_BUCKETS * sizeof(*buckets->entries));
}

/* The finalizer of MurmurHash3: all bits of the word depend on all bits. */
static uint64_t mix(uint64_t word)
{
    word ^= word >> 33;
    word *= UINT64_C(0xff51afd7ed558ccd);
    word ^= word >> 33;
    word *= UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ word >> 33;
}

static size_t set_of(const struct hx_rate_table *buckets, const uint8_t key[HX_RATE_KEY])
{
    uint64_t address;
    memcpy(&address, key + 1, sizeof(address));
    return mix(mix(address ^ buckets->seed) + key[0] + buckets->seed) % N_SETS;
}

struct hx_bucket *hx_rate_table_find(struct hx_rate_table *buckets, const uint8_t key[HX_RATE_KEY],
                                     int64_t now_ns)
{
    struct hx_bucket_entry *set = &buckets->entries[set_of(buckets, key) * SET_SIZE];
    struct hx_bucket_entry *fullest = set;
    for (size_t i = 0; i < SET_SIZE; i++) {
        if (memcmp(set[i].key, key, HX_RATE_KEY) == 0)
            return &set[i].bucket;
        if (set[i].bucket.full_ns < fullest->bucket.full_ns)
            fullest = &set[i];
    }
    memcpy(fullest->key, key, HX_RATE_KEY);
    fullest->bucket.full_ns = now_ns;
    return &fullest->bucket;
}
