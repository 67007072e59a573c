/* SPDX-License-Identifier: Apache-2.0 */
/* The server's state, shared by the files of this folder. */
#ifndef HX_WEB_WEB_H
#define HX_WEB_WEB_H

#include "web/bodies.h"
#include "web/constants.h"
#include "web/counts.h"
#include "web/gate.h"
#include "web/guard.h"
#include "web/later.h"
#include "web/listen.h"
#include "web/server.h"
#include "web/weblog.h"

#include <pthread.h>

/* libmicrohttpd's daemons: TLS is a property of a daemon. */
enum hx_daemon { HX_DAEMON_PLAIN, HX_DAEMON_TLS /* NULL without TLS */ };
#define HX_N_DAEMONS (HX_DAEMON_TLS + 1)

struct hx_web {
    struct hx_web_options options;
    struct hx_listener *listeners;
    size_t n_listeners;
    struct hx_constants constants;
    struct hx_counts counts;
    pthread_t thread;
    bool is_running;
    int wake_fd; /* eventfd: look at is_stopping and at the laters */
    _Atomic bool is_stopping;
    int64_t grace_ns; /* written before is_stopping */
    struct hx_laters laters;
    struct hx_gate gate;
    /* The web thread's own, from start to stop. */
    struct MHD_Daemon *daemons[HX_N_DAEMONS];
    int epoll_fd;
    int64_t now_ns; /* of this turn of the loop */
    struct hx_guard guard;
    struct hx_bodies bodies;
    struct hx_weblog weblog;
    const struct hx_peer *accepting; /* whose connection libmicrohttpd is being given */
};

#endif
