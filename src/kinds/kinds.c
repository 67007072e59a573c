/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds that are built in. */
#include "kinds/kinds.h"

const struct hx_kind *const hx_kinds[] = {
    &hx_kind_disk,   &hx_kind_heartbeat, &hx_kind_http,
    &hx_kind_memory, &hx_kind_postgres,  &hx_kind_redis,
    &hx_kind_tcp,    &hx_kind_tls,       NULL,
};
