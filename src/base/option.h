/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables at work: settings are filled from texts by a table, and freed by the same table.
 * Who reads the texts (YAML, flags) is of no interest here.
 */
#ifndef HX_BASE_OPTION_H
#define HX_BASE_OPTION_H

#include "health_exporter/check.h"

/* The options that every dependency has, offsets into struct hx_policy. The defaults of
 * retry_interval and stale_after depend on the others; see hx_policy_complete(). */
extern const struct hx_option hx_policy_options[];

/* Entry of the table by name; NULL when there is none. */
const struct hx_option *hx_option_find(const struct hx_option *options, const char *name);

/* Sets every field to its default. HX_ERR_NOMEM, or a defect in the table. */
enum hx_errcode hx_options_default(const struct hx_option *options, void *settings,
                                   struct hx_error *err) HX_MUST_CHECK;

/* Whether it is written as a list: STRINGS, STATUSES, DURATIONS. */
bool hx_option_is_list(const struct hx_option *option);

/* Sets one field from a scalar's text; what was there is freed. For a list: one item is appended
 * (clear first). The message says what was expected and, unless it is a secret, quotes the text. */
enum hx_errcode hx_option_set(const struct hx_option *option, void *settings, const char *text,
                              struct hx_error *err) HX_MUST_CHECK;
/* Adds an item to a MAP. */
enum hx_errcode hx_option_put(const struct hx_option *option, void *settings, const char *name,
                              const char *value, struct hx_error *err) HX_MUST_CHECK;
/* Empties one field, freeing what it held. */
void hx_option_clear(const struct hx_option *option, void *settings);

/* Empties all fields. */
void hx_options_fini(const struct hx_option *options, void *settings);

/* What is expected, for messages: "a duration such as 250ms or 10s". */
const char *hx_option_expected(const struct hx_option *option);

/* Fills what depends on other options and checks what must hold between them (timeout below
 * interval, retry_interval not below timeout, stale_after above interval). */
enum hx_errcode hx_policy_complete(struct hx_policy *policy, struct hx_error *err) HX_MUST_CHECK;

/* Frees a dependency: kind->release, the settings by their table, the URL, the name. Takes NULL. */
void hx_dependency_free(struct hx_dependency *dependency);

/* The name's form: [a-zA-Z_][a-zA-Z0-9_-]{0,63}, and none of the reserved words (live, ready, ...),
 * which are paths below /health/. */
enum hx_errcode hx_dependency_name_check(const char *name, struct hx_error *err) HX_MUST_CHECK;

#endif
