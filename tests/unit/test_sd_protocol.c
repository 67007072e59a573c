/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sd_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int forget_all(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return 0;
}

static void set_pid(const char *variable, pid_t pid)
{
    char text[32];
    snprintf(text, sizeof(text), "%d", (int)pid);
    setenv(variable, text, 1);
}

static int bound_datagram_socket(const struct sockaddr_un *address, size_t path_len)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len)),
                     0);
    return fd;
}

static void assert_is_told(int fd, const char *expected)
{
    char text[64] = "";
    assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), strlen(expected));
    assert_string_equal(text, expected);
    close(fd);
}

static void a_socket_of_a_path_is_told(void **state)
{
    (void)state;
    char directory[] = "/tmp/test_sd_protocol.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", directory);
    int fd = bound_datagram_socket(&address, strlen(address.sun_path) + 1);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    hx_sd_notify("READY=1\nSTATUS=fine");
    assert_is_told(fd, "READY=1\nSTATUS=fine");
    unlink(address.sun_path);
    rmdir(directory);
}

static void an_abstract_socket_is_told(void **state)
{
    (void)state;
    char name[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(name, sizeof(name), "@test_sd_protocol.%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    int fd = bound_datagram_socket(&address, (size_t)len);
    setenv("NOTIFY_SOCKET", name, 1);
    hx_sd_notify("WATCHDOG=1");
    assert_is_told(fd, "WATCHDOG=1");
}

static void nobody_is_told_when_nobody_listens(void **state)
{
    (void)state;
    char longest[200];
    memset(longest, '/', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    const char *const sockets[] = {"", "/nonexistent/notify", "vsock:2:1234", "relative", longest};
    assert_false(hx_sd_is_notified());
    hx_sd_notify("READY=1");
    for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
        setenv("NOTIFY_SOCKET", sockets[i], 1);
        assert_int_equal(hx_sd_is_notified(), sockets[i][0] != '\0');
        hx_sd_notify("READY=1");
    }
}

static void the_watchdog_is_that_of_this_process(void **state)
{
    (void)state;
    assert_int_equal(hx_sd_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    assert_int_equal(hx_sd_watchdog_us(), 3000000);
    set_pid("WATCHDOG_PID", getpid());
    assert_int_equal(hx_sd_watchdog_us(), 3000000);
    set_pid("WATCHDOG_PID", getppid());
    assert_int_equal(hx_sd_watchdog_us(), 0);
    unsetenv("WATCHDOG_PID");
    const char *const wrong[] = {"", "-1", "3s", " 3", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        setenv("WATCHDOG_USEC", wrong[i], 1);
        assert_int_equal(hx_sd_watchdog_us(), 0);
    }
}

static void descriptors_are_taken_once_and_kept_from_children(void **state)
{
    (void)state;
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    assert_int_equal(dup2(sockets[0], HX_SD_FIRST_FD), HX_SD_FIRST_FD);
    set_pid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "web", 1);
    assert_int_equal(hx_sd_take_fds(), 1);
    assert_int_equal(fcntl(HX_SD_FIRST_FD, F_GETFD), FD_CLOEXEC);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_int_equal(hx_sd_take_fds(), 0);
    close(sockets[0]);
    close(sockets[1]);
    close(HX_SD_FIRST_FD);
}

static void descriptors_of_another_process_are_not_taken(void **state)
{
    (void)state;
    set_pid("LISTEN_PID", getppid());
    setenv("LISTEN_FDS", "1", 1);
    assert_int_equal(hx_sd_take_fds(), 0);
}

static void descriptors_that_are_not_there_are_reported(void **state)
{
    (void)state;
    set_pid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "4000", 1);
    assert_int_equal(hx_sd_take_fds(), -EBADF);
    set_pid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "18446744073709551615", 1);
    assert_int_equal(hx_sd_take_fds(), -EINVAL);
}

static void only_a_stream_that_listens_is_a_listener(void **state)
{
    (void)state;
    int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    assert_false(hx_sd_is_listener(datagram));
    assert_false(hx_sd_is_listener(stream));
    assert_false(hx_sd_is_listener(-1));
    assert_int_equal(listen(stream, 1), 0);
    assert_true(hx_sd_is_listener(stream));
    close(datagram);
    close(stream);
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, forget_all, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(a_socket_of_a_path_is_told),
        CLEAN(an_abstract_socket_is_told),
        CLEAN(nobody_is_told_when_nobody_listens),
        CLEAN(the_watchdog_is_that_of_this_process),
        CLEAN(descriptors_are_taken_once_and_kept_from_children),
        CLEAN(descriptors_of_another_process_are_not_taken),
        CLEAN(descriptors_that_are_not_there_are_reported),
        CLEAN(only_a_stream_that_listens_is_a_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
