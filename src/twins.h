/* SPDX-License-Identifier: Apache-2.0 */
/* Records that may lend a new one their table of buckets: one for each set of bounds. */
#ifndef HX_TWINS_H
#define HX_TWINS_H

#include "engine/record.h"

/* Zeroed it is empty. */
struct hx_twins {
    struct hx_record **records; /* sorted by their buckets; borrowed */
    size_t n, capacity;
};

/* The one with these buckets; NULL: there is none, or they are the usual ones. */
struct hx_record *hx_twins_find(const struct hx_twins *twins, const struct hx_durations *buckets);

/* Does nothing when there is one with its buckets, or they are the usual ones. */
enum hx_errcode hx_twins_add(struct hx_twins *twins, struct hx_record *record,
                             struct hx_error *err) HX_MUST_CHECK;
void hx_twins_fini(struct hx_twins *twins);

#endif
