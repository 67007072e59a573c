/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop that all limit programs share: N slots, each started once an interval, evenly spread.
 * Starts are gathered on a tick of 10 ms, as a scheduler that wants to sleep does it. Everything
 * between a tick and the events of its sockets is the program's own work.
 *
 * The program prints "ready" when it begins, and on SIGTERM what it did, for the driver to check:
 * "started done failed busy".
 */
#ifndef HX_BENCH_PACE_H
#define HX_BENCH_PACE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PACE_TICK_NS   10000000
#define PACE_N_EVENTS  256
#define PACE_NS_PER_MS 1000000

struct pace {
    int epoll_fd;
    size_t n;
    int64_t interval_ns;
    int64_t began_ns;
    uint64_t started, done, failed, busy;
    /* The program's part: begins the slot's check; serves an event that was registered with
     * data.ptr; turns once after each round of events (may be NULL). */
    void (*on_start)(size_t slot);
    void (*on_event)(void *data, uint32_t events);
    void (*on_turned)(void);
};

static inline void pace_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int64_t pace_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void pace_watch(const struct pace *pace, int operation, int fd, uint32_t events,
                              void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(pace->epoll_fd, operation, fd, &event) != 0)
        pace_die("epoll_ctl");
}

static inline void pace_init(struct pace *pace, const char *n, const char *interval_ms)
{
    pace->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (pace->epoll_fd < 0)
        pace_die("epoll_create1");
    pace->n = strtoul(n, NULL, 10);
    pace->interval_ns = strtoll(interval_ms, NULL, 10) * PACE_NS_PER_MS;
    if (pace->n == 0 || pace->interval_ns <= 0) {
        fprintf(stderr, "expected a number of slots and an interval in milliseconds\n");
        exit(2);
    }
}

/* The moment of the k-th start is k intervals over the number of slots after the beginning. */
static inline void pace_start_due(struct pace *pace)
{
    int64_t since_ns = pace_now_ns() - pace->began_ns;
    uint64_t due = (uint64_t)((double)since_ns / (double)pace->interval_ns * (double)pace->n);
    for (; pace->started < due; pace->started++)
        pace->on_start(pace->started % pace->n);
}

static inline int pace_signal_fd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static inline int pace_timer_fd(void)
{
    struct itimerspec tick = {.it_interval.tv_nsec = PACE_TICK_NS,
                              .it_value.tv_nsec = PACE_TICK_NS};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0)
        timerfd_settime(fd, 0, &tick, NULL);
    return fd;
}

static inline void pace_run(struct pace *pace)
{
    struct epoll_event events[PACE_N_EVENTS];
    int signal_fd = pace_signal_fd(), timer_fd = pace_timer_fd();
    pace_watch(pace, EPOLL_CTL_ADD, signal_fd, EPOLLIN, &signal_fd);
    pace_watch(pace, EPOLL_CTL_ADD, timer_fd, EPOLLIN, &timer_fd);
    puts("ready");
    fflush(stdout);
    pace->began_ns = pace_now_ns();
    for (bool is_running = true; is_running;) {
        int n = epoll_wait(pace->epoll_fd, events, PACE_N_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            uint64_t ticks;
            if (events[i].data.ptr == &signal_fd) {
                is_running = false;
            } else if (events[i].data.ptr == &timer_fd) {
                if (read(timer_fd, &ticks, sizeof(ticks)) == sizeof(ticks))
                    pace_start_due(pace);
            } else {
                pace->on_event(events[i].data.ptr, events[i].events);
            }
        }
        if (pace->on_turned != NULL)
            pace->on_turned();
    }
    printf("%llu %llu %llu %llu\n", (unsigned long long)pace->started,
           (unsigned long long)pace->done, (unsigned long long)pace->failed,
           (unsigned long long)pace->busy);
}

#endif
