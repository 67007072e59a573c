/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is expected of an HTTP reply: its status, and what its body must hold.
 *
 * The texts are filled by the option table; prepare makes of them what is needed at run time. All
 * of it is read only after that, and may be used by several threads.
 */
#ifndef HX_KINDS_HTTP_EXPECT_H
#define HX_KINDS_HTTP_EXPECT_H

#include "health_exporter/check.h"

#include <stdbool.h>
#include <stddef.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Processor time that one match may take; it is spent on the loop. */
#define HX_HTTP_MATCH_MS 20

/* Deeper or longer JSON is refused. */
#define HX_HTTP_JSON_DEPTH 64
#define HX_HTTP_JSON_SIZE  65536

struct hx_http_expect {
    struct hx_status_set statuses;
    char *body_contains;
    char *body_matches;
    struct hx_map json; /* JSON pointer -> scalar, as text */
    pcre2_code *pattern;
};

struct hx_http_verdict {
    enum hx_reason reason; /* NONE: as expected */
    char message[320];
};

/* Compiles the pattern and checks the pointers. */
enum hx_errcode hx_http_expect_prepare(struct hx_http_expect *expect,
                                       struct hx_error *err) HX_MUST_CHECK;
/* Undoes prepare; the texts stay. */
void hx_http_expect_release(struct hx_http_expect *expect);

bool hx_http_expect_has_status(const struct hx_http_expect *expect, long status);

/* Must the body be kept? */
bool hx_http_expect_needs_body(const struct hx_http_expect *expect);

void hx_http_expect_judge_status(const struct hx_http_expect *expect, long status,
                                 struct hx_http_verdict *verdict);

/* The first expectation that the body does not meet, in the order contains, matches, json. */
void hx_http_expect_judge_body(const struct hx_http_expect *expect, const char *body, size_t len,
                               struct hx_http_verdict *verdict);

#endif
