/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a family: HELP, TYPE and samples. Room for a whole sample is reserved first, and the
 * parts are then copied without further checks; a page is thousands of such lines. When there is no
 * room the buffer is marked, and the sample is left out as a whole.
 */
#include "metrics/samples.h"

#include "metrics/naming.h"
#include "metrics/protobuf.h"

#include <string.h>

#define LONGEST_AFFIX "_bucket{,,le=\"\"} \n"
#define INFINITE_LE   "+Inf\"} "

/* Names, label text and what the lines of a histogram begin with are mostly 16 to 96 bytes long;
 * copies of constant size, the last of which
 * overlaps the one before, are several times cheaper for them than a call. */
#define STEP         16
#define MAX_IN_STEPS 96

static inline char *put(char *p, const char *text, size_t len)
{
    if (len < STEP || len > MAX_IN_STEPS) {
        memcpy(p, text, len);
        return p + len;
    }
    for (size_t i = 0; i < len - STEP; i += STEP) {
        memcpy(p + i, text + i, STEP);
    }
    memcpy(p + len - STEP, text + len - STEP, STEP);
    return p + len;
}

static inline char *put_labels(char *p, struct hx_labels labels)
{
    return labels.len > 0 ? put(p, labels.text, labels.len) : p;
}

void hx_samples_init(struct hx_samples *samples, struct hx_page *page, struct hx_strbuf *out,
                     const struct hx_family *family)
{
    size_t name_len = strlen(family->name);
    *samples = (struct hx_samples){
        .page = page,
        .out = out,
        .family = family,
        .format = page->format,
        .name_len = name_len,
        .line_len = name_len + strlen(LONGEST_AFFIX) + 2 * (size_t)HX_NUMBER_SIZE,
    };
}

/* OpenMetrics alone says the unit. */
static void write_unit(struct hx_samples *samples, size_t name_len)
{
    const char *unit = hx_family_unit(samples->family);
    if (samples->format == HX_FORMAT_OPENMETRICS && unit != NULL) {
        hx_strbuf_puts(samples->out, "# UNIT ");
        hx_strbuf_append(samples->out, samples->family->name, name_len);
        hx_strbuf_putc(samples->out, ' ');
        hx_strbuf_puts(samples->out, unit);
        hx_strbuf_putc(samples->out, '\n');
    }
}

static void write_header(struct hx_samples *samples)
{
    struct hx_strbuf *out = samples->out;
    const struct hx_family *family = samples->family;
    /* The text format keeps a counter's "_total" here, OpenMetrics has it in the sample alone. */
    size_t name_len =
        samples->format == HX_FORMAT_OPENMETRICS ? hx_family_base_len(family) : samples->name_len;
    hx_strbuf_puts(out, "# HELP ");
    hx_strbuf_append(out, family->name, name_len);
    hx_strbuf_putc(out, ' ');
    hx_help_append(out, family->help, samples->format);
    hx_strbuf_puts(out, "\n# TYPE ");
    hx_strbuf_append(out, family->name, name_len);
    hx_strbuf_putc(out, ' ');
    hx_strbuf_puts(out, hx_family_type_text(family->type));
    hx_strbuf_putc(out, '\n');
    write_unit(samples, name_len);
}

/* What a family begins with, once, before its first sample. */
static inline void begin_family(struct hx_samples *samples)
{
    if (samples->page->is_header_written) {
        return;
    }
    samples->page->is_header_written = true;
    if (samples->format == HX_FORMAT_PROTOBUF) {
        hx_protobuf_begin(samples);
    } else {
        write_header(samples);
    }
}

/* The place for n lines with that much label text, behind the family's header; NULL: no room. */
static inline char *begin_lines(struct hx_samples *samples, size_t n, size_t labels_len)
{
    begin_family(samples);
    struct hx_strbuf *out = samples->out;
    size_t needed = n * (samples->line_len + labels_len);
    if (out->is_failed || (needed >= out->size - out->len && !hx_strbuf_reserve(out, needed))) {
        return NULL;
    }
    return out->data + out->len;
}

static void end_lines(struct hx_samples *samples, char *end)
{
    *end = '\0';
    samples->out->len = (size_t)(end - samples->out->data);
}

/* Writes `name_suffix{labels,more} `. */
static inline char *put_name(char *p, const struct hx_samples *samples, struct hx_labels suffix,
                             struct hx_labels labels, struct hx_labels more)
{
    p = put(p, samples->family->name, samples->name_len);
    p = put_labels(p, suffix);
    if (labels.len + more.len > 0) {
        *p++ = '{';
        p = put_labels(p, labels);
        if (labels.len > 0 && more.len > 0) {
            *p++ = ',';
        }
        p = put_labels(p, more);
        *p++ = '}';
    }
    *p++ = ' ';
    return p;
}

/* A sample up to its value; NULL: no room. */
static char *begin_sample(struct hx_samples *samples, struct hx_labels labels,
                          struct hx_labels more)
{
    char *p = begin_lines(samples, 1, labels.len + more.len);
    return p != NULL ? put_name(p, samples, HX_NO_LABELS, labels, more) : NULL;
}

static void end_sample(struct hx_samples *samples, char *p)
{
    *p++ = '\n';
    end_lines(samples, p);
}

/* In protobuf all values are doubles. True: it was written. */
static bool put_binary(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                       double value)
{
    if (out->format != HX_FORMAT_PROTOBUF) {
        return false;
    }
    begin_family(out);
    hx_protobuf_value(out, labels, more, value);
    return true;
}

void hx_samples_counter(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                        uint64_t value)
{
    if (put_binary(out, labels, more, (double)value)) {
        return;
    }
    char *p = begin_sample(out, labels, more);
    if (p != NULL) {
        end_sample(out, hx_counter_put(p, value, out->format));
    }
}

void hx_samples_counter_double(struct hx_samples *out, struct hx_labels labels,
                               struct hx_labels more, double value)
{
    hx_samples_gauge(out, labels, more, value);
}

void hx_samples_gauge(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                      double value)
{
    if (put_binary(out, labels, more, value)) {
        return;
    }
    char *p = begin_sample(out, labels, more);
    if (p != NULL) {
        end_sample(out, hx_double_put(p, value, out->format));
    }
}

void hx_samples_gauge_nano(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                           int64_t nano)
{
    /* The division is for those alone who need it. */
    if (out->format == HX_FORMAT_PROTOBUF) {
        put_binary(out, labels, more, hx_nano_double(nano));
        return;
    }
    char *p = begin_sample(out, labels, more);
    if (p != NULL) {
        end_sample(out, hx_nano_put(p, nano, out->format));
    }
}

/* Writes `name_bucket{labels,le="`, which all buckets of a histogram begin with. */
static char *put_bucket_prefix(char *p, const struct hx_samples *samples, struct hx_labels labels)
{
    p = put(p, samples->family->name, samples->name_len);
    p = put(p, "_bucket{", strlen("_bucket{"));
    if (labels.len > 0) {
        p = put_labels(p, labels);
        *p++ = ',';
    }
    return put(p, "le=\"", strlen("le=\""));
}

/* Writes the lines of the buckets, +Inf last, and gives back the total. */
static char *put_buckets(char *p, const struct hx_samples *samples, struct hx_labels labels,
                         const struct hx_histogram *histogram, uint64_t *total)
{
    const struct hx_buckets *buckets = histogram->buckets;
    const _Atomic uint64_t *counts = histogram->cells->counts;
    const char *prefix = p;
    p = put_bucket_prefix(p, samples, labels);
    size_t prefix_len = (size_t)(p - prefix);
    *total = 0;
    for (size_t i = 0; i < buckets->n; i++) {
        const struct hx_le *le = &buckets->le[i];
        *total += atomic_load_explicit(&counts[i], memory_order_relaxed);
        /* A copy of constant size is one instruction or two; what is too much is overwritten. */
        memcpy(p, le->text[samples->format], HX_NUMBER_SIZE);
        p = hx_u64_put(p + le->len[samples->format], *total);
        *p++ = '\n';
        p = put(p, prefix, prefix_len);
    }
    *total += atomic_load_explicit(&counts[buckets->n], memory_order_relaxed);
    p = put(p, INFINITE_LE, strlen(INFINITE_LE));
    p = hx_u64_put(p, *total);
    *p++ = '\n';
    return p;
}

static char *put_sum(char *p, const struct hx_samples *samples,
                     const struct hx_histogram *histogram)
{
    if (histogram->buckets->sum == HX_SUM_NANO) {
        uint64_t nano = atomic_load_explicit(&histogram->cells->sum, memory_order_relaxed);
        return hx_nano_put(p, (int64_t)nano, samples->format);
    }
    return hx_double_put(p, hx_cells_sum(histogram->cells, histogram->buckets), samples->format);
}

/* OpenMetrics: a sum that may fall is no counter, and without a sum there is no count either. */
static bool is_sum_left_out(const struct hx_buckets *buckets, enum hx_format format)
{
    bool may_fall = buckets->n > 0 && buckets->bounds[0] < 0;
    return may_fall && format == HX_FORMAT_OPENMETRICS;
}

static void write_histogram(struct hx_samples *out, struct hx_labels labels,
                            const struct hx_histogram *histogram)
{
    /* The buckets, +Inf, the sum and the count. */
    char *p = begin_lines(out, histogram->buckets->n + 3, labels.len);
    if (p == NULL) {
        return;
    }
    uint64_t total;
    p = put_buckets(p, out, labels, histogram, &total);
    if (!is_sum_left_out(histogram->buckets, out->format)) {
        p = put_name(p, out, HX_LABELS("_sum"), labels, HX_NO_LABELS);
        p = put_sum(p, out, histogram);
        *p++ = '\n';
        p = put_name(p, out, HX_LABELS("_count"), labels, HX_NO_LABELS);
        p = hx_u64_put(p, total);
        *p++ = '\n';
    }
    end_lines(out, p);
}

void hx_samples_histogram(struct hx_samples *out, struct hx_labels labels,
                          const struct hx_histogram *histogram)
{
    if (out->format == HX_FORMAT_PROTOBUF) {
        begin_family(out);
        hx_protobuf_histogram(out, labels, histogram);
    } else {
        write_histogram(out, labels, histogram);
    }
}
