/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units. All arithmetic is on integers and checked: no text is taken as another value
 * than it says, whatever its size and the locale of the process.
 */
#include "base/units.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_FRACTION_DIGITS 9

#define NS_PER_MINUTE (60 * HX_NS_PER_S)
#define NS_PER_HOUR   (60 * NS_PER_MINUTE)
#define NS_PER_DAY    (24 * NS_PER_HOUR)
#define NS_PER_WEEK   (7 * NS_PER_DAY)

struct unit {
    const char *name;
    int64_t factor;
};

/* A decimal as it was written: whole + fraction / denominator. */
struct number {
    int64_t whole;
    int64_t fraction;
    int64_t denominator;
};

/* Falling, as the parts of a duration must be. */
static const struct unit TIME_UNITS[] = {
    {"w", NS_PER_WEEK}, {"d", NS_PER_DAY},    {"h", NS_PER_HOUR},   {"m", NS_PER_MINUTE},
    {"s", HX_NS_PER_S}, {"ms", HX_NS_PER_MS}, {"us", HX_NS_PER_US}, {"ns", 1},
};
#define N_TIME_UNITS (sizeof TIME_UNITS / sizeof TIME_UNITS[0])

static const struct unit SIZE_UNITS[] = {
    {"", 1},
    {"B", 1},
    {"kB", INT64_C(1000)},
    {"MB", INT64_C(1000000)},
    {"GB", INT64_C(1000000000)},
    {"TB", INT64_C(1000000000000)},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
};
#define N_SIZE_UNITS (sizeof SIZE_UNITS / sizeof SIZE_UNITS[0])

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Appends a decimal digit to a number that is not negative; false when it does not fit. */
static bool push_digit(int64_t *value, char digit)
{
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, digit - '0', value);
}

/* Reads "12" or "12.5" and moves *text behind it. HX_ERR_INVALID: there is none; HX_ERR_LIMIT: it
 * is too large. */
static enum hx_errcode read_number(const char **text, struct number *number)
{
    const char *p = *text;
    *number = (struct number){.denominator = 1};
    if (!is_digit(*p)) {
        return HX_ERR_INVALID;
    }
    for (; is_digit(*p); p++) {
        if (!push_digit(&number->whole, *p)) {
            return HX_ERR_LIMIT;
        }
    }
    if (*p == '.') {
        const char *first = ++p;
        for (; is_digit(*p) && p - first < MAX_FRACTION_DIGITS; p++) {
            number->fraction = number->fraction * 10 + (*p - '0');
            number->denominator *= 10;
        }
        if (p == first || is_digit(*p)) {
            return HX_ERR_INVALID;
        }
    }
    *text = p;
    return HX_OK;
}

/* Reads the run of letters at *text as one of n units, from index `from` on; n: it is none. */
static size_t read_unit(const char **text, const struct unit *units, size_t from, size_t n)
{
    size_t len = 0;
    while (is_letter((*text)[len])) {
        len++;
    }
    for (size_t i = from; i < n; i++) {
        if (strlen(units[i].name) == len && memcmp(units[i].name, *text, len) == 0) {
            *text += len;
            return i;
        }
    }
    return n;
}

/* number * factor, rounded down; false when it does not fit. The fraction's product is taken in
 * two parts, so that it never leaves 64 bits. */
static bool multiply(const struct number *number, int64_t factor, int64_t *product, bool *is_exact)
{
    int64_t rest = number->fraction * (factor % number->denominator);
    int64_t part = number->fraction * (factor / number->denominator) + rest / number->denominator;
    *is_exact = rest % number->denominator == 0;
    return !__builtin_mul_overflow(number->whole, factor, product) &&
           !__builtin_add_overflow(*product, part, product);
}

static enum hx_errcode refuse_duration(enum hx_errcode code, struct hx_error *err)
{
    if (code == HX_ERR_LIMIT) {
        return hx_error_set(err, code, "expected a duration below 292 years");
    }
    return hx_error_set(err, code, "expected a duration such as 250ms, 10s or 1m30s");
}

/* One "30s" of a duration, in a unit behind `from`, added to *total. */
static enum hx_errcode read_duration_part(const char **text, size_t *from, int64_t *total)
{
    struct number number;
    enum hx_errcode code = read_number(text, &number);
    if (code != HX_OK) {
        return code;
    }
    size_t unit = read_unit(text, TIME_UNITS, *from, N_TIME_UNITS);
    if (unit == N_TIME_UNITS || (number.denominator > 1 && **text != '\0')) {
        return HX_ERR_INVALID;
    }
    int64_t part;
    bool is_exact;
    if (!multiply(&number, TIME_UNITS[unit].factor, &part, &is_exact) ||
        __builtin_add_overflow(*total, part, total)) {
        return HX_ERR_LIMIT;
    }
    *from = unit + 1;
    /* Finer than a nanosecond. */
    return is_exact ? HX_OK : HX_ERR_INVALID;
}

enum hx_errcode hx_parse_duration(const char *text, int64_t *ns, struct hx_error *err)
{
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return HX_OK;
    }
    int64_t total = 0;
    size_t from = 0;
    do {
        enum hx_errcode code = read_duration_part(&text, &from, &total);
        if (code != HX_OK) {
            return refuse_duration(code, err);
        }
    } while (*text != '\0');
    *ns = total;
    return HX_OK;
}

/* The whole of text as a size; the code alone, since the caller knows what else it would take. */
static enum hx_errcode read_size(const char *text, int64_t *bytes)
{
    struct number number;
    enum hx_errcode code = read_number(&text, &number);
    if (code != HX_OK) {
        return code;
    }
    size_t unit = read_unit(&text, SIZE_UNITS, 0, N_SIZE_UNITS);
    if (unit == N_SIZE_UNITS || *text != '\0') {
        return HX_ERR_INVALID;
    }
    int64_t size;
    bool is_exact;
    if (!multiply(&number, SIZE_UNITS[unit].factor, &size, &is_exact)) {
        return HX_ERR_LIMIT;
    }
    /* 0.1GiB is no whole number of bytes and plain enough; 0.5 bytes are a mistake. */
    if (!is_exact && SIZE_UNITS[unit].factor == 1) {
        return HX_ERR_INVALID;
    }
    *bytes = size;
    return HX_OK;
}

enum hx_errcode hx_parse_size(const char *text, int64_t *bytes, struct hx_error *err)
{
    enum hx_errcode code = read_size(text, bytes);
    if (code == HX_ERR_LIMIT) {
        return hx_error_set(err, code, "expected a size below 8388608TiB");
    }
    if (code != HX_OK) {
        return hx_error_set(err, code, "expected a size such as 512, 64KiB or 1.5GB");
    }
    return HX_OK;
}

static enum hx_errcode read_percent(const char *text, double *percent)
{
    struct number number;
    enum hx_errcode code = read_number(&text, &number);
    if (code != HX_OK) {
        return code;
    }
    if (strcmp(text, "%") != 0) {
        return HX_ERR_INVALID;
    }
    if (number.whole > 100 || (number.whole == 100 && number.fraction > 0)) {
        return HX_ERR_LIMIT;
    }
    *percent = (double)number.whole + (double)number.fraction / (double)number.denominator;
    return HX_OK;
}

enum hx_errcode hx_parse_amount(const char *text, struct hx_amount *amount, struct hx_error *err)
{
    struct hx_amount parsed = {.bytes = -1, .percent = -1};
    enum hx_errcode code;
    if (strchr(text, '%') != NULL) {
        code = read_percent(text, &parsed.percent);
    } else {
        code = read_size(text, &parsed.bytes);
    }
    if (code == HX_ERR_LIMIT) {
        return hx_error_set(err, code,
                            "expected a size below 8388608TiB or a share of 0%% to 100%%");
    }
    if (code != HX_OK) {
        return hx_error_set(err, code, "expected a size such as 64KiB or a share such as 5%%");
    }
    *amount = parsed;
    return HX_OK;
}

static enum hx_errcode refuse_int(enum hx_errcode code, int64_t min, int64_t max,
                                  struct hx_error *err)
{
    if (min == INT64_MIN && max == INT64_MAX) {
        return hx_error_set(err, code, "expected a whole number");
    }
    if (max == INT64_MAX) {
        return hx_error_set(err, code, "expected a whole number of at least %" PRId64, min);
    }
    return hx_error_set(err, code, "expected a whole number between %" PRId64 " and %" PRId64, min,
                        max);
}

enum hx_errcode hx_parse_int(const char *text, int64_t min, int64_t max, int64_t *value,
                             struct hx_error *err)
{
    bool is_negative = *text == '-';
    const char *p = text + is_negative;
    if (!is_digit(*p)) {
        return refuse_int(HX_ERR_INVALID, min, max, err);
    }
    int64_t parsed = 0;
    for (; is_digit(*p); p++) {
        /* Counted below zero, where one number more fits. */
        if (__builtin_mul_overflow(parsed, 10, &parsed) ||
            __builtin_sub_overflow(parsed, *p - '0', &parsed)) {
            return refuse_int(HX_ERR_LIMIT, min, max, err);
        }
    }
    if (*p != '\0') {
        return refuse_int(HX_ERR_INVALID, min, max, err);
    }
    if ((!is_negative && __builtin_sub_overflow(INT64_C(0), parsed, &parsed)) || parsed < min ||
        parsed > max) {
        return refuse_int(HX_ERR_LIMIT, min, max, err);
    }
    *value = parsed;
    return HX_OK;
}

enum hx_errcode hx_parse_bool(const char *text, bool *value, struct hx_error *err)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return hx_error_set(err, HX_ERR_INVALID, "expected true or false");
    }
    *value = is_true;
    return HX_OK;
}

/* Writes value / factor as a decimal without trailing zeros, and the unit. */
static size_t put_part(char *text, size_t size, int64_t value, const struct unit *unit)
{
    int n = snprintf(text, size, "%" PRId64, value / unit->factor);
    size_t len = (size_t)n;
    int64_t rest = value % unit->factor;
    if (rest > 0) {
        text[len++] = '.';
        for (int64_t place = unit->factor / 10; rest > 0; place /= 10) {
            text[len++] = (char)('0' + rest / place);
            rest %= place;
        }
    }
    n = snprintf(text + len, size - len, "%s", unit->name);
    return len + (size_t)n;
}

char *hx_format_duration(int64_t ns, char *text, size_t size)
{
    assert(ns >= 0 && size >= 32);
    (void)snprintf(text, size, "0s");
    size_t len = 0;
    /* Weeks only when nothing else is left: 8d, not 1w1d. */
    size_t first = ns % NS_PER_WEEK == 0 ? 0 : 1;
    for (size_t i = first; i < N_TIME_UNITS && ns > 0; i++) {
        const struct unit *unit = &TIME_UNITS[i];
        if (ns < unit->factor) {
            continue;
        }
        /* From seconds down, a decimal says the rest: 1.5s, not 1s500ms. */
        bool is_last = unit->factor <= HX_NS_PER_S;
        int64_t part = is_last ? ns : ns - ns % unit->factor;
        len += put_part(text + len, size - len, part, unit);
        ns -= part;
    }
    return text;
}

char *hx_format_size(int64_t bytes, char *text, size_t size)
{
    static const char *const NAMES[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    assert(bytes >= 0 && size >= 32);
    size_t i = 0;
    int64_t unit = 1;
    while (i + 1 < sizeof NAMES / sizeof NAMES[0] && bytes / unit >= 1024) {
        unit <<= 10;
        i++;
    }
    int64_t tenths = bytes % unit * 10 / unit;
    if (tenths > 0) {
        (void)snprintf(text, size, "%" PRId64 ".%" PRId64 "%s", bytes / unit, tenths, NAMES[i]);
    } else {
        (void)snprintf(text, size, "%" PRId64 "%s", bytes / unit, NAMES[i]);
    }
    return text;
}
