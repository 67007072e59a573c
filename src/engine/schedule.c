/* SPDX-License-Identifier: Apache-2.0 */
/* Phases and due times, and the heap that orders them. No clock of its own. */
#include "engine/schedule.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

/* FNV-1a over the name, started from the seed, then mixed (the finalizer of SplitMix64) because
 * FNV's high bits hardly differ for names like db1, db2. */
static uint64_t hash_name(const char *name, uint64_t seed)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (const char *p = name; *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
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
    free(heap->nodes);
    *heap = (struct hx_timer_heap){0};
}

bool hx_timer_heap_reserve(struct hx_timer_heap *heap, size_t n)
{
    if (n <= heap->size)
        return true;
    struct hx_timer_node **nodes = realloc(heap->nodes, n * sizeof(*nodes));
    if (nodes == NULL)
        return false;
    heap->nodes = nodes;
    heap->size = n;
    return true;
}

static void place(struct hx_timer_heap *heap, size_t position, struct hx_timer_node *node)
{
    heap->nodes[position - 1] = node;
    node->position = position;
}

static void sift_up(struct hx_timer_heap *heap, struct hx_timer_node *node)
{
    size_t position = node->position;
    while (position > 1) {
        struct hx_timer_node *parent = heap->nodes[position / 2 - 1];
        if (parent->due_ns <= node->due_ns)
            break;
        place(heap, position, parent);
        position /= 2;
    }
    place(heap, position, node);
}

static void sift_down(struct hx_timer_heap *heap, struct hx_timer_node *node)
{
    size_t position = node->position;
    while (position * 2 <= heap->n) {
        size_t child = position * 2;
        if (child < heap->n && heap->nodes[child]->due_ns < heap->nodes[child - 1]->due_ns)
            child++;
        if (node->due_ns <= heap->nodes[child - 1]->due_ns)
            break;
        place(heap, position, heap->nodes[child - 1]);
        position = child;
    }
    place(heap, position, node);
}

void hx_timer_set(struct hx_timer_heap *heap, struct hx_timer_node *node, int64_t due_ns)
{
    if (node->position == 0) {
        assert(heap->n < heap->size);
        place(heap, ++heap->n, node);
    }
    node->due_ns = due_ns;
    sift_up(heap, node);
    sift_down(heap, node);
}

void hx_timer_clear(struct hx_timer_heap *heap, struct hx_timer_node *node)
{
    if (node->position == 0)
        return;
    struct hx_timer_node *last = heap->nodes[--heap->n];
    size_t position = node->position;
    node->position = 0;
    if (last == node)
        return;
    place(heap, position, last);
    sift_up(heap, last);
    sift_down(heap, last);
}

struct hx_timer_node *hx_timer_first(const struct hx_timer_heap *heap)
{
    return heap->n == 0 ? NULL : heap->nodes[0];
}
