/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of free blocks, each of which begins with a pointer to the next. AddressSanitizer is told
 * of what lies behind that, or it would not see that somebody uses a block he has given back.
 */
#include "base/spares.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size)   ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

struct spare {
    struct spare *next;
};

struct hx_spares {
    struct spare *first;
    size_t block_size, max_kept;
    size_t n_kept, n_out;
    bool is_closed;
};

struct hx_spares *hx_spares_new(size_t block_size, size_t max_kept)
{
    assert(block_size >= sizeof(struct spare));
    struct hx_spares *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->block_size = block_size;
        self->max_kept = max_kept;
    }
    return self;
}

static void *take_kept(struct hx_spares *spares)
{
    struct spare *spare = spares->first;
    ASAN_UNPOISON_MEMORY_REGION(spare + 1, spares->block_size - sizeof *spare);
    spares->first = spare->next;
    spares->n_kept--;
    return spare;
}

void *hx_spares_take(struct hx_spares *spares)
{
    assert(!spares->is_closed);
    void *block = spares->first != NULL ? take_kept(spares) : malloc(spares->block_size);
    spares->n_out += block != NULL;
    return block;
}

void hx_spares_give(struct hx_spares *spares, void *block)
{
    assert(spares->n_out > 0);
    spares->n_out--;
    if (spares->is_closed || spares->n_kept == spares->max_kept) {
        free(block);
    } else {
        struct spare *spare = block;
        spare->next = spares->first;
        spares->first = spare;
        spares->n_kept++;
        ASAN_POISON_MEMORY_REGION(spare + 1, spares->block_size - sizeof *spare);
    }
    if (spares->is_closed && spares->n_out == 0) {
        free(spares);
    }
}

void hx_spares_close(struct hx_spares *spares)
{
    if (spares == NULL) {
        return;
    }
    while (spares->first != NULL) {
        free(take_kept(spares));
    }
    spares->is_closed = true;
    if (spares->n_out == 0) {
        free(spares);
    }
}
