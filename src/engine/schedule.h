/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a dependency is due: pure functions of the clock's value, and the queue of what is due when.
 *
 * Each dependency has a phase, a fixed place within its interval, drawn from its name and the
 * process's seed; it is due whenever (now - phase) is a multiple of the interval. So the checks of
 * many dependencies are spread evenly, stay so, and keep their places when others come and go. Only
 * the first round is quicker: it is spread over the first second.
 */
#ifndef HX_ENGINE_SCHEDULE_H
#define HX_ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hx_schedule {
    int64_t interval_ns;
    int64_t phase_ns; /* 0 <= phase < interval */
    double share;     /* the phase as a share of the interval, 0 <= share < 1 */
};

/* The place that name and seed give. interval_ns > 0. */
void hx_schedule_init(struct hx_schedule *schedule, const char *name, uint64_t seed,
                      int64_t interval_ns);

/* The first run of a dependency that appears at now_ns: within min(interval, 1 s). */
int64_t hx_schedule_first(const struct hx_schedule *schedule, int64_t now_ns);

/* The run after one that was due at due_ns: the next moment of the phase that is more than half an
 * interval after it and not in the past. *missed, when not NULL, gets the number of moments that
 * passed unused because the caller came too late. */
int64_t hx_schedule_next(const struct hx_schedule *schedule, int64_t due_ns, int64_t now_ns,
                         int64_t *missed);

/* A binary heap of moments; nodes lie in their owners. The moments stand in the heap's own array
 * too, so that sifting does not touch the memory of thousands of owners. */
struct hx_timer_node {
    int64_t due_ns;
    size_t position; /* 1-based place in the heap; 0: not in it */
};

struct hx_timer_entry {
    int64_t due_ns;
    struct hx_timer_node *node;
};

struct hx_timer_heap {
    struct hx_timer_entry *entries;
    size_t n;
    size_t size;
};

void hx_timer_heap_fini(struct hx_timer_heap *heap);

/* Makes room for n nodes in all, so that setting one never allocates; false: out of memory. */
bool hx_timer_heap_reserve(struct hx_timer_heap *heap, size_t n);

/* Puts the node in, or moves it when it is in already. Room must have been reserved. */
void hx_timer_set(struct hx_timer_heap *heap, struct hx_timer_node *node, int64_t due_ns);
/* Takes the node out; nothing when it is not in. */
void hx_timer_clear(struct hx_timer_heap *heap, struct hx_timer_node *node);

/* The earliest node, left in; NULL when empty. */
struct hx_timer_node *hx_timer_first(const struct hx_timer_heap *heap);

#endif
