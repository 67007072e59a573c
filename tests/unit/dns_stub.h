/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name server on the test's loop. The first label of a name says what it answers:
 *   both      10.0.0.7 and 2001:db8::7       ok, other  10.0.0.7 only
 *   many      12 addresses of each family     ok6        2001:db8::7 only
 *   nx        NXDOMAIN                        empty      no address
 *   broken    SERVFAIL                        refuse     REFUSED
 *   silent    nothing                         garbage    an answer with a wrong id
 *   held      as ok, when dns_stub_release() is called
 *   local     127.0.0.1                       twice     127.0.0.2, then 127.0.0.1
 *   deaf6     as both, but drops AAAA         deaf4     as both, but drops A
 *   late6     as both, AAAA when dns_stub_release() is called
 *   stray6    127.0.0.1, and an IPv6 address that no connection can be made to
 *   half6     no A, and drops AAAA              alias     ok, by a CNAME with a TTL of 5 s
 * and the second: below "nowhere" no name exists; below "four" all have only the A, below "six"
 * only the AAAA.
 */
#ifndef DNS_STUB_H
#define DNS_STUB_H

#include "loop_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define DNS_STUB_MAX_HELD   16
#define DNS_STUB_TYPE_A     1
#define DNS_STUB_TYPE_AAAA  28
#define DNS_STUB_TYPE_CNAME 5
#define DNS_STUB_ALIAS_TTL  5

struct dns_stub_packet {
    struct sockaddr_storage to;
    unsigned char bytes[1024];
    size_t len;
};

struct dns_stub {
    uv_udp_t udp;
    char buffer[1024];
    char servers[32]; /* for the resolver's options */
    size_t n_questions;
    uint32_t ttl;
    struct dns_stub_packet held[DNS_STUB_MAX_HELD];
    size_t n_held;
};

static inline void dns_stub_put(struct dns_stub_packet *packet, const void *bytes, size_t len)
{
    assert_true(packet->len + len <= sizeof packet->bytes);
    memcpy(packet->bytes + packet->len, bytes, len);
    packet->len += len;
}

/* An answer for the name in the question. */
static inline void dns_stub_put_record(struct dns_stub_packet *packet, unsigned type, uint32_t ttl,
                                       const void *data, unsigned char size)
{
    const unsigned char head[] = {0xc0, 0x0c, 0, (unsigned char)type, 0, 1};
    const unsigned char length[] = {0, size};
    uint32_t ttl_bytes = htonl(ttl);
    dns_stub_put(packet, head, sizeof head);
    dns_stub_put(packet, &ttl_bytes, sizeof ttl_bytes);
    dns_stub_put(packet, length, sizeof length);
    dns_stub_put(packet, data, size);
    packet->bytes[7]++; /* the answers */
}

static inline void dns_stub_put_text(struct dns_stub_packet *packet, unsigned type, uint32_t ttl,
                                     const char *text)
{
    unsigned char address[16];
    assert_int_equal(inet_pton(type == DNS_STUB_TYPE_A ? AF_INET : AF_INET6, text, address), 1);
    dns_stub_put_record(packet, type, ttl, address, type == DNS_STUB_TYPE_A ? 4 : 16);
}

static inline void dns_stub_put_many(struct dns_stub_packet *packet, unsigned type, uint32_t ttl)
{
    char text[INET6_ADDRSTRLEN];
    for (unsigned i = 1; i <= 12; i++) {
        snprintf(text, sizeof text, type == DNS_STUB_TYPE_A ? "10.0.0.%u" : "2001:db8::%u", i);
        dns_stub_put_text(packet, type, ttl, text);
    }
}

static inline bool dns_stub_is_one_of(const char *label, const char *const *labels)
{
    while (*labels != NULL && strcmp(label, *labels) != 0) {
        labels++;
    }
    return *labels != NULL;
}

/* Fills in the answers of a packet that so far is the question. */
static inline void dns_stub_answer(const struct dns_stub *stub, struct dns_stub_packet *packet,
                                   const char *label, const char *domain, unsigned type)
{
    static const char *const with_both[] = {"both", "ok6", "deaf6", "deaf4", "late6", NULL};
    static const char *const without_ipv4[] = {"empty", "ok6",    "local", "twice",
                                               "half6", "stray6", NULL};
    bool is_ipv4 = type == DNS_STUB_TYPE_A;
    packet->bytes[2] = 0x81; /* a response, recursion desired */
    packet->bytes[3] = 0x80;
    if (strcmp(label, "alias") == 0) { /* of itself, which is as good as any for the TTL */
        dns_stub_put_record(packet, DNS_STUB_TYPE_CNAME, DNS_STUB_ALIAS_TTL, "\xc0\x0c", 2);
    }
    if (strcmp(domain, is_ipv4 ? "six" : "four") == 0) {
        return;
    }
    if (strcmp(label, "nx") == 0 || strcmp(domain, "nowhere") == 0) {
        packet->bytes[3] |= 3;
    } else if (strcmp(label, "broken") == 0) {
        packet->bytes[3] |= 2;
    } else if (strcmp(label, "refuse") == 0) {
        packet->bytes[3] |= 5;
    } else if (strcmp(label, "many") == 0) {
        dns_stub_put_many(packet, type, stub->ttl);
    } else if (strcmp(label, "stray6") == 0 && !is_ipv4) {
        dns_stub_put_text(packet, type, stub->ttl, "fe80::1"); /* of which link? */
    } else if ((strcmp(label, "local") == 0 || strcmp(label, "stray6") == 0) && is_ipv4) {
        dns_stub_put_text(packet, type, stub->ttl, "127.0.0.1");
    } else if (strcmp(label, "twice") == 0 && is_ipv4) {
        dns_stub_put_text(packet, type, stub->ttl, "127.0.0.2");
        dns_stub_put_text(packet, type, stub->ttl, "127.0.0.1");
    } else if (!is_ipv4 && (dns_stub_is_one_of(label, with_both) || strcmp(domain, "six") == 0)) {
        dns_stub_put_text(packet, type, stub->ttl, "2001:db8::7");
    } else if (is_ipv4 && !dns_stub_is_one_of(label, without_ipv4)) {
        dns_stub_put_text(packet, type, stub->ttl, "10.0.0.7");
    }
    if (strcmp(label, "garbage") == 0) {
        packet->bytes[0] ^= 0x55;
    }
}

static inline void dns_stub_send(struct dns_stub *stub, struct dns_stub_packet *packet)
{
    uv_buf_t buffer = uv_buf_init((char *)packet->bytes, (unsigned)packet->len);
    assert_int_equal(uv_udp_try_send(&stub->udp, &buffer, 1, (const struct sockaddr *)&packet->to),
                     (int)packet->len);
}

static inline void dns_stub_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct dns_stub *stub = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(stub->buffer, sizeof stub->buffer);
}

/* Copies the label at bytes, which its length precedes; gives where the next one is. */
static inline const unsigned char *dns_stub_label(const unsigned char *bytes, char label[64])
{
    memcpy(label, bytes + 1, bytes[0]);
    label[bytes[0]] = '\0';
    return bytes + 1 + bytes[0];
}

static inline bool dns_stub_is_dropped(const char *label, unsigned type)
{
    bool is_ipv4 = type == DNS_STUB_TYPE_A;
    return strcmp(label, "silent") == 0 || (is_ipv4 && strcmp(label, "deaf4") == 0) ||
           (!is_ipv4 && (strcmp(label, "deaf6") == 0 || strcmp(label, "half6") == 0));
}

static inline void dns_stub_on_packet(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer,
                                      const struct sockaddr *from, unsigned flags)
{
    struct dns_stub *stub = udp->data;
    struct dns_stub_packet packet = {0};
    char label[64] = "", domain[64] = "";
    (void)flags;
    if (n < 12 || from == NULL) {
        return;
    }
    const unsigned char *bytes = (const unsigned char *)buffer->base;
    size_t at = 12;
    dns_stub_label(dns_stub_label(bytes + at, label), domain);
    while (bytes[at] != 0) {
        at += bytes[at] + 1U;
    }
    unsigned type = bytes[at + 2];
    dns_stub_put(&packet, bytes, at + 5);
    memset(packet.bytes + 6, 0, 6); /* no records so far */
    memcpy(&packet.to, from, sizeof(struct sockaddr_in));
    stub->n_questions++;
    dns_stub_answer(stub, &packet, label, domain, type);
    bool is_late = strcmp(label, "late6") == 0 && type == DNS_STUB_TYPE_AAAA;
    if (is_late || strcmp(label, "held") == 0) {
        assert_true(stub->n_held < DNS_STUB_MAX_HELD);
        stub->held[stub->n_held++] = packet;
    } else if (!dns_stub_is_dropped(label, type)) {
        dns_stub_send(stub, &packet);
    }
}

static inline void dns_stub_open(struct dns_stub *stub, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int len = sizeof address;
    memset(stub, 0, sizeof *stub);
    stub->ttl = 60;
    uv_udp_init(loop, &stub->udp);
    stub->udp.data = stub;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_udp_bind(&stub->udp, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_udp_getsockname(&stub->udp, (struct sockaddr *)&address, &len), 0);
    snprintf(stub->servers, sizeof stub->servers, "127.0.0.1:%u", ntohs(address.sin_port));
    uv_udp_recv_start(&stub->udp, dns_stub_alloc, dns_stub_on_packet);
}

/* Sends the answers that were held. */
static inline void dns_stub_release(struct dns_stub *stub)
{
    for (size_t i = 0; i < stub->n_held; i++) {
        dns_stub_send(stub, &stub->held[i]);
    }
    stub->n_held = 0;
}

static inline void dns_stub_close(struct dns_stub *stub)
{
    uv_close((uv_handle_t *)&stub->udp, NULL);
}

#endif
