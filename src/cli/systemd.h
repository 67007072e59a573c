/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program as a service of systemd: readiness, status and watchdog by sd_notify(3), sockets by
 * sd_listen_fds(3). Without systemd each of these does nothing. The library never looks at the
 * environment for this: it may be inside of another service.
 */
#ifndef HX_CLI_SYSTEMD_H
#define HX_CLI_SYSTEMD_H

#include "health_exporter/exporter.h"

#define HX_SYSTEMD_STATUS_SIZE 96

struct hx_systemd {
    bool is_notified;           /* systemd wants to know */
    int64_t watchdog_period_ns; /* between two pings, half of WatchdogSec; 0: no watchdog */
    int64_t next_ping_ns;
    int64_t next_status_ns;
    char status[HX_SYSTEMD_STATUS_SIZE]; /* the last one told */
};

/* Reads the environment. */
void hx_systemd_init(struct hx_systemd *systemd);

/* Gives the exporter the sockets that systemd holds for it; *n is their number. Once, before there
 * is another thread. */
enum hx_errcode hx_systemd_adopt(struct hx_exporter *exporter, size_t *n,
                                 struct hx_error *err) HX_MUST_CHECK;

/* What the service does now. Any thread. */
void hx_systemd_ready(const struct hx_systemd *systemd);
void hx_systemd_reloading(const struct hx_systemd *systemd);
void hx_systemd_stopping(const struct hx_systemd *systemd);

/* Tells what is due: a status that has changed, and the watchdog's ping, which is left out while
 * the engine does not turn, however the dependencies are. Returns the moment (monotonic) at which
 * to call it again; INT64_MAX: never. */
int64_t hx_systemd_tick(struct hx_systemd *systemd, struct hx_exporter *exporter, int64_t now_ns);

#endif
