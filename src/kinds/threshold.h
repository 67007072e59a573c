/* SPDX-License-Identifier: Apache-2.0 */
/* "At least so much must be left", as disk and memory ask it: an amount, or a share of the total.
 */
#ifndef HX_KINDS_THRESHOLD_H
#define HX_KINDS_THRESHOLD_H

#include "health_exporter/check.h"

/* True when left is below min; a share is taken of total. */
bool hx_threshold_is_missed(const struct hx_amount *min, double left, double total);

/* What was wanted, for messages: "5%", or a number of unit ("64MiB" when unit is "B"). */
#define HX_THRESHOLD_TEXT_SIZE 40
char *hx_threshold_text(const struct hx_amount *min, const char *unit,
                        char text[HX_THRESHOLD_TEXT_SIZE]);

/* left as a percentage of total, 0 when there is nothing at all. */
double hx_threshold_share(double left, double total);

#endif
