/* SPDX-License-Identifier: Apache-2.0 */
/* Places and deadlines of connections, over socket pairs. */
#include "web/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#define HEAD_NS 1000

static struct hx_peer peer_of(const char *ip)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (void *)&storage;
    struct sockaddr_in6 *six = (void *)&storage;
    if (inet_pton(AF_INET, ip, &four->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, ip, &six->sin6_addr), 1);
        storage.ss_family = AF_INET6;
    }
    return hx_peer_of(&storage);
}

static bool is_same(const char *a, const char *b)
{
    struct hx_peer one = peer_of(a), other = peer_of(b);
    return memcmp(one.key, other.key, sizeof(one.key)) == 0;
}

static void peers_are_told_apart_by_address_or_network(void **state)
{
    (void)state;
    assert_true(is_same("10.0.0.1", "10.0.0.1"));
    assert_false(is_same("10.0.0.1", "10.0.0.2"));
    assert_true(is_same("10.0.0.1", "::ffff:10.0.0.1"));
    assert_true(is_same("2001:db8::1", "2001:db8::ffff:2"));
    assert_false(is_same("2001:db8::1", "2001:db8:0:1::1"));
    struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
    assert_false(hx_peer_of(&unix_peer).is_limited);
    assert_true(peer_of("::1").is_limited);
}

static void add(struct hx_guard *guard, const char *ip)
{
    struct hx_peer peer = peer_of(ip);
    assert_true(hx_guard_admits(guard, &peer));
    assert_non_null(hx_guard_add(guard, -1, &peer, 0));
}

static bool admits(const struct hx_guard *guard, const char *ip)
{
    struct hx_peer peer = peer_of(ip);
    return hx_guard_admits(guard, &peer);
}

static void clear(struct hx_guard *guard)
{
    while (guard->first != NULL)
        hx_guard_remove(guard, guard->first);
    assert_int_equal(guard->n, 0);
}

static void one_peer_has_its_limit(void **state)
{
    (void)state;
    struct hx_guard guard;
    hx_guard_init(&guard, 100, 2, HEAD_NS);
    add(&guard, "10.0.0.1");
    add(&guard, "10.0.0.1");
    assert_false(admits(&guard, "10.0.0.1"));
    assert_true(admits(&guard, "10.0.0.2"));
    hx_guard_remove(&guard, guard.first);
    assert_true(admits(&guard, "10.0.0.1"));
    clear(&guard);
}

static void last_places_are_for_those_who_have_none(void **state)
{
    (void)state;
    struct hx_guard guard;
    hx_guard_init(&guard, 12, 100, HEAD_NS); /* 3 of them in reserve */
    for (int i = 0; i < 9; i++)
        add(&guard, "10.0.0.1");
    assert_false(admits(&guard, "10.0.0.1"));
    add(&guard, "10.0.0.2");
    assert_false(admits(&guard, "10.0.0.2"));
    add(&guard, "10.0.0.3");
    struct hx_peer local = {0};
    assert_true(hx_guard_admits(&guard, &local));
    assert_non_null(hx_guard_add(&guard, -1, &local, 0));
    assert_false(admits(&guard, "10.0.0.4"));
    assert_false(hx_guard_admits(&guard, &local));
    clear(&guard);
}

/* A connection of the guard's over one end of a socket pair, whose other end is *other. */
static struct hx_client *connect_pair(struct hx_guard *guard, int pair[2])
{
    struct hx_peer peer = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    return hx_guard_add(guard, pair[0], &peer, 0);
}

static bool is_shut_down(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

/* How many of these replies are given a place, to as many new clients; ip: NULL is a unix socket.
 */
static unsigned take_places(struct hx_guard *guard, const char *ip, enum hx_sending sending)
{
    struct hx_peer local = {0};
    struct hx_peer peer = ip == NULL ? local : peer_of(ip);
    unsigned n = 0;
    do
        assert_non_null(hx_guard_add(guard, -1, &peer, 0));
    while (hx_guard_take_place(guard, guard->first, sending) && ++n < 100);
    return n;
}

static void one_peer_gets_half_of_the_places_of_a_kind(void **state)
{
    (void)state;
    static const unsigned all[] = {
        [HX_SENDING_METRICS] = 8, [HX_SENDING_DETAILS] = 4, [HX_SENDING_PAGE] = 16};
    struct hx_guard guard;
    hx_guard_init(&guard, 200, 200, HEAD_NS);
    for (unsigned kind = HX_SENDING_METRICS; kind <= HX_SENDING_PAGE; kind++) {
        enum hx_sending sending = (enum hx_sending)kind;
        assert_int_equal(take_places(&guard, "10.0.0.1", sending), all[kind] / 2);
        assert_int_equal(take_places(&guard, "10.0.0.2", sending), all[kind] / 2);
        assert_int_equal(take_places(&guard, "10.0.0.3", sending), 0);
        assert_int_equal(take_places(&guard, NULL, sending), 0);
    }
    clear(&guard);
    assert_int_equal(take_places(&guard, NULL, HX_SENDING_DETAILS), 4);
    clear(&guard);
}

static void place_is_free_with_the_next_request(void **state)
{
    (void)state;
    struct hx_guard guard;
    hx_guard_init(&guard, 200, 200, HEAD_NS);
    assert_int_equal(take_places(&guard, "10.0.0.1", HX_SENDING_DETAILS), 2);
    struct hx_client *refused = guard.first;
    assert_false(hx_guard_take_place(&guard, refused, HX_SENDING_DETAILS));
    hx_guard_enter(&guard, refused->next, HX_STAGE_HEAD, 1);
    assert_true(hx_guard_take_place(&guard, refused, HX_SENDING_DETAILS));
    assert_false(hx_guard_take_place(&guard, refused->next, HX_SENDING_DETAILS));
    clear(&guard);
}

static void deadline_of_the_head_is_absolute(void **state)
{
    (void)state;
    struct hx_guard guard;
    int pair[2];
    hx_guard_init(&guard, 10, 10, HEAD_NS);
    struct hx_client *client = connect_pair(&guard, pair);
    assert_int_equal(hx_guard_sweep(&guard, HEAD_NS - 1), 0);
    hx_guard_enter(&guard, client, HX_STAGE_BODY, HEAD_NS - 1);
    assert_int_equal(hx_guard_sweep(&guard, HEAD_NS - 1), 0);
    assert_false(is_shut_down(pair[1]));
    assert_int_equal(hx_guard_sweep(&guard, HEAD_NS), 1);
    assert_true(is_shut_down(pair[1]));
    assert_int_equal(hx_guard_sweep(&guard, HEAD_NS), 0);
    clear(&guard);
    close(pair[0]);
    close(pair[1]);
}

static void reply_has_a_deadline_and_the_next_head_a_new_one(void **state)
{
    (void)state;
    struct hx_guard guard;
    int pair[2];
    hx_guard_init(&guard, 10, 10, HEAD_NS);
    struct hx_client *client = connect_pair(&guard, pair);
    hx_guard_enter(&guard, client, HX_STAGE_REPLY, 500);
    assert_int_equal(hx_guard_sweep(&guard, 500 + INT64_C(30000000000) - 1), 0);
    client->body = malloc(8);
    client->body_size = 8;
    client->is_seen = true;
    hx_guard_enter(&guard, client, HX_STAGE_HEAD, 600);
    assert_null(client->body);
    assert_int_equal(client->body_size, 0);
    assert_false(client->is_seen);
    assert_int_equal(hx_guard_sweep(&guard, 600 + HEAD_NS - 1), 0);
    assert_int_equal(hx_guard_sweep(&guard, 600 + HEAD_NS), 1);
    clear(&guard);
    close(pair[0]);
    close(pair[1]);
}

/* A pair of connected TCP sockets. */
static void connect_tcp(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[1], (struct sockaddr *)&address, len), 0);
    pair[0] = accept(listener, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listener);
}

static void peer_that_does_not_read_its_reply_is_reset(void **state)
{
    (void)state;
    struct hx_guard guard;
    struct hx_peer peer = {0};
    int pair[2];
    char c;
    hx_guard_init(&guard, 10, 10, HEAD_NS);
    connect_tcp(pair);
    struct hx_client *client = hx_guard_add(&guard, pair[0], &peer, 0);
    hx_guard_enter(&guard, client, HX_STAGE_REPLY, 0);
    assert_int_equal(hx_guard_sweep(&guard, INT64_C(30000000000)), 1);
    clear(&guard);
    close(pair[0]);
    /* The end that shutdown() sent, or the reset already; nothing can be written any more. */
    ssize_t n = recv(pair[1], &c, 1, 0);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    assert_int_equal(send(pair[1], "x", 1, MSG_NOSIGNAL), -1);
    close(pair[1]);
}

static void drain_lets_be_read_what_has_arrived(void **state)
{
    (void)state;
    struct hx_guard guard;
    int pair[2];
    char text[4];
    hx_guard_init(&guard, 10, 10, HEAD_NS);
    connect_pair(&guard, pair);
    assert_int_equal(write(pair[1], "GET", 3), 3);
    hx_guard_drain(&guard);
    assert_int_equal(read(pair[0], text, sizeof(text)), 3);
    assert_int_equal(read(pair[0], text, sizeof(text)), 0);
    assert_int_equal(write(pair[0], "200", 3), 3);
    clear(&guard);
    close(pair[0]);
    close(pair[1]);
}

static void drain_waits_for_the_end_of_a_reply(void **state)
{
    (void)state;
    struct hx_guard guard;
    int pair[2];
    char c;
    hx_guard_init(&guard, 10, 10, HEAD_NS);
    struct hx_client *client = connect_pair(&guard, pair);
    hx_guard_enter(&guard, client, HX_STAGE_REPLY, 0);
    hx_guard_drain(&guard);
    assert_int_equal(read(pair[0], &c, 1), -1);
    assert_int_equal(errno, EAGAIN);
    hx_guard_enter(&guard, client, HX_STAGE_HEAD, 0);
    assert_int_equal(read(pair[0], &c, 1), 0);
    clear(&guard);
    close(pair[0]);
    close(pair[1]);
}

static void what_is_of_this_host_is_known(void **state)
{
    (void)state;
    struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
    assert_true(hx_peer_of(&unix_peer).is_local);
    assert_true(peer_of("127.0.0.1").is_local);
    assert_true(peer_of("127.255.0.1").is_local);
    assert_true(peer_of("::ffff:127.0.0.1").is_local);
    assert_true(peer_of("::1").is_local);
    assert_false(peer_of("128.0.0.1").is_local);
    assert_false(peer_of("::ffff:10.0.0.1").is_local);
    assert_false(peer_of("::2").is_local);
    assert_false(peer_of("fe80::1").is_local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_told_apart_by_address_or_network),
        cmocka_unit_test(one_peer_has_its_limit),
        cmocka_unit_test(last_places_are_for_those_who_have_none),
        cmocka_unit_test(one_peer_gets_half_of_the_places_of_a_kind),
        cmocka_unit_test(place_is_free_with_the_next_request),
        cmocka_unit_test(deadline_of_the_head_is_absolute),
        cmocka_unit_test(reply_has_a_deadline_and_the_next_head_a_new_one),
        cmocka_unit_test(peer_that_does_not_read_its_reply_is_reset),
        cmocka_unit_test(drain_lets_be_read_what_has_arrived),
        cmocka_unit_test(drain_waits_for_the_end_of_a_reply),
        cmocka_unit_test(what_is_of_this_host_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
