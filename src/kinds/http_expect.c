/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging a reply. The body is a stranger's, up to max_body bytes of it, and this runs on the loop:
 *
 * - A pattern matches bytes, not characters: a body need not be UTF-8, and a literal in UTF-8
 *   matches itself all the same.
 * - PCRE2 counts its match limit anew at each start in the subject, so the limit alone would allow
 *   a million times its worth. A callout at each step of the pattern therefore reads the thread's
 *   processor time, and the match ends with reason limit when it has cost HX_HTTP_MATCH_MS.
 *   Processor time, because a wait of the whole machine must not fail a check.
 * - JSON is parsed with a bound on its depth, and on its length: json-c takes 250 ms and 250 MB for
 *   a MiB of "{},{},", so 16 ms for the most that it is given.
 */
#include "kinds/http_expect.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MATCH_LIMIT    100000U
#define DEPTH_LIMIT    10000U
#define HEAP_LIMIT_KIB 4096U

/* The clock of the thread is a system call: not at each step. Between two readings a step scans the
 * body once at most, which takes less than a millisecond. */
#define STEPS_PER_READING 8U

struct budget {
    int64_t ends_ns;
    unsigned n_steps;
};

/* -------------------------------------------------------------------------------- prepare -- */

static enum hx_errcode compile(struct hx_http_expect *expect, struct hx_error *err)
{
    int code;
    size_t offset;
    if (expect->body_matches == NULL)
        return HX_OK;
    expect->pattern =
        pcre2_compile((PCRE2_SPTR)expect->body_matches, PCRE2_ZERO_TERMINATED,
                      PCRE2_AUTO_CALLOUT | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code, &offset, NULL);
    if (expect->pattern != NULL)
        return HX_OK;
    PCRE2_UCHAR text[160];
    pcre2_get_error_message(code, text, sizeof(text));
    return hx_error_set(err, HX_ERR_INVALID, "expect.body_matches: %s, at character %zu",
                        (const char *)text, offset + 1);
}

/* RFC 6901: empty, or tokens that each begin with '/'; '~' only as ~0 and ~1. */
static bool is_pointer(const char *text)
{
    if (text[0] != '\0' && text[0] != '/')
        return false;
    for (; *text != '\0'; text++)
        if (text[0] == '~' && text[1] != '0' && text[1] != '1')
            return false;
    return true;
}

enum hx_errcode hx_http_expect_prepare(struct hx_http_expect *expect, struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    for (size_t i = 0; i < expect->json.n; i++) {
        const char *pointer = expect->json.items[i].name;
        if (!is_pointer(pointer))
            return hx_error_set(err, HX_ERR_INVALID,
                                "expect.json: %s is not a JSON pointer such as \"/status\"",
                                hx_quote(pointer, quoted));
    }
    return compile(expect, err);
}

void hx_http_expect_release(struct hx_http_expect *expect)
{
    pcre2_code_free(expect->pattern);
    expect->pattern = NULL;
}

bool hx_http_expect_needs_body(const struct hx_http_expect *expect)
{
    return expect->body_contains != NULL || expect->pattern != NULL || expect->json.n > 0;
}

/* -------------------------------------------------------------------------------- verdicts -- */

HX_PRINTF(3, 4)
static void fail(struct hx_http_verdict *verdict, enum hx_reason reason, const char *format, ...)
{
    va_list args;
    verdict->reason = reason;
    va_start(args, format);
    vsnprintf(verdict->message, sizeof(verdict->message), format, args);
    va_end(args);
}

static void pass(struct hx_http_verdict *verdict)
{
    verdict->reason = HX_REASON_NONE;
    verdict->message[0] = '\0';
}

/* ---------------------------------------------------------------------------------- status -- */

bool hx_http_expect_has_status(const struct hx_http_expect *expect, long status)
{
    if (status < 100 || status > 599)
        return false;
    size_t bit = (size_t)status - 100;
    return (expect->statuses.bits[bit / 8] >> (bit % 8) & 1) != 0;
}

/* "200-299, 304": the ranges, as many as fit. */
static void write_statuses(const struct hx_http_expect *expect, char *text, size_t size)
{
    size_t used = 0;
    for (long from = 100; from <= 599; from++) {
        if (!hx_http_expect_has_status(expect, from))
            continue;
        long to = from;
        while (hx_http_expect_has_status(expect, to + 1))
            to++;
        char range[48];
        if (to == from)
            snprintf(range, sizeof(range), "%ld", from);
        else
            snprintf(range, sizeof(range), "%ld-%ld", from, to);
        const char *comma = used > 0 ? ", " : "";
        if (used + strlen(comma) + strlen(range) + sizeof(", ...") > size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", comma, range);
        from = to;
    }
}

static enum hx_reason status_reason(long status)
{
    if (status == 401 || status == 403 || status == 407)
        return HX_REASON_AUTH;
    if (status == 429 || status == 503)
        return HX_REASON_UNAVAILABLE;
    return HX_REASON_STATUS;
}

void hx_http_expect_judge_status(const struct hx_http_expect *expect, long status,
                                 struct hx_http_verdict *verdict)
{
    pass(verdict);
    if (hx_http_expect_has_status(expect, status))
        return;
    char expected[96] = "";
    write_statuses(expect, expected, sizeof(expected));
    fail(verdict, status_reason(status), "HTTP status %ld, expected %s", status, expected);
}

/* --------------------------------------------------------------------------------- pattern -- */

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * HX_NS_PER_S + now.tv_nsec;
}

static int on_step(pcre2_callout_block *block, void *data)
{
    (void)block;
    struct budget *budget = data;
    if (++budget->n_steps % STEPS_PER_READING != 0)
        return 0;
    return thread_cpu_ns() > budget->ends_ns ? PCRE2_ERROR_CALLOUT : 0;
}

/* The outcome of pcre2_match(); PCRE2_ERROR_CALLOUT when the time was up. */
static int match(const pcre2_code *pattern, const char *body, size_t len)
{
    struct budget budget = {.ends_ns = thread_cpu_ns() + HX_HTTP_MATCH_MS * HX_NS_PER_MS};
    /* Freed after each match: in it lies the heap that the match grew. */
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int outcome = PCRE2_ERROR_NOMEMORY;
    if (data != NULL && context != NULL) {
        pcre2_set_match_limit(context, MATCH_LIMIT);
        pcre2_set_depth_limit(context, DEPTH_LIMIT);
        pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
        pcre2_set_callout(context, on_step, &budget);
        outcome = pcre2_match(pattern, (PCRE2_SPTR)body, len, 0, 0, data, context);
    }
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    return outcome;
}

static void judge_pattern(const struct hx_http_expect *expect, const char *body, size_t len,
                          struct hx_http_verdict *verdict)
{
    if (expect->pattern == NULL)
        return;
    int outcome = match(expect->pattern, body, len);
    if (outcome >= 0)
        return;
    char quoted[HX_QUOTE_SIZE];
    hx_quote(expect->body_matches, quoted);
    if (outcome == PCRE2_ERROR_NOMATCH)
        fail(verdict, HX_REASON_ASSERTION, "the body does not match %s", quoted);
    else if (outcome == PCRE2_ERROR_NOMEMORY)
        fail(verdict, HX_REASON_INTERNAL, "out of memory");
    else
        fail(verdict, HX_REASON_LIMIT, "the pattern %s costs too much on this body", quoted);
}

/* ------------------------------------------------------------------------------------ JSON -- */

/* Are they the same number? As integers where both are, because a double holds 53 bits only. */
static bool is_number(struct json_object *value, const char *expected)
{
    char *end;
    errno = 0;
    if (json_object_is_type(value, json_type_int)) {
        long long integer = strtoll(expected, &end, 10);
        if (end != expected && *end == '\0' && errno == 0)
            return integer == json_object_get_int64(value);
    }
    errno = 0;
    double number = strtod(expected, &end);
    if (end == expected || *end != '\0' || errno != 0)
        return false;
    double difference = number - json_object_get_double(value);
    return difference >= 0 && difference <= 0;
}

static bool is_string(struct json_object *value, const char *expected)
{
    size_t len = (size_t)json_object_get_string_len(value);
    return len == strlen(expected) && memcmp(json_object_get_string(value), expected, len) == 0;
}

static bool is_equal(struct json_object *value, const char *expected)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return strcmp(expected, "null") == 0;
    case json_type_boolean:
        return strcmp(expected, json_object_get_boolean(value) ? "true" : "false") == 0;
    case json_type_int:
    case json_type_double:
        return is_number(value, expected);
    case json_type_string:
        return is_string(value, expected);
    case json_type_object:
    case json_type_array:
        break;
    }
    return false;
}

static void describe(struct json_object *value, char text[HX_QUOTE_SIZE])
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        snprintf(text, HX_QUOTE_SIZE, "an object");
        break;
    case json_type_array:
        snprintf(text, HX_QUOTE_SIZE, "an array");
        break;
    case json_type_string:
        hx_quote(json_object_get_string(value), text);
        break;
    case json_type_null:
        snprintf(text, HX_QUOTE_SIZE, "null");
        break;
    case json_type_boolean:
    case json_type_int:
    case json_type_double:
        snprintf(text, HX_QUOTE_SIZE, "%s", json_object_get_string(value));
        break;
    }
}

static void judge_value(struct json_object *document, const struct hx_map_item *item,
                        struct hx_http_verdict *verdict)
{
    char pointer[HX_QUOTE_SIZE];
    char found[HX_QUOTE_SIZE];
    char expected[HX_QUOTE_SIZE];
    struct json_object *value = NULL;
    errno = 0;
    if (json_pointer_get(document, item->name, &value) != 0) {
        if (errno == ENOMEM)
            fail(verdict, HX_REASON_INTERNAL, "out of memory");
        else
            fail(verdict, HX_REASON_ASSERTION, "json: %s is not there",
                 hx_quote(item->name, pointer));
        return;
    }
    if (is_equal(value, item->value))
        return;
    describe(value, found);
    fail(verdict, HX_REASON_ASSERTION, "json: %s is %s, expected %s", hx_quote(item->name, pointer),
         found, hx_quote(item->value, expected));
}

/* Parses the body as one JSON text; false, and the verdict, when it is none. */
static bool parse(const char *body, size_t len, struct json_object **document,
                  struct hx_http_verdict *verdict)
{
    struct json_tokener *tokener = json_tokener_new_ex(HX_HTTP_JSON_DEPTH);
    if (tokener == NULL) {
        fail(verdict, HX_REASON_INTERNAL, "out of memory");
        return false;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    /* With its NUL, at which a number at the end of the text ends. */
    *document = json_tokener_parse_ex(tokener, body, (int)len + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    /* It takes a NUL inside the body for the end as well. */
    if (error == json_tokener_success && json_tokener_get_parse_end(tokener) != len)
        error = json_tokener_error_parse_unexpected;
    json_tokener_free(tokener);
    if (error == json_tokener_error_depth)
        fail(verdict, HX_REASON_LIMIT, "the body's JSON is nested deeper than %d levels",
             HX_HTTP_JSON_DEPTH);
    else if (error != json_tokener_success)
        fail(verdict, HX_REASON_ASSERTION, "the body is not JSON: %s",
             json_tokener_error_desc(error));
    if (error == json_tokener_success)
        return true;
    json_object_put(*document);
    return false;
}

static void judge_json(const struct hx_http_expect *expect, const char *body, size_t len,
                       struct hx_http_verdict *verdict)
{
    struct json_object *document = NULL;
    if (expect->json.n == 0)
        return;
    if (len > HX_HTTP_JSON_SIZE) {
        fail(verdict, HX_REASON_LIMIT, "the body is longer than %d bytes, too long for expect.json",
             HX_HTTP_JSON_SIZE);
        return;
    }
    if (!parse(body, len, &document, verdict))
        return;
    for (size_t i = 0; i < expect->json.n && verdict->reason == HX_REASON_NONE; i++)
        judge_value(document, &expect->json.items[i], verdict);
    json_object_put(document);
}

/* ----------------------------------------------------------------------------------- bodies -- */

void hx_http_expect_judge_body(const struct hx_http_expect *expect, const char *body, size_t len,
                               struct hx_http_verdict *verdict)
{
    char quoted[HX_QUOTE_SIZE];
    pass(verdict);
    const char *needle = expect->body_contains;
    if (needle != NULL && memmem(body, len, needle, strlen(needle)) == NULL)
        fail(verdict, HX_REASON_ASSERTION, "the body does not contain %s",
             hx_quote(needle, quoted));
    if (verdict->reason == HX_REASON_NONE)
        judge_pattern(expect, body, len, verdict);
    if (verdict->reason == HX_REASON_NONE)
        judge_json(expect, body, len, verdict);
}
