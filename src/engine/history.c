/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The present bucket in full, with up to when it is complete and what has been believed since; and
 * a ring of those that are over, indexed by the number of a bucket since 1970, each squeezed into
 * two words. Times are in whole milliseconds, cut from the clock and not from a length, so that the
 * lengths of stretches add up exactly however short they are.
 *
 * Unknown time is not stored: it is what is missing between the first result and now.
 *
 * All lies in atomic words under a sequence counter, as the status of a record does, and for the
 * same reasons (see record.c). A result changes the present, and at the end of a bucket the ring; a
 * reader copies all words into a history of its own and brings that up to now by the code of the
 * writer.
 */
#include "engine/history.h"

#include "base/clock.h"
#include "engine/record.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds of the wall clock as it stood at the start. */
struct present {
    int64_t first_ms; /* of the first result; 0: none yet */
    int64_t last_ms;  /* up to here all is counted */
    int64_t number;   /* of the bucket that last_ms lies in */
    int64_t fresh_until_ms;
    int64_t latency_ns; /* the sum over its checks */
    uint32_t up_ms, degraded_ms, down_ms;
    uint32_t n_checks, n_failures;
    uint32_t state; /* enum hx_state, since last_ms */
};

/* Times are in units, which are milliseconds up to a span of 27 hours: a bucket has at most 2^21.
 * A count that would need more bits stays at its maximum: 16.7 million checks in a bucket. */
#define TIME_BITS    21
#define COUNT_BITS   24
#define LATENCY_BITS 16
#define TIME_MAX     ((1U << TIME_BITS) - 1)
#define COUNT_MAX    ((1U << COUNT_BITS) - 1)
#define LATENCY_MAX  ((1U << LATENCY_BITS) - 1)

struct past {
    uint64_t up : TIME_BITS, degraded : TIME_BITS, down : TIME_BITS;
    uint64_t n_checks : COUNT_BITS, n_failures : COUNT_BITS, latency : LATENCY_BITS;
};

/* A latency is a float of seconds without sign, with an exponent of 6 bits from 2^-32 on, and 10
 * bits of fraction: a two thousandth exact. */
#define LATENCY_BASE  ((127U - 32) << 23)
#define LATENCY_SHIFT 13

#define N_PAST        (HX_HISTORY_BUCKETS - 1)
#define PRESENT_WORDS (sizeof(struct present) / 8)
#define PAST_WORDS    (sizeof(struct past) / 8)
#define N_WORDS       (PRESENT_WORDS + N_PAST * PAST_WORDS)

_Static_assert(sizeof(struct present) == 64, "the present is eight words");
_Static_assert(sizeof(struct past) == 16, "a past bucket is two words");
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

static struct present load_present(const struct hx_history *history)
{
    struct present present;
    load_words(history, 0, PRESENT_WORDS, &present);
    return present;
}

static void store_present(struct hx_history *history, const struct present *present)
{
    store_words(history, 0, PRESENT_WORDS, present);
}

static size_t place_of(int64_t number)
{
    return PRESENT_WORDS + (size_t)(number % N_PAST) * PAST_WORDS;
}

static struct past load_past(const struct hx_history *history, int64_t number)
{
    struct past past;
    load_words(history, place_of(number), PAST_WORDS, &past);
    return past;
}

static void store_past(struct hx_history *history, int64_t number, const struct past *past)
{
    store_words(history, place_of(number), PAST_WORDS, past);
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

/* -------------------------------------------------------------------------------- squeezing -- */

static int64_t unit_of(const struct hx_history *history)
{
    return history->scale.width_ms / TIME_MAX + 1;
}

static uint32_t to_units(uint64_t ms, int64_t unit_ms)
{
    return (uint32_t)((ms + (uint64_t)unit_ms / 2) / (uint64_t)unit_ms);
}

static uint32_t cut(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

static uint32_t squeeze_latency(float seconds)
{
    uint32_t bits;
    memcpy(&bits, &seconds, sizeof(bits));
    if (bits <= LATENCY_BASE)
        return 0;
    return cut((bits - LATENCY_BASE + (1U << (LATENCY_SHIFT - 1))) >> LATENCY_SHIFT, LATENCY_MAX);
}

static double expand_latency(uint32_t latency)
{
    uint32_t bits = latency == 0 ? 0 : LATENCY_BASE + (latency << LATENCY_SHIFT);
    float seconds;
    memcpy(&seconds, &bits, sizeof(seconds));
    return (double)seconds;
}

static double mean_latency(const struct present *present)
{
    return present->n_checks == 0 ? 0 : (double)present->latency_ns / 1e9 / present->n_checks;
}

/* What is rounded is where one state ends and the next begins, so that a bucket that is all known
 * stays so. */
static struct past squeeze(const struct hx_history *history, const struct present *present)
{
    int64_t unit = unit_of(history);
    uint64_t passing_ms = (uint64_t)present->up_ms + present->degraded_ms;
    uint32_t up = to_units(present->up_ms, unit);
    uint32_t passing = to_units(passing_ms, unit);
    uint32_t known = to_units(passing_ms + present->down_ms, unit);
    return (struct past){
        .up = up & TIME_MAX,
        .degraded = (passing - up) & TIME_MAX,
        .down = (known - passing) & TIME_MAX,
        .n_checks = cut(present->n_checks, COUNT_MAX) & COUNT_MAX,
        .n_failures = cut(present->n_failures, COUNT_MAX) & COUNT_MAX,
        .latency = squeeze_latency((float)mean_latency(present)) & LATENCY_MAX,
    };
}

/* ------------------------------------------------------------------------------ going ahead -- */

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

static void believe(struct present *present, int64_t ms)
{
    switch ((enum hx_state)present->state) {
    case HX_STATE_UP:
        present->up_ms += (uint32_t)ms;
        break;
    case HX_STATE_DEGRADED:
        present->degraded_ms += (uint32_t)ms;
        break;
    case HX_STATE_DOWN:
        present->down_ms += (uint32_t)ms;
        break;
    case HX_STATE_UNKNOWN:
        break;
    }
}

/* An empty bucket; what is believed goes on. */
static void begin_bucket(struct present *present, int64_t number)
{
    *present = (struct present){.first_ms = present->first_ms,
                                .last_ms = present->last_ms,
                                .number = number,
                                .fresh_until_ms = present->fresh_until_ms,
                                .state = present->state};
}

/* Counts the time up to now_ms. When more has gone by than the ring holds, only what is left of it
 * is looked at. */
static void advance(struct hx_history *history, struct present *present, int64_t now_ms)
{
    int64_t width = history->scale.width_ms;
    int64_t known_until = min_of(present->fresh_until_ms, now_ms);
    int64_t first = present->number, last = first;
    if (now_ms <= present->last_ms)
        return;
    if (now_ms >= (first + 1) * width) /* seldom; and a division is dear */
        last = now_ms / width;
    for (int64_t number = max_of(first, last - N_PAST); number <= last; number++) {
        if (number != first)
            begin_bucket(present, number);
        int64_t from = max_of(present->last_ms, number * width);
        int64_t to = min_of(known_until, (number + 1) * width);
        if (to > from)
            believe(present, to - from);
        if (number == last)
            break;
        struct past past = squeeze(history, present);
        store_past(history, number, &past);
    }
    present->last_ms = now_ms;
}

/* As it is at the first result, or where there is none yet. */
static struct present begin_at(const struct hx_history *history, int64_t now_ms)
{
    return (struct present){
        .first_ms = now_ms, .last_ms = now_ms, .number = now_ms / history->scale.width_ms};
}

void hx_history_add(struct hx_history *history, const struct hx_history_result *result)
{
    uint64_t sequence = atomic_load_explicit(&history->sequence, memory_order_relaxed);
    struct present present = load_present(history);
    int64_t now_ms = to_ms(history, result->now_ns);
    if (present.first_ms == 0)
        present = begin_at(history, now_ms);
    atomic_store_explicit(&history->sequence, sequence + 1, memory_order_relaxed);
    advance(history, &present, now_ms);
    present.n_checks++;
    present.n_failures += !result->is_pass;
    present.latency_ns += result->duration_ns;
    present.state = (uint32_t)result->state;
    present.fresh_until_ms = to_ms(history, result->fresh_until_ns);
    store_present(history, &present);
    atomic_store_explicit(&history->sequence, sequence + 2, memory_order_release);
}

/* ------------------------------------------------------------------------------- the reader -- */

static double seconds(int64_t ms)
{
    return (double)ms / 1e3;
}

/* How much of the bucket lies between the first result and now. */
static int64_t covered_ms(const struct hx_history *history, const struct present *present,
                          int64_t number)
{
    int64_t width = history->scale.width_ms;
    int64_t from = max_of(present->first_ms, number * width);
    int64_t to = min_of(present->last_ms, (number + 1) * width);
    return max_of(to - from, 0);
}

static void show_present(const struct hx_history *history, const struct present *present,
                         struct hx_history_bucket *shown)
{
    int64_t known_ms = (int64_t)present->up_ms + present->degraded_ms + present->down_ms;
    *shown = (struct hx_history_bucket){
        .up_s = seconds(present->up_ms),
        .degraded_s = seconds(present->degraded_ms),
        .down_s = seconds(present->down_ms),
        .unknown_s = seconds(covered_ms(history, present, present->number) - known_ms),
        .latency_s = mean_latency(present),
        .n_checks = present->n_checks,
        .n_failures = present->n_failures,
    };
}

static void show_past(const struct hx_history *history, const struct present *present,
                      int64_t number, struct hx_history_bucket *shown)
{
    struct past past = load_past(history, number);
    int64_t unit = unit_of(history);
    int64_t known_ms = (int64_t)(past.up + past.degraded + past.down) * unit;
    int64_t unknown_ms = covered_ms(history, present, number) - known_ms;
    *shown = (struct hx_history_bucket){
        .up_s = seconds((int64_t)past.up * unit),
        .degraded_s = seconds((int64_t)past.degraded * unit),
        .down_s = seconds((int64_t)past.down * unit),
        .unknown_s = unknown_ms < unit ? 0 : seconds(unknown_ms), /* less is rounding */
        .latency_s = expand_latency((uint32_t)past.latency),
        .n_checks = past.n_checks,
        .n_failures = past.n_failures,
    };
}

void hx_history_read(const struct hx_history *history, int64_t now_ns, struct hx_history_view *view)
{
    struct hx_history own;
    copy(history, &own);
    struct present present = load_present(&own);
    int64_t now_ms = to_ms(&own, now_ns);
    if (present.first_ms == 0)
        present = begin_at(&own, now_ms);
    advance(&own, &present, now_ms);
    int64_t begin = present.number - N_PAST;
    view->begin_wall_ns = begin * own.scale.width_ms * HX_NS_PER_MS;
    view->width_ns = own.scale.width_ms * HX_NS_PER_MS;
    for (int64_t i = 0; i < N_PAST; i++)
        show_past(&own, &present, begin + i, &view->buckets[i]);
    show_present(&own, &present, &view->buckets[N_PAST]);
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

/* --------------------------------------------------------------------------- beginning, end -- */

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
