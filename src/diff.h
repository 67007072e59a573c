/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration is against the generation that runs: the records of the next one. */
#ifndef HX_DIFF_H
#define HX_DIFF_H

#include "config/config.h"
#include "engine/board.h"

struct hx_diff {
    struct hx_record **records; /* in the configuration's order; each held */
    size_t n;
    struct hx_strings added, changed, removed; /* names */
    size_t n_unchanged;
};

/* current may be NULL: then all are added. Takes the configuration's dependencies: those that have
 * not changed are freed, and the record that is there is held; the others become new records. On
 * failure diff is empty. */
enum hx_errcode hx_diff_make(const struct hx_generation *current, struct hx_config *config,
                             struct hx_diff *diff, struct hx_error *err) HX_MUST_CHECK;
/* Gives native histograms to those of its records that have none, which nobody has seen yet. */
enum hx_errcode hx_diff_enable_native(struct hx_diff *diff, struct hx_error *err) HX_MUST_CHECK;
/* The same of histories. */
enum hx_errcode hx_diff_enable_history(struct hx_diff *diff, const struct hx_history_scale *scale,
                                       struct hx_error *err) HX_MUST_CHECK;
void hx_diff_fini(struct hx_diff *diff);

/* The next generation from the records, which it takes, and from the configuration. */
enum hx_errcode hx_diff_generation(struct hx_diff *diff, const struct hx_config *config,
                                   struct hx_generation **generation,
                                   struct hx_error *err) HX_MUST_CHECK;

void hx_strings_fini(struct hx_strings *strings);

#endif
