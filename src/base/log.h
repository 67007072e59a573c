/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines in logfmt or JSON, handed through a bounded ring to one writer thread. Writing a
 * line never waits: when the ring is full (its reader is slow, blocked or gone) the line is dropped
 * and counted, and the next line that gets through says how many were lost.
 *
 * hx_log() may be called from any thread, with a NULL log too.
 */
#ifndef HX_BASE_LOG_H
#define HX_BASE_LOG_H

#include "health_exporter/exporter.h"

#include <stddef.h>
#include <stdint.h>

struct hx_log;

/* "debug", "info" ... and "logfmt", "json": in the order of the enums, NULL-terminated. */
extern const char *const hx_log_levels[];
extern const char *const hx_log_formats[];

enum hx_log_type { HX_LOG_TYPE_STRING, HX_LOG_TYPE_INT, HX_LOG_TYPE_DOUBLE, HX_LOG_TYPE_BOOL };

struct hx_log_field {
    const char *key;
    enum hx_log_type type;
    union {
        const char *string; /* NULL leaves the field out */
        int64_t integer;
        double number; /* printed with up to 6 significant digits */
        bool boolean;
    } value;
};

#define HX_LOG_STR(k, v)    HX_LOG_FIELD(k, STRING, string, v)
#define HX_LOG_INT(k, v)    HX_LOG_FIELD(k, INT, integer, v)
#define HX_LOG_DOUBLE(k, v) HX_LOG_FIELD(k, DOUBLE, number, v)
#define HX_LOG_BOOL(k, v)   HX_LOG_FIELD(k, BOOL, boolean, v)
#define HX_LOG_FIELD(k, t, member, v)                            \
    {                                                            \
        .key = (k), .type = HX_LOG_TYPE_##t, .value.member = (v) \
    }

/* Starts the writer thread over fd (borrowed, may block). NULL: out of memory or no thread. */
struct hx_log *hx_log_new(int fd, enum hx_log_level level, enum hx_log_format format);

/* Writes what is in the ring, waiting 500 ms at most for a blocked reader, and ends the thread.
 * Takes NULL. */
void hx_log_free(struct hx_log *log);

/* Would a line of this level be written? False for a NULL log. */
bool hx_log_enabled(const struct hx_log *log, enum hx_log_level level);

void hx_log_write(struct hx_log *log, enum hx_log_level level, const char *message,
                  const struct hx_log_field *fields, size_t n_fields);

/* hx_log(log, HX_LOG_WARN, "slow check", HX_LOG_STR("dependency", name), ...): at least one field.
 * Line: ts=2026-11-20T22:30:00.000Z level=warn msg="slow check" dependency=db */
#define hx_log(log, level, message, ...)                                                \
    hx_log_write((log), (level), (message), (const struct hx_log_field[]){__VA_ARGS__}, \
                 sizeof((const struct hx_log_field[]){__VA_ARGS__}) / sizeof(struct hx_log_field))

/* Lines dropped since the start. */
uint64_t hx_log_dropped(const struct hx_log *log);

#endif
