/* SPDX-License-Identifier: Apache-2.0 */
/* Where a slot of a limit program connects to. */
#ifndef HX_BENCH_PACE_ADDRESS_H
#define HX_BENCH_PACE_ADDRESS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

/* Targets listen on as many addresses, 127.0.0.1 and on: fresh connections by the thousand a second
 * would use up the ports of one. */
#define PACE_N_ADDRESSES 8

static inline struct sockaddr_in pace_address(size_t slot, const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(slot % PACE_N_ADDRESSES)),
    };
    return address;
}

#endif
