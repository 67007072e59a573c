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

bool hx_shard_has(const struct hx_shard *shard, const char *name)
{
    return hx_shard_of(name, HX_SHARING_PROCESSES, shard->total) == shard->ordinal;
}

void hx_shard_write_unknown(const struct hx_shard *shard, const char *name,
                            struct hx_strbuf *sentence)
{
    hx_strbuf_puts(sentence, "no dependency named \"");
    hx_strbuf_puts(sentence, name);
    hx_strbuf_putc(sentence, '"');
    if (shard->total > 1)
        hx_strbuf_printf(sentence, " in this shard, %zu of %zu", shard->ordinal, shard->total);
    if (!hx_shard_has(shard, name))
        hx_strbuf_printf(sentence, ": shard %zu is the one for that name",
                         hx_shard_of(name, HX_SHARING_PROCESSES, shard->total));
}
