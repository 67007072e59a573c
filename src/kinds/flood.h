/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cap on what a peer may send when a library reads the socket and does not say how much. The
 * kernel counts the bytes of a TCP connection; on a unix socket each read is taken for one buffer
 * of the sender.
 */
#ifndef HX_KINDS_FLOOD_H
#define HX_KINDS_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

struct hx_flood {
    int64_t received_before; /* that does not count; -1: not known yet */
    int64_t n_reads;
};

/* Keeps the socket's receive buffer small, so that a library that reads as long as there is
 * something to read meets the end of it soon, and comes back to the loop. */
void hx_flood_narrow(int fd);

/* From here on it counts. */
void hx_flood_begin(struct hx_flood *flood);

/* To be asked after each read that did not complete what is waited for; the first one does not
 * count. True when the peer has sent more than max_bytes. */
bool hx_flood_is_over(struct hx_flood *flood, int fd, int64_t max_bytes);

#endif
