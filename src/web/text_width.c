/* SPDX-License-Identifier: Apache-2.0 */
/* Widths of DejaVu Sans, whose letters are as wide as Verdana's; what is not ASCII goes by its
 * kind. A picture says what it reckoned with (textLength), so that a renderer makes up the rest. */
#include "web/text_width.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define WIDE   110
#define MEDIUM 72

/* U+0020 to U+007E. */
static const uint8_t ascii[] = {
    35, 44,  51, 92, 70, 105, 86, 30, 43, 43, 55, 92, 35, 40,  35, 37, 70, 70,  70,
    70, 70,  70, 70, 70, 70,  70, 37, 37, 92, 92, 92, 58, 110, 75, 75, 77, 85,  70,
    63, 85,  83, 32, 32, 72,  61, 95, 82, 87, 66, 87, 76, 70,  67, 81, 75, 109, 75,
    67, 75,  43, 37, 43, 92,  55, 55, 67, 70, 60, 70, 68, 39,  70, 70, 31, 31,  64,
    31, 107, 70, 67, 70, 70,  45, 57, 43, 70, 65, 90, 65, 65,  58, 70, 37, 70,  92,
};

_Static_assert(sizeof(ascii) == 0x7f - 0x20, "one for each");

/* The character of a valid sequence. */
static uint32_t decode(const char *text, size_t len)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = (unsigned char)text[0] & masks[len];
    for (size_t i = 1; i < len; i++)
        character = character << 6 | ((unsigned char)text[i] & 0x3f);
    return character;
}

/* Of East Asian scripts and of emoji: as wide as they are high. */
static size_t width_of(uint32_t character)
{
    static const struct {
        uint32_t first, last;
        size_t width;
    } ranges[] = {{0x0300, 0x036f, 0}, /* combining marks */
                  {0x1100, 0x115f, WIDE},  {0x200b, 0x200f, 0},    {0x2e80, 0xa4cf, WIDE},
                  {0xac00, 0xd7a3, WIDE},  {0xf900, 0xfaff, WIDE}, {0xfe00, 0xfe0f, 0},
                  {0xfe30, 0xfe6f, WIDE},  {0xff00, 0xff60, WIDE}, {0x1f000, 0x1faff, WIDE},
                  {0x20000, 0x3ffff, WIDE}};
    if (character >= 0x20 && character < 0x7f)
        return ascii[character - 0x20];
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (character >= ranges[i].first && character <= ranges[i].last)
            return ranges[i].width;
    }
    return MEDIUM;
}

/* The next character: its bytes and its width. */
static size_t step(const char *text, size_t left, size_t *width)
{
    size_t len = hx_utf8_next(text, left);
    *width = len == 0 ? WIDE : width_of(decode(text, len));
    return len == 0 ? 1 : len;
}

size_t hx_text_width(const char *text)
{
    size_t sum = 0;
    size_t left = strlen(text);
    while (left > 0) {
        size_t width;
        size_t len = step(text, left, &width);
        sum += width;
        text += len;
        left -= len;
    }
    return sum;
}

size_t hx_text_fit(const char *text, size_t width)
{
    size_t sum = 0;
    size_t fit = 0;
    size_t all = strlen(text);
    while (fit < all) {
        size_t own;
        size_t len = step(text + fit, all - fit, &own);
        if (sum + own > width)
            break;
        sum += own;
        fit += len;
    }
    return fit;
}
