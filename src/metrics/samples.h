/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the exposition: what stands behind hx_samples_*() while one family is written. */
#ifndef HX_METRICS_SAMPLES_H
#define HX_METRICS_SAMPLES_H

#include "metrics/exposition.h"

struct hx_samples {
    struct hx_page *page; /* knows whether HELP and TYPE went out, which the first sample brings */
    struct hx_strbuf *out;
    const struct hx_family *family;
    enum hx_format format;
    size_t name_len;
    size_t line_len; /* the longest line of the family, but for its labels */
};

/* For the samples of one family; all arguments are borrowed. */
void hx_samples_init(struct hx_samples *samples, struct hx_page *page, struct hx_strbuf *out,
                     const struct hx_family *family);

#endif
