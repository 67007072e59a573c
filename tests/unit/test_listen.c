/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people write them, and what stands in the way of binding them. */
#include "web/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void expect_failure(const char *address, enum hx_errcode code, const char *message)
{
    struct hx_listener listener;
    struct hx_error err;
    assert_int_equal(hx_listener_open(address, &listener, &err), code);
    assert_string_equal(err.message, message);
    assert_int_equal(listener.fd, -1);
}

/* Connects to the port on the address; true when somebody listens. */
static bool is_reachable(const char *ip, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, ip, &address.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    int result = connect(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
    return result == 0;
}

static void port_alone_takes_ipv4_in_any_case(void **state)
{
    (void)state;
    struct hx_listener listener;
    assert_int_equal(hx_listener_open(":0", &listener, NULL), HX_OK);
    assert_int_not_equal(listener.port, 0);
    assert_true(is_reachable("127.0.0.1", listener.port));
    hx_listener_close(&listener);
    assert_int_equal(listener.fd, -1);
    hx_listener_close(&listener);
}

static void literal_address_is_bound_alone(void **state)
{
    (void)state;
    struct hx_listener listener;
    assert_int_equal(hx_listener_open("127.0.0.1:0", &listener, NULL), HX_OK);
    assert_true(is_reachable("127.0.0.1", listener.port));
    assert_false(is_reachable("127.0.0.2", listener.port));
    hx_listener_close(&listener);
}

static void name_of_this_host_is_looked_up(void **state)
{
    (void)state;
    struct hx_listener listener;
    assert_int_equal(hx_listener_open("localhost:0", &listener, NULL), HX_OK);
    assert_true(is_reachable("127.0.0.1", listener.port));
    hx_listener_close(&listener);
}

static void descriptor_is_not_inherited_and_never_blocks(void **state)
{
    (void)state;
    struct hx_listener listener;
    assert_int_equal(hx_listener_open("127.0.0.1:0", &listener, NULL), HX_OK);
    assert_true((fcntl(listener.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(listener.fd, F_GETFL) & O_NONBLOCK) != 0);
    hx_listener_close(&listener);
}

static void port_in_use_is_said(void **state)
{
    (void)state;
    struct hx_listener listener;
    char address[32], message[80];
    assert_int_equal(hx_listener_open("127.0.0.1:0", &listener, NULL), HX_OK);
    snprintf(address, sizeof(address), "127.0.0.1:%u", listener.port);
    snprintf(message, sizeof(message), "listen %s: address already in use", address);
    expect_failure(address, HX_ERR_EXISTS, message);
    snprintf(address, sizeof(address), ":%u", listener.port);
    snprintf(message, sizeof(message), "listen %s: address already in use", address);
    expect_failure(address, HX_ERR_EXISTS, message);
    hx_listener_close(&listener);
}

static void malformed_addresses_are_refused(void **state)
{
    (void)state;
#define PORT ": the port must be a number from 0 to 65535"
    expect_failure("10119", HX_ERR_INVALID,
                   "listen 10119: expected host:port, :port, [IPv6]:port or unix:/path");
    expect_failure("", HX_ERR_INVALID,
                   "listen : expected host:port, :port, [IPv6]:port or unix:/path");
    expect_failure(":65536", HX_ERR_INVALID, "listen :65536" PORT);
    expect_failure(":", HX_ERR_INVALID, "listen :" PORT);
    expect_failure(":-1", HX_ERR_INVALID, "listen :-1" PORT);
    expect_failure(":http", HX_ERR_INVALID, "listen :http" PORT);
    expect_failure("localhost:1 ", HX_ERR_INVALID, "listen localhost:1 " PORT);
    expect_failure("::1:80", HX_ERR_INVALID,
                   "listen ::1:80: an IPv6 address needs brackets: [::1]:port");
#undef PORT
}

static void address_of_another_host_is_refused(void **state)
{
    (void)state;
    expect_failure("192.0.2.1:0", HX_ERR_SYSTEM,
                   "listen 192.0.2.1:0: cannot assign requested address");
}

/* ---- unix sockets ---- */

static char directory[] = "/tmp/test_listen.XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void unix_path_is_made_and_removed(void **state)
{
    (void)state;
    struct hx_listener listener;
    struct stat status;
    char address[80];
    snprintf(address, sizeof(address), "unix:%s/s", directory);
    assert_int_equal(hx_listener_open(address, &listener, NULL), HX_OK);
    assert_int_equal(listener.port, 0);
    assert_int_equal(stat(address + 5, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    hx_listener_close(&listener);
    assert_int_equal(stat(address + 5, &status), -1);
}

static void stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    struct hx_listener first, second;
    char address[80], message[160];
    snprintf(address, sizeof(address), "unix:%s/s", directory);
    assert_int_equal(hx_listener_open(address, &first, NULL), HX_OK);
    snprintf(message, sizeof(message), "listen %s: address already in use", address);
    expect_failure(address, HX_ERR_EXISTS, message);
    close(first.fd); /* as if its process had been killed */
    first.fd = -1;
    assert_int_equal(hx_listener_open(address, &second, NULL), HX_OK);
    hx_listener_close(&second);
    first.device = 0; /* it is gone, and the path with it */
    hx_listener_close(&first);
}

static void socket_of_somebody_else_is_not_removed(void **state)
{
    (void)state;
    struct hx_listener first, second;
    char address[80], moved[80];
    snprintf(address, sizeof(address), "unix:%s/s", directory);
    snprintf(moved, sizeof(moved), "%s/moved", directory);
    assert_int_equal(hx_listener_open(address, &first, NULL), HX_OK);
    assert_int_equal(rename(address + 5, moved), 0);
    assert_int_equal(hx_listener_open(address, &second, NULL), HX_OK);
    hx_listener_close(&first);
    assert_int_equal(access(address + 5, F_OK), 0);
    assert_int_equal(unlink(moved), 0);
    hx_listener_close(&second);
}

static void file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    char address[80], message[160];
    snprintf(address, sizeof(address), "unix:%s/f", directory);
    int fd = open(address + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    snprintf(message, sizeof(message), "listen %s: the path exists and is no socket", address);
    expect_failure(address, HX_ERR_EXISTS, message);
    assert_int_equal(unlink(address + 5), 0);
}

static void impossible_paths_are_refused(void **state)
{
    (void)state;
    char address[200];
    memset(address, 'x', sizeof(address));
    memcpy(address, "unix:/", 6);
    address[sizeof(address) - 1] = '\0';
    struct hx_listener listener;
    struct hx_error err;
    assert_int_equal(hx_listener_open(address, &listener, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "the path is longer than 107 bytes"));
    expect_failure("unix:relative", HX_ERR_INVALID,
                   "listen unix:relative: a unix socket needs an absolute path");
    expect_failure("unix:/nowhere/s", HX_ERR_SYSTEM,
                   "listen unix:/nowhere/s: no such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_alone_takes_ipv4_in_any_case),
        cmocka_unit_test(literal_address_is_bound_alone),
        cmocka_unit_test(name_of_this_host_is_looked_up),
        cmocka_unit_test(descriptor_is_not_inherited_and_never_blocks),
        cmocka_unit_test(port_in_use_is_said),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(address_of_another_host_is_refused),
        cmocka_unit_test(unix_path_is_made_and_removed),
        cmocka_unit_test(stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(socket_of_somebody_else_is_not_removed),
        cmocka_unit_test(file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(impossible_paths_are_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
