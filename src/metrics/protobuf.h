/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the exposition: a family as a message io.prometheus.client.MetricFamily, with its
 * length in front ("delimited"), and its samples as the Metric messages in it. It is the one format
 * with native histograms.
 *
 * Sources:
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto and
 * https://protobuf.dev/programming-guides/encoding/.
 */
#ifndef HX_METRICS_PROTOBUF_H
#define HX_METRICS_PROTOBUF_H

#include "metrics/samples.h"

/* Name, help, type and unit, with which the message begins. */
void hx_protobuf_begin(struct hx_samples *samples);
/* Puts the length of the message in front of it; it began at start in the buffer. */
void hx_protobuf_end(struct hx_strbuf *out, size_t start);

/* A counter or a gauge, as the family is. */
void hx_protobuf_value(struct hx_samples *samples, struct hx_labels labels, struct hx_labels more,
                       double value);
void hx_protobuf_histogram(struct hx_samples *samples, struct hx_labels labels,
                           const struct hx_histogram *histogram);

#endif
