/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the place of each {{name}} of page.html but the dependencies. */
#ifndef HX_WEB_PAGE_PARTS_H
#define HX_WEB_PAGE_PARTS_H

#include "web/status_page.h"

/* Appends the part of that name (of len bytes); there must be one. */
void hx_page_put_part(struct hx_strbuf *buf, const struct hx_status_page *page, const char *name,
                      size_t len);

#endif
