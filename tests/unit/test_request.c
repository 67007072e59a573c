/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anybody looks at it. */
#include "web/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned target(const char *text)
{
    const struct hx_fault *fault = hx_target_check(text);
    return fault == NULL ? 200 : fault->status;
}

static void plain_targets_pass(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/", "/livez", "/livez?", "/livez?a=b", "/health/a%20b", "/caf%C3%A9", "/livez?x=%2F%00"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_int_equal(target(targets[i]), 200);
}

static void targets_that_mean_two_things_are_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "",         "*",         "livez",    "http://host/livez",
        "host:80",  "/livez%00", "/a%2fb",   "/a%2Fb",
        "/a%0ab",   "/a%7f",     "/a\tb",    "/a\x01",
        "/a\x80",   "/a%",       "/a%2",     "/a%zz",
        "/a\\b",    "/a%5cb",    "/livez#x", "/a?b\x01",
        "/a?b\xff", "/a b",
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_int_equal(target(targets[i]), 400);
    assert_int_equal(target(NULL), 400);
}

static void long_query_is_refused(void **state)
{
    (void)state;
    char text[2 * HX_MAX_QUERY];
    memset(text, 'a', sizeof(text));
    memcpy(text, "/livez?", 7);
    text[7 + HX_MAX_QUERY] = '\0';
    assert_int_equal(target(text), 200);
    text[7 + HX_MAX_QUERY] = 'a';
    text[8 + HX_MAX_QUERY] = '\0';
    assert_int_equal(target(text), 414);
}

/* The answer to a head with Host, whose other fields are given as name, value, ..., NULL. */
static unsigned answer(enum hx_method method, const char *const *fields)
{
    struct hx_head head = {0};
    hx_head_note(&head, "Host", 4, "a", 1);
    for (size_t i = 0; fields[i] != NULL; i += 2)
        hx_head_note(&head, fields[i], strlen(fields[i]), fields[i + 1], strlen(fields[i + 1]));
    const struct hx_fault *fault = hx_head_check(&head, "HTTP/1.1", method);
    if (fault == NULL && method == HX_METHOD_PUT)
        fault = hx_body_check(&head, true);
    return fault == NULL ? 200 : fault->status;
}

#define ANSWER(method, ...) answer((method), (const char *const[]){__VA_ARGS__, NULL})

static void ordinary_heads_pass(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_GET, "User-Agent", "kube-probe/1.30"), 200);
    assert_int_equal(ANSWER(HX_METHOD_HEAD, "Accept", "*/*"), 200);
    assert_int_equal(ANSWER(HX_METHOD_GET, "X!#$%&'*+-.^_`|~9", "\ta\xc3\xa9"), 200);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "4096"), 200);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "X-Other", "a"), 200);
}

static void haproxys_empty_body_is_no_body(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_GET, "Content-length", "0"), 200);
}

static void get_with_a_body_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_GET, "Content-Length", "5"), 400);
    assert_int_equal(ANSWER(HX_METHOD_HEAD, "content-length", "5"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Content-Length", "+0"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Content-Length", ""), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Transfer-Encoding", "chunked"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Expect", "100-continue"), 400);
}

static void host_is_needed_since_http_1_1(void **state)
{
    (void)state;
    struct hx_head head = {0};
    assert_null(hx_head_check(&head, "HTTP/1.0", HX_METHOD_GET));
    assert_int_equal(hx_head_check(&head, "HTTP/1.1", HX_METHOD_GET)->status, 400);
}

static void pages_in_a_browser_only_read(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_GET, "Origin", "http://other.example"), 200);
    assert_int_equal(ANSWER(HX_METHOD_HEAD, "Origin", "http://other.example"), 200);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "origin", "null"), 403);
    assert_int_equal(ANSWER(HX_METHOD_POST, "Origin", "http://other.example"), 403);
    assert_int_equal(ANSWER(HX_METHOD_DELETE, "Origin", ""), 403);
}

static void ambiguous_framing_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "2", "content-length", "2"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Content-Length", "0", "Content-Length", "0"), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "2", "Transfer-Encoding", "x"), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length ", "2"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "Transfer-Encodingchunked", ""), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "content-length5", "0"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "host", "a"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "", "a"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "A(b)", "a"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "A", "a\rb"), 400);
    assert_int_equal(ANSWER(HX_METHOD_GET, "A", "a\x7f"), 400);
}

static void bodies_have_a_length_and_a_limit(void **state)
{
    (void)state;
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Transfer-Encoding", "chunked"), 411);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "4097"), 413);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "1844674407370955161"), 413);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "18446744073709551616"), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "-1"), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "0x5"), 400);
    assert_int_equal(ANSWER(HX_METHOD_PUT, "Content-Length", "5, 5"), 400);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    struct hx_head head = {.n_host = 1};
    assert_null(hx_head_check(&head, "HTTP/1.0", HX_METHOD_GET));
    assert_int_equal(hx_head_check(&head, "HTTP/1.2", HX_METHOD_GET)->status, 505);
    assert_int_equal(hx_head_check(&head, "HTTP/2.0", HX_METHOD_GET)->status, 505);
    assert_int_equal(hx_head_check(&head, "", HX_METHOD_GET)->status, 505);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_targets_pass),
        cmocka_unit_test(targets_that_mean_two_things_are_refused),
        cmocka_unit_test(long_query_is_refused),
        cmocka_unit_test(ordinary_heads_pass),
        cmocka_unit_test(haproxys_empty_body_is_no_body),
        cmocka_unit_test(get_with_a_body_is_refused),
        cmocka_unit_test(host_is_needed_since_http_1_1),
        cmocka_unit_test(pages_in_a_browser_only_read),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(bodies_have_a_length_and_a_limit),
        cmocka_unit_test(other_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
