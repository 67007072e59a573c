/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=realloc */
#include "metrics/exposition.h"

#include "base/utf8.h"
#include "metrics/native.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page_text.h"

/* How many more times realloc() works; negative: always. */
static int n_reallocs = -1;

void *__real_realloc(void *memory, size_t size);

void *__wrap_realloc(void *memory, size_t size)
{
    if (n_reallocs == 0) {
        return NULL;
    }
    if (n_reallocs > 0) {
        n_reallocs--;
    }
    return __real_realloc(memory, size);
}

/* The world that the golden files show: two queues, of which one has been used. */
enum { JOBS, CPU, NOTHING, UP, ODD, LAST_JOB, DURATION, NO_MEMBER, DRIFT, N_FAMILIES };

static const struct hx_family shapes[N_FAMILIES] = {
    [JOBS] = {"jobs_done_total", "Jobs that ended, \"well\" or not: a \\ and a\nline feed.",
              HX_FAMILY_COUNTER},
    [CPU] = {"cpu_seconds_total", "CPU time spent.", HX_FAMILY_COUNTER},
    [NOTHING] = {"nothing_seconds", "Members without a sample.", HX_FAMILY_GAUGE},
    [UP] = {"queue_up", "Whether the queue takes jobs.", HX_FAMILY_GAUGE},
    [ODD] = {"odd_values", "Values that are no plain numbers.", HX_FAMILY_GAUGE},
    [LAST_JOB] = {"last_job_timestamp_seconds", "When the last job ended.", HX_FAMILY_GAUGE},
    [DURATION] = {"job_duration_seconds", "How long jobs took.", HX_FAMILY_HISTOGRAM},
    [NO_MEMBER] = {"no_member", "A family without a member.", HX_FAMILY_GAUGE},
    [DRIFT] = {"drift_seconds", "How far the clock is off.", HX_FAMILY_HISTOGRAM},
};

struct world {
    char *queues[2]; /* label text */
    struct hx_histogram durations, drift;
    struct hx_buckets *drift_buckets;
};

static size_t n_families(const void *source)
{
    (void)source;
    return N_FAMILIES;
}

static const struct hx_family *shape(const void *source, size_t family)
{
    (void)source;
    return &shapes[family];
}

static size_t n_members(const void *source, size_t family)
{
    (void)source;
    return family == NO_MEMBER ? 0 : 2;
}

static void collect_first(const struct world *world, size_t family, struct hx_samples *out)
{
    switch (family) {
    case CPU:
        hx_samples_counter_double(out, HX_NO_LABELS, HX_LABELS(""), 12.25);
        break;
    case ODD:
        hx_samples_gauge(out, HX_NO_LABELS, HX_LABELS("is=\"inf\""), HUGE_VAL);
        hx_samples_gauge(out, HX_LABELS(""), HX_LABELS("is=\"negative_inf\""), -HUGE_VAL);
        hx_samples_gauge(out, HX_LABELS("is=\"nan\""), HX_NO_LABELS, (double)NAN);
        hx_samples_gauge(out, HX_LABELS("is=\"large\""), HX_LABELS(""), 1e100);
        hx_samples_gauge(out, HX_LABELS("is=\"third\""), HX_LABELS(""), 1.0 / 3);
        break;
    case LAST_JOB:
        hx_samples_gauge_nano(out, hx_labels_of(world->queues[0]), HX_NO_LABELS,
                              1763635800123456789);
        break;
    case DURATION:
        hx_samples_histogram(out, hx_labels_of(world->queues[0]), &world->durations);
        break;
    case DRIFT:
        hx_samples_histogram(out, HX_NO_LABELS, &world->drift);
        break;
    default:
        break;
    }
}

static void collect(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct world *world = source;
    if (family == JOBS) {
        hx_samples_counter(out, hx_labels_of(world->queues[member]), HX_LABELS("outcome=\"pass\""),
                           member == 0 ? 3 : UINT64_MAX);
        hx_samples_counter(out, hx_labels_of(world->queues[member]), HX_LABELS("outcome=\"fail\""),
                           member);
    } else if (family == UP) {
        hx_samples_gauge(out, hx_labels_of(world->queues[member]), HX_NO_LABELS,
                         member == 0 ? 1 : 0);
    } else if (member == 0) {
        collect_first(world, family, out);
    }
}

static int make_world(void **state)
{
    static struct world world;
    const double drift_bounds[] = {-1, 1e6};
    world.queues[0] = hx_labels_format((const char *const[]){"queue", "mail", NULL});
    world.queues[1] =
        hx_labels_format((const char *const[]){"queue", "\"a\\b\"\nc, {\xC3\xBC} \xFF", NULL});
    world.durations.buckets = &hx_duration_buckets;
    world.durations.cells = calloc(1, hx_cells_size(&hx_duration_buckets));
    world.durations.native = hx_native_new();
    world.drift_buckets = hx_buckets_new(drift_bounds, 2);
    if (world.queues[0] == NULL || world.queues[1] == NULL || world.durations.cells == NULL ||
        world.durations.native == NULL || world.drift_buckets == NULL) {
        return -1;
    }
    world.drift.buckets = world.drift_buckets;
    world.drift.cells = calloc(1, hx_cells_size(world.drift_buckets));
    if (world.drift.cells == NULL) {
        return -1;
    }
    hx_histogram_observe(&world.durations, 0.002);
    hx_histogram_observe(&world.durations, 0.25000000001);
    hx_histogram_observe(&world.durations, 31);
    hx_histogram_observe(&world.drift, -2);
    hx_histogram_observe(&world.drift, 0.5);
    *state = &world;
    return 0;
}

static int free_world(void **state)
{
    struct world *world = *state;
    free(world->queues[0]);
    free(world->queues[1]);
    free(world->durations.cells);
    free(world->durations.native);
    free(world->drift.cells);
    free(world->drift_buckets);
    return 0;
}

static struct hx_collector collector_of(const struct world *world)
{
    return (struct hx_collector){world, n_families, shape, n_members, collect};
}

static void the_text_format_is_as_prometheus_describes_it(void **state)
{
    struct hx_collector collector = collector_of(*state);
    char *text = page_text(HX_FORMAT_TEXT, &collector);
    assert_golden(text, "tests/golden/exposition.metrics.txt");
    free(text);
}

static void openmetrics_is_as_its_specification_describes_it(void **state)
{
    struct hx_collector collector = collector_of(*state);
    char *text = page_text(HX_FORMAT_OPENMETRICS, &collector);
    assert_golden(text, "tests/golden/exposition.openmetrics.txt");
    free(text);
}

static void the_text_does_not_depend_on_the_size_of_chunks(void **state)
{
    const size_t sizes[] = {1, 100, 1000, 65536};
    struct hx_collector collectors[] = {collector_of(*state), collector_of(*state)};
    for (int format = 0; format < HX_N_TEXT_FORMATS; format++) {
        char *whole = page_text_in_chunks((enum hx_format)format, collectors, 2, SIZE_MAX);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *pieces = page_text_in_chunks((enum hx_format)format, collectors, 2, sizes[i]);
            assert_string_equal(pieces, whole);
            free(pieces);
        }
        free(whole);
    }
}

static void a_chunk_exceeds_what_was_asked_for_by_one_member_at_most(void **state)
{
    struct hx_collector collector = collector_of(*state);
    struct hx_page page;
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_page_init(&page, HX_FORMAT_TEXT, &collector, 1);
    hx_page_write(&page, &out, 0);
    assert_int_equal(out.len, 0);
    assert_false(page.is_done);
    hx_page_write(&page, &out, 1);
    assert_non_null(strstr(hx_strbuf_text(&out), "queue=\"mail\",outcome=\"fail\"} 0\n"));
    assert_null(strstr(hx_strbuf_text(&out), "{queue=\"\\"));
    hx_strbuf_fini(&out);
}

static void a_page_of_nothing_is_empty_or_the_end_mark(void **state)
{
    (void)state;
    char *text = page_text_in_chunks(HX_FORMAT_TEXT, NULL, 0, 100);
    assert_string_equal(text, "");
    free(text);
    text = page_text_in_chunks(HX_FORMAT_OPENMETRICS, NULL, 0, 100);
    assert_string_equal(text, "# EOF\n");
    free(text);
}

static void out_of_memory_marks_the_buffer_and_ends_the_writing(void **state)
{
    struct hx_collector collector = collector_of(*state);
    bool is_failed = true;
    for (int n = 0; is_failed; n++) {
        struct hx_page page;
        struct hx_strbuf out;
        hx_strbuf_init(&out);
        hx_page_init(&page, HX_FORMAT_OPENMETRICS, &collector, 1);
        n_reallocs = n;
        hx_page_write(&page, &out, SIZE_MAX);
        n_reallocs = -1;
        is_failed = out.is_failed;
        assert_true(is_failed != page.is_done);
        hx_strbuf_fini(&out);
        assert_true(n < 100);
    }
}

static void content_types_name_format_and_version(void **state)
{
    (void)state;
    assert_string_equal(hx_format_content_type(HX_FORMAT_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(hx_format_content_type(HX_FORMAT_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void label_text_is_escaped_and_joined(void **state)
{
    (void)state;
    char *text = hx_labels_format((const char *const[]){"a", "x", "b", "", NULL});
    assert_string_equal(text, "a=\"x\",b=\"\"");
    free(text);
    text = hx_labels_format((const char *const[]){NULL});
    assert_string_equal(text, "");
    free(text);
    text = hx_labels_format((const char *const[]){"a", "\\n\n\"\t\xED\xA0\x80z", NULL});
    assert_string_equal(text, "a=\"\\\\n\\n\\\"\t\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    free(text);
}

static void label_text_reports_that_memory_is_out(void **state)
{
    (void)state;
    n_reallocs = 0;
    char *text = hx_labels_format((const char *const[]){"a", "x", NULL});
    n_reallocs = -1;
    assert_null(text);
}

/* ---- what is written is read back by a strict reader ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Text of bytes that make trouble, or of any bytes. */
static void random_text(uint64_t *seed, char *text, size_t max_len)
{
    static const char special[] = "\\\"\n,={} \x80\xC3\xBC\xE2\x82\xAC\xF0\x9F";
    size_t len = next_random(seed) % max_len;
    for (size_t i = 0; i < len; i++) {
        uint64_t random = next_random(seed);
        text[i] = random % 2 == 0 ? special[(random >> 8) % strlen(special)]
                                  : (char)(1 + (random >> 8) % 255);
    }
    text[len] = '\0';
}

/* What a reader should see: each byte that is not UTF-8 replaced. */
static void replace_invalid(const char *text, char *expected)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        size_t n = hx_utf8_next(text + i, len - i);
        const char *piece = n > 0 ? text + i : HX_UTF8_REPLACEMENT;
        size_t piece_len = n > 0 ? n : strlen(HX_UTF8_REPLACEMENT);
        memcpy(expected, piece, piece_len);
        expected += piece_len;
        i += n > 0 ? n : 1;
    }
    *expected = '\0';
}

static const char *expect(const char *at, const char *text)
{
    if (strncmp(at, text, strlen(text)) != 0) {
        fail_msg("expected \"%s\" at \"%s\"", text, at);
    }
    return at + strlen(text);
}

/* Reads a quoted value; returns what is behind its closing quote. */
static const char *read_value(const char *at, char *value)
{
    at = expect(at, "\"");
    while (*at != '"') {
        assert_true(*at != '\0' && *at != '\n');
        if (*at != '\\') {
            *value++ = *at++;
            continue;
        }
        assert_non_null(strchr("\\\"n", at[1]));
        *value++ = at[1] == 'n' ? '\n' : at[1];
        at += 2;
    }
    *value = '\0';
    return at + 1;
}

struct pair {
    char text[2][64];
};

static size_t one(const void *source)
{
    (void)source;
    return 1;
}

static const struct hx_family *pair_shape(const void *source, size_t family)
{
    static const struct hx_family g = {"g", "A gauge.", HX_FAMILY_GAUGE};
    (void)source;
    (void)family;
    return &g;
}

static size_t one_pair(const void *source, size_t family)
{
    (void)source;
    (void)family;
    return 1;
}

static void collect_pair(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct pair *pair = source;
    (void)family;
    (void)member;
    char *first = hx_labels_format((const char *const[]){"first", pair->text[0], NULL});
    char *second = hx_labels_format((const char *const[]){"second", pair->text[1], NULL});
    hx_samples_gauge(out, hx_labels_of(first), hx_labels_of(second), 1.5);
    free(first);
    free(second);
}

static void label_values_of_any_bytes_read_back(void **state)
{
    (void)state;
    uint64_t seed = 0x2545F4914F6CDD1D;
    for (int i = 0; i < 3000; i++) {
        struct pair pair;
        char value[256], expected[256];
        random_text(&seed, pair.text[0], sizeof pair.text[0]);
        random_text(&seed, pair.text[1], sizeof pair.text[1]);
        struct hx_collector collector = {&pair, one, pair_shape, one_pair, collect_pair};
        char *text = page_text(HX_FORMAT_TEXT, &collector);
        assert_true(hx_utf8_is_valid(text, strlen(text)));
        const char *at = expect(text, "# HELP g A gauge.\n# TYPE g gauge\ng{first=");
        at = read_value(at, value);
        replace_invalid(pair.text[0], expected);
        assert_string_equal(value, expected);
        at = read_value(expect(at, ",second="), value);
        replace_invalid(pair.text[1], expected);
        assert_string_equal(value, expected);
        assert_string_equal(at, "} 1.5\n");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_format_is_as_prometheus_describes_it),
        cmocka_unit_test(openmetrics_is_as_its_specification_describes_it),
        cmocka_unit_test(the_text_does_not_depend_on_the_size_of_chunks),
        cmocka_unit_test(a_chunk_exceeds_what_was_asked_for_by_one_member_at_most),
        cmocka_unit_test(a_page_of_nothing_is_empty_or_the_end_mark),
        cmocka_unit_test(out_of_memory_marks_the_buffer_and_ends_the_writing),
        cmocka_unit_test(content_types_name_format_and_version),
        cmocka_unit_test(label_text_is_escaped_and_joined),
        cmocka_unit_test(label_text_reports_that_memory_is_out),
        cmocka_unit_test(label_values_of_any_bytes_read_back),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
