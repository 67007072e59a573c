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

/* Both words have MAX_WORD letters at most. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    /* Three rows of the matrix are enough: row i is rows[i % 3]. */
    size_t rows[3][MAX_WORD + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = above[j - 1] + !is_same(a[i - 1], b[j - 1]);
            row[j] = min(changed, min(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1])) {
                row[j] = min(row[j], two_above[j - 2] + 1);
            }
        }
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
        size_t candidate_len = strlen(*candidates);
        if (candidate_len > MAX_WORD) {
            continue;
        }
        size_t d = distance(word, len, *candidates, candidate_len);
        /* A word of two letters is no misspelling of every other word of two letters. */
        if (d < best && d < len) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}
