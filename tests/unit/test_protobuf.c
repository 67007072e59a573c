/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=realloc */
#include "metrics/protobuf.h"

#include "base/utf8.h"
#include "metrics/native.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto_reader.h"

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

/* One family, each of whose members is shown by the function. */
struct shown {
    struct hx_family family;
    size_t n;
    void (*show)(const struct shown *shown, size_t member, struct hx_samples *out);
    struct hx_labels labels, more;
    const struct hx_histogram *histogram;
};

static size_t one(const void *source)
{
    (void)source;
    return 1;
}

static const struct hx_family *family_of(const void *source, size_t family)
{
    const struct shown *shown = source;
    (void)family;
    return &shown->family;
}

static size_t count(const void *source, size_t family)
{
    const struct shown *shown = source;
    (void)family;
    return shown->n;
}

static void collect(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct shown *shown = source;
    (void)family;
    shown->show(shown, member, out);
}

/* The page, written in chunks of `want`; the caller ends it. */
static struct hx_strbuf page_of(const struct shown *shown, size_t want)
{
    struct hx_collector collector = {shown, one, family_of, count, collect};
    struct hx_page page;
    struct hx_strbuf whole, chunk;
    hx_strbuf_init(&whole);
    hx_strbuf_init(&chunk);
    hx_page_init(&page, HX_FORMAT_PROTOBUF, &collector, 1);
    while (!page.is_done) {
        hx_strbuf_clear(&chunk);
        hx_page_write(&page, &chunk, want);
        assert_false(chunk.is_failed);
        hx_strbuf_append(&whole, hx_strbuf_text(&chunk), chunk.len);
    }
    hx_strbuf_fini(&chunk);
    return whole;
}

static void show_gauge(const struct shown *shown, size_t member, struct hx_samples *out)
{
    (void)member;
    hx_samples_gauge(out, shown->labels, shown->more, 1.5);
}

static void show_histogram(const struct shown *shown, size_t member, struct hx_samples *out)
{
    (void)member;
    hx_samples_histogram(out, shown->labels, shown->histogram);
}

static void show_nothing(const struct shown *shown, size_t member, struct hx_samples *out)
{
    (void)shown;
    (void)member;
    (void)out;
}

static void assert_page(const struct shown *shown, const unsigned char *expected, size_t len)
{
    struct hx_strbuf page = page_of(shown, SIZE_MAX);
    assert_int_equal(page.len, len);
    assert_memory_equal(hx_strbuf_text(&page), expected, len);
    hx_strbuf_fini(&page);
}

/* A histogram over one bound, with native buckets; the caller ends it. */
static struct hx_histogram histogram_new(void)
{
    const double bound = 1;
    struct hx_buckets *buckets = hx_buckets_new(&bound, 1);
    assert_non_null(buckets);
    struct hx_histogram histogram = {
        .buckets = buckets, .cells = calloc(1, hx_cells_size(buckets)), .native = hx_native_new()};
    assert_non_null(histogram.cells);
    assert_non_null(histogram.native);
    return histogram;
}

static void histogram_end(struct hx_histogram *histogram)
{
    /* The buckets are one block, which begins with the struct. */
    free((void *)(uintptr_t)histogram->buckets);
    free(histogram->cells);
    free(histogram->native);
}

static void a_gauge_is_written_byte_for_byte(void **state)
{
    (void)state;
    const unsigned char expected[] = {
        0x34,                /* the length of the rest */
        0x0A, 2,  'u',  'p', /* name */
        0x12, 13, 'I',  's', ' ', '\\', ' ', 'i', 't',  '\n', '"',  'u', 'p', '"', '?', /* help */
        0x18, 1,                                                    /* type: GAUGE */
        0x22, 29,                                                   /* metric */
        0x0A, 9,  0x0A, 1,   'a', 0x12, 4,   'x', '\\', '\n', '"',  /* label a */
        0x0A, 5,  0x0A, 1,   'b', 0x12, 0,                          /* label b */
        0x12, 9,  0x09, 0,   0,   0,    0,   0,   0,    0xF8, 0x3F, /* gauge, value 1.5 */
    };
    struct shown shown = {{"up", "Is \\ it\n\"up\"?", HX_FAMILY_GAUGE},
                          1,
                          show_gauge,
                          HX_LABELS("a=\"x\\\\\\n\\\"\""),
                          HX_LABELS("b=\"\""),
                          NULL};
    assert_page(&shown, expected, sizeof expected);
}

static void a_native_histogram_is_written_byte_for_byte(void **state)
{
    (void)state;
    const unsigned char expected[] = {
        0x53,                                                        /* the length of the rest */
        0x0A, 9,    'h',  '_', 's',  'e', 'c', 'o',  'n',  'd', 's', /* name */
        0x12, 2,    'H',  '.',                                       /* help */
        0x18, 4,                                                     /* type: HISTOGRAM */
        0x2A, 7,    's',  'e', 'c',  'o', 'n', 'd',  's',            /* unit */
        0x22, 55,   0x3A, 53,                                        /* metric, histogram */
        0x1A, 11,   0x08, 2,   0x11, 0,   0,   0,    0,    0,   0,
        0xF0, 0x3F,                                        /* bucket: 2 up to 1 */
        0x08, 3,                                           /* count */
        0x11, 0,    0,    0,   0,    0,   0,   0x14, 0x40, /* sum 5 */
        0x28, 6,                                           /* schema 3 */
        0x31, 0,    0,    0,   0,    0,   0,   0xF0, 0x37, /* zero threshold 2^-128 */
        0x38, 1,                                           /* zero count */
        0x62, 4,    0x08, 0,   0x10, 1,                    /* span: offset 0, length 1 */
        0x62, 4,    0x08, 30,  0x10, 1,                    /* span: offset 15, length 1 */
        0x6A, 2,    2,    0,                               /* deltas 1, 0 */
    };
    struct hx_histogram histogram = histogram_new();
    hx_histogram_observe(&histogram, 0);
    hx_histogram_observe(&histogram, 1);
    hx_histogram_observe(&histogram, 4);
    struct shown shown = {.family = {"h_seconds", "H.", HX_FAMILY_HISTOGRAM},
                          .n = 1,
                          .show = show_histogram,
                          .histogram = &histogram};
    assert_page(&shown, expected, sizeof expected);
    histogram_end(&histogram);
}

static void a_family_without_a_sample_does_not_appear(void **state)
{
    (void)state;
    struct shown shown = {
        .family = {"up", "Is it up?", HX_FAMILY_GAUGE}, .n = 2, .show = show_nothing};
    struct hx_strbuf page = page_of(&shown, SIZE_MAX);
    assert_int_equal(page.len, 0);
    hx_strbuf_fini(&page);
}

/* Reads the native part of a histogram back as counts by bucket. */
static uint64_t read_native(struct proto histogram, uint64_t counts[512], int32_t lowest)
{
    struct proto deltas = proto_get(histogram, 13).in;
    struct proto_field field;
    int64_t at = 0, value = 0;
    uint64_t total = proto_get(histogram, 7).value;
    while (proto_next(&histogram, &field)) {
        if (field.number != 12) {
            continue;
        }
        at += proto_signed(proto_get(field.in, 1).value);
        for (uint64_t n = proto_get(field.in, 2).value; n > 0; n--) {
            value += proto_signed(proto_varint(&deltas));
            assert_true(value >= 0);
            counts[at++ - lowest] = (uint64_t)value;
            total += (uint64_t)value;
        }
    }
    assert_ptr_equal(deltas.at, deltas.end);
    return total;
}

static struct proto histogram_of(const struct hx_strbuf *page)
{
    struct proto whole = proto_of(hx_strbuf_text(page), page->len);
    struct proto family = proto_bytes(&whole);
    return proto_get(proto_get(family, 4).in, 7).in;
}

static void spans_and_deltas_read_back_as_the_counts(void **state)
{
    (void)state;
    struct hx_histogram histogram = histogram_new();
    struct shown shown = {.family = {"h", "H.", HX_FAMILY_HISTOGRAM},
                          .n = 1,
                          .show = show_histogram,
                          .histogram = &histogram};
    uint64_t random = 88172645463325252;
    for (int i = 0; i < 300; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        /* Rather often the same, with gaps between. */
        hx_histogram_observe(&histogram, (double)(random % 37 * (random >> 32) % 2000) / 1000);
        struct hx_strbuf page = page_of(&shown, SIZE_MAX);
        struct hx_native_view view;
        hx_native_read(histogram.native, &view);
        uint64_t counts[512] = {0};
        struct proto message = histogram_of(&page);
        assert_int_equal(read_native(message, counts, -256), i + 1);
        assert_int_equal(proto_get(message, 1).value, i + 1);
        assert_memory_equal(&counts[view.first + 256], view.counts, sizeof view.counts);
        hx_strbuf_fini(&page);
    }
    histogram_end(&histogram);
}

static void a_large_family_goes_in_several_messages(void **state)
{
    (void)state;
    struct shown shown = {{"up", "Is it up?", HX_FAMILY_GAUGE}, 100000,       show_gauge,
                          HX_LABELS("dependency=\"a-name\""),   HX_NO_LABELS, NULL};
    struct hx_strbuf page = page_of(&shown, 1);
    struct hx_strbuf same = page_of(&shown, SIZE_MAX);
    struct proto whole = proto_of(hx_strbuf_text(&page), page.len);
    size_t n = 0, n_messages = 0;
    assert_int_equal(page.len, same.len);
    assert_memory_equal(page.data, same.data, same.len);
    while (whole.at < whole.end) {
        struct proto family = proto_bytes(&whole);
        assert_in_range(family.end - family.at, 1, HX_MAX_MESSAGE + 200);
        assert_true(proto_is(proto_get(family, 1).in, "up"));
        n += proto_count(family, 4);
        n_messages++;
    }
    assert_int_equal(n, 100000);
    assert_in_range(n_messages, 2, 8);
    hx_strbuf_fini(&page);
    hx_strbuf_fini(&same);
}

/* ---- text of any bytes reads back ---- */

static void random_text(uint64_t *seed, char *text, size_t max_len)
{
    static const char special[] = "\\\"\n,={} \x80\xC3\xBC\xE2\x82\xAC\xF0\x9F";
    *seed = *seed * 6364136223846793005 + 1442695040888963407;
    size_t len = (size_t)(*seed >> 33) % max_len;
    for (size_t i = 0; i < len; i++) {
        *seed = *seed * 6364136223846793005 + 1442695040888963407;
        uint64_t random = *seed >> 33;
        text[i] = random % 2 == 0 ? special[(random >> 8) % strlen(special)]
                                  : (char)(1 + (random >> 8) % 255);
    }
    text[len] = '\0';
}

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

static void labels_and_help_of_any_bytes_read_back(void **state)
{
    (void)state;
    uint64_t seed = 20231117;
    for (int i = 0; i < 3000; i++) {
        char value[200], help[200], expected[600];
        random_text(&seed, value, sizeof value);
        random_text(&seed, help, sizeof help);
        char *labels = hx_labels_format((const char *const[]){"a", value, "b", help, NULL});
        struct shown shown = {{"up", help, HX_FAMILY_GAUGE}, 1,   show_gauge, HX_NO_LABELS,
                              hx_labels_of(labels),          NULL};
        struct hx_strbuf page = page_of(&shown, SIZE_MAX);
        struct proto whole = proto_of(hx_strbuf_text(&page), page.len);
        struct proto family = proto_bytes(&whole);
        struct proto metric = proto_get(family, 4).in;
        struct proto_field first, second;
        assert_true(proto_next(&metric, &first) && proto_next(&metric, &second));
        replace_invalid(help, expected);
        assert_true(proto_is(proto_get(family, 2).in, expected));
        assert_true(proto_is(proto_get(second.in, 2).in, expected));
        replace_invalid(value, expected);
        assert_true(proto_is(proto_get(first.in, 1).in, "a"));
        assert_true(proto_is(proto_get(first.in, 2).in, expected));
        assert_true(whole.at == whole.end);
        hx_strbuf_fini(&page);
        free(labels);
    }
}

static void out_of_memory_marks_the_buffer_and_ends_the_writing(void **state)
{
    (void)state;
    struct hx_histogram histogram = histogram_new();
    struct shown shown = {.family = {"h", "H.", HX_FAMILY_HISTOGRAM},
                          .n = 50,
                          .show = show_histogram,
                          .histogram = &histogram};
    struct hx_collector collector = {&shown, one, family_of, count, collect};
    bool is_failed = true;
    for (int n = 0; is_failed; n++) {
        struct hx_page page;
        struct hx_strbuf out;
        hx_strbuf_init(&out);
        hx_page_init(&page, HX_FORMAT_PROTOBUF, &collector, 1);
        n_reallocs = n;
        hx_page_write(&page, &out, SIZE_MAX);
        n_reallocs = -1;
        is_failed = out.is_failed;
        assert_true(is_failed != page.is_done);
        hx_strbuf_fini(&out);
        assert_true(n < 100);
    }
    histogram_end(&histogram);
}

/* ---- consistency ---- */

#define N_OBSERVED 20000

static void *observe_many(void *data)
{
    struct hx_histogram *histogram = data;
    for (int i = 0; i < N_OBSERVED; i++) {
        hx_histogram_observe(histogram, (double)(i % 1000) / 300);
    }
    return NULL;
}

static void the_count_is_the_sum_while_another_thread_observes(void **state)
{
    (void)state;
    struct hx_histogram histogram = histogram_new();
    struct shown shown = {.family = {"h", "H.", HX_FAMILY_HISTOGRAM},
                          .n = 1,
                          .show = show_histogram,
                          .histogram = &histogram};
    pthread_t writer;
    hx_histogram_observe(&histogram, 1);
    assert_int_equal(pthread_create(&writer, NULL, observe_many, &histogram), 0);
    uint64_t total = 0;
    while (total <= N_OBSERVED) {
        struct hx_strbuf page = page_of(&shown, SIZE_MAX);
        struct proto message = histogram_of(&page);
        uint64_t counts[512] = {0};
        total = proto_get(message, 1).value;
        assert_int_equal(read_native(message, counts, -256), total);
        assert_true(proto_get(proto_get(message, 3).in, 1).value <= total);
        hx_strbuf_fini(&page);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    histogram_end(&histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gauge_is_written_byte_for_byte),
        cmocka_unit_test(a_native_histogram_is_written_byte_for_byte),
        cmocka_unit_test(a_family_without_a_sample_does_not_appear),
        cmocka_unit_test(spans_and_deltas_read_back_as_the_counts),
        cmocka_unit_test(a_large_family_goes_in_several_messages),
        cmocka_unit_test(labels_and_help_of_any_bytes_read_back),
        cmocka_unit_test(out_of_memory_marks_the_buffer_and_ends_the_writing),
        cmocka_unit_test(the_count_is_the_sum_while_another_thread_observes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
