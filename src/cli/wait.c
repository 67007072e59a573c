/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_exporter wait [URL]: asks a running exporter again and again until it is ready, live or
 * started; a gate for deployments. It says on standard error what it is waiting for, each time that
 * changes. 0 when it is so, 1 when the time is over.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/waiting.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* One attempt; a server that hangs is told, and asked anew. */
#define ATTEMPT_NS (5 * HX_NS_PER_S)

#define MIN_INTERVAL_NS (10 * HX_NS_PER_MS)

struct wait_options {
    struct hx_client_options client;
    int goal; /* index in goal_choices */
    int64_t timeout_ns;
    int64_t interval_ns;
    bool is_help;
};

static const char *const goal_choices[] = {"ready", "live", "started", NULL};
static const char *const goal_routes[] = {"/readyz", "/livez", "/startupz"};

static const struct hx_flag wait_flags[] = {
    {"for", 0, HX_FLAG_CHOICE, offsetof(struct wait_options, goal), "WHAT",
     "What to wait for: ready, live or started. Default: ready.", goal_choices},
    {"timeout", 0, HX_FLAG_DURATION, offsetof(struct wait_options, timeout_ns), "DURATION",
     "How long to wait in all; 0: ask once. Default: 60s.", NULL},
    {"interval", 0, HX_FLAG_DURATION, offsetof(struct wait_options, interval_ns), "DURATION",
     "Time between two questions. Default: 500ms.", NULL},
    HX_CLIENT_FLAGS(struct wait_options),
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct wait_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

/* A wait under way. */
struct wait {
    struct hx_client *client;
    const char *goal;
    int64_t deadline_ns;
    int64_t interval_ns;
    struct hx_strbuf told; /* what it waits for, as it was last told */
};

static const char help[] =
    "Waits until a running exporter is ready; exit code 0 when it is, 1 when the time is\n"
    "over, 2 when the arguments are wrong. Says on standard error what it waits for.\n"
    "\n"
    "usage: health_exporter wait [flags] [URL|unix:SOCKET]\n"
    "\n"
    "The URL is the exporter's own, without a path. Default: " HX_DEFAULT_URL ". For\n"
    "example:\n"
    "\n"
    "  health_exporter wait --timeout=2m http://checkout.internal" HX_DEFAULT_LISTEN_ADDRESS
    " && deploy next\n";

/* Tells the reason when it is another than before; takes its text. */
static void tell(struct wait *wait, struct hx_strbuf *reason)
{
    if (strcmp(hx_strbuf_text(&wait->told), hx_strbuf_text(reason)) != 0) {
        fprintf(stderr, "health_exporter: waiting for %s to be %s: %s\n",
                hx_client_shown(wait->client), wait->goal, hx_strbuf_text(reason));
        hx_strbuf_clear(&wait->told);
        hx_strbuf_puts(&wait->told, hx_strbuf_text(reason));
    }
}

/* Asks once; true when it is so. */
static bool is_reached(struct wait *wait, int64_t left_ns)
{
    struct hx_strbuf body;
    struct hx_strbuf reason;
    struct hx_error err = {0};
    long status = 0;
    hx_strbuf_init(&body);
    hx_strbuf_init(&reason);
    int64_t timeout_ns = left_ns < ATTEMPT_NS ? left_ns : ATTEMPT_NS;
    enum hx_errcode code = hx_client_get(wait->client, timeout_ns, &status, &body, &err);
    bool is_good = code == HX_OK && status >= 200 && status < 300;
    /* That the end of all waiting has cut an attempt short is no news. */
    bool is_cut = code == HX_ERR_LIMIT && left_ns < ATTEMPT_NS && wait->told.len > 0;
    if (code != HX_OK)
        hx_strbuf_puts(&reason, err.message);
    else if (!is_good)
        hx_waiting_describe(status, hx_strbuf_text(&body), &reason);
    if (!is_good && !is_cut)
        tell(wait, &reason);
    hx_strbuf_fini(&reason);
    hx_strbuf_fini(&body);
    return is_good;
}

static void sleep_ns(int64_t ns)
{
    struct timespec time = {.tv_sec = ns / HX_NS_PER_S, .tv_nsec = ns % HX_NS_PER_S};
    while (nanosleep(&time, &time) != 0)
        continue;
}

/* The first question is asked at once. Without any time to wait there is only this one, which may
 * take as long as an answer takes. */
static bool wait_until(struct wait *wait, int64_t timeout_ns)
{
    int64_t left_ns = timeout_ns == 0 ? ATTEMPT_NS : timeout_ns;
    while (!is_reached(wait, left_ns < HX_NS_PER_MS ? HX_NS_PER_MS : left_ns)) {
        left_ns = wait->deadline_ns - hx_clock_monotonic_ns();
        if (left_ns <= 0)
            return false;
        sleep_ns(left_ns < wait->interval_ns ? left_ns : wait->interval_ns);
        left_ns = wait->deadline_ns - hx_clock_monotonic_ns();
    }
    return true;
}

static int wait_for(struct wait *wait, int64_t timeout_ns)
{
    char text[32];
    hx_strbuf_init(&wait->told);
    wait->deadline_ns = hx_clock_monotonic_ns() + timeout_ns;
    bool is_good = wait_until(wait, timeout_ns);
    if (!is_good)
        fprintf(stderr, "health_exporter: error: %s is not %s after %s: %s\n",
                hx_client_shown(wait->client), wait->goal,
                hx_format_duration(timeout_ns, text, sizeof(text)), hx_strbuf_text(&wait->told));
    hx_strbuf_fini(&wait->told);
    return is_good ? HX_EXIT_OK : HX_EXIT_UNHEALTHY;
}

static int run(const void *data, char *const *arguments, size_t n)
{
    const struct wait_options *options = data;
    struct wait wait = {.goal = goal_choices[options->goal], .interval_ns = options->interval_ns};
    struct hx_error err = {0};
    if (n > 1)
        return hx_cli_usage_error(
            "wait: expected at most one URL: health_exporter wait " HX_DEFAULT_URL);
    if (wait.interval_ns < MIN_INTERVAL_NS)
        return hx_cli_usage_error("wait: --interval: expected at least 10ms");
    enum hx_errcode code = hx_client_new(&options->client, arguments[0], goal_routes[options->goal],
                                         &wait.client, &err);
    if (code != HX_OK) {
        (void)hx_error_wrap(&err, code, "wait");
        return hx_cli_usage_error(err.message);
    }
    int exit_code = wait_for(&wait, options->timeout_ns);
    hx_client_free(wait.client);
    return exit_code;
}

int hx_cli_wait(int argc, char **argv)
{
    static const struct hx_command command = {wait_flags, offsetof(struct wait_options, is_help),
                                              help, run};
    struct wait_options options = {.timeout_ns = 60 * HX_NS_PER_S,
                                   .interval_ns = 500 * HX_NS_PER_MS};
    return hx_command_run(&command, argc, argv, &options);
}
