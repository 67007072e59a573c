/* SPDX-License-Identifier: Apache-2.0 */
/* A table of text. Widths are counted in characters, so that a name that is not ASCII stays in its
 * column; a colour's escape sequence has no width. */
#include "cli/table.h"

#define MAX_COLUMNS 16

static const char *const colour_codes[] = {"", "\033[1m", "\033[32m", "\033[33m", "\033[31m"};

/* Bytes that go on with a character of UTF-8 have no width of their own. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void put_cell(const struct hx_cell *cell, bool has_colours, struct hx_strbuf *out)
{
    bool is_coloured = has_colours && cell->colour != HX_COLOUR_NONE;
    if (is_coloured)
        hx_strbuf_puts(out, colour_codes[cell->colour]);
    hx_strbuf_puts(out, cell->text);
    if (is_coloured)
        hx_strbuf_puts(out, "\033[0m");
}

/* Spaces are put in front of the next cell that says something, so that none end a line. */
static void put_row(const struct hx_cell *row, size_t n_columns, const size_t *widths,
                    bool has_colours, struct hx_strbuf *out)
{
    size_t missing = 0;
    for (size_t column = 0; column < n_columns; column++) {
        if (row[column].text[0] != '\0') {
            for (; missing > 0; missing--)
                hx_strbuf_putc(out, ' ');
            put_cell(&row[column], has_colours, out);
        }
        missing += widths[column] + 2 - width_of(row[column].text);
    }
    hx_strbuf_putc(out, '\n');
}

void hx_table_write(const struct hx_cell *cells, size_t n_rows, size_t n_columns, bool has_colours,
                    struct hx_strbuf *out)
{
    size_t widths[MAX_COLUMNS] = {0};
    for (size_t i = 0; i < n_rows * n_columns; i++) {
        size_t width = width_of(cells[i].text);
        if (width > widths[i % n_columns])
            widths[i % n_columns] = width;
    }
    for (size_t row = 0; row < n_rows; row++)
        put_row(cells + row * n_columns, n_columns, widths, has_colours, out);
}
