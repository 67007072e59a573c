/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of a redis check on a kept connection: PING in one write, PONG through hiredis' reader.
 * usage: limit_redis PORT N INTERVAL_MS
 */
#include "pace.h"
#include "pace_address.h"

#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct slot {
    int fd;
    bool is_busy;
    redisReader *reader;
};

static const char ping[] = "*1\r\n$4\r\nPING\r\n";
static struct pace pace;
static struct slot *slots;

static void slot_init(struct slot *slot, struct sockaddr_in address)
{
    int on = 1;
    slot->reader = redisReaderCreate();
    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (slot->reader == NULL || slot->fd < 0 ||
        connect(slot->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
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
    if (send(slot->fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(ping) - 1)
        pace_die("send");
}

static void on_event(void *data, uint32_t events)
{
    struct slot *slot = data;
    char bytes[16384];
    void *reply = NULL;
    (void)events;
    ssize_t n = recv(slot->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n <= 0)
        pace_die("recv");
    redisReaderFeed(slot->reader, bytes, (size_t)n);
    if (redisReaderGetReply(slot->reader, &reply) != REDIS_OK || reply == NULL)
        return;
    slot->is_busy = false;
    pace.done++;
    pace.failed += strcmp(((redisReply *)reply)->str, "PONG") != 0;
    freeReplyObject(reply);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    pace_init(&pace, argv[2], argv[3]);
    slots = calloc(pace.n, sizeof(*slots));
    if (slots == NULL)
        return 1;
    for (size_t i = 0; i < pace.n; i++)
        slot_init(&slots[i], pace_address(0, argv[1]));
    pace.on_start = on_start;
    pace.on_event = on_event;
    pace_run(&pace);
    return 0;
}
