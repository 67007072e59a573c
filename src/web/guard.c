/* SPDX-License-Identifier: Apache-2.0 */
/* The table of connections: a list, because a few hundred are looked through faster than hashed. */
#include "web/guard.h"

#include "base/clock.h"
#include "web/rules.h"

#include <stdlib.h>
#include <string.h>

/* The deadline of a reply, however slowly it is read. */
#define REPLY_NS (30 * HX_NS_PER_S)
/* Places that one crowd of clients cannot take from all others. */
#define RESERVE 8

/* How many replies there may be at once. */
static const unsigned n_places[] = {
    [HX_SENDING_METRICS] = 8, [HX_SENDING_DETAILS] = 4, [HX_SENDING_PAGE] = 16};

static struct hx_peer peer_of_four(const uint8_t address[4])
{
    struct hx_peer peer = {.is_limited = true, .is_local = address[0] == IN_LOOPBACKNET};
    peer.key[0] = 4;
    memcpy(peer.key + 1, address, 4);
    memset(peer.address + 10, 0xff, 2);
    memcpy(peer.address + 12, address, 4);
    return peer;
}

struct hx_peer hx_peer_of(const struct sockaddr_storage *address)
{
    struct hx_peer peer = {.is_local = true};
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;
    if (address->ss_family == AF_INET)
        return peer_of_four((const uint8_t *)&four->sin_addr);
    if (address->ss_family != AF_INET6)
        return peer;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return peer_of_four(six->sin6_addr.s6_addr + 12);
    peer.is_limited = true;
    peer.is_local = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    peer.key[0] = 6;
    memcpy(peer.key + 1, six->sin6_addr.s6_addr, 8);
    memcpy(peer.address, six->sin6_addr.s6_addr, sizeof(peer.address));
    return peer;
}

void hx_guard_init(struct hx_guard *guard, unsigned max, unsigned max_per_peer, int64_t head_ns)
{
    *guard = (struct hx_guard){.max = max,
                               .max_per_peer = max_per_peer,
                               .reserve = max / 4 < RESERVE ? max / 4 : RESERVE,
                               .head_ns = head_ns,
                               .reply_ns = REPLY_NS};
}

/* Do they share limits? */
static bool is_same(const struct hx_peer *a, const struct hx_peer *b)
{
    return a->is_limited && b->is_limited && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

bool hx_guard_admits(const struct hx_guard *guard, const struct hx_peer *peer)
{
    if (guard->n >= guard->max)
        return false;
    if (!peer->is_limited)
        return true;
    unsigned n_same = 0;
    for (const struct hx_client *c = guard->first; c != NULL; c = c->next)
        n_same += is_same(&c->peer, peer);
    return n_same == 0 || (n_same < guard->max_per_peer && guard->n + guard->reserve < guard->max);
}

struct hx_client *hx_guard_add(struct hx_guard *guard, int fd, const struct hx_peer *peer,
                               int64_t now_ns)
{
    struct hx_client *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->fd = fd;
    connection->peer = *peer;
    connection->next = guard->first;
    if (guard->first != NULL)
        guard->first->previous = connection;
    guard->first = connection;
    guard->n++;
    hx_guard_enter(guard, connection, HX_STAGE_HEAD, now_ns);
    return connection;
}

void hx_guard_remove(struct hx_guard *guard, struct hx_client *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        guard->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    guard->n--;
    hx_rules_unref(connection->rules);
    free(connection->body);
    free(connection);
}

void hx_guard_enter(const struct hx_guard *guard, struct hx_client *connection, enum hx_stage stage,
                    int64_t now_ns)
{
    connection->stage = stage;
    switch (stage) {
    case HX_STAGE_HEAD:
        connection->deadline_ns = now_ns + guard->head_ns;
        connection->fault = NULL;
        connection->is_seen = connection->is_admitted = false;
        connection->sending = HX_SENDING_LITTLE;
        free(connection->body);
        connection->body = NULL;
        connection->body_size = connection->body_len = 0;
        if (guard->is_draining)
            shutdown(connection->fd, SHUT_RD);
        break;
    case HX_STAGE_BODY:
        break;
    case HX_STAGE_REPLY:
        connection->deadline_ns = now_ns + guard->reply_ns;
        break;
    }
}

bool hx_guard_take_place(const struct hx_guard *guard, struct hx_client *client,
                         enum hx_sending sending)
{
    unsigned n = 0;
    unsigned n_same = 0;
    for (const struct hx_client *c = guard->first; c != NULL; c = c->next) {
        n += c->sending == sending;
        n_same += c->sending == sending && is_same(&c->peer, &client->peer);
    }
    if (n >= n_places[sending] || n_same >= n_places[sending] / 2)
        return false;
    client->sending = sending;
    return true;
}

/* A peer that does not read its reply must not keep it in the kernel's memory either: with a reset
 * instead of an orderly end, what was not sent is dropped. */
static void cut(const struct hx_client *client)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (client->stage == HX_STAGE_REPLY)
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    shutdown(client->fd, SHUT_RDWR);
}

unsigned hx_guard_sweep(struct hx_guard *guard, int64_t now_ns)
{
    unsigned n = 0;
    for (struct hx_client *c = guard->first; c != NULL; c = c->next) {
        if (now_ns < c->deadline_ns)
            continue;
        cut(c);
        c->deadline_ns = INT64_MAX;
        n++;
    }
    return n;
}

void hx_guard_drain(struct hx_guard *guard)
{
    guard->is_draining = true;
    for (struct hx_client *c = guard->first; c != NULL; c = c->next) {
        if (c->stage == HX_STAGE_HEAD)
            shutdown(c->fd, SHUT_RD);
    }
}
