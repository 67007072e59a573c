/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=pthread_create,--wrap=open */
/* The log: what comes through, and what happens when nobody reads it. */
#include "base/log.h"

#include "base/clock.h"
#include "failing_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_NS (20 * HX_NS_PER_S)
#define SMALL_PIPE  4096

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
static bool is_thread_refused;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    return is_thread_refused ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

/* As without /proc, or with a pipe that belongs to another user. */
static bool is_reopening_refused;
int __real_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if (is_reopening_refused) {
        errno = EACCES;
        return -1;
    }
    return __real_open(path, flags);
}

struct channel {
    int read_fd;
    int write_fd;
    char *text;
    size_t len;
    size_t size;
};

static void open_channel(struct channel *channel, int pipe_size)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    if (pipe_size > 0) {
        assert_true(fcntl(fds[1], F_SETPIPE_SZ, pipe_size) >= pipe_size);
    }
    *channel = (struct channel){.read_fd = fds[0], .write_fd = fds[1], .size = 1 << 22};
    channel->text = calloc(1, channel->size);
    assert_non_null(channel->text);
}

static void close_channel(struct channel *channel)
{
    if (channel->read_fd >= 0) {
        close(channel->read_fd);
    }
    if (channel->write_fd >= 0) {
        close(channel->write_fd);
    }
    free(channel->text);
}

/* Reads what comes next; false at the end of the file. Fails the test when nothing comes. */
static bool read_some(struct channel *channel)
{
    struct pollfd pollfd = {.fd = channel->read_fd, .events = POLLIN};
    assert_int_equal(poll(&pollfd, 1, (int)(DEADLINE_NS / HX_NS_PER_MS)), 1);
    ssize_t n =
        read(channel->read_fd, channel->text + channel->len, channel->size - 1 - channel->len);
    assert_true(n >= 0);
    channel->len += (size_t)n;
    channel->text[channel->len] = '\0';
    return n > 0;
}

static void read_to_end(struct channel *channel)
{
    close(channel->write_fd);
    channel->write_fd = -1;
    while (read_some(channel)) {
    }
}

/* Goes over the whole lines: how many there are, and how many the notices among them say are
 * missing. */
static void count_lines(const struct channel *channel, uint64_t *n_lines, uint64_t *n_lost)
{
    *n_lines = 0;
    *n_lost = 0;
    const char *line = channel->text;
    const char *end;
    while ((end = strchr(line, '\n')) != NULL) {
        static const char NOTICE[] = "level=warn msg=\"log lines dropped\" lines=";
        const char *notice = strstr(line, NOTICE);
        assert_memory_equal(line, "ts=20", 5);
        if (notice != NULL && notice < end) {
            *n_lost += strtoull(notice + sizeof NOTICE - 1, NULL, 10);
        } else {
            ++*n_lines;
        }
        line = end + 1;
    }
}

static void lines_come_out_in_order(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    for (int i = 0; i < 300; i++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", i));
    }
    hx_log_free(log);
    read_to_end(&channel);
    const char *p = channel.text;
    for (int i = 0; i < 300; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "Z level=info msg=line i=%d\n", i);
        p = strchr(p, 'Z');
        assert_non_null(p);
        assert_memory_equal(p, expected, strlen(expected));
        p += strlen(expected);
    }
    assert_int_equal(*p, '\0');
    close_channel(&channel);
}

static void lines_below_the_level_are_left_out(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_WARN, HX_LOG_LOGFMT);
    assert_non_null(log);
    assert_false(hx_log_enabled(log, HX_LOG_INFO));
    assert_true(hx_log_enabled(log, HX_LOG_WARN));
    hx_log(log, HX_LOG_DEBUG, "no", HX_LOG_INT("i", 1));
    hx_log(log, HX_LOG_INFO, "no", HX_LOG_INT("i", 2));
    hx_log(log, HX_LOG_WARN, "yes", HX_LOG_INT("i", 3));
    hx_log(log, HX_LOG_ERROR, "yes", HX_LOG_INT("i", 4));
    hx_log_free(log);
    read_to_end(&channel);
    assert_null(strstr(channel.text, "msg=no"));
    assert_non_null(strstr(channel.text, "level=warn msg=yes i=3\n"));
    assert_non_null(strstr(channel.text, "level=error msg=yes i=4\n"));
    close_channel(&channel);
}

static void no_log_takes_lines_and_does_nothing(void **state)
{
    (void)state;
    assert_false(hx_log_enabled(NULL, HX_LOG_ERROR));
    hx_log(NULL, HX_LOG_ERROR, "lost", HX_LOG_INT("i", 1));
    assert_int_equal(hx_log_dropped(NULL), 0);
    hx_log_free(NULL);
}

static void the_names_stand_in_the_order_of_the_enums(void **state)
{
    (void)state;
    assert_string_equal(hx_log_levels[HX_LOG_DEBUG], "debug");
    assert_string_equal(hx_log_levels[HX_LOG_INFO], "info");
    assert_string_equal(hx_log_levels[HX_LOG_WARN], "warn");
    assert_string_equal(hx_log_levels[HX_LOG_ERROR], "error");
    assert_null(hx_log_levels[HX_LOG_ERROR + 1]);
    assert_string_equal(hx_log_formats[HX_LOG_LOGFMT], "logfmt");
    assert_string_equal(hx_log_formats[HX_LOG_JSON], "json");
    assert_null(hx_log_formats[HX_LOG_JSON + 1]);
}

/* The pipe has room for some 100 of these lines, the ring for 512. */
static void a_full_pipe_costs_lines_and_never_a_wait(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct channel channel;
    open_channel(&channel, SMALL_PIPE);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    /* If this waited for the reader it would never return: the reader comes after it. */
    for (int i = 0; i < N; i++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", i));
    }
    uint64_t dropped = hx_log_dropped(log);
    assert_true(dropped > 0 && dropped < N - 500);
    uint64_t n_lines = 0;
    uint64_t n_lost = 0;
    while (n_lines + n_lost < N && read_some(&channel)) {
        count_lines(&channel, &n_lines, &n_lost);
    }
    assert_int_equal(n_lost, dropped);
    assert_int_equal(n_lines, N - dropped);
    hx_log(log, HX_LOG_INFO, "again", HX_LOG_BOOL("ok", true));
    hx_log_free(log);
    read_to_end(&channel);
    assert_non_null(strstr(channel.text, "msg=again ok=true\n"));
    close_channel(&channel);
}

/* Follows the numbers of one producer's lines: a gap must be filled by a notice of its size.
 * Returns the number that comes next. */
static uint64_t follow_numbers(const struct channel *channel)
{
    uint64_t next = 0;
    const char *line = channel->text;
    const char *end;
    while ((end = strchr(line, '\n')) != NULL) {
        unsigned long long number = 0;
        if (sscanf(line, "%*s level=info msg=line i=%llu\n", &number) == 1) {
            assert_int_equal(number, next);
            next++;
        } else {
            assert_int_equal(
                sscanf(line, "%*s level=warn msg=\"log lines dropped\" lines=%llu\n", &number), 1);
            next += number;
        }
        line = end + 1;
    }
    return next;
}

static void a_notice_stands_where_the_lines_are_missing(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, SMALL_PIPE);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    uint64_t n = 0;
    for (uint64_t round = 1; round <= 3; round++) {
        /* Until lines are missing, then half of what was taken is read, and so on. */
        uint64_t before = hx_log_dropped(log);
        for (; hx_log_dropped(log) < before + 10; n++) {
            hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", (int64_t)n));
        }
        while (follow_numbers(&channel) < n - 256 && read_some(&channel)) {
        }
    }
    while (follow_numbers(&channel) < n && read_some(&channel)) {
    }
    assert_int_equal(follow_numbers(&channel), n);
    hx_log_free(log);
    close_channel(&channel);
}

static void a_stuck_reader_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, SMALL_PIPE);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    while (hx_log_dropped(log) == 0) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 1));
    }
    int64_t before = hx_clock_monotonic_ns();
    hx_log_free(log);
    /* It gives up after half a second; the rest is for a busy machine. */
    assert_true(hx_clock_monotonic_ns() - before < 10 * HX_NS_PER_S);
    close_channel(&channel);
}

static void a_pipe_that_cannot_be_opened_again_never_blocks_either(void **state)
{
    is_reopening_refused = true;
    a_full_pipe_costs_lines_and_never_a_wait(state);
    a_stuck_reader_does_not_hold_up_the_end(state);
    is_reopening_refused = false;
}

static void a_reader_that_has_gone_costs_lines_and_nothing_else(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    close(channel.read_fd);
    channel.read_fd = -1;
    /* SIGPIPE has its default here and would end the program. */
    int64_t deadline = hx_clock_monotonic_ns() + DEADLINE_NS;
    uint64_t n = 0;
    for (; n < 100; n++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 1));
    }
    while (hx_log_dropped(log) < n && hx_clock_monotonic_ns() < deadline) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(hx_log_dropped(log), n);
    hx_log_free(log);
    close_channel(&channel);
}

/* A notice can be lost as well: what it told of must stand in the one that comes through. */
static void a_reader_that_comes_back_is_told_of_all_that_it_missed(void **state)
{
    (void)state;
    struct channel channel;
    char path[32];
    open_channel(&channel, SMALL_PIPE);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    uint64_t n = 0;
    for (; hx_log_dropped(log) == 0; n++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 1));
    }
    close(channel.read_fd);
    for (int i = 0; i < 100; i++, n++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 2));
        (void)poll(NULL, 0, 1);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", channel.write_fd);
    channel.read_fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(channel.read_fd >= 0);
    hx_log(log, HX_LOG_INFO, "last", HX_LOG_INT("i", 3));
    n++;
    while (strstr(channel.text, "msg=last i=3\n") == NULL) {
        assert_true(read_some(&channel));
    }
    uint64_t n_lines, n_lost;
    count_lines(&channel, &n_lines, &n_lost);
    assert_int_equal(n_lost, hx_log_dropped(log));
    assert_int_equal(n_lines + n_lost, n);
    hx_log_free(log);
    close_channel(&channel);
}

static void the_flags_of_the_descriptor_are_left_alone(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    int flags = fcntl(channel.write_fd, F_GETFL);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 1));
    assert_int_equal(fcntl(channel.write_fd, F_GETFL), flags);
    hx_log_free(log);
    assert_int_equal(fcntl(channel.write_fd, F_GETFL), flags);
    close_channel(&channel);
}

static void a_socket_is_written_to_as_well(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct channel channel = {.read_fd = fds[0], .write_fd = fds[1], .size = 1 << 16};
    channel.text = calloc(1, channel.size);
    assert_non_null(channel.text);
    struct hx_log *log = hx_log_new(fds[1], HX_LOG_INFO, HX_LOG_JSON);
    assert_non_null(log);
    hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", 1));
    hx_log_free(log);
    read_to_end(&channel);
    assert_non_null(strstr(channel.text, "\"msg\":\"line\",\"i\":1}\n"));
    close_channel(&channel);
}

static void a_file_gets_every_line(void **state)
{
    (void)state;
    char path[] = "/tmp/hx_test_log_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    struct hx_log *log = hx_log_new(fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    for (int i = 0; i < 200; i++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", i));
    }
    hx_log_free(log);
    struct channel channel = {.read_fd = fd, .write_fd = -1, .size = 1 << 16};
    channel.text = calloc(1, channel.size);
    assert_non_null(channel.text);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    while (read_some(&channel)) {
    }
    assert_non_null(strstr(channel.text, "msg=line i=199\n"));
    close_channel(&channel);
}

#define N_THREADS 4
#define N_EACH    2000

static void *write_lines(void *argument)
{
    struct hx_log *log = argument;
    for (int i = 0; i < N_EACH; i++) {
        hx_log(log, HX_LOG_INFO, "line", HX_LOG_INT("i", i), HX_LOG_STR("text", "some words"));
    }
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    struct hx_log *log = hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT);
    assert_non_null(log);
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
    }
    uint64_t n_lines = 0;
    uint64_t n_lost = 0;
    while (n_lines + n_lost < N_THREADS * N_EACH && read_some(&channel)) {
        count_lines(&channel, &n_lines, &n_lost);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(n_lost, hx_log_dropped(log));
    hx_log_free(log);
    for (const char *line = channel.text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t len = strcspn(line, "\n");
        bool is_notice = memmem(line, len, "log lines dropped", 17) != NULL;
        assert_true(is_notice || memcmp(line + len - 18, " text=\"some words\"", 18) == 0);
    }
    close_channel(&channel);
}

static void a_log_that_cannot_begin_leaves_nothing(void **state)
{
    (void)state;
    struct channel channel;
    open_channel(&channel, 0);
    failing_alloc_at(1);
    assert_null(hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT));
    assert_true(failing_alloc_was_reached());
    is_thread_refused = true;
    assert_null(hx_log_new(channel.write_fd, HX_LOG_INFO, HX_LOG_LOGFMT));
    is_thread_refused = false;
    /* No second writer is left: the reader sees the end. */
    read_to_end(&channel);
    assert_int_equal(channel.len, 0);
    close_channel(&channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_in_order),
        cmocka_unit_test(lines_below_the_level_are_left_out),
        cmocka_unit_test(no_log_takes_lines_and_does_nothing),
        cmocka_unit_test(the_names_stand_in_the_order_of_the_enums),
        cmocka_unit_test(a_full_pipe_costs_lines_and_never_a_wait),
        cmocka_unit_test(a_notice_stands_where_the_lines_are_missing),
        cmocka_unit_test(a_stuck_reader_does_not_hold_up_the_end),
        cmocka_unit_test(a_pipe_that_cannot_be_opened_again_never_blocks_either),
        cmocka_unit_test(a_reader_that_has_gone_costs_lines_and_nothing_else),
        cmocka_unit_test(a_reader_that_comes_back_is_told_of_all_that_it_missed),
        cmocka_unit_test(the_flags_of_the_descriptor_are_left_alone),
        cmocka_unit_test(a_socket_is_written_to_as_well),
        cmocka_unit_test(a_file_gets_every_line),
        cmocka_unit_test(threads_do_not_mix_their_lines),
        cmocka_unit_test(a_log_that_cannot_begin_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
