/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of one size that are taken and given back all the time: a few that are not in use are
 * kept, so that a steady coming and going asks the allocator for nothing. Of one thread.
 */
#ifndef HX_BASE_SPARES_H
#define HX_BASE_SPARES_H

#include <stddef.h>

struct hx_spares;

/* block_size: at least that of a pointer. At most max_kept blocks are kept. NULL: out of memory. */
struct hx_spares *hx_spares_new(size_t block_size, size_t max_kept);

/* A block, to be given back; what is in it is anything. NULL: out of memory. */
void *hx_spares_take(struct hx_spares *spares);
void hx_spares_give(struct hx_spares *spares, void *block);

/* Nothing is taken any more. What is still out may be given back later (a handle may not be freed
 * before the loop has closed it), and the last block takes the spares with it. Takes NULL. */
void hx_spares_close(struct hx_spares *spares);

#endif
