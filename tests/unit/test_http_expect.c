/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, texts, patterns and JSON values, and what a hostile body may cost. */
#include "kinds/http_expect.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Not a promise but a guard against a match without any bound, also under sanitizers. */
#define MATCH_GUARD_MS 500

static void allow(struct hx_http_expect *expect, long from, long to)
{
    for (long status = from; status <= to; status++) {
        size_t bit = (size_t)status - 100;
        expect->statuses.bits[bit / 8] |= (uint8_t)(1U << (bit % 8));
    }
}

static struct hx_http_verdict judge_status(const struct hx_http_expect *expect, long status)
{
    struct hx_http_verdict verdict;
    hx_http_expect_judge_status(expect, status, &verdict);
    return verdict;
}

static struct hx_http_verdict judge_body_of(const struct hx_http_expect *expect, const char *body,
                                            size_t len)
{
    struct hx_http_verdict verdict;
    hx_http_expect_judge_body(expect, body, len, &verdict);
    return verdict;
}

/* The verdict of a pattern on a body. */
static struct hx_http_verdict judge_match(const char *pattern, const char *body, size_t len)
{
    char text[128];
    struct hx_http_expect expect = {.body_matches = text};
    strncpy(text, pattern, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(hx_http_expect_prepare(&expect, NULL), HX_OK);
    struct hx_http_verdict verdict = judge_body_of(&expect, body, len);
    hx_http_expect_release(&expect);
    return verdict;
}

/* The verdict of one JSON pointer on a body. */
static struct hx_http_verdict judge_json(const char *pointer, const char *value, const char *body)
{
    char name_text[64], value_text[64];
    struct hx_map_item item = {.name = name_text, .value = value_text};
    struct hx_http_expect expect = {.json = {.items = &item, .n = 1}};
    snprintf(name_text, sizeof(name_text), "%s", pointer);
    snprintf(value_text, sizeof(value_text), "%s", value);
    assert_int_equal(hx_http_expect_prepare(&expect, NULL), HX_OK);
    return judge_body_of(&expect, body, strlen(body));
}

static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (now.tv_sec * HX_NS_PER_S + now.tv_nsec) / HX_NS_PER_MS;
}

static void passes_an_expected_status(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    allow(&expect, 200, 299);
    assert_int_equal(judge_status(&expect, 200).reason, HX_REASON_NONE);
    assert_int_equal(judge_status(&expect, 299).reason, HX_REASON_NONE);
    assert_int_equal(judge_status(&expect, 300).reason, HX_REASON_STATUS);
    assert_int_equal(judge_status(&expect, 199).reason, HX_REASON_STATUS);
}

static void maps_other_statuses_to_reasons(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    allow(&expect, 200, 200);
    for (long status = 0; status <= 999; status++) {
        enum hx_reason expected = status == 200 ? HX_REASON_NONE : HX_REASON_STATUS;
        if (status == 401 || status == 403 || status == 407)
            expected = HX_REASON_AUTH;
        if (status == 429 || status == 503)
            expected = HX_REASON_UNAVAILABLE;
        assert_int_equal(judge_status(&expect, status).reason, expected);
    }
}

static void an_expected_401_passes(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    allow(&expect, 401, 401);
    assert_int_equal(judge_status(&expect, 401).reason, HX_REASON_NONE);
}

static void says_which_statuses_were_expected(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    allow(&expect, 200, 299);
    allow(&expect, 304, 304);
    assert_string_equal(judge_status(&expect, 500).message,
                        "HTTP status 500, expected 200-299, 304");
}

static void cuts_a_long_list_of_statuses(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    for (long status = 100; status <= 599; status += 2)
        allow(&expect, status, status);
    struct hx_http_verdict verdict = judge_status(&expect, 101);
    assert_non_null(strstr(verdict.message, "expected 100, 102"));
    assert_string_equal(verdict.message + strlen(verdict.message) - 5, ", ...");
}

static void finds_a_text_anywhere_in_the_body(void **state)
{
    (void)state;
    char needle[] = "healthy";
    struct hx_http_expect expect = {.body_contains = needle};
    assert_true(hx_http_expect_needs_body(&expect));
    assert_int_equal(judge_body_of(&expect, "all healthy", 11).reason, HX_REASON_NONE);
    assert_int_equal(judge_body_of(&expect, "a\0healthy", 9).reason, HX_REASON_NONE);
    assert_int_equal(judge_body_of(&expect, "", 0).reason, HX_REASON_ASSERTION);
    struct hx_http_verdict verdict = judge_body_of(&expect, "health", 6);
    assert_int_equal(verdict.reason, HX_REASON_ASSERTION);
    assert_string_equal(verdict.message, "the body does not contain \"healthy\"");
}

static void matches_patterns(void **state)
{
    (void)state;
    assert_int_equal(judge_match("^o+k$", "ook\n", 4).reason, HX_REASON_NONE);
    assert_int_equal(judge_match("(?i)READY", "not yet ready", 13).reason, HX_REASON_NONE);
    assert_int_equal(judge_match("a(?=b)", "xab", 3).reason, HX_REASON_NONE);
    assert_int_equal(judge_match("x", "", 0).reason, HX_REASON_ASSERTION);
    struct hx_http_verdict verdict = judge_match("^ok$", "no", 2);
    assert_int_equal(verdict.reason, HX_REASON_ASSERTION);
    assert_string_equal(verdict.message, "the body does not match \"^ok$\"");
}

static void matches_bytes_that_are_no_utf8(void **state)
{
    (void)state;
    assert_int_equal(judge_match("caf\xC3\xA9", "le caf\xC3\xA9 \xFF", 10).reason, HX_REASON_NONE);
    assert_int_equal(judge_match("\\xFF$", "\xFE\xFF", 2).reason, HX_REASON_NONE);
}

static void ends_a_pattern_that_backtracks_without_end(void **state)
{
    (void)state;
    static const char *const PATTERNS[] = {
        "(a+)+$", "(a|aa)+$", "(a|a?)+$", "a*a*a*a*a*b", "^(.*?,){24}P", "(?:a{30000})+b", ".*.*x$",
    };
    size_t len = 1024 * 1024;
    char *body = malloc(len);
    assert_non_null(body);
    memset(body, 'a', len);
    /* So that no start is ruled out for want of a letter, and no match is found. */
    memcpy(body + len - 4, "Pbx!", 4);
    for (size_t i = 0; i < sizeof(PATTERNS) / sizeof(PATTERNS[0]); i++) {
        int64_t before = cpu_ms();
        struct hx_http_verdict verdict = judge_match(PATTERNS[i], body, len);
        int64_t took = cpu_ms() - before;
        if (took > MATCH_GUARD_MS)
            fail_msg("%s took %d ms", PATTERNS[i], (int)took);
        if (verdict.reason != HX_REASON_LIMIT && verdict.reason != HX_REASON_ASSERTION)
            fail_msg("%s ended with \"%s\"", PATTERNS[i], hx_reason_text(verdict.reason));
    }
    assert_int_equal(judge_match("(a+)+$", body, len).reason, HX_REASON_LIMIT);
    free(body);
}

static void refuses_a_pattern_that_is_none(void **state)
{
    (void)state;
    char pattern[] = "ok(";
    struct hx_error err;
    struct hx_http_expect expect = {.body_matches = pattern};
    assert_int_equal(hx_http_expect_prepare(&expect, &err), HX_ERR_INVALID);
    assert_string_equal(err.message,
                        "expect.body_matches: missing closing parenthesis, at character 4");
    assert_null(expect.pattern);
}

static void refuses_what_is_no_json_pointer(void **state)
{
    (void)state;
    static const char *const BAD[] = {"status", "/a~", "/a~2b", "~"};
    char name[16], value[] = "UP";
    struct hx_map_item item = {.name = name, .value = value};
    struct hx_http_expect expect = {.json = {.items = &item, .n = 1}};
    struct hx_error err;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        snprintf(name, sizeof(name), "%s", BAD[i]);
        assert_int_equal(hx_http_expect_prepare(&expect, &err), HX_ERR_INVALID);
        assert_non_null(strstr(err.message, BAD[i]));
    }
}

static void compares_json_scalars_by_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *body, *value;
        bool is_equal;
    } CASES[] = {
        {"{\"v\":\"UP\"}", "UP", true},
        {"{\"v\":\"UP\"}", "up", false},
        {"{\"v\":\"UP\\u0000\"}", "UP", false},
        {"{\"v\":12}", "12", true},
        {"{\"v\":12}", "12.0", true},
        {"{\"v\":12.50}", "12.5", true},
        {"{\"v\":1e3}", "1000", true},
        {"{\"v\":12}", "12x", false},
        {"{\"v\":12}", "", false},
        {"{\"v\":9007199254740993}", "9007199254740992", false},
        {"{\"v\":true}", "true", true},
        {"{\"v\":true}", "1", false},
        {"{\"v\":false}", "false", true},
        {"{\"v\":null}", "null", true},
        {"{\"v\":null}", "", false},
        {"{\"v\":\"true\"}", "true", true},
        {"{\"v\":{}}", "{}", false},
        {"{\"v\":[]}", "[]", false},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        enum hx_reason reason = judge_json("/v", CASES[i].value, CASES[i].body).reason;
        if ((reason == HX_REASON_NONE) != CASES[i].is_equal)
            fail_msg("%s against %s: %s", CASES[i].body, CASES[i].value, hx_reason_text(reason));
    }
}

static void follows_json_pointers(void **state)
{
    (void)state;
    const char *body = "{\"a/b\":{\"m~n\":[10,{\"x\":\"y\"}]},\"\":1}\n";
    assert_int_equal(judge_json("/a~1b/m~0n/1/x", "y", body).reason, HX_REASON_NONE);
    assert_int_equal(judge_json("/a~1b/m~0n/0", "10", body).reason, HX_REASON_NONE);
    assert_int_equal(judge_json("", "17", "17").reason, HX_REASON_NONE);
    struct hx_http_verdict verdict = judge_json("/a~1b/q", "y", body);
    assert_int_equal(verdict.reason, HX_REASON_ASSERTION);
    assert_string_equal(verdict.message, "json: \"/a~1b/q\" is not there");
    assert_int_equal(judge_json("/a~1b/m~0n/2", "10", body).reason, HX_REASON_ASSERTION);
}

static void says_what_the_json_held_instead(void **state)
{
    (void)state;
    assert_string_equal(judge_json("/s", "UP", "{\"s\":\"DOWN\"}").message,
                        "json: \"/s\" is \"DOWN\", expected \"UP\"");
    assert_string_equal(judge_json("/s", "1", "{\"s\":[1]}").message,
                        "json: \"/s\" is an array, expected \"1\"");
    assert_string_equal(judge_json("/s", "1", "{\"s\":null}").message,
                        "json: \"/s\" is null, expected \"1\"");
}

static void takes_a_body_that_is_no_json_for_a_failed_expectation(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "<html>", "{\"s\":\"UP\"", "{\"s\":\"UP\"} x",
                                      "{\"s\":}"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct hx_http_verdict verdict = judge_json("/s", "UP", BAD[i]);
        assert_int_equal(verdict.reason, HX_REASON_ASSERTION);
        assert_non_null(strstr(verdict.message, "not JSON"));
    }
}

static void takes_no_json_that_ends_before_the_body(void **state)
{
    (void)state;
    char name[] = "/s", value[] = "1";
    struct hx_map_item item = {.name = name, .value = value};
    struct hx_http_expect expect = {.json = {.items = &item, .n = 1}};
    assert_int_equal(judge_body_of(&expect, "{\"s\":1}", 7).reason, HX_REASON_NONE);
    assert_int_equal(judge_body_of(&expect, "{\"s\":1}\0}", 9).reason, HX_REASON_ASSERTION);
}

static void refuses_json_that_is_nested_too_deep(void **state)
{
    (void)state;
    size_t depth = 30000;
    char *body = malloc(2 * depth + 1);
    assert_non_null(body);
    memset(body, '[', depth);
    memset(body + depth, ']', depth);
    body[2 * depth] = '\0';
    assert_int_equal(judge_json("/0", "1", body).reason, HX_REASON_LIMIT);
    free(body);
}

static void refuses_json_that_is_too_long(void **state)
{
    (void)state;
    char *body = malloc(HX_HTTP_JSON_SIZE + 2);
    assert_non_null(body);
    memset(body, ' ', HX_HTTP_JSON_SIZE + 1);
    body[HX_HTTP_JSON_SIZE + 1] = '\0';
    body[0] = '1';
    assert_int_equal(judge_json("", "1", body).reason, HX_REASON_LIMIT);
    body[HX_HTTP_JSON_SIZE] = '\0';
    assert_int_equal(judge_json("", "1", body).reason, HX_REASON_NONE);
    free(body);
}

static void expects_nothing_of_a_body_by_default(void **state)
{
    (void)state;
    struct hx_http_expect expect = {0};
    assert_int_equal(hx_http_expect_prepare(&expect, NULL), HX_OK);
    assert_false(hx_http_expect_needs_body(&expect));
    assert_int_equal(judge_body_of(&expect, "", 0).reason, HX_REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_an_expected_status),
        cmocka_unit_test(maps_other_statuses_to_reasons),
        cmocka_unit_test(an_expected_401_passes),
        cmocka_unit_test(says_which_statuses_were_expected),
        cmocka_unit_test(cuts_a_long_list_of_statuses),
        cmocka_unit_test(finds_a_text_anywhere_in_the_body),
        cmocka_unit_test(matches_patterns),
        cmocka_unit_test(matches_bytes_that_are_no_utf8),
        cmocka_unit_test(ends_a_pattern_that_backtracks_without_end),
        cmocka_unit_test(refuses_a_pattern_that_is_none),
        cmocka_unit_test(refuses_what_is_no_json_pointer),
        cmocka_unit_test(compares_json_scalars_by_their_type),
        cmocka_unit_test(follows_json_pointers),
        cmocka_unit_test(says_what_the_json_held_instead),
        cmocka_unit_test(takes_a_body_that_is_no_json_for_a_failed_expectation),
        cmocka_unit_test(takes_no_json_that_ends_before_the_body),
        cmocka_unit_test(refuses_json_that_is_nested_too_deep),
        cmocka_unit_test(refuses_json_that_is_too_long),
        cmocka_unit_test(expects_nothing_of_a_body_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
