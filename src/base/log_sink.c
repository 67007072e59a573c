/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing without being stuck to a descriptor that may block, and whose flags are not ours to
 * change (standard error is shared with the shell, the parent, other processes).
 *
 * - A socket (journald) takes MSG_DONTWAIT.
 * - A pipe or a terminal is opened once more through /proc, which makes a description of its own
 *   with O_NONBLOCK.
 * - Where that cannot be (no /proc, a pipe of another user), poll() comes before each write, and a
 *   pipe that is writable takes 4096 bytes without waiting.
 * - A regular file does not wait for anybody.
 */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Breaks a loop of a poll that says "writable" and a write that says "not now". */
#define PAUSE_MS 10

static int reopen(int fd)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void hx_log_sink_init(struct hx_log_sink *sink, int fd)
{
    struct stat about;
    *sink = (struct hx_log_sink){.fd = fd};
    if (fstat(fd, &about) != 0) {
        return;
    }
    sink->is_socket = S_ISSOCK(about.st_mode);
    if (S_ISFIFO(about.st_mode) || isatty(fd)) {
        int own = reopen(fd);
        sink->is_owned = own >= 0;
        sink->fd = own >= 0 ? own : fd;
    }
}

void hx_log_sink_fini(struct hx_log_sink *sink)
{
    if (sink->is_owned) {
        (void)close(sink->fd);
    }
    sink->fd = -1;
    sink->is_owned = false;
}

ssize_t hx_log_sink_write(const struct hx_log_sink *sink, const char *bytes, size_t len,
                          int timeout_ms)
{
    struct pollfd pollfd = {.fd = sink->fd, .events = POLLOUT};
    int n_ready = poll(&pollfd, 1, timeout_ms);
    if (n_ready <= 0) {
        return n_ready == 0 || errno == EINTR ? 0 : -1;
    }
    size_t chunk = len < HX_LOG_SINK_CHUNK ? len : HX_LOG_SINK_CHUNK;
    ssize_t n = sink->is_socket ? send(sink->fd, bytes, chunk, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : write(sink->fd, bytes, chunk);
    if (n >= 0) {
        return n;
    }
    if (errno == EAGAIN) {
        (void)poll(NULL, 0, PAUSE_MS);
        return 0;
    }
    return errno == EINTR ? 0 : -1;
}
