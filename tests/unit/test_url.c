/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* URLs: what is taken and into which parts, what is refused, and that no password ever shows. */
#include "base/url.h"

#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CANARY "hunter2"

/* The parts as struct hx_url has them; text and raw_path are given only where they differ from what
 * was written. */
struct parts {
    const char *text;
    const char *scheme;
    const char *user;
    const char *password;
    const char *host;
    uint16_t port;
    const char *path;
    const char *raw_path;
    const char *query;
};

static void check_text(const char *of, const char *part, const char *is, const char *should)
{
    if ((is == NULL) != (should == NULL) || (is != NULL && strcmp(is, should) != 0)) {
        fail_msg("%s: %s is %s, not %s", of, part, is != NULL ? is : "NULL",
                 should != NULL ? should : "NULL");
    }
}

static void check_parts(const char *text, const struct parts *expected)
{
    struct hx_error err = {.message = ""};
    struct hx_url url;
    if (hx_url_parse(text, &url, &err) != HX_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    check_text(text, "text", url.text, expected->text != NULL ? expected->text : text);
    check_text(text, "scheme", url.scheme, expected->scheme);
    check_text(text, "user", url.user, expected->user);
    check_text(text, "password", url.password, expected->password);
    check_text(text, "host", url.host, expected->host);
    check_text(text, "path", url.path, expected->path);
    check_text(text, "raw_path", url.raw_path,
               expected->raw_path != NULL ? expected->raw_path : expected->path);
    check_text(text, "query", url.query, expected->query);
    assert_int_equal(url.port, expected->port);
    hx_url_fini(&url);
    assert_null(url.text);
}

#define CHECK_PARTS(text, ...) check_parts((text), &(const struct parts){__VA_ARGS__})

static void parts_are_found(void **state)
{
    (void)state;
    CHECK_PARTS("tcp://db:5432", .scheme = "tcp", .host = "db", .port = 5432, .path = "/");
    CHECK_PARTS("TCP://DB.Example.COM:1", .scheme = "tcp", .host = "db.example.com", .port = 1,
                .path = "/");
    CHECK_PARTS("postgresql://health@db.internal:5432/app", .scheme = "postgresql",
                .text = "postgresql://db.internal:5432/app", .user = "health",
                .host = "db.internal", .port = 5432, .path = "/app");
    CHECK_PARTS("redis://:pw@cache/0", .scheme = "redis", .text = "redis://cache/0",
                .password = "pw", .host = "cache", .path = "/0");
    CHECK_PARTS("redis://u:p:q@cache", .scheme = "redis", .text = "redis://cache", .user = "u",
                .password = "p:q", .host = "cache", .path = "/");
    CHECK_PARTS("redis://u:p%40%2f%23%25@h", .scheme = "redis", .text = "redis://h", .user = "u",
                .password = "p@/#%", .host = "h", .path = "/");
    CHECK_PARTS("http://u:@h/", .scheme = "http", .text = "http://h/", .user = "u", .host = "h",
                .path = "/");
    CHECK_PARTS("http://@h/", .scheme = "http", .text = "http://h/", .host = "h", .path = "/");
    CHECK_PARTS("https://api.example.com/a%20b/c?x=1&y=%26?/", .scheme = "https",
                .host = "api.example.com", .path = "/a b/c", .raw_path = "/a%20b/c",
                .query = "x=1&y=%26?/");
    CHECK_PARTS("http://h?", .scheme = "http", .host = "h", .path = "/", .query = "");
    CHECK_PARTS("tcp+unix:///run/x.sock", .scheme = "tcp+unix", .path = "/run/x.sock");
    CHECK_PARTS("redis+unix://:pw@/run/r.sock", .scheme = "redis+unix",
                .text = "redis+unix:///run/r.sock", .password = "pw", .path = "/run/r.sock");
    CHECK_PARTS("postgresql:///app?host=/run/pg", .scheme = "postgresql", .path = "/app",
                .query = "host=/run/pg");
    CHECK_PARTS("heartbeat:", .scheme = "heartbeat");
    CHECK_PARTS("disk:/var/lib", .scheme = "disk", .path = "/var/lib");
    CHECK_PARTS("disk:/data%20one", .scheme = "disk", .path = "/data one",
                .raw_path = "/data%20one");
    CHECK_PARTS("memory:?x=1", .scheme = "memory", .query = "x=1");
}

static void addresses_are_hosts(void **state)
{
    (void)state;
    CHECK_PARTS("tcp://10.0.0.7:80", .scheme = "tcp", .host = "10.0.0.7", .port = 80, .path = "/");
    CHECK_PARTS("tcp://[::1]:65535", .scheme = "tcp", .host = "::1", .port = 65535, .path = "/");
    CHECK_PARTS("tcp://[FE80::A]", .scheme = "tcp", .host = "fe80::a", .path = "/");
    CHECK_PARTS("tcp://u:p@[::ffff:1.2.3.4]:7/", .scheme = "tcp",
                .text = "tcp://[::ffff:1.2.3.4]:7/", .user = "u", .password = "p",
                .host = "::ffff:1.2.3.4", .port = 7, .path = "/");
    CHECK_PARTS("tcp://a_b-c.d.", .scheme = "tcp", .host = "a_b-c.d.", .path = "/");
    CHECK_PARTS("tcp://1.2.3.4x", .scheme = "tcp", .host = "1.2.3.4x", .path = "/");
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const TABLE[] = {
        "",
        ":",
        "db",
        "//h",
        "/path",
        "://h",
        "1tcp://h",
        "t_cp://h",
        "localhost:6379",
        "db.example.com:80/x",
        "tcp:h",
        "tcp://",
        "tcp://?x",
        "tcp://:80",
        "tcp://:80/x",
        "tcp://h:",
        "tcp://h:0",
        "tcp://h:65536",
        "tcp://h:000080",
        "tcp://h:99999999999",
        "tcp://h:-1",
        "tcp://h:+1",
        "tcp://h:80x",
        "tcp://h:8 0",
        "tcp://h: 80",
        "tcp://::1",
        "tcp://::1:80",
        "tcp://h:1:2",
        "tcp://[::1",
        "tcp://[::1]x",
        "tcp://[::1]80",
        "tcp://[]",
        "tcp://[1.2.3.4]",
        "tcp://[fe80::1%25eth0]",
        "tcp://[12345678901234567890123456789012345678901234567890]",
        "tcp://1.2.3",
        "tcp://256.1.1.1",
        "tcp://1.2.3.4.5",
        "tcp://12345",
        "tcp://.h",
        "tcp://a..b",
        "tcp://a.b..",
        "tcp://h%41",
        "tcp://h!",
        "tcp://h/#top",
        "tcp://h#",
        "tcp://h/a b",
        "tcp://h/\t",
        "tcp://h/\x7f",
        "tcp://h\xC3\xA9",
        "tcp://h/\xFF",
        "tcp://h/%",
        "tcp://h/%1",
        "tcp://h/%zz",
        "tcp://h/%00",
        "tcp://u%00@h/",
        "tcp://u%0a@h/",
        "tcp://h/%0D%0A",
        "tcp://h/a\"b",
        "tcp://h/<x>",
        "tcp://h/a|b",
        "tcp://h/a\\b",
        "tcp://h/[x]",
        "tcp://h?[x]",
        "tcp://u@v@h",
        "tcp://u:p@ss@h",
        "tcp://h/@x",
        "tcp://h?a=b@c",
        "disk:/a@b",
        "tcp://u[@h",
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err = {.message = ""};
        struct hx_url url;
        if (hx_url_parse(TABLE[i], &url, &err) != HX_ERR_INVALID) {
            fail_msg("taken: %s", TABLE[i]);
        }
        assert_true(strlen(err.message) > 10);
        assert_null(url.text);
        assert_null(url.host);
    }
}

static void long_hosts_and_urls_are_refused(void **state)
{
    (void)state;
    char text[5000] = "tcp://";
    struct hx_url url;
    memset(text + 6, 'a', 63);
    assert_int_equal(hx_url_parse(text, &url, NULL), HX_OK);
    hx_url_fini(&url);
    text[6 + 63] = 'a';
    assert_int_equal(hx_url_parse(text, &url, NULL), HX_ERR_INVALID);
    for (size_t i = 0; i < 254; i++) {
        text[6 + i] = i % 2 == 0 ? 'a' : '.';
    }
    assert_int_equal(hx_url_parse(text, &url, NULL), HX_ERR_INVALID);
    text[6 + 253] = '\0';
    assert_int_equal(hx_url_parse(text, &url, NULL), HX_OK);
    hx_url_fini(&url);
    memset(text + 6 + 253, '/', 4200);
    assert_int_equal(hx_url_parse(text, &url, NULL), HX_ERR_LIMIT);
}

static void messages_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *hint;
    } TABLE[] = {
        {"cache:6379", "tcp://host:port"},  {"redis://:p@ss@h", "must be written %40"},
        {"redis://:pa/ss@h", "%2F"},        {"redis://:p#s@h", "must be written %23"},
        {"redis://:100%@h", "written %25"}, {"redis://h:70000", "from 1 to 65535"},
        {"redis://::1", "in brackets"},     {"redis://:80", "host is missing"},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err;
        struct hx_url url;
        assert_int_equal(hx_url_parse(TABLE[i].text, &url, &err), HX_ERR_INVALID);
        if (strstr(err.message, TABLE[i].hint) == NULL) {
            fail_msg("%s: %s", TABLE[i].text, err.message);
        }
    }
}

/* Whatever stands around the password: no message and no text for people holds it. */
static void check_canary(const char *text)
{
    struct hx_error err = {.message = ""};
    struct hx_url url;
    if (hx_url_parse(text, &url, &err) != HX_OK) {
        if (strstr(err.message, CANARY) != NULL) {
            fail_msg("the message on %s: %s", text, err.message);
        }
        return;
    }
    const char *const shown[] = {url.text, url.user, url.host, url.path, url.raw_path, url.query};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (shown[i] != NULL && strstr(shown[i], CANARY) != NULL) {
            fail_msg("%s shows %s", text, shown[i]);
        }
    }
    hx_url_fini(&url);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static void a_password_with_anything_in_it_never_shows(void **state)
{
    (void)state;
    static const char *const HEADS[] = {"redis://u:", "redis://:", "http://",
                                        "postgresql://user:1"};
    static const char *const TAILS[] = {"@h", "@h:1/x?y", "@[::1]", "@/run/s", "@"};
    uint32_t seed = 7;
    for (int i = 0; i < 40000; i++) {
        char text[128];
        char around[2][8] = {"", ""};
        for (int side = 0; side < 2; side++) {
            for (uint32_t j = 0; j < next_random(&seed) % 4; j++) {
                around[side][j] = (char)(' ' + next_random(&seed) % 95);
            }
        }
        uint32_t head = next_random(&seed) % 4;
        /* Without a ':' in front of it, what stands before '@' is the user. */
        const char *colon = head == 2 ? "u:" : "";
        (void)snprintf(text, sizeof text, "%s%s%s" CANARY "%s%s", HEADS[head], colon, around[0],
                       around[1], TAILS[next_random(&seed) % 5]);
        check_canary(text);
    }
}

static void random_text_never_breaks_the_parser(void **state)
{
    (void)state;
    static const char ALPHABET[] = "tcp:/@?#[]%.-_0129afxz:/@%41 \x01\xFF";
    uint32_t seed = 99;
    int n_taken = 0;
    for (int i = 0; i < 100000; i++) {
        /* Of its own size, so that a read beyond the end is seen. */
        size_t len = next_random(&seed) % 24;
        bool has_head = i % 2 == 0;
        char *text = calloc(1, len + 7);
        assert_non_null(text);
        memcpy(text, "tcp://", has_head ? 6 : 0);
        for (size_t j = 0; j < len; j++) {
            text[(has_head ? 6 : 0) + j] = ALPHABET[next_random(&seed) % (sizeof ALPHABET - 1)];
        }
        struct hx_url url;
        struct hx_url again;
        if (hx_url_parse(text, &url, NULL) == HX_OK) {
            n_taken++;
            /* What is shown is a URL itself. */
            assert_int_equal(hx_url_parse(url.text, &again, NULL), HX_OK);
            assert_string_equal(again.text, url.text);
            hx_url_fini(&again);
            hx_url_fini(&url);
        }
        free(text);
    }
    assert_true(n_taken > 100);
}

static void query_parameters_are_decoded(void **state)
{
    (void)state;
    struct hx_url url;
    assert_int_equal(hx_url_parse("tcp://h?a=1&b=x%20y+z&a=2&c&d=&%65=E&f=g=h&&last=9", &url, NULL),
                     HX_OK);
    static const char *const EXPECTED[][2] = {
        {"a", "1"},   {"b", "x y+z"}, {"c", ""},   {"d", ""},  {"e", "E"},
        {"f", "g=h"}, {"last", "9"},  {"A", NULL}, {"", NULL}, {"las", NULL},
    };
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        char *value = NULL;
        assert_int_equal(hx_url_query_get(&url, EXPECTED[i][0], &value, NULL), HX_OK);
        check_text("query", EXPECTED[i][0], value, EXPECTED[i][1]);
        free(value);
    }
    hx_url_fini(&url);
    assert_int_equal(hx_url_parse("tcp://h", &url, NULL), HX_OK);
    char *value = NULL;
    assert_int_equal(hx_url_query_get(&url, "a", &value, NULL), HX_OK);
    assert_null(value);
    hx_url_fini(&url);
}

static void unknown_query_parameters_are_refused(void **state)
{
    (void)state;
    static const char *const ALLOWED[] = {"sslmode", "host", NULL};
    struct hx_error err;
    struct hx_url url;
    assert_int_equal(hx_url_parse("tcp://h?host=x&%73slmode=y", &url, NULL), HX_OK);
    assert_int_equal(hx_url_query_allow(&url, ALLOWED, NULL), HX_OK);
    hx_url_fini(&url);
    assert_int_equal(hx_url_parse("tcp://h?host=x&sslmod=" CANARY, &url, NULL), HX_OK);
    assert_int_equal(hx_url_query_allow(&url, ALLOWED, &err), HX_ERR_INVALID);
    assert_string_equal(err.message,
                        "unknown parameter \"sslmod\" in the URL (did you mean \"sslmode\"?)");
    hx_url_fini(&url);
    assert_int_equal(hx_url_parse("tcp://h?zzz%0a", &url, NULL), HX_OK);
    assert_int_equal(hx_url_query_allow(&url, ALLOWED, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "unknown parameter \"zzz?\" in the URL");
    hx_url_fini(&url);
    assert_int_equal(hx_url_parse("tcp://h", &url, NULL), HX_OK);
    assert_int_equal(hx_url_query_allow(&url, ALLOWED, NULL), HX_OK);
    hx_url_fini(&url);
}

static void an_allocation_that_fails_leaves_nothing(void **state)
{
    (void)state;
    bool is_failing = true;
    size_t n = 1;
    for (; is_failing; n++) {
        struct hx_error err;
        struct hx_url url;
        failing_alloc_at(n);
        enum hx_errcode code = hx_url_parse("redis://u:" CANARY "@h:1/p?q", &url, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (code != HX_OK) {
            assert_string_equal(err.message, "out of memory");
            assert_null(url.text);
        }
        hx_url_fini(&url);
    }
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(addresses_are_hosts),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(long_hosts_and_urls_are_refused),
        cmocka_unit_test(messages_say_what_to_do),
        cmocka_unit_test(a_password_with_anything_in_it_never_shows),
        cmocka_unit_test(random_text_never_breaks_the_parser),
        cmocka_unit_test(query_parameters_are_decoded),
        cmocka_unit_test(unknown_query_parameters_are_refused),
        cmocka_unit_test(an_allocation_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
