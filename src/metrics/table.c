/* SPDX-License-Identifier: Apache-2.0 */
/* Chained hashing by FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/; at most one node a slot on
 * average. */
#include "metrics/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MIN_SLOTS 16

static uint64_t hash_of(const char *key, size_t key_len)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < key_len; i++) {
        hash = (hash ^ (unsigned char)key[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static struct hx_table_node **slot_of(const struct hx_table *table, uint64_t hash)
{
    return &table->slots[hash & (table->n_slots - 1)];
}

void hx_table_fini(struct hx_table *table)
{
    free(table->slots);
    *table = (struct hx_table){0};
}

struct hx_table_node *hx_table_find(const struct hx_table *table, const char *key, size_t key_len)
{
    if (table->n == 0) {
        return NULL;
    }
    uint64_t hash = hash_of(key, key_len);
    struct hx_table_node *node = *slot_of(table, hash);
    while (node != NULL && (node->hash != hash || node->key_len != key_len ||
                            memcmp(node->key, key, key_len) != 0)) {
        node = node->next;
    }
    return node;
}

static void link_node(struct hx_table *table, struct hx_table_node *node)
{
    struct hx_table_node **slot = slot_of(table, node->hash);
    node->next = *slot;
    *slot = node;
}

bool hx_table_reserve(struct hx_table *table)
{
    if (table->n < table->n_slots) {
        return true;
    }
    struct hx_table grown = {.n_slots = table->n_slots == 0 ? MIN_SLOTS : table->n_slots * 2,
                             .n = table->n};
    grown.slots = calloc(grown.n_slots, sizeof(struct hx_table_node *));
    if (grown.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->n_slots; i++) {
        struct hx_table_node *node = table->slots[i];
        while (node != NULL) {
            struct hx_table_node *next = node->next;
            link_node(&grown, node);
            node = next;
        }
    }
    free(table->slots);
    *table = grown;
    return true;
}

void hx_table_insert(struct hx_table *table, struct hx_table_node *node)
{
    assert(table->n < table->n_slots);
    node->hash = hash_of(node->key, node->key_len);
    link_node(table, node);
    table->n++;
}
