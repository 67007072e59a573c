/* SPDX-License-Identifier: Apache-2.0 */
/* The web thread. */
#ifndef HX_WEB_LOOP_H
#define HX_WEB_LOOP_H

#include "web/web.h"

/* Makes what the thread needs (epoll, eventfd, libmicrohttpd's daemon) and starts it. On failure
 * nothing is left. */
enum hx_errcode hx_loop_start(struct hx_web *web, struct hx_error *err) HX_MUST_CHECK;

/* Makes it look at what is new: rules, or that it is to stop. Any thread. */
void hx_loop_wake(struct hx_web *web);

/* Lets it drain for grace_ns at most, joins it, and frees what start made. */
void hx_loop_stop(struct hx_web *web, int64_t grace_ns);

#endif
