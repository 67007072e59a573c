/* SPDX-License-Identifier: Apache-2.0 */
/* The const table of the kinds that are built in. A new kind is one file and one line here. */
#ifndef HX_KINDS_KINDS_H
#define HX_KINDS_KINDS_H

#include "health_exporter/check.h"

extern const struct hx_kind hx_kind_disk;
extern const struct hx_kind hx_kind_heartbeat;
extern const struct hx_kind hx_kind_http;
extern const struct hx_kind hx_kind_memory;
extern const struct hx_kind hx_kind_postgres;
extern const struct hx_kind hx_kind_redis;
extern const struct hx_kind hx_kind_tcp;
extern const struct hx_kind hx_kind_tls;

/* NULL-terminated, sorted by name. */
extern const struct hx_kind *const hx_kinds[];

#endif
