/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's tcp_info has the count since Linux 4.1; libc's copy of it, which uv.h includes, has
 * not: that is why this is a file of its own. */
#include "kinds/flood.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* What PostgreSQL's output buffer holds. */
#define BYTES_PER_READ 8192

/* The kernel doubles it. Much less, and on loopback each segment waits for a delayed
 * acknowledgement. */
#define RECEIVE_BUFFER 32768

static int64_t bytes_received(const struct hx_flood *flood, int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return flood->n_reads * BYTES_PER_READ;
    }
    return (int64_t)info.tcpi_bytes_received;
}

void hx_flood_narrow(int fd)
{
    int size = RECEIVE_BUFFER;

    /* Where it cannot be had, the count of bytes still ends the check. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &size, sizeof(size));
}

void hx_flood_begin(struct hx_flood *flood)
{
    *flood = (struct hx_flood){.received_before = -1};
}

bool hx_flood_is_over(struct hx_flood *flood, int fd, int64_t max_bytes)
{
    flood->n_reads++;
    int64_t received = bytes_received(flood, fd);

    if (flood->received_before < 0) {
        flood->received_before = received;
    }
    return received - flood->received_before > max_bytes;
}
