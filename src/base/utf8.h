/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Everything
 * that goes out (JSON, labels, log lines) is valid, whatever a dependency sent.
 */
#ifndef HX_BASE_UTF8_H
#define HX_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* U+FFFD, which stands for each byte that is not UTF-8. */
#define HX_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* The length (1 to 4) of the sequence that text begins with; 0 when it begins with no valid one or
 * len is 0. */
size_t hx_utf8_next(const char *text, size_t len);

bool hx_utf8_is_valid(const char *text, size_t len);

/* The longest length up to max at which the text can be cut without splitting a sequence. text has
 * more than max bytes. */
size_t hx_utf8_cut(const char *text, size_t max);

/* Copies len bytes of text and a NUL into out, size bytes at most: then it is cut as above. */
void hx_utf8_copy(char *out, size_t size, const char *text, size_t len);

#endif
