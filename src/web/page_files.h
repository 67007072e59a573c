/* SPDX-License-Identifier: Apache-2.0 */
/* The files of src/web/page/, which the build puts into the program. */
#ifndef HX_WEB_PAGE_FILES_H
#define HX_WEB_PAGE_FILES_H

#include <stddef.h>

extern const unsigned char hx_page_html[];
extern const size_t hx_page_html_len;
extern const unsigned char hx_page_css[];
extern const size_t hx_page_css_len;
extern const unsigned char hx_page_js[];
extern const size_t hx_page_js_len;

#endif
