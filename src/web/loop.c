/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread serves all listeners: it accepts, lets libmicrohttpd turn (in its external epoll mode,
 * whose descriptor is nested in ours), and looks after deadlines. libmicrohttpd never listens
 * itself, because its own accept loop spins when descriptors run out before the first connection
 * came, its limits hold per listener only, and MHD_quiesce_daemon() of 0.9.75 can race with its
 * thread and abort. Since it all happens on one thread, none of the web's state needs a lock.
 *
 *     wait ─ accept ─ MHD_run ─ sweep deadlines ─┐        stop: accept what has arrived, close the
 *      ▲                                         │        listeners, tell idle connections that
 *      └─────────────────────────────────────────┘        nothing more is read, turn until all are
 *                                                          gone or the grace is over
 *
 * Failure modes: no descriptors or memory for an accept pauses accepting for 100 ms; a limit closes
 * the connection at once. Who frees what: the daemon, and with it all connections, is stopped by
 * the thread itself when it ends; the rest by hx_loop_stop().
 */
#include "web/loop.h"

#include "base/clock.h"
#include "web/exchange.h"
#include "web/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of each connection: a request's head and the reply's head, or a chunk of the reply. Larger chunks
 * make fewer packets of a page; but libmicrohttpd zeroes all of it after each request, and from
 * here on would map and unmap it for each connection. */
#define MEMORY_LIMIT ((size_t)32 * 1024)
/* Accepted in one turn, so that a flood of connections does not starve those that are open. */
#define MAX_ACCEPTS 16
/* Turns of libmicrohttpd until other connections and deadlines are looked at. */
#define MAX_TURNS       8
#define ACCEPT_PAUSE_NS (100 * HX_NS_PER_MS)
/* A deadline is noticed at the latest a twentieth of it late, and not more than this. */
#define MAX_SWEEP_NS (500 * HX_NS_PER_MS)
#define MIN_SWEEP_NS (10 * HX_NS_PER_MS)

struct loop {
    struct hx_web *web;
    int64_t sweep_ns; /* between two sweeps */
    int64_t next_sweep_ns;
    int64_t accept_again_ns; /* 0: accepting */
    int64_t give_up_ns;      /* of draining; 0: not stopping */
};

/* ---- accepting ---- */

static void watch_listeners(struct hx_web *web, int operation)
{
    for (size_t i = 0; i < web->n_listeners; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = web->listeners[i].fd};
        epoll_ctl(web->epoll_fd, operation, web->listeners[i].fd, &event);
    }
}

static void log_refused(struct hx_web *web, const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN] = "unix socket";
    if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                  sizeof(text));
    else if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
                  sizeof(text));
    hx_weblog_event(&web->weblog, HX_WEB_EVENT_REFUSED, text);
}

static void take(struct hx_web *web, int fd, const struct sockaddr_storage *address,
                 socklen_t address_len)
{
    struct hx_peer peer = hx_peer_of(address);
    if (!hx_guard_admits(&web->guard, &peer)) {
        close(fd);
        log_refused(web, address);
        return;
    }
    /* A unix socket is this host's own, and stays plain. */
    bool is_tls = web->gate.is_tls && address->ss_family != AF_UNIX;
    web->accepting = &peer;
    /* Takes the descriptor, also when it fails. */
    MHD_add_connection(web->daemons[is_tls ? HX_DAEMON_TLS : HX_DAEMON_PLAIN], fd,
                       (const struct sockaddr *)address, address_len);
    web->accepting = NULL;
}

/* Is the failure that of one connection, which is gone with it (accept(2))? Any other, such as no
 * descriptor being left, would come again at once. */
static bool is_of_connection(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN ||
           error == EHOSTUNREACH || error == ENOPROTOOPT || error == EOPNOTSUPP;
}

static void pause_accepting(struct loop *loop, int error)
{
    hx_weblog_event(&loop->web->weblog, HX_WEB_EVENT_ACCEPT, strerrordesc_np(error));
    watch_listeners(loop->web, EPOLL_CTL_DEL);
    loop->accept_again_ns = loop->web->now_ns + ACCEPT_PAUSE_NS;
}

static void accept_from(struct loop *loop, int listener, unsigned max)
{
    struct hx_web *web = loop->web;
    for (unsigned i = 0; i < max; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof(address);
        int fd = accept4(listener, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(web, fd, &address, len);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_of_connection(errno)) {
            pause_accepting(loop, errno);
            return;
        }
    }
}

/* ---- turning ---- */

static int fd_of(struct MHD_Daemon *daemon)
{
    return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static bool is_daemon(const struct hx_web *web, int fd)
{
    for (size_t i = 0; i < HX_N_DAEMONS; i++) {
        if (web->daemons[i] != NULL && fd_of(web->daemons[i]) == fd)
            return true;
    }
    return false;
}

static void stop_daemons(struct hx_web *web)
{
    for (size_t i = 0; i < HX_N_DAEMONS; i++) {
        if (web->daemons[i] != NULL)
            MHD_stop_daemon(web->daemons[i]);
        web->daemons[i] = NULL;
    }
}

static int wait_ms(const struct loop *loop)
{
    for (size_t i = 0; i < HX_N_DAEMONS; i++) {
        MHD_UNSIGNED_LONG_LONG ms;
        struct MHD_Daemon *daemon = loop->web->daemons[i];
        if (daemon != NULL && MHD_get_timeout(daemon, &ms) == MHD_YES && ms == 0)
            return 0;
    }
    int64_t next_ns = INT64_MAX;
    if (loop->web->guard.n > 0)
        next_ns = loop->next_sweep_ns;
    if (loop->accept_again_ns != 0 && loop->accept_again_ns < next_ns)
        next_ns = loop->accept_again_ns;
    if (loop->give_up_ns != 0 && loop->give_up_ns < next_ns)
        next_ns = loop->give_up_ns;
    if (next_ns == INT64_MAX)
        return -1;
    int64_t left_ns = next_ns - hx_clock_monotonic_ns();
    return left_ns <= 0 ? 0 : (int)((left_ns + HX_NS_PER_MS - 1) / HX_NS_PER_MS);
}

static void wait_and_accept(struct loop *loop)
{
    struct hx_web *web = loop->web;
    struct epoll_event events[8];
    int n = epoll_wait(web->epoll_fd, events, 8, wait_ms(loop));
    web->now_ns = hx_clock_monotonic_ns();
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == web->wake_fd) {
            uint64_t value; /* one read sets an eventfd back to 0 */
            (void)!read(fd, &value, sizeof(value));
            hx_gate_renew(&web->gate);
            hx_laters_wake(web);
        } else if (!is_daemon(web, fd)) {
            accept_from(loop, fd, MAX_ACCEPTS);
        }
    }
}

/* While a page is sent there is always more to do at once; to wait in between for nothing would
 * cost a tenth of it. */
static void turn(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int n = 0;
    do {
        MHD_run(daemon);
    } while (++n < MAX_TURNS && MHD_get_timeout(daemon, &ms) == MHD_YES && ms == 0);
}

static void keep_time(struct loop *loop)
{
    struct hx_web *web = loop->web;
    if (loop->accept_again_ns != 0 && web->now_ns >= loop->accept_again_ns) {
        loop->accept_again_ns = 0;
        if (loop->give_up_ns == 0)
            watch_listeners(web, EPOLL_CTL_ADD);
    }
    if (web->now_ns < loop->next_sweep_ns)
        return;
    loop->next_sweep_ns = web->now_ns + loop->sweep_ns;
    if (hx_guard_sweep(&web->guard, web->now_ns) > 0)
        hx_weblog_event(&web->weblog, HX_WEB_EVENT_DEADLINE, NULL);
}

/* Requests that have arrived are still answered; no others are waited for. */
static void begin_drain(struct loop *loop)
{
    struct hx_web *web = loop->web;
    for (size_t i = 0; i < web->n_listeners; i++) {
        accept_from(loop, web->listeners[i].fd, web->options.max_connections);
        hx_listener_close(&web->listeners[i]);
    }
    hx_guard_drain(&web->guard);
    loop->give_up_ns = web->now_ns + web->grace_ns;
}

static void *run(void *data)
{
    struct hx_web *web = data;
    int64_t sweep_ns = web->options.header_deadline_ns / 20;
    if (sweep_ns > MAX_SWEEP_NS)
        sweep_ns = MAX_SWEEP_NS;
    struct loop loop = {.web = web, .sweep_ns = sweep_ns < MIN_SWEEP_NS ? MIN_SWEEP_NS : sweep_ns};
    while (loop.give_up_ns == 0 || (web->guard.n > 0 && web->now_ns < loop.give_up_ns)) {
        wait_and_accept(&loop);
        for (size_t i = 0; i < HX_N_DAEMONS; i++) {
            if (web->daemons[i] != NULL)
                turn(web->daemons[i]);
        }
        keep_time(&loop);
        if (loop.give_up_ns == 0 && atomic_load(&web->is_stopping))
            begin_drain(&loop);
    }
    hx_laters_abandon(web);
    stop_daemons(web);
    return NULL;
}

/* ---- starting and stopping ---- */

static enum hx_errcode start_daemon(struct hx_web *web, enum hx_daemon which, struct hx_error *err)
{
    const bool is_tls = which == HX_DAEMON_TLS;
    /* Where there is no TLS, the list of options ends before the callback. */
    const enum MHD_OPTION last = is_tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END;
    const unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    /* No MHD_OPTION_CONNECTION_TIMEOUT: the guard's deadlines are stricter, and without it
     * libmicrohttpd need not note the time of each read and write. The guard keeps the limits. */
    web->daemons[which] = MHD_start_daemon(
        flags | (is_tls ? MHD_USE_TLS : 0U), 0, NULL, NULL, hx_on_request, web,
        MHD_OPTION_EXTERNAL_LOGGER, hx_weblog_library, &web->weblog, MHD_OPTION_CONNECTION_LIMIT,
        web->options.max_connections + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_LIMIT,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION, hx_on_connection, web,
        MHD_OPTION_URI_LOG_CALLBACK, hx_on_target, web, MHD_OPTION_NOTIFY_COMPLETED,
        hx_on_completed, web, last, hx_tls_no_certificate, MHD_OPTION_END);
    return web->daemons[which] != NULL
               ? HX_OK
               : hx_error_set(err, HX_ERR_SYSTEM, "cannot start libmicrohttpd");
}

static bool watch(struct hx_web *web, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(web->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum hx_errcode open_epoll(struct hx_web *web, struct hx_error *err)
{
    web->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    web->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool is_good = web->epoll_fd >= 0 && web->wake_fd >= 0 && watch(web, web->wake_fd) &&
                   watch(web, fd_of(web->daemons[HX_DAEMON_PLAIN]));
    if (is_good && web->daemons[HX_DAEMON_TLS] != NULL)
        is_good = watch(web, fd_of(web->daemons[HX_DAEMON_TLS]));
    for (size_t i = 0; is_good && i < web->n_listeners; i++)
        is_good = watch(web, web->listeners[i].fd);
    return is_good ? HX_OK : hx_error_set(err, HX_ERR_SYSTEM, "epoll: %s", strerrordesc_np(errno));
}

/* Signals are for the program's own threads. */
static enum hx_errcode start_thread(struct hx_web *web, struct hx_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&web->thread, NULL, run, web);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot start the web thread: %s",
                            strerrordesc_np(error));
    pthread_setname_np(web->thread, "hx-web");
    return HX_OK;
}

static void close_all(struct hx_web *web)
{
    stop_daemons(web);
    if (web->epoll_fd >= 0)
        close(web->epoll_fd);
    if (web->wake_fd >= 0)
        close(web->wake_fd);
    web->epoll_fd = web->wake_fd = -1;
    hx_bodies_fini(&web->bodies);
}

enum hx_errcode hx_loop_start(struct hx_web *web, struct hx_error *err)
{
    const struct hx_web_options *options = &web->options;
    web->now_ns = hx_clock_monotonic_ns();
    web->weblog = (struct hx_weblog){.log = options->log};
    hx_guard_init(&web->guard, options->max_connections, options->max_connections_per_ip,
                  options->header_deadline_ns);
    hx_bodies_init(&web->bodies, options->board);
    enum hx_errcode code = start_daemon(web, HX_DAEMON_PLAIN, err);
    if (code == HX_OK && web->gate.is_tls)
        code = start_daemon(web, HX_DAEMON_TLS, err);
    if (code == HX_OK)
        code = open_epoll(web, err);
    if (code == HX_OK)
        code = start_thread(web, err);
    if (code != HX_OK)
        close_all(web);
    return code;
}

void hx_loop_wake(struct hx_web *web)
{
    uint64_t one = 1;
    /* Cannot fail: the counter of an eventfd overflows at 2^64 - 1. */
    (void)!write(web->wake_fd, &one, sizeof(one));
}

void hx_loop_stop(struct hx_web *web, int64_t grace_ns)
{
    web->grace_ns = grace_ns > 0 ? grace_ns : 1;
    atomic_store(&web->is_stopping, true);
    hx_loop_wake(web);
    pthread_join(web->thread, NULL);
    close_all(web);
}
