/* SPDX-License-Identifier: Apache-2.0 */
/* The page at /: what this is, where to go from here, and how things stand. */
#ifndef HX_WEB_LANDING_H
#define HX_WEB_LANDING_H

#include "base/strbuf.h"
#include "engine/board.h"

/* Appends the page. service may be NULL; generation too. */
void hx_landing_render(struct hx_strbuf *buf, const struct hx_generation *generation,
                       const struct hx_verdict *verdict, int64_t now_ns, const char *service,
                       const char *telemetry_path);

#endif
