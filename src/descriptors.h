/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors: how many the process may have, and how they are shared out, so that checks can
 * never take those that a probe needs.
 */
#ifndef HX_DESCRIPTORS_H
#define HX_DESCRIPTORS_H

#include <stddef.h>

struct hx_descriptor_shares {
    unsigned max_connections; /* of the web side, all listeners together */
    unsigned max_connections_per_ip;
    size_t max_sockets; /* of checks */
};

/* How many descriptors this process may have open now. */
size_t hx_descriptors_limit(void);

/* Raises that to the hard limit (at most 65536), as far as it goes. */
void hx_descriptors_raise(void);

/* Shares n descriptors out; each engine has some of its own. */
void hx_descriptors_share(size_t n, size_t n_engines, struct hx_descriptor_shares *shares);

#endif
