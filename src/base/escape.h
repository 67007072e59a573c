/* SPDX-License-Identifier: Apache-2.0 */
/* The escapes inside the quotes of a JSON string (RFC 8259) and of a quoted logfmt value. */
#ifndef HX_BASE_ESCAPE_H
#define HX_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* "\u001f" is the longest; no NUL is written. */
#define HX_ESCAPE_SIZE 6

/* Does this byte, when it is not part of a longer UTF-8 sequence, need an escape? */
bool hx_escape_is_needed(char c);

/* Writes the character that text begins with, escaped where needed; a byte that is not UTF-8
 * becomes U+FFFD. Returns the length written, *taken is what it used of text. len > 0. */
size_t hx_escape(const char *text, size_t len, char out[HX_ESCAPE_SIZE], size_t *taken);

#endif
