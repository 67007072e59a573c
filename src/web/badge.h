/* SPDX-License-Identifier: Apache-2.0 */
/* Small pictures of a status, for other people's pages: of the whole service, or one dependency.
 * Everybody may have them; they are always 200, because a browser shows no other picture. */
#ifndef HX_WEB_BADGE_H
#define HX_WEB_BADGE_H

#include "web/exchange.h"

/* Appends the badge "name | status". */
void hx_badge_put(struct hx_strbuf *buf, const char *name, const char *status);

/* Appends a square with the status's sign, for a browser's tab. */
void hx_badge_put_icon(struct hx_strbuf *buf, const char *status);

enum MHD_Result hx_badge_handle(struct hx_exchange *exchange);
enum MHD_Result hx_dependency_badge_handle(struct hx_exchange *exchange);

#endif
