/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are blocked in all threads and taken by the main one, so that nothing is done in a
 * handler, and PID 1, for which signals without one do not exist, ends as well as any other.
 *
 *     started ── SIGHUP: reload, by the keeper ── SIGTERM, SIGINT: draining ── delay ── stopped
 *                                                                     second signal ─┘
 *
 * A reload is only asked for here, so that a slow disk delays neither the end nor the watchdog.
 */
#include "cli/serve.h"

#include "assemble.h"
#include "base/clock.h"
#include "cli/cli.h"

#include <signal.h>

static sigset_t leading_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    return signals;
}

void hx_serve_block_signals(void)
{
    sigset_t signals = leading_signals();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* The next signal; 0 when the moment has come before one. */
static int await_signal(struct hx_exporter *exporter, struct hx_systemd *systemd, int64_t until_ns)
{
    sigset_t signals = leading_signals();
    for (;;) {
        int64_t now = hx_clock_monotonic_ns();
        if (now >= until_ns)
            return 0;
        int64_t next = hx_systemd_tick(systemd, exporter, now);
        int64_t wait = (next < until_ns ? next : until_ns) - now;
        struct timespec limit = {.tv_sec = wait / HX_NS_PER_S, .tv_nsec = wait % HX_NS_PER_S};
        bool is_endless = next == INT64_MAX && until_ns == INT64_MAX;
        int caught =
            is_endless ? sigwaitinfo(&signals, NULL) : sigtimedwait(&signals, NULL, &limit);
        if (caught > 0)
            return caught;
    }
}

static void on_reloaded(void *data, const struct hx_reload *reload)
{
    (void)reload; /* the exporter has logged it */
    hx_systemd_ready(data);
}

static void reload(struct hx_exporter *exporter, struct hx_systemd *systemd)
{
    hx_systemd_reloading(systemd);
    /* Refused is only one of very many; those that wait are served by one reload anyway. */
    if (hx_exporter_ask_reload(exporter, on_reloaded, systemd, NULL) != HX_OK)
        hx_systemd_ready(systemd);
}

int hx_serve(struct hx_exporter *exporter, struct hx_systemd *systemd, int64_t shutdown_delay_ns)
{
    struct hx_error err = {0};
    if (hx_exporter_start(exporter, &err) != HX_OK)
        return hx_cli_usage_error(err.message);
    hx_systemd_ready(systemd);
    while (await_signal(exporter, systemd, INT64_MAX) == SIGHUP)
        reload(exporter, systemd);
    hx_systemd_stopping(systemd);
    hx_exporter_drain(exporter);
    int64_t until = hx_clock_monotonic_ns() + shutdown_delay_ns;
    while (await_signal(exporter, systemd, until) == SIGHUP)
        continue;
    hx_exporter_stop(exporter);
    return HX_EXIT_OK;
}
