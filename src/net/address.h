/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses: IPv4, IPv6 and unix, from literals and to text. Never a name. */
#ifndef HX_NET_ADDRESS_H
#define HX_NET_ADDRESS_H

#include "health_exporter/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct hx_address {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } u;
};

/* True when host is an IPv4 or IPv6 literal (no brackets; IPv6 may have a %zone that exists). The
 * inet_aton spellings (0x7f.1, 017700000001) are no literals. */
bool hx_address_parse(const char *host, uint16_t port, struct hx_address *address);

/* A unix socket's path; false when it is too long. */
bool hx_address_unix(const char *path, struct hx_address *address);

/* Changes nothing on a unix socket's address. */
void hx_address_set_port(struct hx_address *address, uint16_t port);

/* The same family, address, zone and port. */
bool hx_address_equal(const struct hx_address *a, const struct hx_address *b);

/* The address alone, as inet_ntop writes it ("10.0.0.7", "2001:db8::1", "/run/x.sock"). */
#define HX_ADDRESS_TEXT_SIZE 128
char *hx_address_host_text(const struct hx_address *address, char text[HX_ADDRESS_TEXT_SIZE]);
/* With its port: "10.0.0.7:6379", "[2001:db8::1]:443", "unix:/run/x.sock". */
char *hx_address_text(const struct hx_address *address, char text[HX_ADDRESS_TEXT_SIZE]);

#endif
