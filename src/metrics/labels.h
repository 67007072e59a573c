/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label text: `name="value",name="value"`, escaped once, when a series is made, and copied into
 * every page. Also the escaping of HELP.
 */
#ifndef HX_METRICS_LABELS_H
#define HX_METRICS_LABELS_H

#include "base/strbuf.h"
#include "health_exporter/metrics.h"

/* Escaped label text of name, value, ..., NULL: `a="x",b="y"`; invalid UTF-8 becomes U+FFFD. Owned
 * by the caller; NULL when out of memory. */
char *hx_labels_format(const char *const *names_values);

/* Appends `name="escaped value"`. */
void hx_labels_append(struct hx_strbuf *buf, const char *name, const char *value);

/* Appends the text of a HELP line: quotes are escaped in OpenMetrics alone. */
void hx_help_append(struct hx_strbuf *buf, const char *help, enum hx_format format);

#endif
