/* SPDX-License-Identifier: Apache-2.0 */
/* GET /health/detailed: everything that is known, for operators. Who may ask is not decided here.
 */
#ifndef HX_WEB_DETAILED_H
#define HX_WEB_DETAILED_H

#include "base/strbuf.h"
#include "web/exchange.h"

/* Appends what is known of one dependency, as a JSON object. */
void hx_detailed_put_check(struct hx_strbuf *buf, const struct hx_record *record, int64_t now_ns);

enum MHD_Result hx_detailed_handle(struct hx_exchange *exchange);

#endif
