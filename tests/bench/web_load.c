/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A steady load on the web side: N kept connections, each asks once an interval.
 * usage: web_load PORT N INTERVAL_MS PATH
 */
#include "pace.h"
#include "pace_address.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

struct slot {
    int fd;
    bool is_busy;
};

static struct pace pace;
static struct slot *slots;
static char request[256];

static void slot_init(struct slot *slot, const char *port)
{
    int on = 1;
    struct sockaddr_in address = pace_address(0, port);
    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (slot->fd < 0 || connect(slot->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        pace_die("connect");
    setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pace_watch(&pace, EPOLL_CTL_ADD, slot->fd, EPOLLIN, slot);
}

static void on_start(size_t index)
{
    struct slot *slot = &slots[index];
    if (slot->is_busy) {
        pace.busy++;
        return;
    }
    slot->is_busy = true;
    if (send(slot->fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        pace_die("send");
}

/* A reply is small and comes in one piece. */
static void on_event(void *data, uint32_t events)
{
    struct slot *slot = data;
    char reply[16384];
    (void)events;
    ssize_t n = recv(slot->fd, reply, sizeof(reply), MSG_DONTWAIT);
    if (n <= 0)
        pace_die("recv");
    slot->is_busy = false;
    pace.done++;
    pace.failed += n < 12 || memcmp(reply, "HTTP/1.1 200", 12) != 0;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[4]);
    pace = (struct pace){.on_start = on_start, .on_event = on_event};
    pace_init(&pace, argv[2], argv[3]);
    slots = calloc(pace.n, sizeof(*slots));
    if (slots == NULL)
        pace_die("memory");
    for (size_t i = 0; i < pace.n; i++)
        slot_init(&slots[i], argv[1]);
    pace_run(&pace);
    free(slots);
    return 0;
}
