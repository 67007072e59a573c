/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the n-th allocation from now fail, once. It is included by the one file of a test program,
 * which asks the linker for it with the comment line
 *
 *     link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
 *
 * A test tries n = 1, 2, ... until the call under test succeeds without reaching the n-th:
 *
 *     for (size_t n = 1; is_failing; n++) {
 *         failing_alloc_at(n);
 *         ...
 *         is_failing = failing_alloc_was_reached();
 *     }
 */
#ifndef FAILING_ALLOC_H
#define FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

static size_t failing_alloc_left; /* allocations until the one that fails; 0: none will */

static inline void failing_alloc_at(size_t n)
{
    failing_alloc_left = n;
}

/* Ends the failing; true when the allocation that was to fail has come. */
static inline bool failing_alloc_was_reached(void)
{
    bool was_reached = failing_alloc_left == 0;
    failing_alloc_left = 0;
    return was_reached;
}

static inline bool failing_alloc_is_due(void)
{
    return failing_alloc_left > 0 && --failing_alloc_left == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return failing_alloc_is_due() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return failing_alloc_is_due() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return failing_alloc_is_due() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return failing_alloc_is_due() ? NULL : __real_strdup(text);
}

#endif
