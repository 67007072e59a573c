/* SPDX-License-Identifier: Apache-2.0 */
/* Each message has a socket of its own: there is one a second, and no state to lose. */
#include "cli/sd_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool hx_sd_is_notified(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    return path != NULL && path[0] != '\0';
}

/* The address of a path, or of "@name" in the abstract namespace; 0: it is neither. */
static socklen_t make_address(const char *path, struct sockaddr_un *address)
{
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(address->sun_path))
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, len);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void hx_sd_notify(const char *lines)
{
    struct sockaddr_un address;
    const char *path = getenv("NOTIFY_SOCKET");
    socklen_t len = path != NULL ? make_address(path, &address) : 0;
    int fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    (void)sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address, len);
    close(fd);
}

/* The variable as a whole number; 0 when it is none. */
static uint64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

static bool is_for_this_process(const char *variable)
{
    return number_of(variable) == (uint64_t)getpid();
}

uint64_t hx_sd_watchdog_us(void)
{
    bool is_for_others = getenv("WATCHDOG_PID") != NULL && !is_for_this_process("WATCHDOG_PID");
    return is_for_others ? 0 : number_of("WATCHDOG_USEC");
}

static void forget_fds(void)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

int hx_sd_take_fds(void)
{
    uint64_t n = is_for_this_process("LISTEN_PID") ? number_of("LISTEN_FDS") : 0;
    forget_fds();
    if (n > INT_MAX - HX_SD_FIRST_FD)
        return -EINVAL;
    for (int fd = HX_SD_FIRST_FD; fd < HX_SD_FIRST_FD + (int)n; fd++) {
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return -errno;
    }
    return (int)n;
}

static bool is_option(int fd, int option, int expected)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == expected;
}

bool hx_sd_is_listener(int fd)
{
    return is_option(fd, SO_TYPE, SOCK_STREAM) && is_option(fd, SO_ACCEPTCONN, 1);
}
