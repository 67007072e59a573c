/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the exposition: what stands behind hx_samples_*() while one family is written. */
#ifndef HX_METRICS_SAMPLES_H
#define HX_METRICS_SAMPLES_H

#include "metrics/exposition.h"

struct hx_samples {
    struct hx_strbuf *out;
    const struct hx_family *family;
    enum hx_format format;
    /* The page's; HELP and TYPE go out with the first sample. */
    bool *is_header_written;
    size_t name_len;
};

void hx_samples_init(struct hx_samples *samples, struct hx_strbuf *out,
                     const struct hx_family *family, enum hx_format format,
                     bool *is_header_written);

#endif
