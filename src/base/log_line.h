/* SPDX-License-Identifier: Apache-2.0 */
/* How one line of the log is written; for log.c alone. */
#ifndef HX_BASE_LOG_LINE_H
#define HX_BASE_LOG_LINE_H

#include "base/log.h"

#define HX_LOG_LINE_SIZE 1024

struct hx_log_entry {
    enum hx_log_level level;
    int64_t wall_ns;
    const char *message;
    const struct hx_log_field *fields;
    size_t n_fields;
};

/* Writes a whole line with its newline, without a NUL. Texts that are too long end in "...", fields
 * that find no room are left out. Returns the length, HX_LOG_LINE_SIZE at most. */
size_t hx_log_line(char text[HX_LOG_LINE_SIZE], enum hx_log_format format,
                   const struct hx_log_entry *entry);

#endif
