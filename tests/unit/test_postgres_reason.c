/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds/postgres_reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All of PostgreSQL 15's errcodes.txt. */
static const char all_states[] =
    "00000 01000 01003 01004 01006 01007 01008 0100C 01P01 02000 02001 03000 08000 08001 "
    "08003 08004 08006 08007 08P01 09000 0A000 0B000 0F000 0F001 0L000 0LP01 0P000 0Z000 "
    "0Z002 20000 21000 22000 22001 22002 22003 22004 22005 22007 22008 22009 2200B 2200C "
    "2200D 2200F 2200G 2200H 2200L 2200M 2200N 2200S 2200T 22010 22011 22012 22013 22014 "
    "22015 22016 22018 22019 2201B 2201E 2201F 2201G 2201W 2201X 22021 22022 22023 22024 "
    "22025 22026 22027 2202E 2202G 2202H 22030 22031 22032 22033 22034 22035 22036 22037 "
    "22038 22039 2203A 2203B 2203C 2203D 2203E 2203F 2203G 22P01 22P02 22P03 22P04 22P05 "
    "22P06 22P07 23000 23001 23502 23503 23505 23514 23P01 24000 25000 25001 25002 25003 "
    "25004 25005 25006 25007 25008 25P01 25P02 25P03 26000 27000 28000 28P01 2B000 2BP01 "
    "2D000 2F000 2F002 2F003 2F004 2F005 34000 38000 38001 38002 38003 38004 39000 39001 "
    "39004 39P01 39P02 39P03 3B000 3B001 3D000 3F000 40000 40001 40002 40003 40P01 42000 "
    "42501 42601 42602 42611 42622 42701 42702 42703 42704 42710 42712 42723 42725 42803 "
    "42804 42809 42830 42846 42883 428C9 42939 42P01 42P02 42P03 42P04 42P05 42P06 42P07 "
    "42P08 42P09 42P10 42P11 42P12 42P13 42P14 42P15 42P16 42P17 42P18 42P19 42P20 42P21 "
    "42P22 44000 53000 53100 53200 53300 53400 54000 54001 54011 54023 55000 55006 55P02 "
    "55P03 55P04 57000 57014 57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 58P02 72000 "
    "F0000 F0001 HV000 HV001 HV002 HV004 HV005 HV006 HV007 HV008 HV009 HV00A HV00B HV00C "
    "HV00D HV00J HV00K HV00L HV00M HV00N HV00P HV00Q HV00R HV010 HV014 HV021 HV024 HV090 "
    "HV091 P0000 P0001 P0002 P0003 P0004 XX000 XX001 XX002 ";

/* Those that are anything else than a status. */
static const struct {
    const char *state;
    enum hx_reason reason;
} special_states[] = {
    {"28000", HX_REASON_AUTH},        {"28P01", HX_REASON_AUTH},
    {"42501", HX_REASON_AUTH},        {"0L000", HX_REASON_AUTH},
    {"0LP01", HX_REASON_AUTH},        {"0P000", HX_REASON_AUTH},
    {"53000", HX_REASON_UNAVAILABLE}, {"53100", HX_REASON_UNAVAILABLE},
    {"53200", HX_REASON_UNAVAILABLE}, {"53300", HX_REASON_UNAVAILABLE},
    {"53400", HX_REASON_UNAVAILABLE}, {"57P01", HX_REASON_UNAVAILABLE},
    {"57P02", HX_REASON_UNAVAILABLE}, {"57P03", HX_REASON_UNAVAILABLE},
    {"57P05", HX_REASON_UNAVAILABLE}, {"08004", HX_REASON_UNAVAILABLE},
    {"58000", HX_REASON_UNAVAILABLE}, {"58030", HX_REASON_UNAVAILABLE},
    {"58P01", HX_REASON_UNAVAILABLE}, {"58P02", HX_REASON_UNAVAILABLE},
    {"55006", HX_REASON_UNAVAILABLE}, {"57014", HX_REASON_TIMEOUT},
    {"55P03", HX_REASON_TIMEOUT},     {"25P03", HX_REASON_TIMEOUT},
    {"08P01", HX_REASON_PROTOCOL},    {"08000", HX_REASON_PROTOCOL},
    {"08001", HX_REASON_CLOSED},      {"08003", HX_REASON_CLOSED},
    {"08006", HX_REASON_CLOSED},      {"08007", HX_REASON_CLOSED},
    {"25006", HX_REASON_ASSERTION},
};

static enum hx_reason expected_reason(const char *state)
{
    for (size_t i = 0; i < sizeof(special_states) / sizeof(special_states[0]); i++) {
        if (strcmp(special_states[i].state, state) == 0) {
            return special_states[i].reason;
        }
    }
    return HX_REASON_STATUS;
}

static void every_sqlstate_has_its_reason(void **test_state)
{
    (void)test_state;
    size_t n = 0;

    for (const char *at = all_states; *at != '\0'; at += 6) {
        char state[6] = {0};
        memcpy(state, at, 5);
        if (hx_postgres_sqlstate_reason(state) != expected_reason(state)) {
            fail_msg("%s: %s", state, hx_reason_text(hx_postgres_sqlstate_reason(state)));
        }
        n++;
    }
    assert_int_equal(n, 261);
    /* Of a later version than the list. */
    assert_int_equal(hx_postgres_sqlstate_reason("57P06"), HX_REASON_TIMEOUT);
}

static void a_sqlstate_at_the_end_of_the_text_decides(void **test_state)
{
    (void)test_state;
    struct hx_postgres_failure failure;

    hx_postgres_explain_text(
        "connection to server at \"db\" (10.0.0.7), port 5432 failed: FATAL:  28P01\n", true,
        &failure);
    assert_int_equal(failure.reason, HX_REASON_AUTH);
    assert_string_equal(failure.sqlstate, "28P01");
    assert_string_equal(failure.message, "password refused (SQLSTATE 28P01)");

    hx_postgres_explain_text("connection to server on socket \"/run/.s.PGSQL.5432\" failed: "
                             "FATAL:  53300",
                             true, &failure);
    assert_int_equal(failure.reason, HX_REASON_UNAVAILABLE);
    assert_string_equal(failure.message, "too many connections (SQLSTATE 53300)");

    hx_postgres_explain_text("FATAL:  XX000\n", true, &failure);
    assert_int_equal(failure.reason, HX_REASON_STATUS);
    assert_string_equal(failure.message, "refused by the server (SQLSTATE XX000)");
}

static void what_only_looks_like_a_sqlstate_is_none(void **test_state)
{
    (void)test_state;
    struct hx_postgres_failure failure;
    static const char *const texts[] = {"FATAL: 28P01\n", "FATAL:  28p01\n", "FATAL:  28P011\n",
                                        "28P01\n",        ":  28P0",         "FATAL:  28P01 \n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        hx_postgres_explain_text(texts[i], true, &failure);
        assert_string_equal(failure.sqlstate, "");
    }
}

#define TO "connection to server at \"127.0.0.1\", port 5432 failed: "

static void every_sentence_has_its_reason(void **test_state)
{
    (void)test_state;
    static const struct {
        const char *text;
        enum hx_reason reason;
    } rows[] = {
        {"could not translate host name \"x\" to address: Unknown host", HX_REASON_DNS},
        {TO "Connection refused\n\tIs the server running on that host?\n", HX_REASON_REFUSED},
        {TO "No such file or directory\n", HX_REASON_REFUSED},
        {TO "No route to host\n", HX_REASON_UNREACHABLE},
        {TO "Network is unreachable\n", HX_REASON_UNREACHABLE},
        {TO "Connection timed out\n", HX_REASON_TIMEOUT},
        {"could not receive data from server: Connection reset by peer\n", HX_REASON_CLOSED},
        {"could not send data to server: Broken pipe\n", HX_REASON_CLOSED},
        {"could not create socket: Too many open files\n", HX_REASON_INTERNAL},
        {TO "Cannot assign requested address\n", HX_REASON_INTERNAL},
        {TO "server closed the connection unexpectedly\n\tThis probably means ...\n",
         HX_REASON_CLOSED},
        {TO "SSL SYSCALL error: EOF detected\n", HX_REASON_CLOSED},
        {TO "SSL SYSCALL error: Connection reset by peer\n", HX_REASON_CLOSED},
        {"SSL connection has been closed unexpectedly\n", HX_REASON_CLOSED},
        {TO "expected authentication request from server, but received H\n", HX_REASON_PROTOCOL},
        {TO "received invalid response to SSL negotiation: H\n", HX_REASON_PROTOCOL},
        {TO "received unencrypted data after SSL response\n", HX_REASON_PROTOCOL},
        {TO "server does not support SSL, but SSL was required\n", HX_REASON_TLS},
        {TO "SSL error: certificate verify failed\n", HX_REASON_TLS},
        {TO "SSL error: tlsv1 alert protocol version\n", HX_REASON_TLS},
        {TO "SSL error code 167772304\n", HX_REASON_TLS},
        {TO "server certificate for \"a\" does not match host name \"b\"\n", HX_REASON_TLS},
        {TO "root certificate file \"/x/root.crt\" does not exist\n", HX_REASON_TLS},
        {TO "could not read root certificate file \"/x\": No such file or directory\n",
         HX_REASON_TLS},
        {TO "could not open certificate file \"/x\": No such file or directory\n", HX_REASON_TLS},
        {TO "private key file \"/x\" has group or world access; file must have\n", HX_REASON_TLS},
        {TO "fe_sendauth: no password supplied\n", HX_REASON_AUTH},
        {TO "authentication method 99 not supported\n", HX_REASON_AUTH},
        {TO "none of the server's SASL authentication mechanisms are supported\n", HX_REASON_AUTH},
        {TO "malformed SCRAM message (empty message)\n", HX_REASON_AUTH},
        {TO "channel binding required, but SSL not in use\n", HX_REASON_AUTH},
        {"timeout expired\n", HX_REASON_TIMEOUT},
        {"out of memory\n", HX_REASON_INTERNAL},
        {"cannot allocate memory for input buffer\n", HX_REASON_INTERNAL},
        {"lost synchronization with server: got message type \"H\", length 5\n",
         HX_REASON_PROTOCOL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hx_postgres_failure failure;
        hx_postgres_explain_text(rows[i].text, true, &failure);
        if (failure.reason != rows[i].reason) {
            fail_msg("%s: %s", rows[i].text, hx_reason_text(failure.reason));
        }
        assert_null(strchr(failure.message, '\n'));
    }
}

static void what_is_not_understood_depends_on_who_talked(void **test_state)
{
    (void)test_state;
    struct hx_postgres_failure failure;

    hx_postgres_explain_text("something new\n", true, &failure);
    assert_int_equal(failure.reason, HX_REASON_PROTOCOL);
    hx_postgres_explain_text("something new\n", false, &failure);
    assert_int_equal(failure.reason, HX_REASON_CLOSED);
    hx_postgres_explain_text(TO, false, &failure);
    assert_int_equal(failure.reason, HX_REASON_CLOSED);
    assert_string_equal(failure.message, "connection failed");
}

static void the_message_is_the_first_line_without_its_prefix(void **test_state)
{
    (void)test_state;
    struct hx_postgres_failure failure;
    char text[600];

    hx_postgres_explain_text(TO "Connection refused\n\tIs the server running?\n", false, &failure);
    assert_string_equal(failure.message, "Connection refused");
    snprintf(text, sizeof(text), TO "%0500d\n", 0);
    hx_postgres_explain_text(text, false, &failure);
    assert_int_equal(strlen(failure.message), 180);
}

static void results_are_explained_by_their_fields(void **test_state)
{
    (void)test_state;
    struct hx_postgres_failure failure;

    hx_postgres_explain_result("42P01", "relation \"x\" does not exist", &failure);
    assert_int_equal(failure.reason, HX_REASON_STATUS);
    assert_string_equal(failure.message, "relation \"x\" does not exist (SQLSTATE 42P01)");
    hx_postgres_explain_result("57014", NULL, &failure);
    assert_int_equal(failure.reason, HX_REASON_TIMEOUT);
    assert_string_equal(failure.message, "query cancelled (SQLSTATE 57014)");
    hx_postgres_explain_result(NULL, "server closed the connection unexpectedly\n", &failure);
    assert_int_equal(failure.reason, HX_REASON_CLOSED);
    hx_postgres_explain_result("bad", NULL, &failure);
    assert_int_equal(failure.reason, HX_REASON_PROTOCOL);
}

static void knows_a_server_without_tls(void **test_state)
{
    (void)test_state;

    assert_true(hx_postgres_lacks_tls(TO "server does not support SSL, but SSL was required\n"));
    assert_false(hx_postgres_lacks_tls(TO "SSL error: certificate verify failed\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sqlstate_has_its_reason),
        cmocka_unit_test(a_sqlstate_at_the_end_of_the_text_decides),
        cmocka_unit_test(what_only_looks_like_a_sqlstate_is_none),
        cmocka_unit_test(every_sentence_has_its_reason),
        cmocka_unit_test(what_is_not_understood_depends_on_who_talked),
        cmocka_unit_test(the_message_is_the_first_line_without_its_prefix),
        cmocka_unit_test(results_are_explained_by_their_fields),
        cmocka_unit_test(knows_a_server_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
