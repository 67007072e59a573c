/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing numbers. Nearly all values of a page are counts, whole numbers, or decimal fractions that
 * began as nanoseconds; those are written by integer arithmetic. Only the rest pays for printf().
 */
#include "metrics/number.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NANO        1000000000
#define NANO_DIGITS 9
#define MAX_DIGITS  17

/* Up to here a double holds every whole number. */
#define MAX_WHOLE 9007199254740992.0

/* Where the exponent form begins: bounds as OpenMetrics spells them, values as people read them. */
#define BOUND_MAX_EXPONENT 5
#define VALUE_MAX_EXPONENT 20
#define MIN_EXPONENT       (-4)

/* The significant digits of a finite double: d.ddd times ten to the exponent. */
struct decimal {
    char digits[MAX_DIGITS];
    int n;
    int exponent;
};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

static char *put(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static char *put_zeros(char *p, int n)
{
    for (int i = 0; i < n; i++) {
        *p++ = '0';
    }
    return p;
}

static char *put_point_zero(char *p, enum hx_format format)
{
    return format == HX_FORMAT_OPENMETRICS ? put(p, ".0", 2) : p;
}

static size_t count_digits(uint64_t value)
{
    for (size_t n = 1;; n += 4) {
        if (value < 100) {
            return value < 10 ? n : n + 1;
        }
        if (value < 10000) {
            return value < 1000 ? n + 2 : n + 3;
        }
        value /= 10000;
    }
}

char *hx_u64_put(char *p, uint64_t value)
{
    char *end = p + count_digits(value), *at = end;
    while (value >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(p, digit_pairs + value * 2, 2);
    } else {
        *p = (char)('0' + value);
    }
    return end;
}

char *hx_counter_put(char *p, uint64_t value, enum hx_format format)
{
    return put_point_zero(hx_u64_put(p, value), format);
}

/* The nine digits of a fraction that is not 0, without the zeros at its end. */
static char *put_fraction(char *p, uint32_t nano)
{
    p[NANO_DIGITS - 1] = (char)('0' + nano % 10);
    nano /= 10;
    for (int i = NANO_DIGITS - 3; i >= 0; i -= 2) {
        memcpy(p + i, digit_pairs + nano % 100 * 2, 2);
        nano /= 100;
    }
    char *end = p + NANO_DIGITS;
    while (end[-1] == '0') {
        end--;
    }
    return end;
}

char *hx_nano_put(char *p, int64_t nano, enum hx_format format)
{
    uint64_t magnitude = (uint64_t)nano;
    if (nano < 0) {
        *p++ = '-';
        magnitude = 0 - magnitude;
    }
    p = hx_u64_put(p, magnitude / NANO);
    uint64_t fraction = magnitude % NANO;
    if (fraction == 0) {
        return put_point_zero(p, format);
    }
    *p++ = '.';
    return put_fraction(p, (uint32_t)fraction);
}

/* Fills decimal from the text of "%.*e". The decimal point is the locale's and is passed over. */
static void decimal_parse(struct decimal *decimal, const char *text)
{
    int n = 0;
    while (*text != 'e') {
        if (*text >= '0' && *text <= '9' && n < MAX_DIGITS) {
            decimal->digits[n++] = *text;
        }
        text++;
    }
    while (n > 1 && decimal->digits[n - 1] == '0') {
        n--;
    }
    decimal->n = n;
    decimal->exponent = (int)strtol(text + 1, NULL, 10);
}

/* The fewest digits that read back as the same double. 15 always survive the way from text to
 * double and back, so fewer are 15 with zeros at the end, except near zero, where doubles thin out;
 * 17 are always enough. */
static void decimal_from_double(struct decimal *decimal, double value)
{
    char text[64];
    for (int n = value < DBL_MIN ? 1 : 15; n <= MAX_DIGITS; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    decimal_parse(decimal, text);
}

static char *put_exponent_form(char *p, const struct decimal *decimal)
{
    *p++ = decimal->digits[0];
    if (decimal->n > 1) {
        *p++ = '.';
        p = put(p, decimal->digits + 1, (size_t)decimal->n - 1);
    }
    int exponent = decimal->exponent;
    p = put(p, exponent < 0 ? "e-" : "e+", 2);
    exponent = abs(exponent);
    if (exponent < 10) {
        *p++ = '0';
    }
    return hx_u64_put(p, (uint64_t)exponent);
}

static char *put_point_form(char *p, const struct decimal *decimal, enum hx_format format)
{
    int whole = decimal->exponent + 1; /* digits before the point */
    int n = decimal->n;
    if (whole <= 0) {
        p = put(p, "0.", 2);
        p = put_zeros(p, -whole);
        return put(p, decimal->digits, (size_t)n);
    }
    if (n <= whole) {
        p = put(p, decimal->digits, (size_t)n);
        return put_point_zero(put_zeros(p, whole - n), format);
    }
    p = put(p, decimal->digits, (size_t)whole);
    *p++ = '.';
    return put(p, decimal->digits + whole, (size_t)(n - whole));
}

static char *put_decimal(char *p, double value, int max_exponent, enum hx_format format)
{
    if (signbit(value)) {
        *p++ = '-';
    }
    struct decimal decimal = {0};
    decimal_from_double(&decimal, fabs(value));
    if (decimal.exponent < MIN_EXPONENT || decimal.exponent > max_exponent) {
        return put_exponent_form(p, &decimal);
    }
    return put_point_form(p, &decimal, format);
}

static char *put_not_finite(char *p, double value)
{
    if (isnan(value)) {
        return put(p, "NaN", 3);
    }
    return put(p, value > 0 ? "+Inf" : "-Inf", 4);
}

/* Whether the value is the double nearest to *nano billionths. Both numbers of the division are
 * exact, so its result is what reading the decimal fraction gives. */
static bool is_nano(double value, int64_t *nano)
{
    if (fabs(value) >= MAX_WHOLE / NANO) {
        return false;
    }
    *nano = llrint(value * NANO);
    return (double)*nano / NANO == value;
}

char *hx_double_put(char *p, double value, enum hx_format format)
{
    if (!isfinite(value)) {
        return put_not_finite(p, value);
    }
    if (fabs(value) <= MAX_WHOLE && (double)(int64_t)value == value) {
        if (signbit(value)) {
            *p++ = '-';
        }
        return hx_counter_put(p, (uint64_t)fabs(value), format);
    }
    int64_t nano;
    if (is_nano(value, &nano)) {
        return hx_nano_put(p, nano, format);
    }
    return put_decimal(p, value, VALUE_MAX_EXPONENT, format);
}

char *hx_bound_put(char *p, double bound, enum hx_format format)
{
    assert(isfinite(bound));
    return put_decimal(p, bound, BOUND_MAX_EXPONENT, format);
}

/* The number of billionths may have more digits than a double; its two halves do not. */
double hx_nano_double(int64_t nano)
{
    int64_t whole = nano / NANO, rest = nano % NANO;
    return (double)whole + (double)rest / NANO;
}

void hx_double_append(struct hx_strbuf *buf, double value)
{
    char text[HX_NUMBER_SIZE];
    hx_strbuf_append(buf, text, (size_t)(hx_double_put(text, value, HX_FORMAT_TEXT) - text));
}
