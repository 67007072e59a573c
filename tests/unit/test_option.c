/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Option tables at work: each type, its bounds, its defaults, its messages, its memory. */
#include "base/option.h"

#include "base/clock.h"
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

struct settings {
    bool flag;
    int64_t count;
    int64_t wait_ns;
    int64_t size;
    int64_t at_least;
    struct hx_amount amount;
    char *text;
    char *secret;
    int choice;
    struct hx_strings list;
    struct hx_status_set statuses;
    struct hx_durations durations;
    struct hx_map map;
};

static const char *const CHOICES[] = {"keep", "fresh", "never", NULL};

static const struct hx_option OPTIONS[] = {
    {.name = "flag",
     .type = HX_OPTION_BOOL,
     .offset = offsetof(struct settings, flag),
     .fallback = "true"},
    {.name = "count",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct settings, count),
     .fallback = "3",
     .min = 1,
     .max = 10},
    {.name = "wait",
     .type = HX_OPTION_DURATION,
     .offset = offsetof(struct settings, wait_ns),
     .fallback = "1s",
     .min = HX_NS_PER_MS,
     .max = 3600 * HX_NS_PER_S},
    {.name = "size",
     .type = HX_OPTION_SIZE,
     .offset = offsetof(struct settings, size),
     .max = 1 << 20},
    {.name = "at_least",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct settings, at_least),
     .min = 5},
    {.name = "amount",
     .type = HX_OPTION_AMOUNT,
     .offset = offsetof(struct settings, amount),
     .max = 1 << 10},
    {.name = "text", .type = HX_OPTION_STRING, .offset = offsetof(struct settings, text)},
    {.name = "secret", .type = HX_OPTION_SECRET, .offset = offsetof(struct settings, secret)},
    {.name = "choice",
     .type = HX_OPTION_CHOICE,
     .offset = offsetof(struct settings, choice),
     .fallback = "fresh",
     .choices = CHOICES},
    {.name = "list",
     .type = HX_OPTION_STRINGS,
     .offset = offsetof(struct settings, list),
     .fallback = "a,bc"},
    {.name = "expect.status",
     .type = HX_OPTION_STATUSES,
     .offset = offsetof(struct settings, statuses),
     .fallback = "2xx,301"},
    {.name = "durations",
     .type = HX_OPTION_DURATIONS,
     .offset = offsetof(struct settings, durations),
     .fallback = "1ms,0.5",
     .min = 1000,
     .max = 60 * INT64_C(1000000000)},
    {.name = "map", .type = HX_OPTION_MAP, .offset = offsetof(struct settings, map)},
    {.name = NULL},
};

static const struct hx_option *option(const char *name)
{
    const struct hx_option *found = hx_option_find(OPTIONS, name);
    assert_non_null(found);
    return found;
}

static void set(struct settings *settings, const char *name, const char *text)
{
    struct hx_error err = {.message = ""};
    if (hx_option_set(option(name), settings, text, &err) != HX_OK) {
        fail_msg("%s: %s: %s", name, text, err.message);
    }
}

static bool has_status(const struct hx_status_set *set_of, int status)
{
    unsigned bit = (unsigned)status - 100;
    return ((unsigned)set_of->bits[bit / 8] >> (bit % 8) & 1U) != 0;
}

static void options_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(hx_option_find(OPTIONS, "flag"), &OPTIONS[0]);
    assert_string_equal(option("expect.status")->name, "expect.status");
    assert_null(hx_option_find(OPTIONS, "expect"));
    assert_null(hx_option_find(OPTIONS, "fla"));
    assert_null(hx_option_find(OPTIONS, ""));
}

static void defaults_are_what_the_table_says(void **state)
{
    (void)state;
    struct settings settings = {.count = 99};
    assert_int_equal(hx_options_default(OPTIONS, &settings, NULL), HX_OK);
    assert_true(settings.flag);
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.wait_ns, HX_NS_PER_S);
    assert_int_equal(settings.size, 0);
    assert_int_equal(settings.amount.bytes, -1);
    assert_true(settings.amount.percent < 0);
    assert_null(settings.text);
    assert_null(settings.secret);
    assert_int_equal(settings.choice, 1);
    assert_int_equal(settings.list.n, 2);
    assert_string_equal(settings.list.items[0], "a");
    assert_string_equal(settings.list.items[1], "bc");
    for (int status = 100; status <= 599; status++) {
        assert_int_equal(has_status(&settings.statuses, status),
                         status / 100 == 2 || status == 301);
    }
    assert_int_equal(settings.map.n, 0);
    hx_options_fini(OPTIONS, &settings);
    assert_null(settings.list.items);
}

static void a_default_that_the_table_itself_forbids_is_an_error(void **state)
{
    (void)state;
    static const struct hx_option BROKEN[] = {
        {.name = "list",
         .type = HX_OPTION_STRINGS,
         .offset = offsetof(struct settings, list),
         .fallback = "a"},
        {.name = "count",
         .type = HX_OPTION_INT,
         .offset = offsetof(struct settings, count),
         .fallback = "x"},
        {.name = NULL},
    };
    struct settings settings = {0};
    struct hx_error err;
    assert_int_equal(hx_options_default(BROKEN, &settings, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "default of option count: expected a whole number, got \"x\"");
    assert_null(settings.list.items);
}

static void each_type_takes_its_text(void **state)
{
    (void)state;
    struct settings settings = {0};
    set(&settings, "flag", "true");
    set(&settings, "count", "10");
    set(&settings, "wait", "1m30s");
    set(&settings, "size", "64KiB");
    set(&settings, "amount", "5%");
    set(&settings, "text", "first");
    set(&settings, "text", "second");
    set(&settings, "secret", "old");
    set(&settings, "secret", CANARY);
    set(&settings, "choice", "never");
    assert_true(settings.flag);
    assert_int_equal(settings.count, 10);
    assert_int_equal(settings.wait_ns, 90 * HX_NS_PER_S);
    assert_int_equal(settings.size, 65536);
    assert_true(settings.amount.percent == 5.0);
    assert_int_equal(settings.amount.bytes, -1);
    set(&settings, "amount", "1KiB");
    assert_int_equal(settings.amount.bytes, 1024);
    assert_string_equal(settings.text, "second");
    assert_string_equal(settings.secret, CANARY);
    assert_int_equal(settings.choice, 2);
    hx_options_fini(OPTIONS, &settings);
    assert_null(settings.text);
    assert_null(settings.secret);
}

static void lists_grow_item_by_item_until_cleared(void **state)
{
    (void)state;
    struct settings settings = {0};
    assert_int_equal(hx_options_default(OPTIONS, &settings, NULL), HX_OK);
    hx_option_clear(option("list"), &settings);
    assert_int_equal(settings.list.n, 0);
    for (int i = 0; i < 20; i++) {
        set(&settings, "list", "one, with a comma");
    }
    assert_int_equal(settings.list.n, 20);
    assert_string_equal(settings.list.items[19], "one, with a comma");
    hx_option_clear(option("expect.status"), &settings);
    set(&settings, "expect.status", "599");
    set(&settings, "expect.status", "100");
    set(&settings, "expect.status", "3xx");
    set(&settings, "expect.status", "401-403");
    for (int status = 100; status <= 599; status++) {
        assert_int_equal(has_status(&settings.statuses, status),
                         status == 100 || status == 599 || status / 100 == 3 ||
                             (status >= 401 && status <= 403));
    }
    hx_options_fini(OPTIONS, &settings);
}

static void maps_take_each_name_once(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct hx_error err;
    const struct hx_option *map = option("map");
    assert_int_equal(hx_option_put(map, &settings, "Accept", "text/plain", NULL), HX_OK);
    assert_int_equal(hx_option_put(map, &settings, "X-Key", CANARY, NULL), HX_OK);
    assert_int_equal(settings.map.n, 2);
    assert_string_equal(settings.map.items[1].name, "X-Key");
    assert_string_equal(settings.map.items[1].value, CANARY);
    assert_int_equal(hx_option_put(map, &settings, "X-Key", CANARY, &err), HX_ERR_EXISTS);
    assert_string_equal(err.message, "\"X-Key\" is given twice");
    assert_int_equal(hx_option_set(map, &settings, CANARY, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "expected a mapping of names to texts");
    assert_int_equal(hx_option_put(option("text"), &settings, "a", CANARY, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "expected a text");
    hx_options_fini(OPTIONS, &settings);
    assert_int_equal(settings.map.n, 0);
}

static void a_wrong_text_is_answered_with_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *message;
    } TABLE[] = {
        {"flag", "yes", "expected true or false, got \"yes\""},
        {"count", "many", "expected a whole number, got \"many\""},
        {"count", "11", "must be between 1 and 10, got \"11\""},
        {"count", "0", "must be between 1 and 10, got \"0\""},
        {"at_least", "4", "must be at least 5, got \"4\""},
        {"wait", "10", "expected a duration such as 250ms, 10s or 1m30s, got \"10\""},
        {"wait", "0", "must be between 1ms and 1h, got \"0\""},
        {"wait", "2h", "must be between 1ms and 1h, got \"2h\""},
        {"wait", "99999999999999w", "expected a duration below 292 years, got \"99999999999999w\""},
        {"size", "1KB", "expected a size such as 512, 64KiB or 1.5GB, got \"1KB\""},
        {"size", "2MiB", "must be between 0B and 1MiB, got \"2MiB\""},
        {"amount", "half", "expected a size such as 64KiB or a share such as 5%, got \"half\""},
        {"amount", "2KiB", "must be between 0B and 1KiB, got \"2KiB\""},
        {"choice", "kep", "expected keep, fresh or never, got \"kep\" (did you mean \"keep\"?)"},
        {"choice", "x\ny", "expected keep, fresh or never, got \"x?y\""},
        {"expect.status", "20x",
         "expected a status from 100 to 599 such as 200, 2xx or 200-299, got \"20x\""},
    };
    struct settings settings = {0};
    assert_int_equal(hx_options_default(OPTIONS, &settings, NULL), HX_OK);
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err;
        assert_int_not_equal(hx_option_set(option(TABLE[i].name), &settings, TABLE[i].text, &err),
                             HX_OK);
        assert_string_equal(err.message, TABLE[i].message);
    }
    /* And nothing has changed. */
    assert_true(settings.flag);
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.wait_ns, HX_NS_PER_S);
    assert_int_equal(settings.choice, 1);
    hx_options_fini(OPTIONS, &settings);
}

static void what_is_no_status_is_refused(void **state)
{
    (void)state;
    static const char *const TABLE[] = {"",        "2",       "20",      "2000", "099",
                                        "600",     "0xx",     "6xx",     "2x",   "xx2",
                                        "2xxx",    "2XX",     "-200",    "200-", "200-199",
                                        "200-600", "200 299", "200-2xx", "+20",  "200-299-"};
    struct settings settings = {0};
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (hx_option_set(option("expect.status"), &settings, TABLE[i], NULL) != HX_ERR_INVALID) {
            fail_msg("taken: %s", TABLE[i]);
        }
    }
    static const struct hx_status_set NONE;
    assert_memory_equal(&settings.statuses, &NONE, sizeof NONE);
}

static void durations_rise_and_numbers_are_seconds(void **state)
{
    (void)state;
    static const int64_t expected[] = {2000, 5 * HX_NS_PER_MS, 250 * HX_NS_PER_MS, HX_NS_PER_S,
                                       60 * HX_NS_PER_S};
    struct settings settings = {0};
    assert_int_equal(hx_options_default(OPTIONS, &settings, NULL), HX_OK);
    assert_int_equal(settings.durations.n, 2);
    assert_int_equal(settings.durations.items[1], 500 * HX_NS_PER_MS);
    hx_option_clear(option("durations"), &settings);
    assert_int_equal(settings.durations.n, 0);
    set(&settings, "durations", "0.000002");
    set(&settings, "durations", "5ms");
    set(&settings, "durations", "0.25");
    set(&settings, "durations", "1");
    set(&settings, "durations", "1m");
    assert_int_equal(settings.durations.n, 5);
    assert_memory_equal(settings.durations.items, expected, sizeof expected);
    hx_options_fini(OPTIONS, &settings);
}

static void a_duration_that_does_not_belong_into_the_list_is_refused(void **state)
{
    (void)state;
    static const char EXPECTED[] = "expected a duration such as 5ms, or seconds such as 0.25, got ";
    static const char *const MALFORMED[] = {"",    " 1",  "-1",  ".5",           "1.", "1e3",
                                            "1 s", "1s ", "0x1", "1.0000000001", "."};
    struct settings settings = {0};
    struct hx_error err;
    set(&settings, "durations", "10");
    for (size_t i = 0; i < sizeof MALFORMED / sizeof MALFORMED[0]; i++) {
        assert_int_equal(hx_option_set(option("durations"), &settings, MALFORMED[i], &err),
                         HX_ERR_INVALID);
        assert_memory_equal(err.message, EXPECTED, strlen(EXPECTED));
    }
    assert_int_equal(hx_option_set(option("durations"), &settings, "10s", &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "must be above the one before it (10s), got \"10s\"");
    assert_int_equal(hx_option_set(option("durations"), &settings, "0", &err), HX_ERR_LIMIT);
    assert_string_equal(err.message, "must be between 1us and 1m, got \"0\"");
    assert_int_equal(hx_option_set(option("durations"), &settings, "61", &err), HX_ERR_LIMIT);
    assert_int_equal(settings.durations.n, 1);
    hx_options_fini(OPTIONS, &settings);
}

static void no_more_durations_than_there_may_be_are_taken(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct hx_error err;
    char text[16];
    for (int i = 1; i <= HX_MAX_DURATIONS; i++) {
        snprintf(text, sizeof text, "%d", i);
        set(&settings, "durations", text);
    }
    assert_int_equal(hx_option_set(option("durations"), &settings, "31", &err), HX_ERR_LIMIT);
    assert_string_equal(err.message, "expected at most 30 durations");
    hx_options_fini(OPTIONS, &settings);
}

static void a_long_text_is_quoted_in_part(void **state)
{
    (void)state;
    char text[1000];
    struct settings settings = {0};
    struct hx_error err;
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(hx_option_set(option("flag"), &settings, text, &err), HX_ERR_INVALID);
    assert_memory_equal(err.message, "expected true or false, got \"zzz", 31);
    assert_string_equal(err.message + strlen(err.message) - 7, "zzz...\"");
    assert_true(strlen(err.message) < 120);
}

static void every_type_says_what_it_expects(void **state)
{
    (void)state;
    for (const struct hx_option *entry = OPTIONS; entry->name != NULL; entry++) {
        assert_true(strlen(hx_option_expected(entry)) > 5);
    }
    assert_string_equal(hx_option_expected(option("wait")),
                        "a duration such as 250ms, 10s or 1m30s");
}

static enum hx_errcode fill(struct settings *settings, struct hx_error *err)
{
    enum hx_errcode code = hx_options_default(OPTIONS, settings, err);
    if (code == HX_OK) {
        code = hx_option_set(option("text"), settings, "text", err);
    }
    if (code == HX_OK) {
        code = hx_option_set(option("secret"), settings, CANARY, err);
    }
    if (code == HX_OK) {
        code = hx_option_put(option("map"), settings, "a", "b", err);
    }
    return code == HX_OK ? hx_option_put(option("map"), settings, "c", "d", err) : code;
}

static void an_allocation_that_fails_is_told(void **state)
{
    (void)state;
    bool is_failing = true;
    size_t n = 1;
    for (; is_failing; n++) {
        struct settings settings = {0};
        struct hx_error err = {.message = ""};
        failing_alloc_at(n);
        enum hx_errcode code = fill(&settings, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        assert_true(!is_failing || strstr(err.message, "out of memory") != NULL);
        hx_options_fini(OPTIONS, &settings);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_found_by_their_whole_name),
        cmocka_unit_test(defaults_are_what_the_table_says),
        cmocka_unit_test(a_default_that_the_table_itself_forbids_is_an_error),
        cmocka_unit_test(each_type_takes_its_text),
        cmocka_unit_test(lists_grow_item_by_item_until_cleared),
        cmocka_unit_test(maps_take_each_name_once),
        cmocka_unit_test(a_wrong_text_is_answered_with_what_was_expected),
        cmocka_unit_test(what_is_no_status_is_refused),
        cmocka_unit_test(durations_rise_and_numbers_are_seconds),
        cmocka_unit_test(a_duration_that_does_not_belong_into_the_list_is_refused),
        cmocka_unit_test(no_more_durations_than_there_may_be_are_taken),
        cmocka_unit_test(a_long_text_is_quoted_in_part),
        cmocka_unit_test(every_type_says_what_it_expects),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
