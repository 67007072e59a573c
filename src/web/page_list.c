/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counting sort: each dependency that matches gets a key, the keys are counted, and so the place
 * of each is known without moving any.
 */
#include "web/page_list.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

/* Of what is not up: critical ones that are down or unknown, others, and what is degraded. */
#define N_RANKS 5
#define RANK_UP N_RANKS
#define NO_KEY  UINT32_MAX

/* All tags by number, and a hash table over them. */
struct tag_table {
    const char **tags; /* owned by the list */
    size_t n;
    uint32_t *slots; /* a tag's number and one; 0: free */
    size_t mask;
};

/* One walk over all dependencies. */
struct walk {
    struct hx_page_list *list;
    const struct hx_generation *generation;
    const struct hx_page_query *query;
    int64_t now_ns;
    struct tag_table table;
    uint32_t *keys;   /* of each dependency */
    size_t *n_of_key; /* and later, where the next one of that key goes */
    uint32_t worst[N_RANKS][HX_PAGE_REASONS];
    size_t n_of_rank[N_RANKS];
};

/* ---- tags ---- */

static enum hx_errcode tag_table_init(struct tag_table *table,
                                      const struct hx_generation *generation)
{
    size_t n = 0;
    size_t size = 2;
    for (size_t i = 0; i < generation->n; i++)
        n += generation->records[i]->dependency->policy.tags.n;
    while (size < 2 * n)
        size *= 2;
    table->mask = size - 1;
    table->tags = calloc(n + 1, sizeof(*table->tags));
    table->slots = calloc(size, sizeof(*table->slots));
    return table->tags != NULL && table->slots != NULL ? HX_OK : HX_ERR_NOMEM;
}

/* The number of the tag, which it gets when it is seen first. */
static uint32_t number_of(struct tag_table *table, const char *tag)
{
    size_t slot = (size_t)hx_hash_mix(hx_hash(tag, strlen(tag), HX_HASH_BEGIN)) & table->mask;
    for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask) {
        uint32_t number = table->slots[slot] - 1;
        if (strcmp(table->tags[number], tag) == 0)
            return number;
    }
    table->tags[table->n] = tag;
    table->slots[slot] = (uint32_t)++table->n;
    return (uint32_t)table->n - 1;
}

/* The number of its first tag, or NO_KEY; all of its tags are noted. */
static uint32_t group_of(struct tag_table *table, const struct hx_strings *tags)
{
    uint32_t first = NO_KEY;
    for (size_t i = 0; i < tags->n; i++) {
        uint32_t number = number_of(table, tags->items[i]);
        first = i == 0 ? number : first;
    }
    return first;
}

/* ---- one dependency ---- */

static bool has_tag(const struct hx_strings *tags, const char *tag)
{
    for (size_t i = 0; i < tags->n; i++) {
        if (strcmp(tags->items[i], tag) == 0)
            return true;
    }
    return false;
}

static bool matches(const struct hx_dependency *dependency, enum hx_state state,
                    const struct hx_page_query *query)
{
    return (!query->has_state || state == query->state) &&
           (query->tag[0] == '\0' || has_tag(&dependency->policy.tags, query->tag)) &&
           hx_page_query_holds(dependency->name, query->q);
}

static unsigned rank_of(enum hx_state state, bool is_critical)
{
    switch (state) {
    case HX_STATE_UP:
        return RANK_UP;
    case HX_STATE_DEGRADED:
        return 4;
    case HX_STATE_DOWN:
        return is_critical ? 0 : 2;
    case HX_STATE_UNKNOWN:
        break;
    }
    return is_critical ? 1 : 3;
}

static void note_worst(struct walk *walk, unsigned rank, size_t index)
{
    if (rank == RANK_UP)
        return;
    size_t n = walk->n_of_rank[rank]++;
    if (n < HX_PAGE_REASONS)
        walk->worst[rank][n] = (uint32_t)index;
}

static void look_at(struct walk *walk, size_t index)
{
    const struct hx_record *record = walk->generation->records[index];
    const struct hx_dependency *dependency = record->dependency;
    enum hx_state state = hx_record_state(record, walk->now_ns);
    unsigned rank = rank_of(state, dependency->policy.critical);
    uint32_t group = group_of(&walk->table, &dependency->policy.tags);
    walk->list->n_in_state[state]++;
    note_worst(walk, rank, index);
    walk->keys[index] = NO_KEY;
    if (!matches(dependency, state, walk->query))
        return;
    walk->list->n_matching++;
    if (rank != RANK_UP && !hx_page_query_is_filter(walk->query))
        walk->keys[index] = rank;
    else
        walk->keys[index] = group == NO_KEY ? NO_KEY - 1 : N_RANKS + group;
}

/* ---- all of them ---- */

/* What has no tag gets the last key, now that the number of tags is known. */
static void count_keys(struct walk *walk)
{
    uint32_t last = N_RANKS + (uint32_t)walk->table.n;
    for (size_t i = 0; i < walk->generation->n; i++) {
        uint32_t *key = &walk->keys[i];
        if (*key == NO_KEY)
            continue;
        *key = *key == NO_KEY - 1 ? last : *key;
        walk->n_of_key[*key]++;
    }
}

static void begin_keys(struct walk *walk)
{
    size_t begin = 0;
    for (size_t key = 0; key < N_RANKS + walk->table.n + 1; key++) {
        size_t n = walk->n_of_key[key];
        walk->n_of_key[key] = begin;
        begin += n;
    }
}

static void place(struct walk *walk)
{
    struct hx_page_list *list = walk->list;
    for (size_t i = 0; i < walk->generation->n; i++) {
        uint32_t key = walk->keys[i];
        size_t position = key == NO_KEY ? SIZE_MAX : walk->n_of_key[key]++;
        if (position < list->begin || position - list->begin >= HX_PAGE_ROWS)
            continue;
        uint32_t section = key < N_RANKS ? HX_PAGE_NOT_UP : HX_PAGE_SECTION(key - N_RANKS);
        list->entries[position - list->begin] = (struct hx_page_entry){(uint32_t)i, section};
        list->n_entries++;
    }
}

static void choose_worst(const struct walk *walk, enum hx_readiness readiness)
{
    struct hx_page_list *list = walk->list;
    /* Of one that has just been added nothing is known, which is no reason for anything. */
    unsigned n_ranks = readiness == HX_READY_UP ? 0 : readiness == HX_READY_DOWN ? 2 : N_RANKS;
    for (unsigned rank = 0; rank < n_ranks; rank++) {
        list->n_not_up += walk->n_of_rank[rank];
        for (size_t i = 0; i < walk->n_of_rank[rank] && i < HX_PAGE_REASONS; i++) {
            if (list->n_worst < HX_PAGE_REASONS)
                list->worst[list->n_worst++] = walk->worst[rank][i];
        }
    }
}

static void make(struct walk *walk, enum hx_readiness readiness)
{
    struct hx_page_list *list = walk->list;
    for (size_t i = 0; i < walk->generation->n; i++)
        look_at(walk, i);
    list->n_tags = walk->table.n;
    if (list->n_matching > 0)
        list->n_pages = (list->n_matching + HX_PAGE_ROWS - 1) / HX_PAGE_ROWS;
    count_keys(walk);
    for (unsigned rank = 0; rank < N_RANKS; rank++)
        list->has_not_up |= walk->n_of_key[rank] > 0;
    begin_keys(walk);
    place(walk);
    choose_worst(walk, readiness);
}

enum hx_errcode hx_page_list_init(struct hx_page_list *list, const struct hx_generation *generation,
                                  const struct hx_page_query *query, enum hx_readiness readiness,
                                  int64_t now_ns)
{
    *list = (struct hx_page_list){.n_pages = 1, .begin = (query->page - 1) * HX_PAGE_ROWS};
    if (generation == NULL || generation->n == 0)
        return HX_OK;
    struct walk walk = {.list = list, .generation = generation, .query = query, .now_ns = now_ns};
    list->n_all = generation->n;
    enum hx_errcode code = tag_table_init(&walk.table, generation);
    list->tags = walk.table.tags;
    walk.keys = calloc(generation->n, sizeof(*walk.keys));
    /* A key of its own for each tag, however many will turn out to differ. */
    walk.n_of_key = calloc(N_RANKS + walk.table.mask + 2, sizeof(*walk.n_of_key));
    if (walk.keys == NULL || walk.n_of_key == NULL)
        code = HX_ERR_NOMEM;
    if (code == HX_OK)
        make(&walk, readiness);
    free(walk.table.slots);
    free(walk.keys);
    free(walk.n_of_key);
    if (code != HX_OK)
        hx_page_list_fini(list);
    return code;
}

void hx_page_list_fini(struct hx_page_list *list)
{
    free(list->tags);
    list->tags = NULL;
}
