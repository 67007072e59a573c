/* SPDX-License-Identifier: Apache-2.0 */
/* How the sockets that checks may have open are used: for kept connections, and for checks. */
#ifndef HX_ENGINE_SLOTS_H
#define HX_ENGINE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct hx_slots {
    size_t n;     /* checks at once; >= 1 */
    bool is_kept; /* connections may be kept from check to check */
};

/*
 * A check has one socket, and for a moment a second one while its connection is replaced. So when
 * every dependency keeps one, what is left are the second ones: connections are kept while at least
 * half of the dependencies may have such a one at a time. With more dependencies than that each
 * check in flight may take two, and none is kept. n_sockets and n_dependencies may be 0.
 */
struct hx_slots hx_slots_of(size_t n_sockets, size_t n_dependencies);

#endif
