/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses from literals and to text, by inet_pton and inet_ntop alone: no name and no
 * legacy spelling is ever taken for an address. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest IPv6 text, its zone, and the NUL. */
#define HOST_TEXT_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE + 1)

static bool parse_ipv4(const char *host, struct hx_address *address)
{
    struct sockaddr_in *in = &address->u.in;
    if (inet_pton(AF_INET, host, &in->sin_addr) != 1) {
        return false;
    }
    in->sin_family = AF_INET;
    address->len = sizeof *in;
    return true;
}

/* An interface's name or its number; 0 when there is none such. */
static uint32_t zone_index(const char *zone)
{
    uint32_t index = if_nametoindex(zone);
    if (index != 0) {
        return index;
    }
    char *end = NULL;
    char name[IF_NAMESIZE];
    unsigned long number = strtoul(zone, &end, 10);
    bool is_number = zone[0] >= '1' && zone[0] <= '9' && *end == '\0' && number <= UINT32_MAX;
    return is_number && if_indextoname((unsigned)number, name) != NULL ? (uint32_t)number : 0;
}

static bool parse_ipv6(const char *host, struct hx_address *address)
{
    char literal[INET6_ADDRSTRLEN];
    struct sockaddr_in6 *in6 = &address->u.in6;
    size_t len = strcspn(host, "%");
    if (len >= sizeof literal) {
        return false;
    }
    memcpy(literal, host, len);
    literal[len] = '\0';
    if (inet_pton(AF_INET6, literal, &in6->sin6_addr) != 1) {
        return false;
    }
    if (host[len] == '%') {
        in6->sin6_scope_id = zone_index(host + len + 1);
        if (in6->sin6_scope_id == 0) {
            return false;
        }
    }
    in6->sin6_family = AF_INET6;
    address->len = sizeof *in6;
    return true;
}

bool hx_address_parse(const char *host, uint16_t port, struct hx_address *address)
{
    *address = (struct hx_address){0};
    if (!parse_ipv4(host, address) && !parse_ipv6(host, address)) {
        return false;
    }
    hx_address_set_port(address, port);
    return true;
}

bool hx_address_unix(const char *path, struct hx_address *address)
{
    size_t len = strlen(path);
    *address = (struct hx_address){0};
    if (len == 0 || len >= sizeof address->u.un.sun_path) {
        return false;
    }
    address->u.un.sun_family = AF_UNIX;
    memcpy(address->u.un.sun_path, path, len + 1);
    address->len = sizeof address->u.un;
    return true;
}

void hx_address_set_port(struct hx_address *address, uint16_t port)
{
    if (address->u.sa.sa_family == AF_INET) {
        address->u.in.sin_port = htons(port);
    } else if (address->u.sa.sa_family == AF_INET6) {
        address->u.in6.sin6_port = htons(port);
    }
}

bool hx_address_equal(const struct hx_address *a, const struct hx_address *b)
{
    if (a->u.sa.sa_family != b->u.sa.sa_family) {
        return false;
    }
    switch (a->u.sa.sa_family) {
    case AF_INET:
        return a->u.in.sin_port == b->u.in.sin_port &&
               a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
    case AF_INET6:
        return a->u.in6.sin6_port == b->u.in6.sin6_port &&
               a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
               memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, sizeof a->u.in6.sin6_addr) == 0;
    case AF_UNIX:
        return strcmp(a->u.un.sun_path, b->u.un.sun_path) == 0;
    default:
        return false;
    }
}

/* Appends the zone of a link-local address, by name while the interface is there. */
static void append_zone(const struct sockaddr_in6 *in6, char *text, size_t size)
{
    char name[IF_NAMESIZE];
    size_t len = strlen(text);
    if (in6->sin6_scope_id == 0) {
        return;
    }
    if (if_indextoname(in6->sin6_scope_id, name) != NULL) {
        snprintf(text + len, size - len, "%%%s", name);
    } else {
        snprintf(text + len, size - len, "%%%u", in6->sin6_scope_id);
    }
}

char *hx_address_host_text(const struct hx_address *address, char text[HX_ADDRESS_TEXT_SIZE])
{
    text[0] = '\0';
    switch (address->u.sa.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->u.in.sin_addr, text, HX_ADDRESS_TEXT_SIZE);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->u.in6.sin6_addr, text, HX_ADDRESS_TEXT_SIZE);
        append_zone(&address->u.in6, text, HX_ADDRESS_TEXT_SIZE);
        break;
    case AF_UNIX:
        snprintf(text, HX_ADDRESS_TEXT_SIZE, "%s", address->u.un.sun_path);
        break;
    default:
        break;
    }
    return text;
}

char *hx_address_text(const struct hx_address *address, char text[HX_ADDRESS_TEXT_SIZE])
{
    char host[HX_ADDRESS_TEXT_SIZE];
    hx_address_host_text(address, host);
    switch (address->u.sa.sa_family) {
    case AF_INET:
        snprintf(text, HX_ADDRESS_TEXT_SIZE, "%.*s:%u", HOST_TEXT_SIZE, host,
                 ntohs(address->u.in.sin_port));
        break;
    case AF_INET6:
        snprintf(text, HX_ADDRESS_TEXT_SIZE, "[%.*s]:%u", HOST_TEXT_SIZE, host,
                 ntohs(address->u.in6.sin6_port));
        break;
    default:
        snprintf(text, HX_ADDRESS_TEXT_SIZE, "unix:%.*s", (int)sizeof address->u.un.sun_path, host);
        break;
    }
    return text;
}
