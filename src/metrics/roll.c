/* SPDX-License-Identifier: Apache-2.0 */
/* The count is stored last and with release, and read first and with acquire: what is counted has
 * been written. */
#include "metrics/roll.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_BLOCK      8
#define FIRST_BLOCK_BITS 3

/* Where item i is: numbers that begin at FIRST_BLOCK change their block with their highest bit. */
static size_t block_of(size_t i, size_t *offset)
{
    uint64_t number = (uint64_t)i + FIRST_BLOCK;
    size_t block = (size_t)(63 - __builtin_clzll(number)) - FIRST_BLOCK_BITS;
    *offset = (size_t)(number - ((uint64_t)FIRST_BLOCK << block));
    return block;
}

void hx_roll_fini(struct hx_roll *roll)
{
    for (size_t i = 0; i < HX_ROLL_BLOCKS; i++) {
        free(atomic_load_explicit(&roll->blocks[i], memory_order_relaxed));
    }
}

size_t hx_roll_count(const struct hx_roll *roll)
{
    return atomic_load_explicit(&roll->n, memory_order_acquire);
}

void *hx_roll_item(const struct hx_roll *roll, size_t i)
{
    size_t offset, block = block_of(i, &offset);
    return atomic_load_explicit(&roll->blocks[block], memory_order_relaxed)[offset];
}

bool hx_roll_append(struct hx_roll *roll, void *item)
{
    size_t n = atomic_load_explicit(&roll->n, memory_order_relaxed);
    size_t offset, block = block_of(n, &offset);
    void **items = atomic_load_explicit(&roll->blocks[block], memory_order_relaxed);
    if (items == NULL) {
        items = calloc((size_t)FIRST_BLOCK << block, sizeof(void *));
        if (items == NULL) {
            return false;
        }
        atomic_store_explicit(&roll->blocks[block], items, memory_order_relaxed);
    }
    items[offset] = item;
    atomic_store_explicit(&roll->n, n + 1, memory_order_release);
    return true;
}
