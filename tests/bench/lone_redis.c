/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client alone with its server: what a PING takes when nobody measures anything else. One kept
 * connection, blocking, one PING a millisecond. usage: lone_redis PORT N; prints the microseconds
 * of each.
 */
#include "pace.h"
#include "pace_address.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

static const char ping[] = "*1\r\n$4\r\nPING\r\n";

static int connect_to(const char *port)
{
    int on = 1;
    struct sockaddr_in address = pace_address(0, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        pace_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static double ping_us(int fd)
{
    char reply[64];
    int64_t began_ns = pace_now_ns();
    if (send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ping) - 1 ||
        recv(fd, reply, sizeof(reply), 0) <= 0)
        pace_die("PING");
    return (double)(pace_now_ns() - began_ns) / 1000;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int fd = connect_to(argv[1]);
    const struct timespec pause = {.tv_nsec = PACE_NS_PER_MS};
    for (unsigned long n = strtoul(argv[2], NULL, 10); n > 0; n--) {
        nanosleep(&pause, NULL);
        printf("%.1f\n", ping_us(fd));
    }
    close(fd);
    return 0;
}
