/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of an option to its value: types, bounds, and a sentence about what is wrong. */
#include "base/option_value.h"

#include "base/option.h"
#include "base/quote.h"
#include "base/strbuf.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BOUND_SIZE   32
#define SECONDS_SIZE 32
#define MIN_STATUS   100
#define MAX_STATUS   599
#define CENTURY      100 /* a class of statuses, such as 2xx */
#define STATUS_LEN   3   /* "200" */
#define RANGE_LEN    7   /* "200-299" */
#define BITS_IN_BYTE 8U

const char *hx_option_expected(const struct hx_option *option)
{
    switch (option->type) {
    case HX_OPTION_BOOL:
        return "true or false";
    case HX_OPTION_INT:
        return "a whole number";
    case HX_OPTION_DURATION:
        return "a duration such as 250ms, 10s or 1m30s";
    case HX_OPTION_SIZE:
        return "a size such as 512, 64KiB or 1.5GB";
    case HX_OPTION_AMOUNT:
        return "a size such as 64KiB or a share such as 5%";
    case HX_OPTION_STRING:
    case HX_OPTION_SECRET:
        return "a text";
    case HX_OPTION_CHOICE:
        return "one of its choices";
    case HX_OPTION_STRINGS:
        return "a list of texts";
    case HX_OPTION_STATUSES:
        return "a list of statuses such as 200, 2xx or 200-299";
    case HX_OPTION_MAP:
        return "a mapping of names to texts";
    case HX_OPTION_DURATIONS:
        return "a list of durations such as 5ms, or of seconds such as 0.25";
    }
    return "";
}

/* Adds the quoted text to what a parser said that it expected. */
static enum hx_errcode add_got(struct hx_error *err, const struct hx_error *why, const char *text)
{
    char quoted[HX_QUOTE_SIZE];
    return hx_error_set(err, why->code, "%s, got %s", why->message, hx_quote(text, quoted));
}

static const char *format_bound(enum hx_option_type type, int64_t bound, char text[BOUND_SIZE])
{
    if (type == HX_OPTION_DURATION || type == HX_OPTION_DURATIONS) {
        return hx_format_duration(bound, text, BOUND_SIZE);
    }
    if (type == HX_OPTION_INT) {
        (void)snprintf(text, BOUND_SIZE, "%" PRId64, bound);
        return text;
    }
    return hx_format_size(bound, text, BOUND_SIZE);
}

/* A maximum below the minimum is one that the table left out. */
static enum hx_errcode check_bounds(const struct hx_option *option, int64_t value, const char *text,
                                    struct hx_error *err)
{
    bool has_max = option->max >= option->min && (option->min != 0 || option->max != 0);
    bool has_min = has_max || option->min != 0;
    if ((!has_min || value >= option->min) && (!has_max || value <= option->max)) {
        return HX_OK;
    }
    char min[BOUND_SIZE];
    char max[BOUND_SIZE];
    struct hx_error why;
    format_bound(option->type, option->min, min);
    if (has_max) {
        format_bound(option->type, option->max, max);
        (void)hx_error_set(&why, HX_ERR_LIMIT, "must be between %s and %s", min, max);
    } else {
        (void)hx_error_set(&why, HX_ERR_LIMIT, "must be at least %s", min);
    }
    return add_got(err, &why, text);
}

static enum hx_errcode read_number(const struct hx_option *option, int64_t *field, const char *text,
                                   struct hx_error *err)
{
    struct hx_error why;
    int64_t value = 0;
    enum hx_errcode code;
    if (option->type == HX_OPTION_DURATION) {
        code = hx_parse_duration(text, &value, &why);
    } else if (option->type == HX_OPTION_SIZE) {
        code = hx_parse_size(text, &value, &why);
    } else {
        code = hx_parse_int(text, INT64_MIN, INT64_MAX, &value, &why);
    }
    if (code != HX_OK) {
        return add_got(err, &why, text);
    }
    code = check_bounds(option, value, text, err);
    if (code == HX_OK) {
        *field = value;
    }
    return code;
}

enum hx_errcode hx_option_read_duration(const struct hx_option *option, int64_t *ns,
                                        const char *text, struct hx_error *err)
{
    char seconds[SECONDS_SIZE];
    size_t len = strlen(text);
    bool is_number = len < sizeof seconds - 1 && strspn(text, "0123456789.") == len;
    int64_t value = 0;
    (void)snprintf(seconds, sizeof seconds, "%ss", is_number ? text : "");
    if (hx_parse_duration(is_number ? seconds : text, &value, NULL) != HX_OK) {
        char quoted[HX_QUOTE_SIZE];
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a duration such as 5ms, or seconds such as 0.25, got %s",
                            hx_quote(text, quoted));
    }
    enum hx_errcode code = check_bounds(option, value, text, err);
    if (code == HX_OK) {
        *ns = value;
    }
    return code;
}

static enum hx_errcode read_amount(const struct hx_option *option, struct hx_amount *field,
                                   const char *text, struct hx_error *err)
{
    struct hx_error why;
    struct hx_amount value;
    enum hx_errcode code = hx_parse_amount(text, &value, &why);
    if (code != HX_OK) {
        return add_got(err, &why, text);
    }
    if (value.percent < 0) {
        code = check_bounds(option, value.bytes, text, err);
    }
    if (code == HX_OK) {
        *field = value;
    }
    return code;
}

static enum hx_errcode read_bool(bool *field, const char *text, struct hx_error *err)
{
    struct hx_error why;
    enum hx_errcode code = hx_parse_bool(text, field, &why);
    return code == HX_OK ? HX_OK : add_got(err, &why, text);
}

static enum hx_errcode refuse_choice(const char *const *choices, const char *text,
                                     struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    struct hx_strbuf list;
    hx_strbuf_init(&list);
    for (size_t i = 0; choices[i] != NULL; i++) {
        bool is_last = choices[i + 1] == NULL;
        hx_strbuf_puts(&list, i == 0 ? "" : is_last ? " or " : ", ");
        hx_strbuf_puts(&list, choices[i]);
    }
    const char *nearest = hx_suggest(text, choices);
    enum hx_errcode code =
        hx_error_set(err, HX_ERR_INVALID, "expected %s, got %s%s%s%s", hx_strbuf_text(&list),
                     hx_quote(text, quoted), nearest != NULL ? " (did you mean \"" : "",
                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?)" : "");
    hx_strbuf_fini(&list);
    return code;
}

static enum hx_errcode read_choice(const struct hx_option *option, int *field, const char *text,
                                   struct hx_error *err)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *field = i;
            return HX_OK;
        }
    }
    return refuse_choice(option->choices, text, err);
}

/* The status that the first three bytes of text say; 0 when they say none. */
static int status_at(const char *text)
{
    int status = 0;
    for (int i = 0; i < STATUS_LEN; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        status = status * 10 + (text[i] - '0');
    }
    return status >= MIN_STATUS && status <= MAX_STATUS ? status : 0;
}

/* "200", "2xx" or "200-299" as first and last; false for anything else. */
static bool read_status_range(const char *text, int *first, int *last)
{
    size_t len = strlen(text);
    if (len == STATUS_LEN && strcmp(text + 1, "xx") == 0 && *text >= '1' && *text <= '5') {
        *first = (*text - '0') * CENTURY;
        *last = *first + CENTURY - 1;
        return true;
    }
    if (len != STATUS_LEN && !(len == RANGE_LEN && text[STATUS_LEN] == '-')) {
        return false;
    }
    *first = status_at(text);
    *last = len == RANGE_LEN ? status_at(text + STATUS_LEN + 1) : *first;
    return *first > 0 && *last >= *first;
}

static enum hx_errcode read_statuses(struct hx_status_set *field, const char *text,
                                     struct hx_error *err)
{
    int first = 0;
    int last = 0;
    if (!read_status_range(text, &first, &last)) {
        char quoted[HX_QUOTE_SIZE];
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected a status from 100 to 599 such as 200, 2xx or 200-299, got %s",
                            hx_quote(text, quoted));
    }
    for (int status = first; status <= last; status++) {
        unsigned bit = (unsigned)(status - MIN_STATUS);
        field->bits[bit / BITS_IN_BYTE] |= (uint8_t)(1U << bit % BITS_IN_BYTE);
    }
    return HX_OK;
}

enum hx_errcode hx_option_read(const struct hx_option *option, void *field, const char *text,
                               struct hx_error *err)
{
    switch (option->type) {
    case HX_OPTION_BOOL:
        return read_bool(field, text, err);
    case HX_OPTION_INT:
    case HX_OPTION_DURATION:
    case HX_OPTION_SIZE:
        return read_number(option, field, text, err);
    case HX_OPTION_AMOUNT:
        return read_amount(option, field, text, err);
    case HX_OPTION_CHOICE:
        return read_choice(option, field, text, err);
    case HX_OPTION_STATUSES:
        return read_statuses(field, text, err);
    case HX_OPTION_STRING:
    case HX_OPTION_SECRET:
    case HX_OPTION_STRINGS:
    case HX_OPTION_MAP:
    case HX_OPTION_DURATIONS:
        break;
    }
    /* Not quoted: it may stand where a secret value should. */
    return hx_error_set(err, HX_ERR_INVALID, "expected %s", hx_option_expected(option));
}
