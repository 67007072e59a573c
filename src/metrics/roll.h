/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A roll: a list that only grows, whose items are found by their number and never move, so that it
 * is read without a lock while one writer appends. The roll does not own what its items point to.
 */
#ifndef HX_METRICS_ROLL_H
#define HX_METRICS_ROLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Block i holds 8 << i items, so that these hold more than any memory. */
#define HX_ROLL_BLOCKS 32

/* Zeroed memory is an empty roll. */
struct hx_roll {
    atomic_size_t n;
    _Atomic(void **) blocks[HX_ROLL_BLOCKS];
};

void hx_roll_fini(struct hx_roll *roll);

/* Any thread: how many items there are; each below is then readable. */
size_t hx_roll_count(const struct hx_roll *roll);
void *hx_roll_item(const struct hx_roll *roll, size_t i);

/* One thread at a time. False when out of memory. */
bool hx_roll_append(struct hx_roll *roll, void *item);

#endif
