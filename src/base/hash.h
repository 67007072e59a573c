/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, 64 bits: tells contents apart that nobody makes collide.
 * http://www.isthe.com/chongo/tech/comp/fnv/ */
#ifndef HX_BASE_HASH_H
#define HX_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HX_HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* Goes on from a hash, or HX_HASH_BEGIN, over len more bytes. */
uint64_t hx_hash(const void *data, size_t len, uint64_t hash);

/* Spreads a hash over all its bits (the finalizer of SplitMix64): FNV's high bits hardly differ for
 * names like db1, db2. https://doi.org/10.1145/2714064.2660195 */
uint64_t hx_hash_mix(uint64_t hash);

#endif
