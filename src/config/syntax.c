/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges the bytes of a file before the YAML parser sees them, and explains what the parser said:
 * its messages speak of its own states, may quote the text, and for the commonest mistakes (a tab,
 * a missing quote, an unquoted ${X} in braces) point elsewhere.
 */
#include "config/syntax.h"

#include "base/utf8.h"

#include <string.h>

/* SUB, which YAML forbids in a file and libfyaml takes for a letter. */
#define HIDDEN_COLON '\x1A'

/* What the parser says (the beginning of it) and what it means. Others are not given on, since some
 * quote what stands in the file. */
static const struct {
    const char *parser_message;
    const char *meaning;
} meanings[] = {
    {"invalid multiline plain key",
     "expected a value or a mapping on lines of equal indentation; this value runs into the next "
     "line"},
    {"wrongly indented double-quoted",
     "a quoted text is not closed, or goes on without indentation"},
    {"wrongly indented single-quoted",
     "a quoted text is not closed, or goes on without indentation"},
    {"double-quoted scalar without", "a quoted text is not closed"},
    {"single-quoted scalar without", "a quoted text is not closed"},
    {"invalid trailing content after", "unexpected text behind a quoted text"},
    {"invalid escape", "unknown escape in a double-quoted text; write \\\\ for a backslash"},
    {"double-quoted scalar has invalid", "invalid escape in a double-quoted text"},
    {"plain scalar cannot start with", "a text that begins with this character must be quoted"},
    {"missing comma in flow", "expected a comma or the closing bracket"},
    {"flow sequence without a closing", "a list is not closed with ]"},
    {"flow mapping without a closing", "a mapping is not closed with }"},
    {"did not find expected node content", "a list or mapping is not closed"},
    {"invalid tag", "tags are not supported"},
    {"Missing tag directive", "tags are not supported"},
    {"invalid alias", "anchors and aliases are not supported"},
    {"unexpected alias", "anchors and aliases are not supported"},
    {"invalid indentation in mapping", "wrong indentation"},
    {"did not find expected '-' indicator",
     "wrong indentation; expected the list's next item, which begins with \"- \""},
    {"did not find expected key", "expected an option's name followed by a colon"},
    {"could not find expected ':'", "expected a colon behind the option's name"},
    {"missing ':'", "expected a colon behind the option's name"},
};

bool hx_syntax_check_bytes(struct hx_findings *findings, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = hx_utf8_next(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        struct hx_span span = {i, i + 1};
        if (n == 0) {
            hx_findings_add(findings, span, "the file is not valid UTF-8: byte 0x%02X", c);
            return false;
        }
        bool is_line_end = c == '\n' || (c == '\r' && i + 1 < len && text[i + 1] == '\n');
        if ((c < 0x20 && c != '\t' && !is_line_end) || c == 0x7F) {
            hx_findings_add(findings, span, "the file holds %s (U+%04X)",
                            c == '\0' ? "a NUL byte" : "a control character", c);
            return false;
        }
        i += n;
    }
    return true;
}

/* Where the colon of a line stands that is nothing but `url: SCHEME:` (behind "- " at the begin of
 * a list item, and before a comment); NULL for any other line. The text is NUL-terminated. */
static char *last_colon(char *line)
{
    static const char key[] = "url:";
    char *at = line + strspn(line, " ");
    while (at[0] == '-' && at[1] == ' ') {
        at += 1 + strspn(at + 1, " ");
    }
    if (strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != ' ') {
        return NULL;
    }
    at += strlen(key);
    at += strspn(at, " ");
    size_t scheme = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    if (scheme == 0 || at[scheme] != ':') {
        return NULL;
    }
    const char *rest = at + scheme + 1;
    const char *end = rest + strspn(rest, " \t\r");
    bool is_end = *end == '\n' || *end == '\0' || (*end == '#' && end > rest);
    return is_end ? at + scheme : NULL;
}

void hx_syntax_hide_colons(char *text, size_t len)
{
    for (char *line = text; line < text + len;) {
        char *colon = last_colon(line);
        if (colon != NULL) {
            *colon = HIDDEN_COLON;
        }
        char *end = memchr(line, '\n', (size_t)(text + len - line));
        line = end == NULL ? text + len : end + 1;
    }
}

void hx_syntax_restore_colons(char *text, size_t len)
{
    char *at = text;
    while ((at = memchr(at, HIDDEN_COLON, (size_t)(text + len - at))) != NULL) {
        *at++ = ':';
    }
}

/* The byte at which a line begins; len when there are not that many. */
static size_t line_start(const char *text, size_t len, size_t line)
{
    size_t at = 0;
    while (--line > 0) {
        const char *end = memchr(text + at, '\n', len - at);
        if (end == NULL) {
            return len;
        }
        at = (size_t)(end - text) + 1;
    }
    return at;
}

static size_t skip_characters(const char *text, size_t len, size_t at, size_t n)
{
    while (n-- > 0 && at < len && text[at] != '\n') {
        size_t step = hx_utf8_next(text + at, len - at);
        at += step > 0 ? step : 1;
    }
    return at;
}

/* A tab in the indentation of this line or the next: the parser stumbles over it, and names the
 * value before it. */
static bool find_tab(const char *text, size_t len, size_t start, struct hx_span *span)
{
    for (int i = 0; i < 2 && start < len; i++) {
        size_t blanks = strspn(text + start, " ");
        if (text[start + blanks] == '\t') {
            *span = (struct hx_span){start + blanks, start + blanks + 1};
            return true;
        }
        const char *end = memchr(text + start, '\n', len - start);
        start = end == NULL ? len : (size_t)(end - text) + 1;
    }
    return false;
}

static const char *meaning_of(const char *parser_message)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        size_t n = strlen(meanings[i].parser_message);
        if (strncmp(meanings[i].parser_message, parser_message, n) == 0) {
            return meanings[i].meaning;
        }
    }
    return "this is not valid YAML";
}

void hx_syntax_report(struct hx_findings *findings, const char *text, size_t len,
                      const char *parser_message, size_t line, size_t column)
{
    size_t start = line_start(text, len, line);
    size_t at = skip_characters(text, len, start, column - 1);
    struct hx_span span = {at, at + 1};
    if (find_tab(text, len, start, &span)) {
        hx_findings_add(findings, span, "tab in the indentation; YAML is indented with spaces");
        return;
    }
    if (at > 0 && at < len && text[at - 1] == '$' && text[at] == '{') {
        span.start--;
        hx_findings_add(findings, span, "${...} inside braces or brackets must be quoted");
        return;
    }
    if (at < len && text[at] == ':') {
        hx_findings_add(findings, span,
                        "a text with a colon before a blank or at its end must be quoted");
        return;
    }
    hx_findings_add(findings, span, "%s", meaning_of(parser_message));
}
