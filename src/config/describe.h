/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds and their options as text, written from the option tables: what `health_exporter kinds`
 * prints. Lines have at most 100 columns. The pieces are there for other writers (manual, schema).
 */
#ifndef HX_CONFIG_DESCRIBE_H
#define HX_CONFIG_DESCRIBE_H

#include "base/strbuf.h"
#include "health_exporter/check.h"

/* All kinds, one line each. kinds: NULL-terminated. */
void hx_describe_kinds(const struct hx_kind *const *kinds, struct hx_strbuf *out);

/* One kind, named by its name or one of its schemes: schemes, examples, options, reasons, values.
 * HX_ERR_NOTFOUND with a suggestion when there is none. */
enum hx_errcode hx_describe_kind(const struct hx_kind *const *kinds, const char *name,
                                 struct hx_strbuf *out, struct hx_error *err) HX_MUST_CHECK;

/* How the value is written: "duration", "list of texts", "GET|HEAD". */
void hx_describe_option_type(const struct hx_option *option, struct hx_strbuf *out);

/* "10ms to 1d", "at least 1"; nothing when the type alone bounds it. */
void hx_describe_option_bounds(const struct hx_option *option, struct hx_strbuf *out);

/* "required", "default 10s"; nothing when it is simply absent. */
void hx_describe_option_default(const struct hx_option *option, struct hx_strbuf *out);

#endif
