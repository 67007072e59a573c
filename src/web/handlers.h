/* SPDX-License-Identifier: Apache-2.0 */
/* What answers the routes; each is called at the end of a request that is allowed there. */
#ifndef HX_WEB_HANDLERS_H
#define HX_WEB_HANDLERS_H

#include "web/exchange.h"

/* By route. */
extern const hx_handler hx_handlers[HX_N_ROUTES];

#endif
