/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes, numbers: what is taken, what is refused, and what is written. */
#include "base/clock.h"
#include "base/units.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS HX_NS_PER_MS
#define S  HX_NS_PER_S
#define H  (3600 * HX_NS_PER_S)

struct accepted {
    const char *text;
    int64_t value;
};

static void durations_are_taken(void **state)
{
    (void)state;
    static const struct accepted TABLE[] = {
        {"0", 0},
        {"0s", 0},
        {"0ns", 0},
        {"1ns", 1},
        {"7us", 7000},
        {"250ms", 250 * MS},
        {"1s", S},
        {"10s", 10 * S},
        {"010s", 10 * S},
        {"90s", 90 * S},
        {"1m", 60 * S},
        {"1m30s", 90 * S},
        {"1h", H},
        {"1h30m", 90 * 60 * S},
        {"1h0m1s", H + S},
        {"2d", 48 * H},
        {"1w", 168 * H},
        {"1w2d3h4m5s6ms7us8ns", 168 * H + 48 * H + 3 * H + 240 * S + 5 * S + 6 * MS + 7000 + 8},
        {"1.5s", 1500 * MS},
        {"0.5ms", 500000},
        {"0.25h", 900 * S},
        {"1m0.5s", 60 * S + 500 * MS},
        {"1m1.5s", 61 * S + 500 * MS},
        {"1.000000001s", S + 1},
        {"0.000001ms", 1},
        {"0.125w", 21 * H},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036.854775807s", INT64_MAX},
        {"15250w1d23h47m16s854ms775us807ns", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err = {.message = ""};
        int64_t ns = -1;
        enum hx_errcode code = hx_parse_duration(TABLE[i].text, &ns, &err);
        if (code != HX_OK || ns != TABLE[i].value) {
            fail_msg("%s: %d, %lld, %s", TABLE[i].text, code, (long long)ns, err.message);
        }
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const TABLE[] = {
        "",
        " ",
        "10",
        "s",
        "-1s",
        "+1s",
        " 1s",
        "1s ",
        "1 s",
        "1.s",
        ".5s",
        "1.5",
        "1,5s",
        "1S",
        "1sec",
        "1min",
        "1y",
        "1M",
        "1s1s",
        "1s1m",
        "1ms1s",
        "1h-1m",
        "1.5m30s",
        "1.5h1m",
        "00",
        "0.0",
        "1e3s",
        "0x10s",
        "1s\n",
        "1..5s",
        "1.5.5s",
        "five",
        "1s5",
        "1µs",
        "0.5ns",
        "1.0000000001s",
        "1.1234567891s",
        "nan",
        "infs",
        "1m 30s",
        "--",
        "0.0000001us",
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err;
        int64_t ns = 42;
        if (hx_parse_duration(TABLE[i], &ns, &err) != HX_ERR_INVALID) {
            fail_msg("taken: %s", TABLE[i]);
        }
        assert_int_equal(ns, 42);
        assert_string_equal(err.message, "expected a duration such as 250ms, 10s or 1m30s");
    }
}

static void durations_beyond_64_bits_are_refused(void **state)
{
    (void)state;
    static const char *const TABLE[] = {
        "9223372036854775808ns",
        "9223372036854775808s",
        "99999999999999999999999s",
        "15251w",
        "15250w2d",
        "9223372036.854775808s",
        "106752d",
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err;
        int64_t ns = 42;
        if (hx_parse_duration(TABLE[i], &ns, &err) != HX_ERR_LIMIT) {
            fail_msg("not refused as too long: %s", TABLE[i]);
        }
        assert_int_equal(ns, 42);
        assert_string_equal(err.message, "expected a duration below 292 years");
    }
}

static void durations_are_written_as_people_write_them(void **state)
{
    (void)state;
    static const struct accepted TABLE[] = {
        {"0s", 0},
        {"1ns", 1},
        {"1.5us", 1500},
        {"250ms", 250 * MS},
        {"1.5ms", 1500000},
        {"1s", S},
        {"1.5s", 1500 * MS},
        {"1.000000001s", S + 1},
        {"1m30s", 90 * S},
        {"1m500ms", 60 * S + 500 * MS},
        {"1m1.5s", 61 * S + 500 * MS},
        {"1h", H},
        {"1h30m", 90 * 60 * S},
        {"1d", 24 * H},
        {"8d", 192 * H},
        {"2w", 336 * H},
        {"106751d23h47m16.854775807s", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        char text[32];
        assert_ptr_equal(hx_format_duration(TABLE[i].value, text, sizeof text), text);
        assert_string_equal(text, TABLE[i].text);
    }
}

static void every_written_duration_reads_back(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int64_t ns = (int64_t)(x >> 1 >> x % 63);
        ns -= i % 2 == 0 && ns > S ? ns % MS : 0;
        char text[32];
        int64_t again = -1;
        assert_int_equal(hx_parse_duration(hx_format_duration(ns, text, sizeof text), &again, NULL),
                         HX_OK);
        if (again != ns) {
            fail_msg("%s", text);
        }
    }
}

static void sizes_are_taken(void **state)
{
    (void)state;
    static const struct accepted TABLE[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"1kB", 1000},
        {"64KiB", 65536},
        {"1MB", 1000000},
        {"1.5MB", 1500000},
        {"1MiB", 1048576},
        {"1.5GiB", 1610612736},
        {"2GB", 2000000000},
        {"3TB", 3000000000000},
        {"1TiB", INT64_C(1) << 40},
        {"0.1KiB", 102},
        {"1.0B", 1},
        {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        int64_t bytes = -1;
        assert_int_equal(hx_parse_size(TABLE[i].text, &bytes, NULL), HX_OK);
        assert_int_equal(bytes, TABLE[i].value);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    static const char *const TABLE[] = {"",     "-1",   "+1",     "1 KiB", "1KB",  "1kb", "1K",
                                        "1Kib", "1.5",  "0.5B",   "1.KiB", "KiB",  "5%",  "1MBB",
                                        "1e6",  "0x10", "1KiB1B", "1 ",    "1kiB", "1m"};
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct hx_error err;
        int64_t bytes = 42;
        if (hx_parse_size(TABLE[i], &bytes, &err) != HX_ERR_INVALID) {
            fail_msg("taken: %s", TABLE[i]);
        }
        assert_int_equal(bytes, 42);
        assert_string_equal(err.message, "expected a size such as 512, 64KiB or 1.5GB");
    }
    int64_t bytes;
    assert_int_equal(hx_parse_size("8388608TiB", &bytes, NULL), HX_ERR_LIMIT);
    assert_int_equal(hx_parse_size("9223372036854775808", &bytes, NULL), HX_ERR_LIMIT);
    assert_int_equal(hx_parse_size("8388607TiB", &bytes, NULL), HX_OK);
}

static void sizes_are_written_for_people(void **state)
{
    (void)state;
    static const struct accepted TABLE[] = {
        {"0B", 0},
        {"512B", 512},
        {"1023B", 1023},
        {"1KiB", 1024},
        {"64KiB", 65536},
        {"1.5GiB", 1610612736},
        {"976.5KiB", 1000000},
        {"1023.9KiB", 1048575},
        {"1TiB", INT64_C(1) << 40},
        {"8388607.9TiB", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        char text[32];
        assert_string_equal(hx_format_size(TABLE[i].value, text, sizeof text), TABLE[i].text);
    }
}

static void an_amount_is_a_size_or_a_share(void **state)
{
    (void)state;
    struct hx_amount amount;
    assert_int_equal(hx_parse_amount("64KiB", &amount, NULL), HX_OK);
    assert_int_equal(amount.bytes, 65536);
    assert_true(amount.percent < 0);
    assert_int_equal(hx_parse_amount("5%", &amount, NULL), HX_OK);
    assert_true(amount.percent == 5.0);
    assert_int_equal(amount.bytes, -1);
    assert_int_equal(hx_parse_amount("0.5%", &amount, NULL), HX_OK);
    assert_true(amount.percent == 0.5);
    assert_int_equal(hx_parse_amount("0%", &amount, NULL), HX_OK);
    assert_true(amount.percent == 0.0);
    assert_int_equal(hx_parse_amount("100%", &amount, NULL), HX_OK);
    assert_true(amount.percent == 100.0);
}

static void what_is_no_amount_is_refused(void **state)
{
    (void)state;
    static const char *const INVALID[] = {"", "%", "-5%", "5 %", "5%%", "5%1", "five", "5KiB%"};
    struct hx_amount amount;
    for (size_t i = 0; i < sizeof INVALID / sizeof INVALID[0]; i++) {
        struct hx_error err;
        assert_int_equal(hx_parse_amount(INVALID[i], &amount, &err), HX_ERR_INVALID);
        assert_string_equal(err.message, "expected a size such as 64KiB or a share such as 5%");
    }
    assert_int_equal(hx_parse_amount("100.1%", &amount, NULL), HX_ERR_LIMIT);
    assert_int_equal(hx_parse_amount("101%", &amount, NULL), HX_ERR_LIMIT);
}

static void whole_numbers_are_taken_within_their_bounds(void **state)
{
    (void)state;
    struct hx_error err;
    int64_t value = 0;
    assert_int_equal(hx_parse_int("12", 1, 12, &value, NULL), HX_OK);
    assert_int_equal(value, 12);
    assert_int_equal(hx_parse_int("-3", -3, 0, &value, NULL), HX_OK);
    assert_int_equal(value, -3);
    assert_int_equal(hx_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &value, NULL),
                     HX_OK);
    assert_true(value == INT64_MAX);
    assert_int_equal(hx_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &value, NULL),
                     HX_OK);
    assert_true(value == INT64_MIN);
    assert_int_equal(hx_parse_int("13", 1, 12, &value, &err), HX_ERR_LIMIT);
    assert_string_equal(err.message, "expected a whole number between 1 and 12");
    assert_int_equal(hx_parse_int("0", 1, INT64_MAX, &value, &err), HX_ERR_LIMIT);
    assert_string_equal(err.message, "expected a whole number of at least 1");
    assert_int_equal(hx_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &value, NULL),
                     HX_ERR_LIMIT);
    assert_int_equal(hx_parse_int("-9223372036854775809", INT64_MIN, INT64_MAX, &value, NULL),
                     HX_ERR_LIMIT);
    static const char *const INVALID[] = {"",    "-",   "+1",  " 1",  "1 ",
                                          "1.0", "0x1", "1e3", "one", "--1"};
    for (size_t i = 0; i < sizeof INVALID / sizeof INVALID[0]; i++) {
        assert_int_equal(hx_parse_int(INVALID[i], INT64_MIN, INT64_MAX, &value, &err),
                         HX_ERR_INVALID);
        assert_string_equal(err.message, "expected a whole number");
    }
}

static void only_true_and_false_are_truth_values(void **state)
{
    (void)state;
    bool value = false;
    assert_int_equal(hx_parse_bool("true", &value, NULL), HX_OK);
    assert_true(value);
    assert_int_equal(hx_parse_bool("false", &value, NULL), HX_OK);
    assert_false(value);
    static const char *const INVALID[] = {"", "True", "yes", "on", "1", "0", "truee", " true"};
    for (size_t i = 0; i < sizeof INVALID / sizeof INVALID[0]; i++) {
        struct hx_error err;
        assert_int_equal(hx_parse_bool(INVALID[i], &value, &err), HX_ERR_INVALID);
        assert_string_equal(err.message, "expected true or false");
    }
}

static void a_misspelling_gets_the_nearest_word(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"interval", "timeout",        "tags", "tls",
                                        "critical", "retry_interval", NULL};
    static const char *const EMPTY[] = {NULL};
    assert_string_equal(hx_suggest("intervall", WORDS), "interval");
    assert_string_equal(hx_suggest("Interval", WORDS), "interval");
    assert_string_equal(hx_suggest("itnerval", WORDS), "interval"); /* one swap */
    assert_string_equal(hx_suggest("timout", WORDS), "timeout");
    assert_string_equal(hx_suggest("tgas", WORDS), "tags");
    assert_string_equal(hx_suggest("tag", WORDS), "tags");
    assert_string_equal(hx_suggest("retry-interval", WORDS), "retry_interval");
    assert_string_equal(hx_suggest("rciticla", WORDS), "critical"); /* two swaps */
    assert_null(hx_suggest("password", WORDS));
    assert_null(hx_suggest("x", WORDS));
    assert_null(hx_suggest("x", (const char *const[]){"y", NULL}));
    assert_null(hx_suggest("", WORDS));
    assert_null(hx_suggest("interval", EMPTY));
    char long_word[200];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(hx_suggest(long_word, WORDS));
}

static void dates_are_rfc3339_in_utc(void **state)
{
    (void)state;
    /* Whatever the time zone of the process. */
    (void)setenv("TZ", "America/New_York", 1);
    char text[HX_RFC3339_SIZE];
    assert_string_equal(hx_clock_rfc3339(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(hx_clock_rfc3339(1795213800123999999, text), "2026-11-20T22:30:00.123Z");
    assert_string_equal(hx_clock_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(hx_clock_rfc3339(INT64_MAX, text), "2262-04-11T23:47:16.854Z");
    assert_string_equal(hx_clock_rfc3339(INT64_MIN, text), "1677-09-21T00:12:43.145Z");
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t before = hx_clock_monotonic_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = hx_clock_monotonic_ns();
        assert_true(now >= before);
        before = now;
    }
    /* Later than the day on which this was written. */
    assert_true(hx_clock_wall_ns() > INT64_C(1700000000) * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_taken),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(durations_beyond_64_bits_are_refused),
        cmocka_unit_test(durations_are_written_as_people_write_them),
        cmocka_unit_test(every_written_duration_reads_back),
        cmocka_unit_test(sizes_are_taken),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(an_amount_is_a_size_or_a_share),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(whole_numbers_are_taken_within_their_bounds),
        cmocka_unit_test(only_true_and_false_are_truth_values),
        cmocka_unit_test(a_misspelling_gets_the_nearest_word),
        cmocka_unit_test(dates_are_rfc3339_in_utc),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
