/* SPDX-License-Identifier: Apache-2.0 */
/* The rate limit, and libmicrohttpd's log made ours. */
#include "web/weblog.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_NS (10 * HX_NS_PER_S)

/* Only what an operator can do something about is a warning; what libmicrohttpd says is almost
 * always about a client that broke off or did not speak HTTP. */
static const struct {
    enum hx_log_level level;
    const char *message;
} texts[HX_N_WEB_EVENTS] = {
    [HX_WEB_EVENT_LIBRARY] = {HX_LOG_DEBUG, "libmicrohttpd"},
    [HX_WEB_EVENT_REFUSED] = {HX_LOG_WARN, "too many connections, one was closed"},
    [HX_WEB_EVENT_DEADLINE] = {HX_LOG_INFO, "a connection took too long and was closed"},
    [HX_WEB_EVENT_ACCEPT] = {HX_LOG_WARN, "cannot accept connections for now"},
};

void hx_weblog_event(struct hx_weblog *weblog, enum hx_web_event event, const char *detail)
{
    if (!hx_log_enabled(weblog->log, texts[event].level))
        return;
    int64_t now_ns = hx_clock_monotonic_ns();
    if (now_ns < weblog->events[event].next_ns) {
        weblog->events[event].n_left_out++;
        return;
    }
    hx_log(weblog->log, texts[event].level, texts[event].message, HX_LOG_STR("detail", detail),
           HX_LOG_INT("left_out", weblog->events[event].n_left_out));
    weblog->events[event].next_ns = now_ns + PAUSE_NS;
    weblog->events[event].n_left_out = 0;
}

void hx_weblog_library(void *cls, const char *format, va_list args)
{
    struct hx_weblog *weblog = cls;
    char text[256];
    if (!hx_log_enabled(weblog->log, texts[HX_WEB_EVENT_LIBRARY].level))
        return;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    hx_weblog_event(weblog, HX_WEB_EVENT_LIBRARY, text);
}
