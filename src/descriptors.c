/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor budget. */
#include "descriptors.h"

#include <sys/resource.h>

#define WANTED_DESCRIPTORS 65536

/* Listeners, epoll, event and log descriptors, DNS sockets, files being read. */
#define RESERVED_DESCRIPTORS 128

/* For each engine but the first: its loop's, and DNS sockets. */
#define DESCRIPTORS_PER_ENGINE 16

#define MAX_CONNECTIONS        512
#define MAX_CONNECTIONS_PER_IP 256

/* What checks may have at least, however few descriptors there are. */
#define MIN_SOCKETS 8

size_t hx_descriptors_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur : 1024;
}

void hx_descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < WANTED_DESCRIPTORS ? limit.rlim_max : WANTED_DESCRIPTORS;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    /* What cannot be raised is lived with: the shares follow what there is. */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void hx_descriptors_share(size_t n, size_t n_engines, struct hx_descriptor_shares *shares)
{
    size_t reserved = RESERVED_DESCRIPTORS + (n_engines - 1) * DESCRIPTORS_PER_ENGINE;
    size_t spare = n > reserved ? n - reserved : 0;
    size_t web = spare / 2 < MAX_CONNECTIONS ? spare / 2 : MAX_CONNECTIONS;
    shares->max_connections = web < 16 ? 16 : (unsigned)web;
    shares->max_connections_per_ip = shares->max_connections < MAX_CONNECTIONS_PER_IP
                                         ? shares->max_connections
                                         : MAX_CONNECTIONS_PER_IP;
    shares->max_sockets = spare - web < MIN_SOCKETS ? MIN_SOCKETS : spare - web;
}
