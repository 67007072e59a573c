/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of the probe endpoints: what is on the board at one moment, as JSON for everybody to
 * read. So they hold states, reasons of the closed list and latencies, and never a message, an
 * address or a version of a dependency.
 */
#ifndef HX_WEB_PROBES_H
#define HX_WEB_PROBES_H

#include "base/strbuf.h"
#include "engine/board.h"

/* Each appends a body to buf and returns its status code. Out of memory marks buf. */

unsigned hx_probe_livez(struct hx_strbuf *buf, bool is_live, int64_t stalled_ns);

/* generation may be NULL: nothing is configured yet. */
unsigned hx_probe_readyz(struct hx_strbuf *buf, const struct hx_generation *generation,
                         const struct hx_verdict *verdict, int64_t now_ns);
unsigned hx_probe_startupz(struct hx_strbuf *buf, const struct hx_generation *generation,
                           const struct hx_verdict *verdict);

/* One dependency, as it is at now_ns; *valid_until_ns: the last moment at which, if nothing is
 * published, the body is still true. */
unsigned hx_probe_dependency(struct hx_strbuf *buf, const struct hx_record *record, int64_t now_ns,
                             int64_t *valid_until_ns);

#endif
