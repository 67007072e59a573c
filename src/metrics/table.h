/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from text to what its node is part of. The nodes and their keys are the caller's;
 * the table owns only its slots. Not for several threads at once.
 */
#ifndef HX_METRICS_TABLE_H
#define HX_METRICS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first member of what is found; key and key_len are set by the caller, the rest is not. */
struct hx_table_node {
    const char *key;
    size_t key_len;
    uint64_t hash;
    struct hx_table_node *next;
};

/* Zeroed memory is an empty table. */
struct hx_table {
    struct hx_table_node **slots;
    size_t n_slots; /* a power of two */
    size_t n;
};

void hx_table_fini(struct hx_table *table);

/* The node with that key; NULL: none. */
struct hx_table_node *hx_table_find(const struct hx_table *table, const char *key, size_t key_len);

/* Makes room for one more node; false when out of memory. */
bool hx_table_reserve(struct hx_table *table);

/* Adds a node whose key is not there yet, after room was made for it. */
void hx_table_insert(struct hx_table *table, struct hx_table_node *node);

#endif
