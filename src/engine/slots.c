/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of sockets. */
#include "engine/slots.h"

struct hx_slots hx_slots_of(size_t n_sockets, size_t n_dependencies)
{
    bool is_kept = n_sockets >= n_dependencies + (n_dependencies + 1) / 2;
    size_t n = is_kept ? n_sockets - n_dependencies : n_sockets / 2;
    return (struct hx_slots){n == 0 ? 1 : n, is_kept};
}
