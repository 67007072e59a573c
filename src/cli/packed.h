/* SPDX-License-Identifier: Apache-2.0 */
/* Long texts that the program carries and few ask for: the build packs them by gzip. */
#ifndef HX_CLI_PACKED_H
#define HX_CLI_PACKED_H

#include <stddef.h>

struct hx_packed {
    const unsigned char *bytes; /* one gzip member, RFC 1952 */
    size_t len;
};

extern const struct hx_packed hx_packed_alerts;    /* alerts/dependencies.yml */
extern const struct hx_packed hx_packed_dashboard; /* src/cli/dashboard.json.in */

/* The text, ended by NUL, for the caller to free. NULL: out of memory. */
char *hx_packed_text(const struct hx_packed *packed);

#endif
