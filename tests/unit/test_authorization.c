/* SPDX-License-Identifier: Apache-2.0 */
/* The header Authorization, good and bad, and the memory of logins that were right. */
#include "web/authorization.h"
#include "web/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool parse(const char *value, struct hx_login *login)
{
    return hx_authorization_parse(value, strlen(value), login);
}

static void user_and_password_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value, *user, *password;
    } cases[] = {
        {"Basic YWxpY2U6c2VjcmV0", "alice", "secret"},
        {"basic YWxpY2U6c2VjcmV0", "alice", "secret"},
        {"BASIC    YWxpY2U6c2VjcmV0", "alice", "secret"},
        {"Basic YTo=", "a", ""},
        {"Basic YTpiOmM=", "a", "b:c"},
        {"Basic YTpi", "a", "b"},
        {"Basic w6Q6w7Y=", "\xC3\xA4", "\xC3\xB6"},
        {"Basic YTorLz8=", "a", "+/?"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_login login;
        assert_true(parse(cases[i].value, &login));
        assert_string_equal(login.user, cases[i].user);
        assert_string_equal(login.password, cases[i].password);
        assert_int_equal(login.user_len, strlen(cases[i].user));
        assert_int_equal(login.password_len, strlen(cases[i].password));
    }
}

static void anything_else_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "Basic",
        "Basic ",
        "Basic    ",
        "Bearer YWxpY2U6c2VjcmV0",
        "Basi YWxpY2U6c2VjcmV0",
        "BasicYWxpY2U6c2VjcmV0",
        "Basic\tYWxpY2U6c2VjcmV0",
        " Basic YWxpY2U6c2VjcmV0",
        "Basic YWxpY2U6c2VjcmV0 ", /* something behind it */
        "Basic YWxpY2U6c2VjcmV0 YTpi",
        "Basic YWxpY2U6c2VjcmV0,",
        "Basic YWxpY2U6c2VjcmV", /* no whole group */
        "Basic YTo",             /* padding left out */
        "Basic YTo==",
        "Basic YT==Yg==", /* padding inside */
        "Basic ====",
        "Basic Y===",
        "Basic YTp=", /* bits that stand for nothing */
        "Basic YTpiOmN=",
        "Basic YWxpY2U6_-_-", /* another alphabet */
        "Basic YWxp\nY2U6",
        "Basic YWxpY2U=",     /* no colon */
        "Basic OnNlY3JldA==", /* no user */
        "Basic YQA6Yg==",     /* NUL in the user */
        "Basic YTpiAA==",     /* NUL in the password */
        "Basic YTpiCg==",     /* a line end */
        "Basic YX86Yg==",     /* DEL */
    };
    static const struct hx_login none = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_login login;
        if (parse(cases[i], &login))
            fail_msg("taken: %s", cases[i]);
        assert_memory_equal(&login, &none, sizeof(none));
    }
}

/* Base64 of len bytes 'a', a colon, and len bytes 'b'. */
static void make(size_t user_len, size_t password_len, char value[1024])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[512] = {0};
    size_t len = user_len + 1 + password_len;
    memset(text, 'a', user_len);
    text[user_len] = ':';
    memset(text + user_len + 1, 'b', password_len);
    size_t n = (size_t)snprintf(value, 1024, "Basic ");
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits =
            (unsigned)text[i] << 16 | (unsigned)text[i + 1] << 8 | (unsigned)text[i + 2];
        for (size_t k = 0; k < 4; k++)
            value[n++] = k <= len - i ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    value[n] = '\0';
}

static void what_is_longer_than_bcrypt_looks_at_is_refused(void **state)
{
    (void)state;
    struct hx_login login;
    char value[1024];
    make(5, 72, value);
    assert_true(parse(value, &login));
    assert_int_equal(login.password_len, 72);
    make(5, 73, value);
    assert_false(parse(value, &login));
    make(128, 72, value);
    assert_true(parse(value, &login));
    assert_int_equal(login.user_len, 128);
    make(129, 1, value);
    assert_false(parse(value, &login));
    make(250, 200, value);
    assert_false(parse(value, &login));
}

/* ---- known logins ---- */

static void mac_of(const struct hx_known *known, const char *user, const char *password,
                   uint8_t mac[HX_MAC_SIZE])
{
    struct hx_login login = {.user_len = strlen(user), .password_len = strlen(password)};
    memcpy(login.user, user, login.user_len);
    memcpy(login.password, password, login.password_len);
    assert_true(hx_known_mac(known, &login, mac));
}

static void login_is_known_after_it_was_right_and_until_a_reload(void **state)
{
    (void)state;
    struct hx_known known;
    uint8_t mac[HX_MAC_SIZE], other[HX_MAC_SIZE];
    assert_int_equal(hx_known_init(&known, NULL), HX_OK);
    mac_of(&known, "alice", "secret", mac);
    mac_of(&known, "alice", "secre", other);
    assert_false(hx_known_has(&known, mac));
    hx_known_add(&known, mac);
    assert_true(hx_known_has(&known, mac));
    assert_false(hx_known_has(&known, other));
    hx_known_clear(&known);
    assert_false(hx_known_has(&known, mac));
    hx_known_fini(&known);
}

static void user_and_password_cannot_be_shifted(void **state)
{
    (void)state;
    struct hx_known known;
    uint8_t mac[HX_MAC_SIZE], shifted[HX_MAC_SIZE];
    assert_int_equal(hx_known_init(&known, NULL), HX_OK);
    mac_of(&known, "alice", "bob", mac);
    mac_of(&known, "aliceb", "ob", shifted);
    assert_memory_not_equal(mac, shifted, HX_MAC_SIZE);
    hx_known_fini(&known);
}

static void key_is_of_this_process_only(void **state)
{
    (void)state;
    struct hx_known one, other;
    uint8_t mac[HX_MAC_SIZE], same[HX_MAC_SIZE];
    assert_int_equal(hx_known_init(&one, NULL), HX_OK);
    assert_int_equal(hx_known_init(&other, NULL), HX_OK);
    mac_of(&one, "alice", "secret", mac);
    mac_of(&other, "alice", "secret", same);
    assert_memory_not_equal(mac, same, HX_MAC_SIZE);
    hx_known_fini(&one);
    hx_known_fini(&other);
}

static void only_so_many_logins_are_remembered(void **state)
{
    (void)state;
    struct hx_known known;
    uint8_t macs[HX_MAX_KNOWN + 1][HX_MAC_SIZE];
    assert_int_equal(hx_known_init(&known, NULL), HX_OK);
    for (size_t i = 0; i <= HX_MAX_KNOWN; i++) {
        char user[16];
        snprintf(user, sizeof(user), "user%zu", i);
        mac_of(&known, user, "secret", macs[i]);
        hx_known_add(&known, macs[i]);
    }
    assert_false(hx_known_has(&known, macs[0]));
    for (size_t i = 1; i <= HX_MAX_KNOWN; i++)
        assert_true(hx_known_has(&known, macs[i]));
    hx_known_fini(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_and_password_are_read),
        cmocka_unit_test(anything_else_is_refused_and_leaves_nothing),
        cmocka_unit_test(what_is_longer_than_bcrypt_looks_at_is_refused),
        cmocka_unit_test(login_is_known_after_it_was_right_and_until_a_reload),
        cmocka_unit_test(user_and_password_cannot_be_shifted),
        cmocka_unit_test(key_is_of_this_process_only),
        cmocka_unit_test(only_so_many_logins_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
