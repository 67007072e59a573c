/* SPDX-License-Identifier: Apache-2.0 */
/* What `health_exporter kinds` prints, from the tables. */
#include "config/describe.h"

#include "base/option.h"
#include "config_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_narrow(const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        assert_in_range(len, 0, 100);
        if (len > 0) {
            assert_int_not_equal(text[len - 1], ' ');
        }
        text += len + (text[len] == '\n');
    }
}

static void describe(const char *name, struct hx_strbuf *out)
{
    struct hx_error err;
    hx_strbuf_init(out);
    assert_int_equal(hx_describe_kind(test_kinds, name, out, &err), HX_OK);
    assert_false(out->is_failed);
}

static void assert_describes(const char *name, const char *text)
{
    struct hx_strbuf out;
    describe(name, &out);
    if (strstr(hx_strbuf_text(&out), text) == NULL) {
        print_error("%s", hx_strbuf_text(&out));
        fail_msg("no \"%s\"", text);
    }
    hx_strbuf_fini(&out);
}

static void the_list_has_a_line_for_each_kind(void **state)
{
    (void)state;
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_describe_kinds(test_kinds, &out);
    assert_string_equal(hx_strbuf_text(&out),
                        "KIND       SCHEMES              A CHECK\n"
                        "disk       disk                 reads the free space of a file system\n"
                        "heartbeat  heartbeat            waits for the service's own reports\n"
                        "http       http https           sends a request and judges the response\n"
                        "postgres   postgresql postgres  logs in to PostgreSQL and runs a query\n"
                        "redis      redis rediss         sends PING to Redis\n");
    hx_strbuf_fini(&out);
}

static void a_kind_begins_with_schemes_examples_and_reasons(void **state)
{
    (void)state;
    struct hx_strbuf out;
    describe("redis", &out);
    static const char begin[] = "redis: sends PING to Redis\n"
                                "\n"
                                "Schemes   redis rediss\n"
                                "Examples  redis://cache:6379\n"
                                "          rediss://cache:6380/2\n"
                                "Reasons   dns refused auth timeout internal\n"
                                "\n"
                                "Options of this kind\n"
                                "  username                  text\n"
                                "      user of AUTH\n"
                                "  password                  secret\n"
                                "      password of AUTH\n"
                                "  database                  number, 0 to 15, default 0\n"
                                "      number of the database to SELECT\n"
                                "\n"
                                "Options of all kinds\n";
    assert_memory_equal(hx_strbuf_text(&out), begin, strlen(begin));
    hx_strbuf_fini(&out);
}

static void an_option_shows_type_bounds_and_default(void **state)
{
    (void)state;
    assert_describes("http", "  max_body                  size, 1B to 64MiB, default 1MiB\n");
    assert_describes("http", "  method                    GET|HEAD|POST, default GET\n");
    assert_describes("http", "  expect.status             list of statuses, default 2xx\n");
    assert_describes("http", "  headers                   mapping of texts\n");
    assert_describes("heartbeat", "  ttl                       duration, required\n");
    assert_describes("disk", "  min_free                  size or percentage, default 5%\n");
    assert_describes("disk", "  interval                  duration, 10ms to 1d, default 10s\n");
}

static void a_bound_without_maximum_is_a_minimum(void **state)
{
    (void)state;
    const struct hx_option option = {.name = "n", .type = HX_OPTION_INT, .min = 3};
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_describe_option_bounds(&option, &out);
    assert_string_equal(hx_strbuf_text(&out), "at least 3");
    hx_strbuf_fini(&out);
}

static void every_option_of_the_tables_is_described_with_its_help(void **state)
{
    (void)state;
    for (size_t i = 0; test_kinds[i] != NULL; i++) {
        const struct hx_option *tables[] = {test_kinds[i]->options, hx_policy_options};
        for (size_t t = 0; t < 2; t++) {
            for (const struct hx_option *option = tables[t]; option->name != NULL; option++) {
                char line[128];
                snprintf(line, sizeof line, "\n  %s ", option->name);
                assert_describes(test_kinds[i]->name, line);
                snprintf(line, sizeof line, "\n      %.20s", option->help);
                assert_describes(test_kinds[i]->name, line);
            }
        }
    }
}

static void lines_are_at_most_100_columns(void **state)
{
    (void)state;
    for (size_t i = 0; test_kinds[i] != NULL; i++) {
        struct hx_strbuf out;
        describe(test_kinds[i]->name, &out);
        assert_narrow(hx_strbuf_text(&out));
        hx_strbuf_fini(&out);
    }
}

static void a_scheme_names_its_kind_too(void **state)
{
    (void)state;
    assert_describes("https", "http: sends a request");
    assert_describes("disk", "Values    free_bytes free_ratio\n");
}

static void an_unknown_kind_gets_a_suggestion(void **state)
{
    (void)state;
    struct hx_strbuf out;
    struct hx_error err;
    hx_strbuf_init(&out);
    assert_int_equal(hx_describe_kind(test_kinds, "postgress", &out, &err), HX_ERR_NOTFOUND);
    assert_string_equal(err.message,
                        "unknown kind \"postgress\" (did you mean \"postgres\"?); known "
                        "are disk, heartbeat, http, postgres, redis");
    assert_string_equal(hx_strbuf_text(&out), "");
    hx_strbuf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_has_a_line_for_each_kind),
        cmocka_unit_test(a_kind_begins_with_schemes_examples_and_reasons),
        cmocka_unit_test(an_option_shows_type_bounds_and_default),
        cmocka_unit_test(a_bound_without_maximum_is_a_minimum),
        cmocka_unit_test(every_option_of_the_tables_is_described_with_its_help),
        cmocka_unit_test(lines_are_at_most_100_columns),
        cmocka_unit_test(a_scheme_names_its_kind_too),
        cmocka_unit_test(an_unknown_kind_gets_a_suggestion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
