/* SPDX-License-Identifier: Apache-2.0 */
/* What the service tells systemd (252), and what it takes from it. */
#include "cli/systemd.h"

#include "base/clock.h"
#include "cli/sd_protocol.h"
#include "engine/board.h"
#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS_PERIOD_NS HX_NS_PER_S

/* The engine stamps once a second; a stamp of this age is fresh whatever the watchdog's period. */
#define MIN_FRESH_NS (1500 * HX_NS_PER_MS)

void hx_systemd_init(struct hx_systemd *systemd)
{
    *systemd = (struct hx_systemd){.is_notified = hx_sd_is_notified()};
    uint64_t watchdog_us = systemd->is_notified ? hx_sd_watchdog_us() : 0;
    if (watchdog_us < INT64_MAX / HX_NS_PER_US)
        systemd->watchdog_period_ns = (int64_t)(watchdog_us / 2) * HX_NS_PER_US;
}

/* ---- sockets ---- */

static enum hx_errcode adopt(struct hx_exporter *exporter, int fd, struct hx_error *err)
{
    if (hx_sd_is_listener(fd))
        return hx_exporter_adopt(exporter, fd, err);
    close(fd);
    return hx_error_set(err, HX_ERR_INVALID,
                        "descriptor %d from systemd is not a listening stream socket", fd);
}

enum hx_errcode hx_systemd_adopt(struct hx_exporter *exporter, size_t *n, struct hx_error *err)
{
    int n_given = hx_sd_take_fds();
    *n = 0;
    if (n_given < 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot take sockets from systemd: %s",
                            strerror(-n_given));
    enum hx_errcode code = HX_OK;
    for (int i = 0; i < n_given; i++) {
        if (code == HX_OK)
            code = adopt(exporter, HX_SD_FIRST_FD + i, err);
        else
            close(HX_SD_FIRST_FD + i);
    }
    *n = (size_t)n_given;
    return code;
}

/* ---- notifications: one that does not arrive changes nothing here ---- */

void hx_systemd_ready(const struct hx_systemd *systemd)
{
    if (systemd->is_notified)
        hx_sd_notify("READY=1");
}

void hx_systemd_reloading(const struct hx_systemd *systemd)
{
    char text[64];
    if (!systemd->is_notified)
        return;
    /* The moment is what Type=notify-reload of systemd 253 asks for. */
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             hx_clock_monotonic_ns() / HX_NS_PER_US);
    hx_sd_notify(text);
}

void hx_systemd_stopping(const struct hx_systemd *systemd)
{
    if (systemd->is_notified)
        hx_sd_notify("STOPPING=1");
}

static void summarize(struct hx_board *board, int64_t now_ns, char text[HX_SYSTEMD_STATUS_SIZE])
{
    struct hx_verdict verdict;
    struct hx_generation *generation = hx_board_hold(board);
    size_t n = generation == NULL ? 0 : generation->n;
    size_t n_up = 0;
    for (size_t i = 0; i < n; i++) {
        enum hx_state state = hx_record_state(generation->records[i], now_ns);
        n_up += state == HX_STATE_UP || state == HX_STATE_DEGRADED;
    }
    hx_board_verdict(board, generation, now_ns, &verdict);
    hx_generation_release(generation);
    snprintf(text, HX_SYSTEMD_STATUS_SIZE, "%zu of %zu dependencies up; readiness: %s", n_up, n,
             hx_readiness_text(verdict.readiness));
}

static void tell_status(struct hx_systemd *systemd, struct hx_board *board, int64_t now_ns)
{
    char text[HX_SYSTEMD_STATUS_SIZE];
    summarize(board, now_ns, text);
    systemd->next_status_ns = now_ns + STATUS_PERIOD_NS;
    if (strcmp(text, systemd->status) == 0)
        return;
    memcpy(systemd->status, text, sizeof(text));
    char line[sizeof("STATUS=") + HX_SYSTEMD_STATUS_SIZE];
    snprintf(line, sizeof(line), "STATUS=%s", text);
    hx_sd_notify(line);
}

static void ping(struct hx_systemd *systemd, struct hx_board *board, int64_t now_ns)
{
    int64_t age;
    int64_t fresh =
        systemd->watchdog_period_ns > MIN_FRESH_NS ? systemd->watchdog_period_ns : MIN_FRESH_NS;
    (void)hx_board_is_live(board, now_ns, &age);
    systemd->next_ping_ns = now_ns + systemd->watchdog_period_ns;
    if (age <= fresh)
        hx_sd_notify("WATCHDOG=1");
}

int64_t hx_systemd_tick(struct hx_systemd *systemd, struct hx_exporter *exporter, int64_t now_ns)
{
    struct hx_board *board = hx_exporter_board(exporter);
    bool has_watchdog = systemd->watchdog_period_ns > 0;
    if (!systemd->is_notified)
        return INT64_MAX;
    if (now_ns >= systemd->next_status_ns)
        tell_status(systemd, board, now_ns);
    if (has_watchdog && now_ns >= systemd->next_ping_ns)
        ping(systemd, board, now_ns);
    return has_watchdog && systemd->next_ping_ns < systemd->next_status_ns
               ? systemd->next_ping_ns
               : systemd->next_status_ns;
}
