/* SPDX-License-Identifier: Apache-2.0 */
/* YAML's syntax errors in words that a person can act on. */
#ifndef HX_CONFIG_SYNTAX_H
#define HX_CONFIG_SYNTAX_H

#include "config/findings.h"

/* Checks that the text is UTF-8 without control characters and returns true; else adds the error.
 * libfyaml takes a bad byte for the end of the file and says nothing. */
bool hx_syntax_check_bytes(struct hx_findings *findings, const char *text, size_t len);

/* YAML forbids `url: heartbeat:`, a text that ends in a colon, though a URL may be no more than its
 * scheme. Such colons are hidden from the parser behind a character that no file may hold, and put
 * back in what the parser gives and in the file's text. */
void hx_syntax_hide_colons(char *text, size_t len);
void hx_syntax_restore_colons(char *text, size_t len);

/* Adds the error that the YAML parser found at line:column (from 1, column in characters). */
void hx_syntax_report(struct hx_findings *findings, const char *text, size_t len,
                      const char *parser_message, size_t line, size_t column);

#endif
