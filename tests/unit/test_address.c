/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses from literals and to text. */
#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_text(const char *host, uint16_t port, const char *expected)
{
    struct hx_address address;
    char text[HX_ADDRESS_TEXT_SIZE];
    assert_true(hx_address_parse(host, port, &address));
    assert_string_equal(hx_address_text(&address, text), expected);
}

static void literals_are_parsed_and_written_back(void **state)
{
    (void)state;
    check_text("127.0.0.1", 6379, "127.0.0.1:6379");
    check_text("255.255.255.255", 65535, "255.255.255.255:65535");
    check_text("::1", 443, "[::1]:443");
    check_text("2001:0DB8::0001", 1, "[2001:db8::1]:1");
    check_text("::ffff:10.0.0.7", 80, "[::ffff:10.0.0.7]:80");
}

static void names_and_old_spellings_are_no_literals(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "localhost",     "0x7f.1",
                                        "0x7f000001", "017700000001",  "127.1",
                                        "127.0.0.1.", "1.2.3",         "1.2.3.256",
                                        "1.2.3.4.5",  " 127.0.0.1",    "[::1]",
                                        "::1 ",       "::g",           "1::2::3",
                                        "::1%",       "::1%nosuchif",  "127.0.0.1%lo",
                                        "fe80::1%0",  "fe80::1%99999", "fe80::1%4294967297",
                                        NULL};
    for (const char *const *text = texts; *text != NULL; text++) {
        struct hx_address address;
        if (hx_address_parse(*text, 1, &address)) {
            fail_msg("\"%s\" was taken for an address", *text);
        }
    }
}

static void a_zone_may_be_a_name_or_a_number(void **state)
{
    (void)state;
    struct hx_address named, numbered;
    char text[HX_ADDRESS_TEXT_SIZE];
    assert_true(hx_address_parse("fe80::1%lo", 80, &named));
    assert_true(hx_address_parse("fe80::1%1", 80, &numbered));
    assert_true(hx_address_equal(&named, &numbered));
    assert_string_equal(hx_address_text(&numbered, text), "[fe80::1%lo]:80");
    assert_string_equal(hx_address_host_text(&numbered, text), "fe80::1%lo");
}

static void a_unix_path_fits_or_is_refused(void **state)
{
    (void)state;
    struct hx_address address;
    char text[HX_ADDRESS_TEXT_SIZE];
    char path[109];
    assert_true(hx_address_unix("/run/x.sock", &address));
    hx_address_set_port(&address, 80);
    assert_string_equal(hx_address_text(&address, text), "unix:/run/x.sock");
    assert_string_equal(hx_address_host_text(&address, text), "/run/x.sock");
    assert_false(hx_address_unix("", &address));
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    assert_false(hx_address_unix(path, &address));
    path[107] = '\0';
    assert_true(hx_address_unix(path, &address));
    assert_int_equal(strlen(hx_address_text(&address, text)), 5 + 107);
}

static void equality_is_of_family_address_zone_and_port(void **state)
{
    (void)state;
    struct hx_address a, b;
    assert_true(hx_address_parse("10.0.0.7", 1, &a));
    assert_true(hx_address_parse("10.0.0.7", 2, &b));
    assert_false(hx_address_equal(&a, &b));
    hx_address_set_port(&b, 1);
    assert_true(hx_address_equal(&a, &b));
    assert_true(hx_address_parse("::ffff:10.0.0.7", 1, &b));
    assert_false(hx_address_equal(&a, &b));
    assert_true(hx_address_parse("::ffff:10.0.0.7", 1, &a));
    assert_true(hx_address_equal(&a, &b));
    assert_true(hx_address_parse("fe80::1%1", 1, &a));
    assert_true(hx_address_parse("fe80::1", 1, &b));
    assert_false(hx_address_equal(&a, &b));
    assert_true(hx_address_unix("/a", &a));
    assert_true(hx_address_unix("/b", &b));
    assert_false(hx_address_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_parsed_and_written_back),
        cmocka_unit_test(names_and_old_spellings_are_no_literals),
        cmocka_unit_test(a_zone_may_be_a_name_or_a_number),
        cmocka_unit_test(a_unix_path_fits_or_is_refused),
        cmocka_unit_test(equality_is_of_family_address_zone_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
