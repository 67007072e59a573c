/* SPDX-License-Identifier: Apache-2.0 */
/* What a text means for the option types that hold no memory; for option.c alone. */
#ifndef HX_BASE_OPTION_VALUE_H
#define HX_BASE_OPTION_VALUE_H

#include "health_exporter/check.h"

/* Reads text into the field: a bool, number, amount or choice is replaced, statuses are added to
 * those that are there. On failure the field keeps its value; the message says what was expected
 * and quotes the text. */
enum hx_errcode hx_option_read(const struct hx_option *option, void *field, const char *text,
                               struct hx_error *err) HX_MUST_CHECK;

/* Reads one item of a list of durations, within the option's bounds; a number is seconds. */
enum hx_errcode hx_option_read_duration(const struct hx_option *option, int64_t *ns,
                                        const char *text, struct hx_error *err) HX_MUST_CHECK;

#endif
