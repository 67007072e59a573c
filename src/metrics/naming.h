/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What families and labels may be called: Prometheus' data model, and what promtool and OpenMetrics
 * ask for beyond it. A refusal names what was expected.
 */
#ifndef HX_METRICS_NAMING_H
#define HX_METRICS_NAMING_H

#include "health_exporter/error.h"
#include "metrics/exposition.h"

/* The word for the type, as TYPE has it. */
const char *hx_family_type_text(enum hx_family_type type);

/* The length of the name by which OpenMetrics knows the family: without a counter's "_total". */
size_t hx_family_base_len(const struct hx_family *family);

/* The unit that the name says, "seconds" or "bytes"; NULL when there is none. */
const char *hx_family_unit(const struct hx_family *family);

/* Name and help. */
enum hx_errcode hx_family_check(const struct hx_family *family, struct hx_error *err) HX_MUST_CHECK;

/* labels: NULL, or name, value, ..., NULL. */
enum hx_errcode hx_labels_check(const struct hx_family *family, const char *const *labels,
                                struct hx_error *err) HX_MUST_CHECK;

#endif
