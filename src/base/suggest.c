/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the edit distance with insertions, deletions, substitutions and swaps of
 * neighbours (optimal string alignment), blind to case. A suggestion that is far off is worse than
 * none, so about one mistake in three letters is allowed.
 */
#include "base/units.h"

#include <string.h>

/* No option, choice or kind is longer; what is longer gets no suggestion. */
#define MAX_WORD 64

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_same(char a, char b)
{
    return lower(a) == lower(b);
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One row of the matrix from the two above it: what it costs to turn the first i letters of a into
 * the first 1, 2, ... of b. */
static void fill_row(size_t *const rows[3], size_t i, const char *a, const char *b)
{
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3];
    const size_t *two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; b[j - 1] != '\0'; j++) {
        size_t changed = above[j - 1] + !is_same(a[i - 1], b[j - 1]);
        row[j] = min(changed, min(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1])) {
            row[j] = min(row[j], two_above[j - 2] + 1);
        }
    }
}

/* Both words have MAX_WORD letters at most. */
static size_t distance(const char *a, const char *b)
{
    size_t memory[3][MAX_WORD + 1] = {{0}};
    size_t *const rows[3] = {memory[0], memory[1], memory[2]};
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        fill_row(rows, i, a, b);
    }
    return rows[a_len % 3][b_len];
}

const char *hx_suggest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    if (len == 0 || len > MAX_WORD) {
        return NULL;
    }
    size_t limit = len < 6 ? 1 : len / 3;
    size_t best = limit + 1;
    const char *nearest = NULL;
    for (; *candidates != NULL; candidates++) {
        if (strlen(*candidates) > MAX_WORD) {
            continue;
        }
        size_t d = distance(word, *candidates);
        /* A word of two letters is no misspelling of every other word of two letters. */
        if (d < best && d < len) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}
