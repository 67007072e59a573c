/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that speaks just enough of PostgreSQL's protocol 3.0: it lets everybody in, and answers
 * every simple query as SELECT 1. For paces that a real server cannot take, which forks a process
 * of its own for each connection. usage: canned_postgres PORT
 */
#include "pace.h"
#include "pace_address.h"

#include <sys/socket.h>

#define N_FDS 20000

/* Welcome: AuthenticationOk, server_version, client_encoding, BackendKeyData, ReadyForQuery. */
static const char welcome[] = "R\0\0\0\10\0\0\0\0"
                              "S\0\0\0\26server_version\0"
                              "15\0"
                              "S\0\0\0\31client_encoding\0UTF8\0"
                              "K\0\0\0\14\0\0\0\1\0\0\0\2"
                              "Z\0\0\0\5I";
/* RowDescription of one int4, DataRow "1", CommandComplete, ReadyForQuery. */
static const char answer[] = "T\0\0\0\41\0\1?column?\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
                             "D\0\0\0\13\0\1\0\0\0\1"
                             "1"
                             "C\0\0\0\15SELECT 1\0"
                             "Z\0\0\0\5I";

static int epoll_fd;
static bool is_welcome[N_FDS]; /* by descriptor: has sent its startup packet */

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        pace_die("epoll_ctl");
}

static void accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (fd >= N_FDS) {
        close(fd);
        return;
    }
    is_welcome[fd] = false;
    watch(fd);
}

/* A message comes in one piece: it is short, and its sender waits for the answer. */
static void serve(int fd)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n <= 0 || bytes[0] == 'X') {
        close(fd);
        return;
    }
    const char *reply = is_welcome[fd] ? answer : welcome;
    size_t len = is_welcome[fd] ? sizeof(answer) - 1 : sizeof(welcome) - 1;
    is_welcome[fd] = true;
    if (send(fd, reply, len, MSG_NOSIGNAL) != (ssize_t)len)
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[PACE_N_EVENTS];
    int on = 1;
    if (argc != 2)
        return 2;
    struct sockaddr_in address = pace_address(0, argv[1]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 4096) != 0)
        pace_die("listen");
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(listener);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, PACE_N_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_one(listener);
            else
                serve(events[i].data.fd);
        }
    }
}
