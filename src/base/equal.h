/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two configurations of a dependency are the same: what a reload leaves alone. */
#ifndef HX_BASE_EQUAL_H
#define HX_BASE_EQUAL_H

#include "health_exporter/check.h"

/* Do two settings of one table hold the same? What prepare has added to them does not count. */
bool hx_options_equal(const struct hx_option *options, const void *a, const void *b);

/* Would a check of one be the same as a check of the other? Name, kind, URL with its password, all
 * options, and what the files held that they name. */
bool hx_dependency_equal(const struct hx_dependency *a, const struct hx_dependency *b);

#endif
