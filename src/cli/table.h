/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text as columns for people; colours where a terminal takes them. */
#ifndef HX_CLI_TABLE_H
#define HX_CLI_TABLE_H

#include "base/strbuf.h"

enum hx_colour { HX_COLOUR_NONE, HX_COLOUR_BOLD, HX_COLOUR_GREEN, HX_COLOUR_YELLOW, HX_COLOUR_RED };

struct hx_cell {
    const char *text; /* UTF-8, one line; borrowed */
    enum hx_colour colour;
};

/* Appends the rows (n_rows times n_columns cells, one row after the other): each column as wide as
 * its widest cell, two spaces between them, none at a line's end. */
void hx_table_write(const struct hx_cell *cells, size_t n_rows, size_t n_columns, bool has_colours,
                    struct hx_strbuf *out);

#endif
