/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tcp checks connect to: accepts on 127.0.0.1 and the addresses after it, and closes what the
 * peer has ended. usage: sink PORT
 */
#include "pace.h"
#include "pace_address.h"

#include <sys/socket.h>

#define MAX_ACCEPTS 64

static int epoll_fd;

static void watch(int fd, uint64_t data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        pace_die("epoll_ctl");
}

static int listen_on(size_t index, const char *port)
{
    struct sockaddr_in address = pace_address(index, port);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 65535) != 0)
        pace_die("listen");
    return fd;
}

static void accept_all(int listener)
{
    for (int i = 0; i < MAX_ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        watch(fd, (uint64_t)fd);
    }
}

static void drain(int fd)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n == 0 || (n < 0 && errno != EAGAIN))
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[PACE_N_EVENTS];
    int last_listener = -1;
    if (argc != 2)
        return 2;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    /* Listeners have the lowest descriptors. */
    for (size_t i = 0; i < PACE_N_ADDRESSES; i++) {
        last_listener = listen_on(i, argv[1]);
        watch(last_listener, (uint64_t)last_listener);
    }
    for (;;) {
        int n = epoll_wait(epoll_fd, events, PACE_N_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = (int)events[i].data.u64;
            if (fd <= last_listener)
                accept_all(fd);
            else
                drain(fd);
        }
    }
}
