/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics page: rendered piece by piece while it is sent, so that it takes no memory to speak
 * of however many dependencies there are. */
#ifndef HX_WEB_METRICS_PAGE_H
#define HX_WEB_METRICS_PAGE_H

#include "web/exchange.h"

enum MHD_Result hx_metrics_page_handle(struct hx_exchange *exchange);

#endif
