/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several a name belongs to: engines within a process, or processes beside each other. */
#ifndef HX_BASE_SHARD_H
#define HX_BASE_SHARD_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who shares the work. The two draw from different seeds: were they the same, the dependencies of
 * one of two processes would all lie in one of its two engines. */
enum hx_sharing { HX_SHARING_ENGINES, HX_SHARING_PROCESSES };

/* The place of a name among n (>= 1): 0 <= place < n. Stable: it depends on nothing but these, and
 * when n grows by one only about 1/(n + 1) of the names move, all of them to the new place. By
 * Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294. */
size_t hx_shard_of(const char *name, enum hx_sharing sharing, size_t n);

/* One of the processes that share a configuration; alone it is 0 of 1. */
struct hx_shard {
    size_t ordinal; /* < total */
    size_t total;   /* >= 1 */
};

/* Whether a dependency of that name is this process' to check. */
bool hx_shard_has(const struct hx_shard *shard, const char *name);

/* Writes the sentence that says that there is no such dependency here, and where to ask. */
void hx_shard_write_unknown(const struct hx_shard *shard, const char *name,
                            struct hx_strbuf *sentence);

#endif
