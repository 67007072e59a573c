/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Describes kinds from their tables, so that the help can never differ from what is parsed. An
 * option takes a line with its name, type, bounds and default, and its help wrapped below.
 */
#include "config/describe.h"

#include "base/option.h"
#include "base/quote.h"
#include "base/units.h"
#include "config/config.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH       100
#define INDENT      2
#define HELP_INDENT 6
#define LABEL_WIDTH 10
#define NUMBER_SIZE 32
#define MAX_KINDS   128

static void put_spaces(struct hx_strbuf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hx_strbuf_putc(out, ' ');
    }
}

/* The text in lines of at most WIDTH columns, all behind indent; the first goes on at column. */
static void put_wrapped(struct hx_strbuf *out, const char *text, size_t column, size_t indent)
{
    bool is_first = true;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (!is_first && column + 1 + len > WIDTH) {
            hx_strbuf_putc(out, '\n');
            put_spaces(out, indent);
            column = indent;
        } else if (!is_first) {
            hx_strbuf_putc(out, ' ');
            column++;
        }
        hx_strbuf_append(out, text, len);
        column += len;
        text += len;
        text += strspn(text, " ");
        is_first = false;
    }
    hx_strbuf_putc(out, '\n');
}

/* "Schemes   postgresql postgres" */
static void put_field(struct hx_strbuf *out, const char *label, const char *text)
{
    size_t len = strlen(label);
    hx_strbuf_puts(out, label);
    put_spaces(out, len < LABEL_WIDTH ? LABEL_WIDTH - len : 1);
    put_wrapped(out, text, LABEL_WIDTH, LABEL_WIDTH);
}

static void put_joined(struct hx_strbuf *out, const char *const *texts, const char *joint)
{
    for (size_t i = 0; texts[i] != NULL; i++) {
        hx_strbuf_puts(out, i == 0 ? "" : joint);
        hx_strbuf_puts(out, texts[i]);
    }
}

/* ---- options ---- */

void hx_describe_option_type(const struct hx_option *option, struct hx_strbuf *out)
{
    switch (option->type) {
    case HX_OPTION_BOOL:
        hx_strbuf_puts(out, "true or false");
        break;
    case HX_OPTION_INT:
        hx_strbuf_puts(out, "number");
        break;
    case HX_OPTION_DURATION:
        hx_strbuf_puts(out, "duration");
        break;
    case HX_OPTION_SIZE:
        hx_strbuf_puts(out, "size");
        break;
    case HX_OPTION_AMOUNT:
        hx_strbuf_puts(out, "size or percentage");
        break;
    case HX_OPTION_STRING:
        hx_strbuf_puts(out, "text");
        break;
    case HX_OPTION_SECRET:
        hx_strbuf_puts(out, "secret");
        break;
    case HX_OPTION_CHOICE:
        put_joined(out, option->choices, "|");
        break;
    case HX_OPTION_STRINGS:
        hx_strbuf_puts(out, "list of texts");
        break;
    case HX_OPTION_STATUSES:
        hx_strbuf_puts(out, "list of statuses");
        break;
    case HX_OPTION_MAP:
        hx_strbuf_puts(out, "mapping of texts");
        break;
    case HX_OPTION_DURATIONS:
        hx_strbuf_puts(out, "list of durations");
        break;
    }
}

static void put_number(struct hx_strbuf *out, enum hx_option_type type, int64_t value)
{
    char text[NUMBER_SIZE];
    if (type == HX_OPTION_DURATION || type == HX_OPTION_DURATIONS) {
        hx_strbuf_puts(out, hx_format_duration(value, text, sizeof text));
    } else if (type == HX_OPTION_INT) {
        hx_strbuf_printf(out, "%" PRId64, value);
    } else {
        hx_strbuf_puts(out, hx_format_size(value, text, sizeof text));
    }
}

void hx_describe_option_bounds(const struct hx_option *option, struct hx_strbuf *out)
{
    if (option->min == 0 && option->max == 0) {
        return;
    }
    if (option->max < option->min) {
        hx_strbuf_puts(out, "at least ");
        put_number(out, option->type, option->min);
        return;
    }
    put_number(out, option->type, option->min);
    hx_strbuf_puts(out, " to ");
    put_number(out, option->type, option->max);
}

void hx_describe_option_default(const struct hx_option *option, struct hx_strbuf *out)
{
    if (option->required) {
        hx_strbuf_puts(out, "required");
    } else if (option->fallback != NULL) {
        hx_strbuf_printf(out, "default %s",
                         option->fallback[0] == '\0' ? "\"\"" : option->fallback);
    }
}

/* Puts ", " in front of a piece that follows; takes it back when the piece is empty. */
static void put_piece(struct hx_strbuf *out, const struct hx_option *option,
                      void (*describe)(const struct hx_option *option, struct hx_strbuf *out))
{
    struct hx_strbuf piece;
    hx_strbuf_init(&piece);
    describe(option, &piece);
    if (piece.len > 0) {
        hx_strbuf_printf(out, ", %s", hx_strbuf_text(&piece));
    }
    hx_strbuf_fini(&piece);
}

static size_t longest_name(const struct hx_option *options, size_t longest)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        size_t len = strlen(option->name);
        longest = len > longest ? len : longest;
    }
    return longest;
}

static void put_option(struct hx_strbuf *out, const struct hx_option *option, size_t name_width)
{
    struct hx_strbuf facts;
    hx_strbuf_init(&facts);
    hx_describe_option_type(option, &facts);
    put_piece(&facts, option, hx_describe_option_bounds);
    put_piece(&facts, option, hx_describe_option_default);
    put_spaces(out, INDENT);
    hx_strbuf_puts(out, option->name);
    put_spaces(out, name_width - strlen(option->name) + 2);
    size_t column = INDENT + name_width + 2;
    put_wrapped(out, hx_strbuf_text(&facts), column, column);
    out->is_failed |= facts.is_failed;
    hx_strbuf_fini(&facts);
    put_spaces(out, HELP_INDENT);
    put_wrapped(out, option->help, HELP_INDENT, HELP_INDENT);
}

static void put_options(struct hx_strbuf *out, const char *title, const struct hx_option *options,
                        size_t name_width)
{
    if (options->name == NULL) {
        return;
    }
    hx_strbuf_printf(out, "\n%s\n", title);
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        put_option(out, option, name_width);
    }
}

/* ---- kinds ---- */

static void put_list_field(struct hx_strbuf *out, const char *label, const char *const *texts)
{
    struct hx_strbuf joined;
    hx_strbuf_init(&joined);
    put_joined(&joined, texts, " ");
    put_field(out, label, hx_strbuf_text(&joined));
    out->is_failed |= joined.is_failed;
    hx_strbuf_fini(&joined);
}

/* timeout and internal are implied for every kind. */
static void put_reasons(struct hx_strbuf *out, const struct hx_kind *kind)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    for (const enum hx_reason *reason = kind->reasons; *reason != HX_REASON_NONE; reason++) {
        if (*reason != HX_REASON_TIMEOUT && *reason != HX_REASON_INTERNAL) {
            hx_strbuf_printf(&text, "%s ", hx_reason_text(*reason));
        }
    }
    hx_strbuf_printf(&text, "%s %s", hx_reason_text(HX_REASON_TIMEOUT),
                     hx_reason_text(HX_REASON_INTERNAL));
    put_field(out, "Reasons", hx_strbuf_text(&text));
    out->is_failed |= text.is_failed;
    hx_strbuf_fini(&text);
}

static void put_kind(struct hx_strbuf *out, const struct hx_kind *kind)
{
    size_t name_width = longest_name(kind->options, longest_name(hx_policy_options, 0));
    hx_strbuf_printf(out, "%s: ", kind->name);
    put_wrapped(out, kind->summary, strlen(kind->name) + 2, INDENT);
    hx_strbuf_putc(out, '\n');
    put_list_field(out, "Schemes", kind->schemes);
    for (const char *const *example = kind->examples; *example != NULL; example++) {
        put_field(out, example == kind->examples ? "Examples" : "", *example);
    }
    put_reasons(out, kind);
    if (kind->values != NULL) {
        put_list_field(out, "Values", kind->values);
    }
    put_options(out, "Options of this kind", kind->options, name_width);
    put_options(out, "Options of all kinds", hx_policy_options, name_width);
    hx_strbuf_putc(out, '\n');
    put_wrapped(out,
                "A dot is a nested mapping: tls.ca_file is written \"tls: {ca_file: ...}\". A text "
                "or secret X can be given as X_file: the path of a file that holds it. ${NAME} and "
                "${NAME:-default} take a value from the environment.",
                0, 0);
}

void hx_describe_kinds(const struct hx_kind *const *kinds, struct hx_strbuf *out)
{
    size_t name_width = strlen("KIND");
    size_t schemes_width = strlen("SCHEMES");
    for (const struct hx_kind *const *kind = kinds; *kind != NULL; kind++) {
        size_t len = strlen((*kind)->name);
        name_width = len > name_width ? len : name_width;
        len = 0;
        for (const char *const *scheme = (*kind)->schemes; *scheme != NULL; scheme++) {
            len += strlen(*scheme) + (len > 0);
        }
        schemes_width = len > schemes_width ? len : schemes_width;
    }
    size_t summary_column = name_width + schemes_width + 4;
    hx_strbuf_printf(out, "%-*s  %-*s  %s\n", (int)name_width, "KIND", (int)schemes_width,
                     "SCHEMES", "A CHECK");
    for (const struct hx_kind *const *kind = kinds; *kind != NULL; kind++) {
        hx_strbuf_printf(out, "%-*s  ", (int)name_width, (*kind)->name);
        size_t start = out->len;
        put_joined(out, (*kind)->schemes, " ");
        put_spaces(out, schemes_width + 2 - (out->len - start));
        put_wrapped(out, (*kind)->summary, summary_column, summary_column);
    }
}

static const struct hx_kind *find_kind(const struct hx_kind *const *kinds, const char *name)
{
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            return kinds[i];
        }
    }
    return hx_kind_by_scheme(kinds, name);
}

static enum hx_errcode unknown_kind(const struct hx_kind *const *kinds, const char *name,
                                    struct hx_error *err)
{
    const char *names[MAX_KINDS + 1];
    size_t n = 0;
    for (; *kinds != NULL && n < MAX_KINDS; kinds++) {
        names[n++] = (*kinds)->name;
    }
    names[n] = NULL;
    struct hx_strbuf list;
    char quoted[HX_QUOTE_SIZE];
    const char *nearest = hx_suggest(name, names);
    hx_strbuf_init(&list);
    put_joined(&list, names, ", ");
    enum hx_errcode code = hx_error_set(
        err, HX_ERR_NOTFOUND, "unknown kind %s%s%s%s; known are %s", hx_quote(name, quoted),
        nearest != NULL ? " (did you mean \"" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "\"?)" : "", hx_strbuf_text(&list));
    hx_strbuf_fini(&list);
    return code;
}

enum hx_errcode hx_describe_kind(const struct hx_kind *const *kinds, const char *name,
                                 struct hx_strbuf *out, struct hx_error *err)
{
    const struct hx_kind *kind = find_kind(kinds, name);
    if (kind == NULL) {
        return unknown_kind(kinds, name, err);
    }
    put_kind(out, kind);
    return HX_OK;
}
