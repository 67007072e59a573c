/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token buckets: one for all, and a table of one per client that never grows. A bucket is a single
 * moment, when it will be full again (the "theoretical arrival time" of ATM's generic cell rate
 * algorithm), so that nothing has to be refilled.
 */
#ifndef HX_WEB_RATE_H
#define HX_WEB_RATE_H

#include "base/access.h"

#define HX_RATE_KEY    9 /* bytes of who a client is; see struct hx_peer */
#define HX_MAX_BUCKETS 4096

struct hx_bucket {
    int64_t full_ns; /* in the past: it is full */
};

/* Takes a token, or leaves the bucket and says in how long there will be one. */
bool hx_bucket_take(struct hx_bucket *bucket, const struct hx_rate *rate, int64_t now_ns,
                    int64_t *wait_ns);

/* Is there a token? As hx_bucket_take(), without taking it. */
bool hx_bucket_has(const struct hx_bucket *bucket, const struct hx_rate *rate, int64_t now_ns,
                   int64_t *wait_ns);

/* Puts a token back. */
void hx_bucket_give(struct hx_bucket *bucket, const struct hx_rate *rate);

struct hx_rate_table {
    struct hx_bucket_entry *entries; /* HX_MAX_BUCKETS */
    uint64_t seed;                   /* nobody can choose addresses that fall together */
};

enum hx_errcode hx_rate_table_init(struct hx_rate_table *buckets,
                                   struct hx_error *err) HX_MUST_CHECK;
void hx_rate_table_fini(struct hx_rate_table *buckets);
void hx_rate_table_clear(struct hx_rate_table *buckets);

/* The client's bucket, a full one when it is new. When there is no place, the client whose bucket
 * is the fullest gives way, which loses the least. Borrowed until the next call. */
struct hx_bucket *hx_rate_table_find(struct hx_rate_table *buckets, const uint8_t key[HX_RATE_KEY],
                                     int64_t now_ns);

#endif
