/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label text: `name="value",name="value"`, escaped once, when a series is made, and copied into
 * every page. Also the escaping of HELP.
 */
#ifndef HX_METRICS_LABELS_H
#define HX_METRICS_LABELS_H

#include "base/strbuf.h"
#include "health_exporter/metrics.h"

#include <stddef.h>

/* Label text, NUL-terminated, with its length, which is measured once and not on every page. */
struct hx_labels {
    const char *text;
    size_t len;
};

#define HX_NO_LABELS       ((struct hx_labels){NULL, 0})
#define HX_LABELS(literal) ((struct hx_labels){literal, sizeof(literal) - 1})

/* The text with its length; NULL is none. */
struct hx_labels hx_labels_of(const char *text);

/* Escaped label text of name, value, ..., NULL: `a="x",b="y"`; invalid UTF-8 becomes U+FFFD. Owned
 * by the caller; NULL when out of memory. */
char *hx_labels_format(const char *const *names_values);

/* Appends `name="escaped value"`. */
void hx_labels_append(struct hx_strbuf *buf, const char *name, const char *value);

/* Appends the text of HELP: quotes are escaped in OpenMetrics alone, nothing is in protobuf. */
void hx_help_append(struct hx_strbuf *buf, const char *help, enum hx_format format);

#endif
