/* SPDX-License-Identifier: Apache-2.0 */
/* The jump consistent hash over the mixed FNV-1a of the name. */
#include "base/shard.h"

#include "base/hash.h"

#include <string.h>

size_t hx_shard_of(const char *name, enum hx_sharing sharing, size_t n)
{
    const unsigned char seed = (unsigned char)sharing;
    uint64_t key = hx_hash_mix(hx_hash(name, strlen(name), hx_hash(&seed, 1, HX_HASH_BEGIN)));
    int64_t place = 0;
    int64_t next = 0;
    while (next < (int64_t)n) {
        place = next;
        key = key * UINT64_C(2862933555777941757) + 1;
        next = (int64_t)((double)(place + 1) * (2147483648.0 / (double)((key >> 33) + 1)));
    }
    return (size_t)place;
}
