/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of buckets, indexed by the number of a bucket since 1970, and a head that says up to when
 * they are complete and what has been believed since. Both times and buckets are in whole
 * milliseconds, cut from the clock and not from a length, so that the lengths of stretches add up
 * exactly however short they are.
 *
 * Unknown time is not stored: it is what is missing between the first result and now.
 *
 * The ring lies in atomic words under a sequence counter, as the status of a record does, and for
 * the same reasons (see record.c). A result changes the head and one bucket, seldom more; a reader
 * copies all words into a ring of its own and brings that up to now by the code of the writer.
 */
#include "engine/history.h"

#include "base/clock.h"
#include "engine/record.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds of the wall clock as it stood at the start. */
struct head {
    int64_t first_ms; /* of the first result; 0: none yet */
    int64_t last_ms;  /* up to here the buckets are complete */
    int64_t number;   /* of the bucket that last_ms lies in */
    int64_t fresh_until_ms;
    int64_t state;      /* enum hx_state, since last_ms */
    int64_t latency_ns; /* sum over the checks of the current bucket */
};

/* A month of checks each 10 ms fits: 48 buckets of 15 hours. */
struct bucket {
    uint32_t up_ms, degraded_ms, down_ms;
    float latency_s; /* mean */
    uint32_t n_checks, n_failures;
};

#define HEAD_WORDS   (sizeof(struct head) / 8)
#define BUCKET_WORDS (sizeof(struct bucket) / 8)
#define N_WORDS      (HEAD_WORDS + HX_HISTORY_BUCKETS * BUCKET_WORDS)

_Static_assert(sizeof(struct head) % 8 == 0, "the head is whole words");
_Static_assert(sizeof(struct bucket) % 8 == 0, "a bucket is whole words");
_Static_assert(HX_HISTORY_MAX_NS / HX_NS_PER_MS / HX_HISTORY_BUCKETS < UINT32_MAX,
               "a bucket's milliseconds fit");

struct hx_history {
    struct hx_history_scale scale; /* constant */
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[N_WORDS];
};

/* --------------------------------------------------------------------------------- the words -- */

static void load_words(const struct hx_history *history, size_t first, size_t n, void *part)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = atomic_load_explicit(&history->words[first + i], memory_order_relaxed);
        memcpy((char *)part + i * 8, &word, 8);
    }
}

/* With release: they stay behind the odd sequence number, as in record.c. */
static void store_words(struct hx_history *history, size_t first, size_t n, const void *part)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word;
        memcpy(&word, (const char *)part + i * 8, 8);
        atomic_store_explicit(&history->words[first + i], word, memory_order_release);
    }
}

static struct head load_head(const struct hx_history *history)
{
    struct head head;
    load_words(history, 0, HEAD_WORDS, &head);
    return head;
}

static void store_head(struct hx_history *history, const struct head *head)
{
    store_words(history, 0, HEAD_WORDS, head);
}

static size_t place_of(int64_t number)
{
    return HEAD_WORDS + (size_t)(number % HX_HISTORY_BUCKETS) * BUCKET_WORDS;
}

static struct bucket load_bucket(const struct hx_history *history, int64_t number)
{
    struct bucket bucket;
    load_words(history, place_of(number), BUCKET_WORDS, &bucket);
    return bucket;
}

static void store_bucket(struct hx_history *history, int64_t number, const struct bucket *bucket)
{
    store_words(history, place_of(number), BUCKET_WORDS, bucket);
}

/* A consistent copy, which only the caller sees. */
static void copy(const struct hx_history *history, struct hx_history *to)
{
    uint64_t before, after;
    to->scale = history->scale;
    atomic_init(&to->sequence, 0);
    do {
        before = atomic_load_explicit(&history->sequence, memory_order_acquire);
        for (size_t i = 0; i < N_WORDS; i++) {
            uint64_t word = atomic_load_explicit(&history->words[i], memory_order_acquire);
            atomic_store_explicit(&to->words[i], word, memory_order_relaxed);
        }
        after = atomic_load_explicit(&history->sequence, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
}

/* -------------------------------------------------------------------------------- going ahead --
 */

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t to_ms(const struct hx_history *history, int64_t monotonic_ns)
{
    return (monotonic_ns + history->scale.wall_offset_ns) / HX_NS_PER_MS;
}

static void believe(struct bucket *bucket, int64_t state, int64_t ms)
{
    switch ((enum hx_state)state) {
    case HX_STATE_UP:
        bucket->up_ms += (uint32_t)ms;
        break;
    case HX_STATE_DEGRADED:
        bucket->degraded_ms += (uint32_t)ms;
        break;
    case HX_STATE_DOWN:
        bucket->down_ms += (uint32_t)ms;
        break;
    case HX_STATE_UNKNOWN:
        break;
    }
}

/* Counts the time up to now_ms. Buckets that begin meanwhile begin empty; when the whole ring has
 * gone by, only what is left of it is looked at. */
static void advance(struct hx_history *history, struct head *head, int64_t now_ms)
{
    if (now_ms <= head->last_ms)
        return;
    int64_t width = history->scale.width_ms;
    int64_t known_until = min_of(head->fresh_until_ms, now_ms);
    int64_t first = head->number;
    int64_t last = now_ms < (first + 1) * width ? first : now_ms / width; /* division is dear */
    for (int64_t n = max_of(first, last - HX_HISTORY_BUCKETS + 1); n <= last; n++) {
        struct bucket bucket = n == first ? load_bucket(history, n) : (struct bucket){0};
        int64_t from = max_of(head->last_ms, n * width);
        int64_t to = min_of(known_until, (n + 1) * width);
        if (to > from)
            believe(&bucket, head->state, to - from);
        store_bucket(history, n, &bucket);
    }
    if (last != first)
        head->latency_ns = 0;
    head->last_ms = now_ms;
    head->number = last;
}

static void count(struct hx_history *history, struct head *head,
                  const struct hx_history_result *result)
{
    struct bucket bucket = load_bucket(history, head->number);
    head->latency_ns += result->duration_ns;
    bucket.n_checks++;
    bucket.n_failures += !result->is_pass;
    bucket.latency_s = (float)((double)head->latency_ns / 1e9 / bucket.n_checks);
    store_bucket(history, head->number, &bucket);
}

/* As the head is at the first result, or where there is none yet. */
static struct head begin_at(const struct hx_history *history, int64_t now_ms)
{
    return (struct head){
        .first_ms = now_ms, .last_ms = now_ms, .number = now_ms / history->scale.width_ms};
}

void hx_history_add(struct hx_history *history, const struct hx_history_result *result)
{
    uint64_t sequence = atomic_load_explicit(&history->sequence, memory_order_relaxed);
    struct head head = load_head(history);
    int64_t now_ms = to_ms(history, result->now_ns);
    atomic_store_explicit(&history->sequence, sequence + 1, memory_order_relaxed);
    if (head.first_ms == 0)
        head = begin_at(history, now_ms);
    advance(history, &head, now_ms);
    count(history, &head, result);
    head.state = result->state;
    head.fresh_until_ms = to_ms(history, result->fresh_until_ns);
    store_head(history, &head);
    atomic_store_explicit(&history->sequence, sequence + 2, memory_order_release);
}

/* --------------------------------------------------------------------------------- the reader --
 */

static double seconds(int64_t ms)
{
    return (double)ms / 1e3;
}

/* How much of the bucket lies between the first result and now. */
static int64_t covered_ms(const struct hx_history *history, const struct head *head, int64_t number)
{
    int64_t width = history->scale.width_ms;
    int64_t from = max_of(head->first_ms, number * width);
    int64_t to = min_of(head->last_ms, (number + 1) * width);
    return max_of(to - from, 0);
}

static void show(const struct hx_history *history, const struct head *head, int64_t number,
                 struct hx_history_bucket *shown)
{
    struct bucket bucket = load_bucket(history, number);
    int64_t known_ms = (int64_t)bucket.up_ms + bucket.degraded_ms + bucket.down_ms;
    *shown = (struct hx_history_bucket){
        .up_s = seconds(bucket.up_ms),
        .degraded_s = seconds(bucket.degraded_ms),
        .down_s = seconds(bucket.down_ms),
        .unknown_s = seconds(covered_ms(history, head, number) - known_ms),
        .latency_s = (double)bucket.latency_s,
        .n_checks = bucket.n_checks,
        .n_failures = bucket.n_failures,
    };
}

void hx_history_read(const struct hx_history *history, int64_t now_ns, struct hx_history_view *view)
{
    struct hx_history own;
    copy(history, &own);
    struct head head = load_head(&own);
    int64_t now_ms = to_ms(&own, now_ns);
    if (head.first_ms == 0)
        head = begin_at(&own, now_ms);
    advance(&own, &head, now_ms);
    int64_t begin = head.number - HX_HISTORY_BUCKETS + 1;
    view->begin_wall_ns = begin * own.scale.width_ms * HX_NS_PER_MS;
    view->width_ns = own.scale.width_ms * HX_NS_PER_MS;
    for (int64_t i = 0; i < HX_HISTORY_BUCKETS; i++)
        show(&own, &head, begin + i, &view->buckets[i]);
}

double hx_history_availability(const struct hx_history_view *view)
{
    double passing = 0, known = 0;
    for (size_t i = 0; i < HX_HISTORY_BUCKETS; i++) {
        const struct hx_history_bucket *bucket = &view->buckets[i];
        passing += bucket->up_s + bucket->degraded_s;
        known += bucket->up_s + bucket->degraded_s + bucket->down_s;
    }
    return known > 0 ? passing / known : (double)NAN;
}

bool hx_record_history(const struct hx_record *record, int64_t now_ns, struct hx_history_view *view)
{
    if (record->history == NULL)
        return false;
    hx_history_read(record->history, now_ns, view);
    return true;
}

/* ----------------------------------------------------------------------------- beginning, end --
 */

struct hx_history_scale hx_history_scale(int64_t span_ns, int64_t wall_ns, int64_t monotonic_ns)
{
    int64_t width_ns = (span_ns + HX_HISTORY_BUCKETS - 1) / HX_HISTORY_BUCKETS;
    return (struct hx_history_scale){
        .width_ms = (width_ns + HX_NS_PER_MS - 1) / HX_NS_PER_MS,
        .wall_offset_ns = wall_ns - monotonic_ns,
    };
}

struct hx_history *hx_history_new(const struct hx_history_scale *scale)
{
    struct hx_history *history = calloc(1, sizeof(*history));
    if (history != NULL)
        history->scale = *scale;
    return history;
}

void hx_history_free(struct hx_history *history)
{
    free(history);
}
