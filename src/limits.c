/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor budget. */
#include "limits.h"

#include <sys/resource.h>

#define WANTED_DESCRIPTORS 65536

/* Listeners, epoll, event and log descriptors, DNS sockets, files being read. */
#define RESERVED_DESCRIPTORS 128

#define MAX_CONNECTIONS        512
#define MAX_CONNECTIONS_PER_IP 256

/* A check has one socket, and for a moment a second one while it is being replaced. */
#define DESCRIPTORS_PER_CHECK 2

size_t hx_limits_descriptors(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (size_t)limit.rlim_cur : 1024;
}

void hx_limits_raise_descriptors(void)
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

void hx_limits_share(size_t n, struct hx_limits *limits)
{
    size_t spare = n > RESERVED_DESCRIPTORS ? n - RESERVED_DESCRIPTORS : 0;
    size_t web = spare / 2 < MAX_CONNECTIONS ? spare / 2 : MAX_CONNECTIONS;
    limits->max_connections = web < 16 ? 16 : (unsigned)web;
    limits->max_connections_per_ip = limits->max_connections < MAX_CONNECTIONS_PER_IP
                                         ? limits->max_connections
                                         : MAX_CONNECTIONS_PER_IP;
    limits->max_in_flight = (spare - web) / DESCRIPTORS_PER_CHECK;
    if (limits->max_in_flight < 4)
        limits->max_in_flight = 4;
}
