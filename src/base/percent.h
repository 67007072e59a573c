/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986, section 2.1). A '+' is a '+', as everywhere but in HTML forms. */
#ifndef HX_BASE_PERCENT_H
#define HX_BASE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* Is each '%' followed by two hexadecimal digits, and does none of them stand for NUL? */
bool hx_percent_is_valid(const char *text, size_t len);

/* The decoded text of len valid bytes, owned by the caller; NULL when out of memory. */
char *hx_percent_decode(const char *text, size_t len);

#endif
