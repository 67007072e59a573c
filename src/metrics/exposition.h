/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exposition: from collectors (who know families and their series) to the text of a scrape, in
 * chunks of bounded size, in any of the formats.
 *
 *     registry ─┐
 *     records  ─┴─ collectors ── page (a cursor: collector, family, member) ── chunk, chunk, ...
 *
 * Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ (text 0.0.4),
 * https://prometheus.io/docs/specs/om/open_metrics_spec/ (OpenMetrics 1.0); protobuf.h.
 */
#ifndef HX_METRICS_EXPOSITION_H
#define HX_METRICS_EXPOSITION_H

#include "base/strbuf.h"
#include "health_exporter/metrics.h"
#include "metrics/histogram.h"
#include "metrics/labels.h"
#include "metrics/number.h"

#include <stdbool.h>

enum hx_family_type { HX_FAMILY_COUNTER, HX_FAMILY_GAUGE, HX_FAMILY_HISTOGRAM };

/* A family's description. A counter's name has its "_total". */
struct hx_family {
    const char *name;
    const char *help;
    enum hx_family_type type;
};

/* Where a collector puts its samples while a family is written; knows format and family. */
struct hx_samples;

/* labels and more: escaped label text without braces, as hx_labels_format() makes it
 * (`dependency="db"`); either may be HX_NO_LABELS. They are joined by a comma. */
void hx_samples_counter(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                        uint64_t value);
/* The same for counters that are not whole numbers (CPU seconds). */
void hx_samples_counter_double(struct hx_samples *out, struct hx_labels labels,
                               struct hx_labels more, double value);
void hx_samples_gauge(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                      double value);
/* The same for what is known in billionths, as durations and timestamps are: exact, and some ten
 * times cheaper than a double that is no short fraction. */
void hx_samples_gauge_nano(struct hx_samples *out, struct hx_labels labels, struct hx_labels more,
                           int64_t nano);
/* The buckets, _sum and _count; OpenMetrics allows the last two only where no bound is negative.
 * Native buckets go into protobuf alone, which is the one format that has them. */
void hx_samples_histogram(struct hx_samples *out, struct hx_labels labels,
                          const struct hx_histogram *histogram);

/* A source of families. Everything it returns must stay as it is while a page is being written,
 * but that families and members may be added at the end. */
struct hx_collector {
    const void *source;
    size_t (*n_families)(const void *source);
    const struct hx_family *(*family)(const void *source, size_t family);
    /* How many members (label sets, dependencies) the family has; those without a sample count. */
    size_t (*n_members)(const void *source, size_t family);
    /* Writes the samples of one member: none, one, or several. */
    void (*collect)(const void *source, size_t family, size_t member, struct hx_samples *out);
};

/* A page being written: first init, then write until it is done; nothing to free. A family none of
 * whose members gives a sample does not appear, its HELP and TYPE neither. The collectors array is
 * borrowed until the end. */
struct hx_page {
    const struct hx_collector *collectors;
    size_t n_collectors;
    enum hx_format format;
    const char *const *names;         /* NULL-terminated: only these families; NULL: all */
    size_t collector, family, member; /* the cursor */
    bool is_header_written;
    bool is_done;
};

/* A family's message is split where it exceeds this: it must be whole before its first byte can be
 * sent, and the families of ten thousand dependencies are larger. Prometheus takes a family in
 * several messages as it takes it in one. */
#define HX_MAX_MESSAGE ((size_t)1024 * 1024)

void hx_page_init(struct hx_page *page, enum hx_format format,
                  const struct hx_collector *collectors, size_t n_collectors);

/* Appends to out until it holds `want` more bytes (the last member may exceed that, in protobuf the
 * last message; want 0 writes nothing) or the page ends (then page->is_done). Ends with "# EOF\n"
 * in OpenMetrics. Out of memory marks out, and the page is lost. The text does not depend on how it
 * is cut. */
void hx_page_write(struct hx_page *page, struct hx_strbuf *out, size_t want);

/* The Content-Type of a format. */
const char *hx_format_content_type(enum hx_format format);

#endif
