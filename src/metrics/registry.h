/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of health_exporter/metrics.h, as a collector. Families and series are only ever
 * added, behind an atomic count, so that a page is written without the lock.
 */
#ifndef HX_METRICS_REGISTRY_H
#define HX_METRICS_REGISTRY_H

#include "metrics/exposition.h"

/* The registry as a source of families; borrowed. What is added while a page is written may or may
 * not appear in it. */
struct hx_collector hx_registry_collector(const struct hx_registry *registry);

#endif
