/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong in a configuration file, collected while it is read and written down at the end: in
 * the file's order whatever the order of discovery, and no more of it than people read.
 */
#ifndef HX_CONFIG_FINDINGS_H
#define HX_CONFIG_FINDINGS_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the file, [start, end). Both SIZE_MAX: the file as a whole. */
struct hx_span {
    size_t start;
    size_t end;
};
#define HX_SPAN_FILE ((struct hx_span){SIZE_MAX, SIZE_MAX})

#define HX_FINDINGS_MAX 50

struct hx_finding {
    struct hx_span span;
    char *message;
};

struct hx_findings {
    struct hx_finding items[HX_FINDINGS_MAX]; /* the first ones of the file, sorted */
    size_t n_items;
    size_t n_errors; /* those that were left out too */
    bool is_out_of_memory;
};

void hx_findings_init(struct hx_findings *findings);
void hx_findings_fini(struct hx_findings *findings);

/* Is an error there among those that would be shown? Spares the search for a suggestion. */
bool hx_findings_wants(const struct hx_findings *findings, struct hx_span span);

/* Adds an error; the message is cleared of control characters. */
void hx_findings_add(struct hx_findings *findings, struct hx_span span, const char *format, ...)
    HX_PRINTF(3, 4);

/* Could the text be a URL with a password in it, or hold the default of a variable that is one?
 * Then it is better not shown. */
bool hx_looks_private(const char *text);

#endif
