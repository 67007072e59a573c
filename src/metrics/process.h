/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process_* families that Prometheus' client libraries agree on, read from /proc/self when the
 * page is written: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 */
#ifndef HX_METRICS_PROCESS_H
#define HX_METRICS_PROCESS_H

#include "metrics/exposition.h"

/* What was read at one moment. A value that could not be read is NaN and gives no sample. */
struct hx_process {
    double cpu_seconds, open_fds, max_fds, virtual_memory_bytes, virtual_memory_max_bytes,
        resident_memory_bytes, heap_bytes, start_time_seconds, threads;
};

/* Reads /proc/self now (some 50 us). Any thread. */
void hx_process_read(struct hx_process *process);

/* The families over one reading; borrowed. */
struct hx_collector hx_process_collector(const struct hx_process *process);

#endif
