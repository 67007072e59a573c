/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metrics registry: counters, gauges and histograms with atomic values, shown in the Prometheus
 * text format 0.0.4, OpenMetrics 1.0 or Prometheus' protobuf.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 *
 * Making series takes a lock; counting never does, so a service makes its series once and keeps
 * the pointers. Series live as long as their registry. Every function may be called from any
 * thread, hx_registry_free() only when nothing uses the registry any more.
 *
 *     struct hx_error err;
 *     struct hx_registry *registry = hx_registry_new();
 *     const char *labels[] = {"queue", "mail", NULL};
 *     struct hx_counter *sent =
 *         hx_registry_counter(registry, "jobs_done_total", "Jobs that ended.", labels, &err);
 *     struct hx_histogram *seconds = hx_registry_histogram(
 *         registry, "job_duration_seconds", "How long jobs took.", labels, NULL, 0, &err);
 *     if (sent == NULL || seconds == NULL) {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     ...
 *     hx_counter_add(sent, 1);
 *     hx_histogram_observe(seconds, 0.25);
 *     ...
 *     char *page = hx_registry_expose(registry, HX_FORMAT_TEXT, NULL);
 *     free(page);
 *     hx_registry_free(registry);
 */
#ifndef HEALTH_EXPORTER_METRICS_H
#define HEALTH_EXPORTER_METRICS_H

#include "health_exporter/error.h"

#include <stddef.h>
#include <stdint.h>

struct hx_registry;
struct hx_counter;
struct hx_gauge;
struct hx_histogram;

/* An empty registry; NULL when out of memory. Free takes NULL, and ends all its series. */
HX_API struct hx_registry *hx_registry_new(void);
HX_API void hx_registry_free(struct hx_registry *registry);

/*
 * The series of the family `name` with these labels, made at 0 if it is not there yet.
 * Names match [a-zA-Z_][a-zA-Z0-9_]*. A counter's ends in "_total"; but for that, none ends in
 * "_total", "_bucket", "_sum", "_count" or "_created". help is one sentence. Both are copied.
 * labels: NULL, or name, value, name, value, ..., NULL, in any order. A label name is made as names
 * are, does not begin with "__", and is not "le" in a histogram. Values are any UTF-8; what is not
 * UTF-8 becomes U+FFFD.
 * NULL and err: something of this is wrong (HX_ERR_INVALID), the family is there with another type,
 * help or bounds (HX_ERR_EXISTS), or out of memory.
 */
HX_API struct hx_counter *hx_registry_counter(struct hx_registry *registry, const char *name,
                                              const char *help, const char *const *labels,
                                              struct hx_error *err);
HX_API struct hx_gauge *hx_registry_gauge(struct hx_registry *registry, const char *name,
                                          const char *help, const char *const *labels,
                                          struct hx_error *err);
/* bounds: n upper bounds, rising, finite, copied; +Inf is added. NULL (n does not matter): .001 to
 * 10, for durations in seconds; then the sum is kept in whole nanoseconds and ends at +-9.2e9. */
HX_API struct hx_histogram *hx_registry_histogram(struct hx_registry *registry, const char *name,
                                                  const char *help, const char *const *labels,
                                                  const double *bounds, size_t n,
                                                  struct hx_error *err);

HX_API void hx_counter_add(struct hx_counter *counter, uint64_t n);
HX_API void hx_gauge_set(struct hx_gauge *gauge, double value);
HX_API void hx_gauge_add(struct hx_gauge *gauge, double delta);
/* A NaN is not counted. */
HX_API void hx_histogram_observe(struct hx_histogram *histogram, double value);

/* HX_FORMAT_PROTOBUF: messages io.prometheus.client.MetricFamily, each with its length in front. It
 * is binary: its length counts, not a NUL. */
enum hx_format { HX_FORMAT_TEXT, HX_FORMAT_OPENMETRICS, HX_FORMAT_PROTOBUF };

/* The whole page in the format, NUL-terminated, owned by the caller (free()); its length in *len
 * when len is not NULL. NULL when out of memory. */
HX_API char *hx_registry_expose(struct hx_registry *registry, enum hx_format format, size_t *len);

#endif
