/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that somebody else opened, written to without ever being stuck; for log.c alone. */
#ifndef HX_BASE_LOG_SINK_H
#define HX_BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a pipe takes in one piece, and the most that is written at once. */
#define HX_LOG_SINK_CHUNK 4096

struct hx_log_sink {
    int fd;
    bool is_owned; /* a description of our own of the same pipe or terminal */
    bool is_socket;
};

/* fd is borrowed, and its flags are left alone: they are shared with other processes. */
void hx_log_sink_init(struct hx_log_sink *sink, int fd);
void hx_log_sink_fini(struct hx_log_sink *sink);

/* Waits up to timeout_ms for room and writes up to len bytes (HX_LOG_SINK_CHUNK at most). Returns
 * how many went; 0: none yet; -1: the reader is gone. */
ssize_t hx_log_sink_write(const struct hx_log_sink *sink, const char *bytes, size_t len,
                          int timeout_ms);

#endif
