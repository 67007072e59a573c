/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of buckets with several owners. Durations are turned into the nearest doubles, so that
 * 5ms, 0.005s and 0.005 are one bound, and the one that the usual table has. */
#include "engine/bounds.h"

#include "base/clock.h"

#include <stdlib.h>

struct hx_bounds *hx_bounds_new(const struct hx_durations *durations)
{
    double seconds[HX_MAX_DURATIONS];
    struct hx_bounds *bounds = malloc(sizeof(*bounds));
    if (bounds == NULL)
        return NULL;
    for (size_t i = 0; i < durations->n; i++)
        seconds[i] = (double)durations->items[i] / (double)HX_NS_PER_S;
    atomic_init(&bounds->references, 1);
    bounds->buckets = hx_buckets_new(seconds, durations->n);
    if (bounds->buckets == NULL) {
        free(bounds);
        return NULL;
    }
    bounds->buckets->sum = HX_SUM_NANO;
    return bounds;
}

struct hx_bounds *hx_bounds_hold(struct hx_bounds *bounds)
{
    atomic_fetch_add_explicit(&bounds->references, 1, memory_order_relaxed);
    return bounds;
}

void hx_bounds_release(struct hx_bounds *bounds)
{
    if (bounds == NULL ||
        atomic_fetch_sub_explicit(&bounds->references, 1, memory_order_acq_rel) != 1)
        return;
    free(bounds->buckets);
    free(bounds);
}
