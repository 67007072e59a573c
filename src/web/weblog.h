/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients can provoke is logged at a bounded rate: a line per kind every ten seconds at most,
 * which says how many were left out.
 */
#ifndef HX_WEB_WEBLOG_H
#define HX_WEB_WEBLOG_H

#include "base/log.h"

#include <stdarg.h>

enum hx_web_event {
    HX_WEB_EVENT_LIBRARY,  /* libmicrohttpd has something to say */
    HX_WEB_EVENT_REFUSED,  /* a connection beyond a limit */
    HX_WEB_EVENT_DEADLINE, /* a connection that took too long */
    HX_WEB_EVENT_ACCEPT    /* no descriptor or memory to accept with */
};
#define HX_N_WEB_EVENTS (HX_WEB_EVENT_ACCEPT + 1)

struct hx_weblog {
    struct hx_log *log; /* may be NULL */
    struct {
        int64_t next_ns;
        int64_t n_left_out;
    } events[HX_N_WEB_EVENTS];
};

/* Web thread only. detail may be NULL. */
void hx_weblog_event(struct hx_weblog *weblog, enum hx_web_event event, const char *detail);

/* MHD_OPTION_EXTERNAL_LOGGER; cls is the weblog. */
void hx_weblog_library(void *cls, const char *format, va_list args) HX_PRINTF(2, 0);

#endif
