/* SPDX-License-Identifier: Apache-2.0 */
/* What clients can provoke fills no log. */
#include "web/weblog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The lines that a log of that level has got when the events have been noted. */
static void log_of(enum hx_log_level level, void (*note)(struct hx_weblog *weblog), char *text,
                   size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct hx_weblog weblog = {.log = hx_log_new(fds[1], level, HX_LOG_LOGFMT)};
    assert_non_null(weblog.log);
    note(&weblog);
    hx_log_free(weblog.log);
    close(fds[1]);
    ssize_t n = read(fds[0], text, size - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fds[0]);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *c = strstr(text, part); c != NULL; c = strstr(c + 1, part))
        n++;
    return n;
}

static void refuse_a_thousand(struct hx_weblog *weblog)
{
    for (int i = 0; i < 1000; i++)
        hx_weblog_event(weblog, HX_WEB_EVENT_REFUSED, "10.0.0.1");
    hx_weblog_event(weblog, HX_WEB_EVENT_ACCEPT, "Too many open files");
    weblog->events[HX_WEB_EVENT_REFUSED].next_ns = 0; /* ten seconds later */
    hx_weblog_event(weblog, HX_WEB_EVENT_REFUSED, "10.0.0.2");
}

static void many_events_of_a_kind_are_a_line_that_counts_them(void **state)
{
    (void)state;
    char text[4096];
    log_of(HX_LOG_INFO, refuse_a_thousand, text, sizeof(text));
    assert_int_equal(count(text, "\n"), 3);
    assert_int_equal(count(text, "detail=10.0.0.1 left_out=0\n"), 1);
    assert_int_equal(count(text, "detail=\"Too many open files\" left_out=0\n"), 1);
    assert_int_equal(count(text, "detail=10.0.0.2 left_out=999\n"), 1);
}

__attribute__((format(printf, 2, 3))) static void say(struct hx_weblog *weblog, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    hx_weblog_library(weblog, format, args);
    va_end(args);
}

static void let_the_library_speak(struct hx_weblog *weblog)
{
    say(weblog, "Failed to receive: %s\nmsg=forged\n", "reset");
}

static void what_the_library_says_is_one_line_for_debugging(void **state)
{
    (void)state;
    char text[4096];
    log_of(HX_LOG_INFO, let_the_library_speak, text, sizeof(text));
    assert_string_equal(text, "");
    log_of(HX_LOG_DEBUG, let_the_library_speak, text, sizeof(text));
    assert_int_equal(count(text, "\n"), 1);
    assert_non_null(strstr(text, "msg=libmicrohttpd detail=\"Failed to receive: reset\""));
    assert_null(strstr(text, "forged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_events_of_a_kind_are_a_line_that_counts_them),
        cmocka_unit_test(what_the_library_says_is_one_line_for_debugging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
