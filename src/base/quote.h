/* SPDX-License-Identifier: Apache-2.0 */
/* A foreign text inside a sentence: quoted, on one line, and not too long. Never for secrets. */
#ifndef HX_BASE_QUOTE_H
#define HX_BASE_QUOTE_H

#define HX_QUOTE_SIZE 72

/* Writes "text" with its quotes; control characters and what is not UTF-8 become "?", a long text
 * ends in "...". Returns out. */
char *hx_quote(const char *text, char out[HX_QUOTE_SIZE]);

#endif
