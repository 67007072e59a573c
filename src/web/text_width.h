/* SPDX-License-Identifier: Apache-2.0 */
/* How wide a text is, without a font at hand. */
#ifndef HX_WEB_TEXT_WIDTH_H
#define HX_WEB_TEXT_WIDTH_H

#include <stddef.h>

/* In tenths of a pixel, for 11 pixels of a sans-serif such as Verdana or DejaVu Sans; a byte that
 * is no UTF-8 counts as one wide character. */
size_t hx_text_width(const char *text);

/* How many bytes of the text fit into that width, whole characters only. */
size_t hx_text_fit(const char *text, size_t width);

#endif
