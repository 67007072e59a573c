/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of a tcp check: connect, look whether it worked, reset; "unseen" before the peer's
 * application hears of it, without QUICKACK. Bare epoll, nothing kept.
 * usage: limit_tcp PORT N INTERVAL_MS unseen|reset
 */
#include "pace.h"
#include "pace_address.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

struct slot {
    int fd; /* -1: idle */
    struct sockaddr_in address;
};

static struct pace pace;
static struct slot *slots;
static bool is_unseen;

static void end(struct slot *slot, bool is_good)
{
    struct linger reset = {.l_onoff = 1};
    setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(slot->fd);
    slot->fd = -1;
    pace.done++;
    pace.failed += !is_good;
}

static void on_start(size_t index)
{
    struct slot *slot = &slots[index];
    if (slot->fd >= 0) {
        pace.busy++;
        return;
    }
    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (slot->fd < 0)
        pace_die("socket");
    int off = 0;
    if (is_unseen && setsockopt(slot->fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off)) != 0)
        pace_die("TCP_QUICKACK");
    const struct sockaddr *to = (const struct sockaddr *)&slot->address;
    if (connect(slot->fd, to, sizeof(slot->address)) != 0 && errno != EINPROGRESS) {
        end(slot, false);
        return;
    }
    pace_watch(&pace, EPOLL_CTL_ADD, slot->fd, EPOLLOUT, slot);
}

static void on_event(void *data, uint32_t events)
{
    struct slot *slot = data;
    int error = 0;
    socklen_t len = sizeof(error);
    (void)events;
    getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    end(slot, error == 0);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    is_unseen = strcmp(argv[4], "unseen") == 0;
    pace_init(&pace, argv[2], argv[3]);
    slots = calloc(pace.n, sizeof(*slots));
    if (slots == NULL)
        return 1;
    for (size_t i = 0; i < pace.n; i++)
        slots[i] = (struct slot){.fd = -1, .address = pace_address(i, argv[1])};
    pace.on_start = on_start;
    pace.on_event = on_event;
    pace_run(&pace);
    free(slots);
    return 0;
}
