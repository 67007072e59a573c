/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array: most configurations have one set of buckets or two, and one that has another for
 * each of ten thousand dependencies is still read at once. */
#include "twins.h"

#include <stdlib.h>
#include <string.h>

#define MIN_CAPACITY 8

static int compare(const struct hx_durations *a, const struct hx_durations *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return memcmp(a->items, b->items, a->n * sizeof(*a->items));
}

static const struct hx_durations *buckets_of(const struct hx_record *record)
{
    return &record->dependency->policy.buckets;
}

/* The place of the first that is not below these buckets. */
static size_t find_place(const struct hx_twins *twins, const struct hx_durations *buckets)
{
    size_t low = 0, high = twins->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(buckets_of(twins->records[middle]), buckets) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct hx_twins *twins, size_t place, const struct hx_durations *buckets)
{
    return place < twins->n && compare(buckets_of(twins->records[place]), buckets) == 0;
}

struct hx_record *hx_twins_find(const struct hx_twins *twins, const struct hx_durations *buckets)
{
    size_t place = find_place(twins, buckets);
    return is_at(twins, place, buckets) ? twins->records[place] : NULL;
}

static bool reserve(struct hx_twins *twins)
{
    if (twins->n < twins->capacity)
        return true;
    size_t capacity = twins->capacity == 0 ? MIN_CAPACITY : 2 * twins->capacity;
    struct hx_record **records = realloc(twins->records, capacity * sizeof(struct hx_record *));
    if (records == NULL)
        return false;
    twins->records = records;
    twins->capacity = capacity;
    return true;
}

enum hx_errcode hx_twins_add(struct hx_twins *twins, struct hx_record *record, struct hx_error *err)
{
    const struct hx_durations *buckets = buckets_of(record);
    size_t place = find_place(twins, buckets);
    if (buckets->n == 0 || is_at(twins, place, buckets))
        return HX_OK;
    if (!reserve(twins))
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    struct hx_record **at = twins->records + place;
    memmove(at + 1, at, (twins->n - place) * sizeof(struct hx_record *));
    *at = record;
    twins->n++;
    return HX_OK;
}

void hx_twins_fini(struct hx_twins *twins)
{
    free(twins->records);
    *twins = (struct hx_twins){0};
}
