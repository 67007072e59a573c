/* SPDX-License-Identifier: Apache-2.0 */
/* Phases and due times, and the heap that orders them. No clock of its own. */
#include "engine/schedule.h"

#include "base/clock.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_name(const char *name, uint64_t seed)
{
    return hx_hash_mix(hx_hash(name, strlen(name), HX_HASH_BEGIN ^ seed));
}

void hx_schedule_init(struct hx_schedule *schedule, const char *name, uint64_t seed,
                      int64_t interval_ns)
{
    assert(interval_ns > 0);
    /* 53 bits make an exact double in [0, 1). */
    schedule->share = (double)(hash_name(name, seed) >> 11) / 9007199254740992.0;
    schedule->interval_ns = interval_ns;
    schedule->phase_ns = (int64_t)(schedule->share * (double)interval_ns);
}

int64_t hx_schedule_first(const struct hx_schedule *schedule, int64_t now_ns)
{
    int64_t span = schedule->interval_ns < HX_NS_PER_S ? schedule->interval_ns : HX_NS_PER_S;
    return now_ns + (int64_t)(schedule->share * (double)span);
}

/* The first moment of the phase that is at or after t. */
static int64_t phase_at_or_after(const struct hx_schedule *schedule, int64_t t)
{
    int64_t since = t - schedule->phase_ns;
    int64_t over = since % schedule->interval_ns;
    if (over < 0)
        over += schedule->interval_ns;
    return over == 0 ? t : t + schedule->interval_ns - over;
}

int64_t hx_schedule_next(const struct hx_schedule *schedule, int64_t due_ns, int64_t now_ns,
                         int64_t *missed)
{
    int64_t next = phase_at_or_after(schedule, due_ns + schedule->interval_ns / 2 + 1);
    int64_t reachable = next;
    if (next < now_ns)
        reachable = phase_at_or_after(schedule, now_ns);
    if (missed != NULL)
        *missed = (reachable - next) / schedule->interval_ns;
    return reachable;
}

void hx_timer_heap_fini(struct hx_timer_heap *heap)
{
    free(heap->entries);
    *heap = (struct hx_timer_heap){0};
}

bool hx_timer_heap_reserve(struct hx_timer_heap *heap, size_t n)
{
    if (n <= heap->size)
        return true;
    struct hx_timer_entry *entries = realloc(heap->entries, n * sizeof(*entries));
    if (entries == NULL)
        return false;
    heap->entries = entries;
    heap->size = n;
    return true;
}

static void place(struct hx_timer_heap *heap, size_t position, struct hx_timer_entry entry)
{
    heap->entries[position - 1] = entry;
    entry.node->position = position;
}

/* Lets the entry rise or sink from the free place to where it belongs. */
static void settle(struct hx_timer_heap *heap, size_t position, struct hx_timer_entry entry)
{
    const struct hx_timer_entry *entries = heap->entries;
    while (position > 1 && entries[position / 2 - 1].due_ns > entry.due_ns) {
        place(heap, position, entries[position / 2 - 1]);
        position /= 2;
    }
    while (position * 2 <= heap->n) {
        size_t child = position * 2;
        if (child < heap->n && entries[child].due_ns < entries[child - 1].due_ns)
            child++;
        if (entry.due_ns <= entries[child - 1].due_ns)
            break;
        place(heap, position, entries[child - 1]);
        position = child;
    }
    place(heap, position, entry);
}

void hx_timer_set(struct hx_timer_heap *heap, struct hx_timer_node *node, int64_t due_ns)
{
    if (node->position == 0) {
        assert(heap->n < heap->size);
        node->position = ++heap->n;
    }
    node->due_ns = due_ns;
    settle(heap, node->position, (struct hx_timer_entry){due_ns, node});
}

void hx_timer_clear(struct hx_timer_heap *heap, struct hx_timer_node *node)
{
    size_t position = node->position;
    if (position == 0)
        return;
    struct hx_timer_entry last = heap->entries[--heap->n];
    node->position = 0;
    if (last.node != node)
        settle(heap, position, last);
}

struct hx_timer_node *hx_timer_first(const struct hx_timer_heap *heap)
{
    return heap->n == 0 ? NULL : heap->entries[0].node;
}
