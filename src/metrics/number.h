/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the exposition shows them, whatever the locale is. OpenMetrics wants to see that a
 * value is a float: "1" of the text format is "1.0" there.
 */
#ifndef HX_METRICS_NUMBER_H
#define HX_METRICS_NUMBER_H

#include "base/strbuf.h"
#include "health_exporter/metrics.h"

#include <stdint.h>

/* The formats that are text come first. */
#define HX_N_TEXT_FORMATS 2

/* Room for any number that the functions below write. */
#define HX_NUMBER_SIZE 32

/* Each writes at p, without a NUL, and returns the end. */

/* Digits, in any format: counts. */
char *hx_u64_put(char *p, uint64_t value);
/* The value of a counter. */
char *hx_counter_put(char *p, uint64_t value, enum hx_format format);
/* nano billionths, exactly: 1500000000 is "1.5". */
char *hx_nano_put(char *p, int64_t nano, enum hx_format format);
/* The shortest text that reads back as the same double; +Inf, -Inf, NaN. */
char *hx_double_put(char *p, double value, enum hx_format format);
/* A bound, finite, in the canonical form of OpenMetrics 1.0 ("Considerations: Canonical Numbers"),
 * which is Go's: "0.005", "10.0", "1e+06". */
char *hx_bound_put(char *p, double bound, enum hx_format format);

/* nano billionths as a double, as reading their text would give it. */
double hx_nano_double(int64_t nano);

/* Appends the double as the text format has it. */
void hx_double_append(struct hx_strbuf *buf, double value);

#endif
