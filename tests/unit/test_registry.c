/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
#include "metrics/registry.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page_text.h"

/* How many more allocations work; negative: all. */
static int n_allocations = -1;

static bool may_allocate(void)
{
    if (n_allocations == 0) {
        return false;
    }
    if (n_allocations > 0) {
        n_allocations--;
    }
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

char *__wrap_strdup(const char *text)
{
    return may_allocate() ? __real_strdup(text) : NULL;
}

static const char *const mail[] = {"queue", "mail", NULL};

static int make_registry(void **state)
{
    *state = hx_registry_new();
    return *state != NULL ? 0 : -1;
}

static int free_registry(void **state)
{
    hx_registry_free(*state);
    return 0;
}

static void assert_page(struct hx_registry *registry, const char *expected)
{
    size_t len;
    char *text = hx_registry_expose(registry, HX_FORMAT_TEXT, &len);
    assert_non_null(text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
    free(text);
}

static void the_page_shows_every_series_in_the_order_of_its_making(void **state)
{
    struct hx_registry *registry = *state;
    struct hx_error err;
    const char *const pass[] = {"queue", "mail", "outcome", "pass", NULL};
    const char *const fail[] = {"queue", "mail", "outcome", "fail", NULL};
    const double sizes[] = {1000, 1e6};
    struct hx_counter *passed =
        hx_registry_counter(registry, "jobs_done_total", "Jobs that ended.", pass, &err);
    struct hx_gauge *length =
        hx_registry_gauge(registry, "queue_length", "Jobs that wait.", NULL, &err);
    struct hx_histogram *seconds = hx_registry_histogram(
        registry, "job_duration_seconds", "How long jobs took.", mail, NULL, 0, &err);
    struct hx_histogram *bytes = hx_registry_histogram(
        registry, "job_size_bytes", "How large jobs were.", NULL, sizes, 2, &err);
    assert_non_null(
        hx_registry_counter(registry, "jobs_done_total", "Jobs that ended.", fail, &err));
    hx_counter_add(passed, 1);
    hx_counter_add(passed, 2);
    hx_gauge_set(length, 4);
    hx_gauge_add(length, -1.5);
    hx_histogram_observe(seconds, 0.1);
    hx_histogram_observe(seconds, 0.2);
    hx_histogram_observe(bytes, 4096);
    hx_histogram_observe(bytes, 5e12);

    char *text = hx_registry_expose(registry, HX_FORMAT_TEXT, NULL);
    assert_golden(text, "tests/golden/registry.metrics.txt");
    free(text);
    text = hx_registry_expose(registry, HX_FORMAT_OPENMETRICS, NULL);
    assert_golden(text, "tests/golden/registry.openmetrics.txt");
    free(text);
}

static void an_empty_registry_has_an_empty_page(void **state)
{
    assert_page(*state, "");
}

static void the_same_labels_in_any_order_are_one_series(void **state)
{
    struct hx_registry *registry = *state;
    const char *const one[] = {"b", "2", "a", "1", "c", "3", NULL};
    const char *const other[] = {"c", "3", "b", "2", "a", "1", NULL};
    struct hx_gauge *gauge = hx_registry_gauge(registry, "g", "A gauge.", one, NULL);
    assert_non_null(gauge);
    assert_ptr_equal(hx_registry_gauge(registry, "g", "A gauge.", other, NULL), gauge);
    hx_gauge_set(gauge, 7);
    assert_page(registry, "# HELP g A gauge.\n# TYPE g gauge\ng{a=\"1\",b=\"2\",c=\"3\"} 7\n");
}

static void no_labels_are_the_same_as_an_empty_list(void **state)
{
    const char *const none[] = {NULL};
    struct hx_gauge *gauge = hx_registry_gauge(*state, "g", "A gauge.", NULL, NULL);
    assert_non_null(gauge);
    assert_ptr_equal(hx_registry_gauge(*state, "g", "A gauge.", none, NULL), gauge);
}

static void values_that_are_not_utf8_are_shown_with_a_replacement(void **state)
{
    const char *const labels[] = {"a", "x\xFFy", NULL};
    assert_non_null(hx_registry_gauge(*state, "g", "A \"gauge\"\\.", labels, NULL));
    assert_page(*state, "# HELP g A \"gauge\"\\\\.\n# TYPE g gauge\ng{a=\"x\xEF\xBF\xBDy\"} 0\n");
}

static void names_and_help_are_copied(void **state)
{
    char name[] = "g", help[] = "A gauge.", label[] = "a", value[] = "x";
    const char *const labels[] = {label, value, NULL};
    assert_non_null(hx_registry_gauge(*state, name, help, labels, NULL));
    name[0] = help[0] = label[0] = value[0] = '!';
    assert_page(*state, "# HELP g A gauge.\n# TYPE g gauge\ng{a=\"x\"} 0\n");
}

static void ten_thousand_series_are_found_again(void **state)
{
    enum { N = 10000 };
    static struct hx_counter *counters[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            char value[16];
            snprintf(value, sizeof value, "%d", i);
            const char *const labels[] = {"i", value, NULL};
            struct hx_counter *counter =
                hx_registry_counter(*state, "c_total", "Counters.", labels, NULL);
            assert_non_null(counter);
            assert_true(round == 0 || counter == counters[i]);
            counters[i] = counter;
            hx_counter_add(counter, (uint64_t)i);
        }
    }
    char *text = hx_registry_expose(*state, HX_FORMAT_TEXT, NULL);
    assert_non_null(strstr(text, "c_total{i=\"0\"} 0\n"));
    assert_non_null(strstr(text, "c_total{i=\"8\"} 16\n"));
    assert_non_null(strstr(text, "c_total{i=\"9999\"} 19998\n"));
    free(text);
}

/* ---- refusals ---- */

struct refusal {
    enum hx_family_type type;
    const char *name, *help;
    const char *labels[5];
    const char *message;
};

#define IS_NOT_VALID "is not valid, expected "
#define NAME_RULES   "[a-zA-Z_][a-zA-Z0-9_]*"

static const struct refusal refusals[] = {
    {HX_FAMILY_GAUGE, NULL, "h", {0}, "gauge name \"\" " IS_NOT_VALID NAME_RULES},
    {HX_FAMILY_GAUGE, "", "h", {0}, "gauge name \"\" " IS_NOT_VALID NAME_RULES},
    {HX_FAMILY_GAUGE, "9a", "h", {0}, "gauge name \"9a\" " IS_NOT_VALID NAME_RULES},
    {HX_FAMILY_GAUGE, "a-b", "h", {0}, "gauge name \"a-b\" " IS_NOT_VALID NAME_RULES},
    {HX_FAMILY_GAUGE, "a:b", "h", {0}, "gauge name \"a:b\" " IS_NOT_VALID NAME_RULES},
    {HX_FAMILY_COUNTER,
     "jobs",
     "h",
     {0},
     "counter name \"jobs\" " IS_NOT_VALID "one that ends in \"_total\""},
    {HX_FAMILY_COUNTER,
     "_total",
     "h",
     {0},
     "counter name \"_total\" " IS_NOT_VALID "one that ends in \"_total\""},
    {HX_FAMILY_GAUGE,
     "jobs_total",
     "h",
     {0},
     "gauge name \"jobs_total\" " IS_NOT_VALID "one that does not end in \"_total\""},
    {HX_FAMILY_GAUGE,
     "jobs_count",
     "h",
     {0},
     "gauge name \"jobs_count\" " IS_NOT_VALID "one that does not end in \"_count\""},
    {HX_FAMILY_GAUGE,
     "jobs_bucket",
     "h",
     {0},
     "gauge name \"jobs_bucket\" " IS_NOT_VALID "one that does not end in \"_bucket\""},
    {HX_FAMILY_HISTOGRAM,
     "jobs_sum",
     "h",
     {0},
     "histogram name \"jobs_sum\" " IS_NOT_VALID "one that does not end in \"_sum\""},
    {HX_FAMILY_GAUGE,
     "jobs_created",
     "h",
     {0},
     "gauge name \"jobs_created\" " IS_NOT_VALID "one that does not end in \"_created\""},
    {HX_FAMILY_COUNTER,
     "jobs_count_total",
     "h",
     {0},
     "counter name \"jobs_count_total\" " IS_NOT_VALID "one that does not end in \"_count_total\""},
    {HX_FAMILY_GAUGE,
     "g",
     NULL,
     {0},
     "gauge \"g\" has no help, expected a sentence on what it shows"},
    {HX_FAMILY_GAUGE,
     "g",
     "",
     {0},
     "gauge \"g\" has no help, expected a sentence on what it shows"},
    {HX_FAMILY_GAUGE,
     "g",
     "h",
     {"a", "1", "b-c", "2"},
     "label name \"b-c\" of \"g\" " IS_NOT_VALID NAME_RULES " that does not begin with \"__\""},
    {HX_FAMILY_GAUGE,
     "g",
     "h",
     {"__name__", "1"},
     "label name \"__name__\" of \"g\" " IS_NOT_VALID NAME_RULES
     " that does not begin with \"__\""},
    {HX_FAMILY_GAUGE,
     "g",
     "h",
     {"", "1"},
     "label name \"\" of \"g\" " IS_NOT_VALID NAME_RULES " that does not begin with \"__\""},
    {HX_FAMILY_HISTOGRAM,
     "h",
     "h",
     {"le", "1"},
     "label name \"le\" of \"h\" " IS_NOT_VALID "another: the buckets of a histogram bear it"},
    {HX_FAMILY_GAUGE, "g", "h", {"a", NULL}, "label \"a\" of \"g\" has no value"},
    {HX_FAMILY_GAUGE,
     "g",
     "h",
     {"a", "1", "a", "2"},
     "label \"a\" of \"g\" is there twice, expected it once"},
};

static bool is_made(struct hx_registry *registry, const struct refusal *asked, struct hx_error *err)
{
    switch (asked->type) {
    case HX_FAMILY_COUNTER:
        return hx_registry_counter(registry, asked->name, asked->help, asked->labels, err) != NULL;
    case HX_FAMILY_GAUGE:
        return hx_registry_gauge(registry, asked->name, asked->help, asked->labels, err) != NULL;
    case HX_FAMILY_HISTOGRAM:
        return hx_registry_histogram(registry, asked->name, asked->help, asked->labels, NULL, 0,
                                     err) != NULL;
    }
    return false;
}

static void what_prometheus_would_not_take_is_refused_with_what_was_expected(void **state)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct hx_error err = {0};
        assert_false(is_made(*state, &refusals[i], &err));
        assert_int_equal(err.code, HX_ERR_INVALID);
        assert_string_equal(err.message, refusals[i].message);
        assert_false(is_made(*state, &refusals[i], NULL));
    }
    assert_page(*state, "");
}

static void le_is_an_ordinary_label_of_a_gauge(void **state)
{
    const char *const labels[] = {"le", "1", NULL};
    assert_non_null(hx_registry_gauge(*state, "g", "A gauge.", labels, NULL));
}

static void a_family_keeps_its_type(void **state)
{
    struct hx_error err = {0};
    assert_non_null(hx_registry_counter(*state, "jobs_total", "Jobs.", NULL, &err));
    assert_null(hx_registry_gauge(*state, "jobs", "Jobs.", NULL, &err));
    assert_int_equal(err.code, HX_ERR_EXISTS);
    assert_string_equal(err.message,
                        "gauge \"jobs\" cannot be made: there is a counter \"jobs_total\"");
}

static void a_family_keeps_its_help(void **state)
{
    struct hx_error err = {0};
    assert_non_null(hx_registry_gauge(*state, "jobs", "Jobs.", NULL, &err));
    assert_null(hx_registry_gauge(*state, "jobs", "Tasks.", mail, &err));
    assert_int_equal(err.code, HX_ERR_EXISTS);
    assert_string_equal(err.message, "\"jobs\" has another help already, expected \"Jobs.\"");
}

static void a_family_keeps_its_bounds(void **state)
{
    struct hx_error err = {0};
    const double bounds[] = {1, 2}, others[] = {1, 3};
    assert_non_null(hx_registry_histogram(*state, "h", "H.", NULL, bounds, 2, &err));
    assert_non_null(hx_registry_histogram(*state, "h", "H.", mail, bounds, 2, &err));
    assert_null(hx_registry_histogram(*state, "h", "H.", mail, bounds, 1, &err));
    assert_null(hx_registry_histogram(*state, "h", "H.", mail, others, 2, &err));
    assert_null(hx_registry_histogram(*state, "h", "H.", mail, NULL, 0, &err));
    assert_int_equal(err.code, HX_ERR_EXISTS);
    assert_string_equal(err.message, "histogram \"h\" has other bounds already, expected the same");
}

static void bounds_must_rise_and_be_finite(void **state)
{
    struct hx_error err = {0};
    const double flat[] = {1, 1}, infinite[] = {1, 2, HUGE_VAL}, nan[] = {(double)NAN};
    assert_null(hx_registry_histogram(*state, "h", "H.", NULL, flat, 2, &err));
    assert_int_equal(err.code, HX_ERR_INVALID);
    assert_string_equal(err.message, "bound 2 of histogram \"h\" is not valid, expected finite "
                                     "numbers, each above the one before");
    assert_null(hx_registry_histogram(*state, "h", "H.", NULL, infinite, 3, NULL));
    assert_null(hx_registry_histogram(*state, "h", "H.", NULL, nan, 1, NULL));
}

static bool make_all(struct hx_registry *registry, struct hx_error *err)
{
    const double bounds[] = {1, 2};
    return hx_registry_counter(registry, "c_total", "C.", mail, err) != NULL &&
           hx_registry_gauge(registry, "g", "G.", NULL, err) != NULL &&
           hx_registry_histogram(registry, "h", "H.", mail, bounds, 2, err) != NULL;
}

static void out_of_memory_is_reported_and_leaves_a_working_registry(void **state)
{
    (void)state;
    bool is_made_whole = false;
    for (int n = 0; !is_made_whole; n++) {
        struct hx_error err = {0};
        n_allocations = n;
        struct hx_registry *registry = hx_registry_new();
        is_made_whole = registry != NULL && make_all(registry, &err);
        n_allocations = -1;
        if (registry != NULL) {
            assert_int_equal(err.code, is_made_whole ? HX_OK : HX_ERR_NOMEM);
            assert_true(make_all(registry, &err));
        }
        hx_registry_free(registry);
        assert_true(n < 100);
    }
}

static void exposing_reports_that_memory_is_out(void **state)
{
    assert_true(make_all(*state, NULL));
    n_allocations = 0;
    char *text = hx_registry_expose(*state, HX_FORMAT_TEXT, NULL);
    n_allocations = -1;
    assert_null(text);
}

/* ---- threads ---- */

#define N_THREADS 3
#define N_SERIES  500

static void *make_and_count(void *arg)
{
    for (int i = 0; i < N_SERIES; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        const char *const labels[] = {"i", value, NULL};
        hx_counter_add(hx_registry_counter(arg, "c_total", "C.", labels, NULL), 1);
        hx_gauge_add(hx_registry_gauge(arg, "g", "G.", NULL, NULL), 0.5);
        hx_histogram_observe(hx_registry_histogram(arg, "h", "H.", labels, NULL, 0, NULL), 0.5);
    }
    return NULL;
}

static void threads_make_and_count_while_pages_are_written(void **state)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_count, *state), 0);
    }
    for (int i = 0; i < 20; i++) {
        char *text = hx_registry_expose(*state, HX_FORMAT_OPENMETRICS, NULL);
        assert_string_equal(text + strlen(text) - 6, "# EOF\n");
        free(text);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    char *text = hx_registry_expose(*state, HX_FORMAT_TEXT, NULL);
    assert_non_null(strstr(text, "c_total{i=\"499\"} 3\n"));
    assert_non_null(strstr(text, "\ng 750\n"));
    assert_non_null(strstr(text, "h_count{i=\"499\"} 3\n"));
    free(text);
}

#define WITH_REGISTRY(test) cmocka_unit_test_setup_teardown(test, make_registry, free_registry)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REGISTRY(the_page_shows_every_series_in_the_order_of_its_making),
        WITH_REGISTRY(an_empty_registry_has_an_empty_page),
        WITH_REGISTRY(the_same_labels_in_any_order_are_one_series),
        WITH_REGISTRY(no_labels_are_the_same_as_an_empty_list),
        WITH_REGISTRY(values_that_are_not_utf8_are_shown_with_a_replacement),
        WITH_REGISTRY(names_and_help_are_copied),
        WITH_REGISTRY(ten_thousand_series_are_found_again),
        WITH_REGISTRY(what_prometheus_would_not_take_is_refused_with_what_was_expected),
        WITH_REGISTRY(le_is_an_ordinary_label_of_a_gauge),
        WITH_REGISTRY(a_family_keeps_its_type),
        WITH_REGISTRY(a_family_keeps_its_help),
        WITH_REGISTRY(a_family_keeps_its_bounds),
        WITH_REGISTRY(bounds_must_rise_and_be_finite),
        cmocka_unit_test(out_of_memory_is_reported_and_leaves_a_working_registry),
        WITH_REGISTRY(exposing_reports_that_memory_is_out),
        WITH_REGISTRY(threads_make_and_count_while_pages_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
