/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buckets that a configuration asks for, as a table of bounds and their texts, up to 2.5 kB.
 * It is shared by all records that are asked for the same, across reloads.
 */
#ifndef HX_ENGINE_BOUNDS_H
#define HX_ENGINE_BOUNDS_H

#include "health_exporter/check.h"
#include "metrics/histogram.h"

#include <stdatomic.h>

struct hx_bounds {
    atomic_int references;
    struct hx_buckets *buckets; /* owned; the sum in billionths */
};

/* NULL when out of memory. */
struct hx_bounds *hx_bounds_new(const struct hx_durations *durations);
struct hx_bounds *hx_bounds_hold(struct hx_bounds *bounds);
/* Takes NULL. */
void hx_bounds_release(struct hx_bounds *bounds);

#endif
