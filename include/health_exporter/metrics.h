/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metrics registry: counters, gauges and histograms with atomic values, shown in the Prometheus
 * text format 0.0.4 or OpenMetrics 1.0.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 *
 * Making series takes a lock; counting never does. Series live as long as their registry. Every
 * function may be called from any thread.
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
 * labels: NULL, or name, value, name, value, ..., NULL. Values are any UTF-8; label names must
 * match [a-zA-Z_][a-zA-Z0-9_]* and not begin with "__".
 * A counter's name ends in "_total". NULL and err: a bad name, another type or help than the
 * family has, or out of memory.
 */
HX_API struct hx_counter *hx_registry_counter(struct hx_registry *registry, const char *name,
                                              const char *help, const char *const *labels,
                                              struct hx_error *err);
HX_API struct hx_gauge *hx_registry_gauge(struct hx_registry *registry, const char *name,
                                          const char *help, const char *const *labels,
                                          struct hx_error *err);
/* bounds: n upper bounds, rising, finite; +Inf is added. NULL: .001 to 10 as health checks use. */
HX_API struct hx_histogram *hx_registry_histogram(struct hx_registry *registry, const char *name,
                                                  const char *help, const char *const *labels,
                                                  const double *bounds, size_t n,
                                                  struct hx_error *err);

HX_API void hx_counter_add(struct hx_counter *counter, uint64_t n);
HX_API void hx_gauge_set(struct hx_gauge *gauge, double value);
HX_API void hx_gauge_add(struct hx_gauge *gauge, double delta);
/* A NaN is not counted. */
HX_API void hx_histogram_observe(struct hx_histogram *histogram, double value);

enum hx_format { HX_FORMAT_TEXT, HX_FORMAT_OPENMETRICS };

/* The whole page in the format, NUL-terminated, owned by the caller (free()); its length in *len
 * when len is not NULL. NULL when out of memory. */
HX_API char *hx_registry_expose(struct hx_registry *registry, enum hx_format format, size_t *len);

#endif
