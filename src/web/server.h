/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP side: listeners, and what they answer from the board and the registry. It runs in one
 * thread of its own around libmicrohttpd and reads only; what changes anything is posted through
 * hx_web_actions.
 */
#ifndef HX_WEB_SERVER_H
#define HX_WEB_SERVER_H

#include "base/access.h"
#include "base/log.h"
#include "engine/board.h"
#include "health_exporter/metrics.h"

struct hx_web;

typedef void (*hx_reload_done)(void *done_data, const struct hx_reload *reload);

/* What the web may ask of the rest; each is called from the web thread and never blocks. */
struct hx_web_actions {
    void *data;
    /* NOTFOUND, UNSUPPORTED, LIMIT as hx_engines_report(). */
    enum hx_errcode (*report)(void *data, const char *name, const struct hx_report *report,
                              struct hx_error *err);
    /* Asks for a reload. done is called exactly once, later, from another thread, with the outcome
     * (borrowed for the call). BUSY: not running; then done is not called. */
    enum hx_errcode (*reload)(void *data, hx_reload_done done, void *done_data,
                              struct hx_error *err);
    /* Begins manual maintenance, or ends it (is_on false). */
    void (*maintain)(void *data, const struct hx_maintenance *maintenance);
};

struct hx_web_options {
    struct hx_board *board;
    struct hx_registry *registry;
    struct hx_log *log;
    struct hx_web_actions actions;
    const char *telemetry_path;      /* "/metrics" */
    unsigned max_connections;        /* over all listeners */
    unsigned max_connections_per_ip; /* not for unix sockets */
    int64_t header_deadline_ns;      /* until a request's head must be complete: 10 s */
    bool is_lifecycle_enabled;       /* POST /-/reload, POST and DELETE /-/maintenance */
    struct hx_access *access;        /* taken; NULL: everything is open, without TLS */
};

/* Makes a server without listeners. Options are copied, what they point at is borrowed. */
enum hx_errcode hx_web_new(const struct hx_web_options *options, struct hx_web **web,
                           struct hx_error *err) HX_MUST_CHECK;

/* Binds and listens: "host:port" (a literal address or a name of this host), ":port", "[::]:port",
 * "unix:/path". Nothing is answered before hx_web_start(). The error names address and cause. */
enum hx_errcode hx_web_listen(struct hx_web *web, const char *address,
                              struct hx_error *err) HX_MUST_CHECK;
enum hx_errcode hx_web_start(struct hx_web *web, struct hx_error *err) HX_MUST_CHECK;

/* The bound port of listener i; 0 for a unix socket or none. */
uint16_t hx_web_port(const struct hx_web *web, size_t i);

/* Replaces users, networks, certificates and limits; connections that are open stay. Takes access.
 * Any thread. */
enum hx_errcode hx_web_set_access(struct hx_web *web, struct hx_access *access,
                                  struct hx_error *err) HX_MUST_CHECK;

/* Adds a listener over a socket that listens already (systemd's); taken. Before start. */
enum hx_errcode hx_web_adopt(struct hx_web *web, int fd, struct hx_error *err) HX_MUST_CHECK;

/* Stops accepting, lets replies that are under way end (grace_ns at most), ends the threads,
 * removes unix sockets. */
void hx_web_stop(struct hx_web *web, int64_t grace_ns);
void hx_web_free(struct hx_web *web);

#endif
