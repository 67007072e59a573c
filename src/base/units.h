/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, sizes and numbers as people write them. Parsers take the whole text or refuse it; a
 * refusal names what was expected.
 */
#ifndef HX_BASE_UNITS_H
#define HX_BASE_UNITS_H

#include "health_exporter/check.h"
#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prometheus' durations: numbers with ns|us|ms|s|m|h|d|w, falling units, no space: "1m30s"; "0". A
 * fraction is taken in the last part: "1.5s". Nanoseconds, >= 0. */
enum hx_errcode hx_parse_duration(const char *text, int64_t *ns,
                                  struct hx_error *err) HX_MUST_CHECK;
/* Bytes: "512", "64KiB", "1MB", "1.5GiB" (kB MB GB TB are powers of 1000; KiB ... of 1024). */
enum hx_errcode hx_parse_size(const char *text, int64_t *bytes, struct hx_error *err) HX_MUST_CHECK;
/* A size, or a percentage "5%", 0 to 100. */
enum hx_errcode hx_parse_amount(const char *text, struct hx_amount *amount,
                                struct hx_error *err) HX_MUST_CHECK;
/* A decimal integer in [min, max]. */
enum hx_errcode hx_parse_int(const char *text, int64_t min, int64_t max, int64_t *value,
                             struct hx_error *err) HX_MUST_CHECK;
/* true or false, nothing else. */
enum hx_errcode hx_parse_bool(const char *text, bool *value, struct hx_error *err) HX_MUST_CHECK;

/* The shortest writing that parses back: "1m30s", "250ms", "0s". size >= 32. */
char *hx_format_duration(int64_t ns, char *text, size_t size);
/* "64KiB", "512B", "1.5GiB", for people. size >= 32. */
char *hx_format_size(int64_t bytes, char *text, size_t size);

/* The nearest of the candidates (NULL-terminated) by edit distance, for "did you mean"; NULL when
 * none is near. */
const char *hx_suggest(const char *word, const char *const *candidates);

#endif
