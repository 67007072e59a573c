/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the findings down as a compiler does: file:line:column, the sentence, the line of the file
 * and a caret under what is meant.
 *
 * A line is shown only when every key and value that touches it is known to be public. Nothing is
 * public by itself: the readers of options say so of what they have recognized. So a line stays
 * hidden when it holds a secret, what may be one, or what nobody understood. Of a file that is no
 * YAML nothing is known but the words that are keys: its line is shown up to such a key.
 */
#include "config/loader.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define MAX_EXCERPT 200
#define MAX_KEY     64

/* One line of the file: [start, end) without its line end. */
struct line {
    size_t number;
    size_t start;
    size_t end;
};

/* Moves on to the line that holds the place; findings come in the file's order. */
static void find_line(const struct hx_loader *loader, size_t place, struct line *line)
{
    const char *text = loader->text;
    size_t len = loader->text_len;
    for (;;) {
        const char *found = memchr(text + line->start, '\n', len - line->start);
        line->end = found == NULL ? len : (size_t)(found - text);
        if (place <= line->end || found == NULL) {
            break;
        }
        line->start = line->end + 1;
        line->number++;
    }
    if (line->end > line->start && text[line->end - 1] == '\r') {
        line->end--;
    }
}

static size_t count_characters(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++) {
        size_t step = hx_utf8_next(text + i, len - i);
        i += step > 0 ? step : 1;
    }
    return n;
}

static bool is_public_line(const struct hx_loader *loader, const struct line *line)
{
    for (const struct hx_node *node = loader->tree.first; node != NULL; node = node->following) {
        bool touches = node->span.start < line->end && node->span.end > line->start;
        if (touches && node->type == HX_NODE_TEXT && !node->is_public) {
            return false;
        }
    }
    return true;
}

/* The caret's indentation: tabs are kept, so that it stands right however wide they are shown. */
static void write_caret(const char *text, size_t start, struct hx_span span, struct hx_strbuf *out)
{
    for (size_t i = start; i < span.start;) {
        size_t step = hx_utf8_next(text + i, span.start - i);
        hx_strbuf_putc(out, text[i] == '\t' ? '\t' : ' ');
        i += step > 0 ? step : 1;
    }
    hx_strbuf_putc(out, '^');
    size_t width = count_characters(text + span.start, span.end - span.start);
    for (size_t i = 1; i < width; i++) {
        hx_strbuf_putc(out, '~');
    }
    hx_strbuf_putc(out, '\n');
}

static void write_excerpt(const struct hx_loader *loader, const struct line *line,
                          struct hx_span span, struct hx_strbuf *out)
{
    size_t end = line->end;
    if (end - line->start > MAX_EXCERPT) {
        end = line->start + hx_utf8_cut(loader->text + line->start, MAX_EXCERPT);
    }
    if (span.start >= end) {
        return;
    }
    span.end = span.end > end ? end : span.end;
    span.end = span.end < span.start ? span.start : span.end;
    hx_strbuf_append(out, loader->text + line->start, end - line->start);
    hx_strbuf_putc(out, '\n');
    write_caret(loader->text, line->start, span, out);
}

/* What may stand before the first key of a line. */
static bool is_lead(char c)
{
    return c == ' ' || c == '\t' || c == '-';
}

/* The end of "  - password:" at the begin of a line when the word is a known key; else the line's
 * start. */
static size_t key_end(const struct hx_loader *loader, const struct line *line)
{
    char word[MAX_KEY];
    size_t start = line->start;
    while (start < line->end && is_lead(loader->text[start])) {
        start++;
    }
    const char *colon = memchr(loader->text + start, ':', line->end - start);
    size_t len = colon == NULL ? 0 : (size_t)(colon - (loader->text + start));
    if (len == 0 || len >= sizeof word) {
        return line->start;
    }
    memcpy(word, loader->text + start, len);
    word[len] = '\0';
    return hx_key_is_known(loader->kinds, word) ? start + len + 1 : line->start;
}

/* `    password: ...` and the caret, wherever in the hidden part it may be. */
static void write_syntax_excerpt(const struct hx_loader *loader, const struct line *line,
                                 struct hx_span span, struct hx_strbuf *out)
{
    size_t end = key_end(loader, line);
    if (end == line->start || span.start - line->start > MAX_EXCERPT) {
        return;
    }
    hx_strbuf_append(out, loader->text + line->start, end - line->start);
    hx_strbuf_puts(out, end < line->end ? " ...\n" : "\n");
    span.end = span.start >= end ? span.start : span.end;
    write_caret(loader->text, line->start, span, out);
}

static void write_finding(const struct hx_loader *loader, const struct hx_finding *finding,
                          const char *path, struct line *line, struct hx_diagnostics *diagnostics)
{
    struct hx_strbuf *out = &diagnostics->text;
    struct hx_span span = finding->span;
    if (span.start == HX_SPAN_FILE.start) {
        hx_strbuf_printf(out, "%s: error: %s\n", path, finding->message);
        hx_diagnostics_add(diagnostics, path, 0, 0, finding->message);
        return;
    }
    find_line(loader, span.start, line);
    size_t column =
        span.start < line->start
            ? 1
            : count_characters(loader->text + line->start, span.start - line->start) + 1;
    hx_strbuf_printf(out, "%s:%zu:%zu: error: %s\n", path, line->number, column, finding->message);
    hx_diagnostics_add(diagnostics, path, line->number, column, finding->message);
    if (loader->tree.root == NULL) {
        write_syntax_excerpt(loader, line, span, out);
    } else if (is_public_line(loader, line)) {
        write_excerpt(loader, line, span, out);
    }
}

void hx_loader_write(const struct hx_loader *loader, const char *path,
                     struct hx_diagnostics *diagnostics)
{
    const struct hx_findings *findings = &loader->findings;
    struct line line = {.number = 1};
    for (size_t i = 0; i < findings->n_items; i++) {
        write_finding(loader, &findings->items[i], path, &line, diagnostics);
    }
    if (findings->n_errors > findings->n_items) {
        hx_strbuf_printf(&diagnostics->text, "(and %zu more)\n",
                         findings->n_errors - findings->n_items);
    }
    diagnostics->n_errors += findings->n_errors - findings->n_items;
    if (findings->is_out_of_memory) {
        hx_strbuf_printf(&diagnostics->text, "%s: error: out of memory\n", path);
        hx_diagnostics_add(diagnostics, path, 0, 0, "out of memory");
    }
}
