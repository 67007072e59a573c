/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares' statuses and results as answers. The reasons are those of getaddrinfo everywhere: what
 * the name servers say, or that none can be reached, is dns; that they are silent is a timeout;
 * what this process lacks (memory, descriptors) is internal.
 */
#include "net/resolver_answer.h"

#include "net/dns_question.h"

#include <ares.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIN_OF_EACH_FAMILY (HX_RESOLVER_MAX_ADDRESSES / 2)

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

/* c-ares says "connection refused" also when it could not open a socket at all, and keeps no errno.
 * Whether descriptors ran out is found by asking for one. */
static void no_server_reached(struct hx_resolver_answer *answer, const char *name)
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
    hx_resolver_answer_fail(answer, HX_REASON_DNS, "no name server answered for \"%s\"", name);
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
        no_server_reached(answer, name);
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

static const struct ares_addrinfo_node *nodes_of(const struct ares_addrinfo *result)
{
    return result != NULL ? result->nodes : NULL;
}

static size_t count_family(const struct ares_addrinfo *result, int family)
{
    size_t n = 0;
    for (const struct ares_addrinfo_node *node = nodes_of(result); node != NULL;
         node = node->ai_next) {
        n += node->ai_family == family;
    }
    return n;
}

static void append_family(struct hx_resolver_answer *answer, const struct ares_addrinfo *result,
                          int family, size_t at_most)
{
    const struct ares_addrinfo_node *node = nodes_of(result);
    for (size_t taken = 0; node != NULL && taken < at_most; node = node->ai_next) {
        struct hx_address *address = &answer->addresses[answer->n];
        if (node->ai_family == family && node->ai_addrlen <= sizeof address->u) {
            memset(address, 0, sizeof *address);
            memcpy(&address->u, node->ai_addr, node->ai_addrlen);
            address->len = node->ai_addrlen;
            answer->n++;
            taken++;
        }
    }
}

void hx_resolver_answer_make(struct hx_resolver_answer *answer, const char *name,
                             const struct hx_dns_answer *dns)
{
    answer->n = 0;
    answer->reason = HX_REASON_NONE;
    answer->message[0] = '\0';
    size_t n_ipv4 = count_family(dns->ipv4, AF_INET);
    size_t kept_ipv4 = n_ipv4 < MIN_OF_EACH_FAMILY ? n_ipv4 : MIN_OF_EACH_FAMILY;
    append_family(answer, dns->ipv6, AF_INET6, HX_RESOLVER_MAX_ADDRESSES - kept_ipv4);
    append_family(answer, dns->ipv4, AF_INET, HX_RESOLVER_MAX_ADDRESSES - answer->n);
    if (answer->n == 0) {
        fail_by_status(answer, name, dns->status);
    }
}

static int shorter(int shortest, const struct ares_addrinfo *result)
{
    for (const struct ares_addrinfo_node *node = nodes_of(result); node != NULL;
         node = node->ai_next) {
        if (shortest < 0 || node->ai_ttl < shortest) {
            shortest = node->ai_ttl;
        }
    }
    return shortest;
}

int hx_resolver_answer_ttl(const struct hx_dns_answer *dns)
{
    int shortest = shorter(shorter(-1, dns->ipv6), dns->ipv4);
    return shortest < 0 ? 0 : shortest;
}
