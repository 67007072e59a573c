/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares' statuses and results as answers. The reasons are those of getaddrinfo everywhere: what
 * the name servers say, or that none can be reached, is dns; that they are silent is a timeout;
 * what this process lacks (memory, descriptors) is internal.
 */
#include "net/resolver_answer.h"

#include "net/dns_question.h"

#include <ares.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void hx_resolver_answer_fail(struct hx_resolver_answer *answer, enum hx_reason reason,
                             const char *format, ...)
{
    va_list args;
    answer->n = 0;
    answer->reason = reason;
    va_start(args, format);
    vsnprintf(answer->message, sizeof answer->message, format, args);
    va_end(args);
}

/* c-ares 1.18 says "connection refused" of servers that are not there and of those that answer
 * SERVFAIL or REFUSED, and also when it could not open a socket at all; it keeps no errno. Whether
 * descriptors ran out is found by asking for one. */
static void no_server_served(struct hx_resolver_answer *answer, const char *name)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 && hx_reason_from_errno(errno) == HX_REASON_INTERNAL) {
        hx_resolver_answer_fail(answer, HX_REASON_INTERNAL,
                                "no socket for a DNS query for \"%s\": error %d", name, errno);
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
    hx_resolver_answer_fail(answer, HX_REASON_DNS, "no usable answer from a name server for \"%s\"",
                            name);
}

static void fail_by_status(struct hx_resolver_answer *answer, const char *name, int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
        hx_resolver_answer_fail(answer, HX_REASON_DNS, "no such host \"%s\"", name);
        break;
    case ARES_SUCCESS:
    case ARES_ENODATA:
        hx_resolver_answer_fail(answer, HX_REASON_DNS, "no address for \"%s\"", name);
        break;
    case ARES_ESERVFAIL:
        hx_resolver_answer_fail(answer, HX_REASON_DNS, "name server failure for \"%s\"", name);
        break;
    case ARES_EREFUSED:
        hx_resolver_answer_fail(answer, HX_REASON_DNS, "name server refused the query for \"%s\"",
                                name);
        break;
    case ARES_ECONNREFUSED:
        no_server_served(answer, name);
        break;
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: /* it was silent until its channel was closed */
        hx_resolver_answer_fail(answer, HX_REASON_TIMEOUT,
                                "no answer from a name server for \"%s\"", name);
        break;
    case ARES_ENOMEM:
    case ARES_EFILE:
        hx_resolver_answer_fail(answer, HX_REASON_INTERNAL, "lookup of \"%s\": %s", name,
                                status == ARES_ENOMEM ? "out of memory" : "cannot read a file");
        break;
    default:
        hx_resolver_answer_fail(answer, HX_REASON_DNS, "lookup of \"%s\": %s", name,
                                ares_strerror(status));
        break;
    }
}

/* The first of the nodes, from node on, that is an address of the family; NULL: none. */
static const struct ares_addrinfo_node *of_family(const struct ares_addrinfo_node *node, int family)
{
    while (node != NULL && node->ai_family != family) {
        node = node->ai_next;
    }
    return node;
}

static const struct ares_addrinfo_node *first_of(const struct ares_addrinfo *result, int family)
{
    return result != NULL ? of_family(result->nodes, family) : NULL;
}

/* Takes the address of *node, if there is one and room for it, and moves on to the next. */
static void take(struct hx_resolver_answer *answer, const struct ares_addrinfo_node **node)
{
    if (*node == NULL || answer->n == HX_RESOLVER_MAX_ADDRESSES) {
        return;
    }
    struct hx_address *address = &answer->addresses[answer->n++];
    assert((*node)->ai_addrlen <= sizeof address->u);
    memset(address, 0, sizeof *address);
    memcpy(&address->u, (*node)->ai_addr, (*node)->ai_addrlen);
    address->len = (*node)->ai_addrlen;
    *node = of_family((*node)->ai_next, (*node)->ai_family);
}

void hx_resolver_answer_make(struct hx_resolver_answer *answer, const char *name,
                             const struct hx_dns_answer *dns)
{
    answer->n = 0;
    answer->reason = HX_REASON_NONE;
    answer->message[0] = '\0';
    const struct ares_addrinfo_node *ipv6 = first_of(dns->ipv6, AF_INET6);
    const struct ares_addrinfo_node *ipv4 = first_of(dns->ipv4, AF_INET);
    while ((ipv6 != NULL || ipv4 != NULL) && answer->n < HX_RESOLVER_MAX_ADDRESSES) {
        take(answer, &ipv6);
        take(answer, &ipv4);
    }
    if (answer->n == 0) {
        fail_by_status(answer, name, dns->status);
    }
}

static int shorter(int shortest, int ttl)
{
    return shortest < 0 || ttl < shortest ? ttl : shortest;
}

/* The shortest TTL of what was said of a family, or the one so far; -1: nothing was said. */
static int shortest_ttl(int so_far, const struct ares_addrinfo *result)
{
    if (result == NULL) {
        return so_far;
    }
    for (const struct ares_addrinfo_node *node = result->nodes; node != NULL;
         node = node->ai_next) {
        so_far = shorter(so_far, node->ai_ttl);
    }
    for (const struct ares_addrinfo_cname *alias = result->cnames; alias != NULL;
         alias = alias->next) {
        so_far = shorter(so_far, alias->ttl);
    }
    return so_far;
}

int hx_resolver_answer_ttl(const struct hx_dns_answer *dns)
{
    int shortest = shortest_ttl(shortest_ttl(-1, dns->ipv6), dns->ipv4);
    return shortest < 0 ? 0 : shortest;
}
