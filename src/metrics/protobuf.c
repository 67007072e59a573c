/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing messages. The length of a message stands in front of it and is known behind it: one byte
 * is left for it, and what follows moves when that is too little. When there is no memory the
 * buffer is marked, and the page is lost.
 */
#include "metrics/protobuf.h"

#include "metrics/naming.h"
#include "metrics/native.h"

#include <assert.h>
#include <string.h>

/* Wire types. */
enum wire { VARINT = 0, FIXED64 = 1, LEN = 2 };

#define MAX_VARINT 10
/* Varints below this are one byte long. */
#define ONE_BYTE 0x80

/* The fields of metrics.proto that are written. */
enum {
    FAMILY_NAME = 1,
    FAMILY_HELP = 2,
    FAMILY_TYPE = 3,
    FAMILY_METRIC = 4,
    FAMILY_UNIT = 5,

    METRIC_LABEL = 1,
    METRIC_GAUGE = 2,
    METRIC_COUNTER = 3,
    METRIC_HISTOGRAM = 7,

    LABEL_NAME = 1,
    LABEL_VALUE = 2,

    VALUE_VALUE = 1, /* of a counter, and of a gauge */

    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 2,
    HISTOGRAM_BUCKET = 3,
    HISTOGRAM_SCHEMA = 5,
    HISTOGRAM_ZERO_THRESHOLD = 6,
    HISTOGRAM_ZERO_COUNT = 7,
    HISTOGRAM_POSITIVE_SPAN = 12,
    HISTOGRAM_POSITIVE_DELTA = 13,

    BUCKET_COUNT = 1,
    BUCKET_BOUND = 2,

    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,
};

/* The numbers of enum MetricType. */
static const uint64_t types[] = {
    [HX_FAMILY_COUNTER] = 0,
    [HX_FAMILY_GAUGE] = 1,
    [HX_FAMILY_HISTOGRAM] = 4,
};

/* ---- the encoding ---- */

static size_t encode_varint(char *p, uint64_t value)
{
    size_t n = 0;
    while (value >= ONE_BYTE) {
        p[n++] = (char)(value | ONE_BYTE);
        value >>= 7;
    }
    p[n++] = (char)value;
    return n;
}

/* A page is millions of parts of a few bytes, for which there is room. The NUL behind the last one
 * comes at the end of the family. */
static inline void append(struct hx_strbuf *out, const void *data, size_t len)
{
    if (out->is_failed || len >= out->size - out->len) {
        hx_strbuf_append(out, data, len);
        return;
    }
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void put_raw(struct hx_strbuf *out, uint64_t value)
{
    char bytes[MAX_VARINT] = {0};
    append(out, bytes, encode_varint(bytes, value));
}

/* The numbers of all fields are so low that this is one byte. */
static char tag(unsigned field, enum wire wire)
{
    assert(field << 3 < ONE_BYTE);
    return (char)(field << 3 | (unsigned)wire);
}

static void put_varint(struct hx_strbuf *out, unsigned field, uint64_t value)
{
    char bytes[1 + MAX_VARINT] = {tag(field, VARINT)};
    append(out, bytes, 1 + encode_varint(bytes + 1, value));
}

/* Signed numbers near zero are short: 0, -1, 1, -2 are 0, 1, 2, 3 (sint32, sint64). */
static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static void put_double(struct hx_strbuf *out, unsigned field, double value)
{
    char bytes[1 + sizeof value] = {tag(field, FIXED64)};
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 0; i < sizeof bits; i++) {
        bytes[1 + i] = (char)(bits >> 8 * i);
    }
    append(out, bytes, sizeof bytes);
}

static void put_bytes(struct hx_strbuf *out, unsigned field, const char *text, size_t len)
{
    char bytes[1 + MAX_VARINT] = {tag(field, LEN)};
    append(out, bytes, 1 + encode_varint(bytes + 1, len));
    append(out, text, len);
}

/* Begins a field that holds a message, or anything else of a length not known yet. */
static size_t open_field(struct hx_strbuf *out, unsigned field)
{
    append(out, (const char[]){tag(field, LEN), 0}, 2);
    return out->len;
}

/* Puts the length of what came since in front of it. The place for a byte of it is before start. */
static void close_field(struct hx_strbuf *out, size_t start)
{
    char bytes[MAX_VARINT];
    size_t len = out->len - start;
    size_t n = encode_varint(bytes, len);
    if (out->is_failed || (n > 1 && !hx_strbuf_reserve(out, n))) {
        return;
    }
    if (n > 1) {
        memmove(out->data + start + n - 1, out->data + start, len);
        out->len += n - 1;
    }
    memcpy(out->data + start - 1, bytes, n);
}

/* ---- a family ---- */

void hx_protobuf_begin(struct hx_samples *samples)
{
    struct hx_strbuf *out = samples->out;
    const struct hx_family *family = samples->family;
    hx_strbuf_putc(out, 0); /* the place of the length */
    put_bytes(out, FAMILY_NAME, family->name, samples->name_len);
    size_t help = open_field(out, FAMILY_HELP);
    hx_help_append(out, family->help, HX_FORMAT_PROTOBUF);
    close_field(out, help);
    put_varint(out, FAMILY_TYPE, types[family->type]);
    const char *unit = hx_family_unit(family);
    if (unit != NULL) {
        put_bytes(out, FAMILY_UNIT, unit, strlen(unit));
    }
}

void hx_protobuf_end(struct hx_strbuf *out, size_t start)
{
    close_field(out, start + 1);
    hx_strbuf_append(out, "", 0); /* the NUL */
}

/* ---- labels ---- */

/* Writes a value up to its closing quote, as it was before it was escaped; gives what is behind
 * the quote. */
static const char *put_value(struct hx_strbuf *out, const char *at)
{
    size_t start = open_field(out, LABEL_VALUE);
    for (;;) {
        size_t len = strcspn(at, "\\\"");
        append(out, at, len);
        at += len;
        if (*at != '\\') {
            break;
        }
        append(out, at[1] == 'n' ? "\n" : at + 1, 1);
        at += 2;
    }
    close_field(out, start);
    assert(*at == '"');
    return at + 1;
}

/* The pairs of a label text, which is as hx_labels_format() makes it. */
static void put_labels(struct hx_strbuf *out, struct hx_labels labels)
{
    const char *at = labels.text, *end = labels.text + labels.len;
    while (labels.len > 0 && at < end) {
        size_t name_len = strcspn(at, "=");
        size_t start = open_field(out, METRIC_LABEL);
        put_bytes(out, LABEL_NAME, at, name_len);
        at = put_value(out, at + name_len + strlen("=\""));
        close_field(out, start);
        at += at < end; /* the comma */
    }
}

/* ---- samples ---- */

void hx_protobuf_value(struct hx_samples *samples, struct hx_labels labels, struct hx_labels more,
                       double value)
{
    struct hx_strbuf *out = samples->out;
    size_t metric = open_field(out, FAMILY_METRIC);
    put_labels(out, labels);
    put_labels(out, more);
    size_t of =
        open_field(out, samples->family->type == HX_FAMILY_COUNTER ? METRIC_COUNTER : METRIC_GAUGE);
    put_double(out, VALUE_VALUE, value);
    close_field(out, of);
    close_field(out, metric);
}

/* The buckets but +Inf, whose count is the whole histogram's; gives that. */
static uint64_t put_classic(struct hx_strbuf *out, const struct hx_histogram *histogram)
{
    uint64_t total = 0;
    for (size_t i = 0; i < histogram->buckets->n; i++) {
        total += atomic_load_explicit(&histogram->cells->counts[i], memory_order_relaxed);
        size_t bucket = open_field(out, HISTOGRAM_BUCKET);
        put_varint(out, BUCKET_COUNT, total);
        put_double(out, BUCKET_BOUND, histogram->buckets->bounds[i]);
        close_field(out, bucket);
    }
    return total + atomic_load_explicit(&histogram->cells->counts[histogram->buckets->n],
                                        memory_order_relaxed);
}

/* A run of buckets. */
struct span {
    int32_t first, n; /* in the view's counts */
};

/* Another span begins behind more empty buckets than this; fewer are cheaper written than left out
 * (client_golang, makeBuckets). */
#define MAX_GAP   2
#define MAX_SPANS (HX_NATIVE_BUCKETS / (MAX_GAP + 2) + 1)

static size_t find_spans(const struct hx_native_view *view, struct span spans[MAX_SPANS])
{
    size_t n = 0;
    for (int32_t i = 0; i < HX_NATIVE_BUCKETS; i++) {
        if (view->counts[i] == 0) {
            continue;
        }
        struct span *last = n > 0 ? &spans[n - 1] : NULL;
        if (last != NULL && i - (last->first + last->n) <= MAX_GAP) {
            last->n = i + 1 - last->first;
        } else {
            spans[n++] = (struct span){i, 1};
        }
    }
    return n;
}

/* The first offset is an index, the others are counted from the end of the span before. */
static void put_spans(struct hx_strbuf *out, const struct hx_native_view *view,
                      const struct span *spans, size_t n)
{
    int32_t behind = -view->first;
    for (size_t i = 0; i < n; i++) {
        size_t span = open_field(out, HISTOGRAM_POSITIVE_SPAN);
        put_varint(out, SPAN_OFFSET, zigzag(spans[i].first - behind));
        put_varint(out, SPAN_LENGTH, (uint64_t)spans[i].n);
        close_field(out, span);
        behind = spans[i].first + spans[i].n;
    }
}

/* Each count is written as its difference from the one before; packed into one field. */
static void put_deltas(struct hx_strbuf *out, const struct hx_native_view *view,
                       const struct span *spans, size_t n)
{
    uint64_t before = 0;
    size_t start = open_field(out, HISTOGRAM_POSITIVE_DELTA);
    for (size_t i = 0; i < n; i++) {
        for (int32_t at = spans[i].first; at < spans[i].first + spans[i].n; at++) {
            put_raw(out, zigzag((int64_t)(view->counts[at] - before)));
            before = view->counts[at];
        }
    }
    close_field(out, start);
}

static void put_native(struct hx_strbuf *out, const struct hx_native_view *view)
{
    struct span spans[MAX_SPANS];
    size_t n = find_spans(view, spans);
    put_varint(out, HISTOGRAM_SCHEMA, zigzag(view->schema));
    put_double(out, HISTOGRAM_ZERO_THRESHOLD, HX_NATIVE_ZERO_THRESHOLD);
    put_varint(out, HISTOGRAM_ZERO_COUNT, view->zero);
    if (n > 0) {
        put_spans(out, view, spans, n);
        put_deltas(out, view, spans, n);
    }
}

static void put_histogram(struct hx_strbuf *out, const struct hx_histogram *histogram)
{
    uint64_t total = put_classic(out, histogram);
    put_varint(out, HISTOGRAM_COUNT, total);
    put_double(out, HISTOGRAM_SUM, hx_cells_sum(histogram->cells, histogram->buckets));
    if (histogram->native != NULL) {
        struct hx_native_view view;
        hx_native_read(histogram->native, &view);
        put_native(out, &view);
    }
}

void hx_protobuf_histogram(struct hx_samples *samples, struct hx_labels labels,
                           const struct hx_histogram *histogram)
{
    struct hx_strbuf *out = samples->out;
    const struct hx_native *native = histogram->native;
    size_t metric = open_field(out, FAMILY_METRIC);
    put_labels(out, labels);
    size_t of = open_field(out, METRIC_HISTOGRAM);
    uint64_t sequence = 0;
    do {
        if (!out->is_failed) {
            out->len = of;
        }
        sequence = native != NULL ? hx_native_begin(native) : 0;
        put_histogram(out, histogram);
    } while (native != NULL && !hx_native_end(native, sequence));
    close_field(out, of);
    close_field(out, metric);
}
