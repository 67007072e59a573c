/* SPDX-License-Identifier: Apache-2.0 */
/* An exporter's answer that is not yet the one waited for, in a sentence for people. */
#ifndef HX_CLI_WAITING_H
#define HX_CLI_WAITING_H

#include "base/strbuf.h"

/* Appends, from the status and body of a probe endpoint: "down: cache (refused), api (timeout)",
 * "starting: model", or "status 404" when the body is not an exporter's. Whatever the body holds,
 * the text is one line, short, and harmless to a terminal. */
void hx_waiting_describe(long status, const char *body, struct hx_strbuf *out);

#endif
