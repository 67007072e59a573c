/* SPDX-License-Identifier: Apache-2.0 */
/* Every code of libcurl up to 101, and the codes that stand for several causes. */
#include "kinds/http_reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N_CODES 102

/* By number, so that a wrong name in the table under test is seen. */
static const struct {
    enum hx_reason reason;
    int codes[24];
} EXPECTED[] = {
    {HX_REASON_DNS, {5, 6}},
    {HX_REASON_REFUSED, {7, 45}},
    {HX_REASON_TIMEOUT, {28}},
    {HX_REASON_TLS, {35, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98, 101}},
    {HX_REASON_CLOSED, {18, 52, 55, 56, 97}},
    {HX_REASON_LIMIT, {47, 63, 100}},
    {HX_REASON_AUTH, {9, 67, 94}},
    {HX_REASON_PROTOCOL, {1, 8, 16, 61, 84, 85, 86, 87, 88, 92, 95, 96}},
    {HX_REASON_STATUS, {22}},
};

static enum hx_reason reason_of(int code, long os_errno, const char *text)
{
    struct hx_http_failure failure = {
        .code = (CURLcode)code,
        .os_errno = os_errno,
        .text = text,
    };
    return hx_http_reason(&failure);
}

static void maps_every_code(void **state)
{
    (void)state;
    enum hx_reason expected[N_CODES];
    for (int code = 0; code < N_CODES; code++)
        expected[code] = code == 0 ? HX_REASON_NONE : HX_REASON_INTERNAL;
    for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++)
        for (size_t j = 0; j < 24 && EXPECTED[i].codes[j] != 0; j++)
            expected[EXPECTED[i].codes[j]] = EXPECTED[i].reason;
    for (int code = 0; code < N_CODES; code++) {
        if (reason_of(code, 0, "") != expected[code])
            fail_msg("code %d is %s, expected %s", code, hx_reason_text(reason_of(code, 0, "")),
                     hx_reason_text(expected[code]));
    }
}

static void takes_unknown_codes_for_internal(void **state)
{
    (void)state;
    assert_int_equal(reason_of(102, 0, ""), HX_REASON_INTERNAL);
    assert_int_equal(reason_of(4711, 0, NULL), HX_REASON_INTERNAL);
}

static void tells_failed_connects_apart_by_errno(void **state)
{
    (void)state;
    assert_int_equal(reason_of(7, ECONNREFUSED, ""), HX_REASON_REFUSED);
    assert_int_equal(reason_of(7, EHOSTUNREACH, ""), HX_REASON_UNREACHABLE);
    assert_int_equal(reason_of(7, ENETUNREACH, ""), HX_REASON_UNREACHABLE);
    assert_int_equal(reason_of(7, ETIMEDOUT, ""), HX_REASON_TIMEOUT);
    assert_int_equal(reason_of(7, EADDRNOTAVAIL, ""), HX_REASON_INTERNAL);
    assert_int_equal(reason_of(7, EACCES, ""), HX_REASON_INTERNAL);
}

static void takes_a_peer_that_leaves_the_handshake_for_closed(void **state)
{
    (void)state;
    assert_int_equal(reason_of(35, ECONNRESET, "Recv failure: Connection reset by peer"),
                     HX_REASON_CLOSED);
    assert_int_equal(reason_of(35, 0, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h"),
                     HX_REASON_CLOSED);
    assert_int_equal(reason_of(35, 0, "error:0A000126:SSL routines::unexpected eof while reading"),
                     HX_REASON_CLOSED);
    assert_int_equal(reason_of(35, 0, "error:0A00010B:SSL routines::wrong version number"),
                     HX_REASON_TLS);
}

static void takes_a_late_alert_for_tls(void **state)
{
    (void)state;
    assert_int_equal(reason_of(56, 0,
                               "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert "
                               "certificate required, errno 0"),
                     HX_REASON_TLS);
    assert_int_equal(reason_of(56, 0,
                               "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof "
                               "while reading, errno 0"),
                     HX_REASON_CLOSED);
}

static void tells_failed_receives_apart(void **state)
{
    (void)state;
    assert_int_equal(reason_of(56, ECONNRESET, "Recv failure: Connection reset by peer"),
                     HX_REASON_CLOSED);
    assert_int_equal(reason_of(56, ETIMEDOUT, "Recv failure: Connection timed out"),
                     HX_REASON_TIMEOUT);
    assert_int_equal(reason_of(56, 0, "Too large response headers: 308159 > 307200"),
                     HX_REASON_LIMIT);
    assert_int_equal(
        reason_of(56, 0, "Illegal or missing hexadecimal sequence in chunked-encoding"),
        HX_REASON_PROTOCOL);
}

static void takes_an_endless_header_line_for_a_limit(void **state)
{
    (void)state;
    struct hx_http_failure failure = {.code = CURLE_OUT_OF_MEMORY, .is_reading_headers = true};
    assert_int_equal(hx_http_reason(&failure), HX_REASON_LIMIT);
    failure.is_reading_headers = false;
    assert_int_equal(hx_http_reason(&failure), HX_REASON_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_every_code),
        cmocka_unit_test(takes_unknown_codes_for_internal),
        cmocka_unit_test(tells_failed_connects_apart_by_errno),
        cmocka_unit_test(takes_a_peer_that_leaves_the_handshake_for_closed),
        cmocka_unit_test(takes_a_late_alert_for_tls),
        cmocka_unit_test(tells_failed_receives_apart),
        cmocka_unit_test(takes_an_endless_header_line_for_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
