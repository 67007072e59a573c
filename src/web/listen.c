/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets are bound here and not by libmicrohttpd, so that TCP over both IP versions, unix sockets
 * and clear errors come from one place.
 */
#include "web/listen.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* the kernel caps it at net.core.somaxconn */

/* Room for a host name (RFC 1035: 253 characters) with an IPv6 zone. */
struct target {
    char host[280];
    char port[6];
};

static enum hx_errcode fail(struct hx_error *err, int error)
{
    const char *text = strerrordesc_np(error);
    enum hx_errcode code = HX_ERR_SYSTEM;
    if (error == EADDRINUSE)
        code = HX_ERR_EXISTS;
    else if (error == EACCES || error == EPERM)
        code = HX_ERR_PERMISSION;
    if (text == NULL)
        return hx_error_set(err, code, "error %d", error);
    return hx_error_set(err, code, "%c%s", tolower((unsigned char)text[0]), text + 1);
}

/* ---- TCP ---- */

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 5 && strspn(text, "0123456789") == len &&
           strtol(text, NULL, 10) <= UINT16_MAX;
}

static enum hx_errcode split(const char *address, struct target *target, struct hx_error *err)
{
    const char *colon = strrchr(address, ':');
    const char *host = address;
    if (colon == NULL)
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected host:port, :port, [IPv6]:port or unix:/path");
    size_t len = (size_t)(colon - address);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(host, ':', len) != NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "an IPv6 address needs brackets: [::1]:port");
    }
    if (!is_port(colon + 1))
        return hx_error_set(err, HX_ERR_INVALID, "the port must be a number from 0 to 65535");
    if (len >= sizeof(target->host))
        return hx_error_set(err, HX_ERR_INVALID, "the host is too long");
    memcpy(target->host, host, len);
    target->host[len] = '\0';
    memcpy(target->port, colon + 1, strlen(colon + 1) + 1);
    return HX_OK;
}

/* Binds and listens on fd; 0 or errno. */
static int bind_tcp(int fd, const struct sockaddr *address, socklen_t len)
{
    int on = 1;
    int off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return errno;
    if (address->sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
        return errno;
    if (bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0)
        return errno;
    return 0;
}

static uint16_t bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {.six.sin6_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

/* Opens one address; 0 or errno. */
static int open_address(const struct sockaddr *address, socklen_t len, struct hx_listener *listener)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = bind_tcp(fd, address, len);
    if (error != 0) {
        close(fd);
        return error;
    }
    listener->fd = fd;
    listener->port = bound_port(fd);
    return 0;
}

/* All addresses of this host: one IPv6 socket takes IPv4 as well; where there is no IPv6, IPv4. */
static int open_any(uint16_t port, struct hx_listener *listener)
{
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
    int error = open_address((struct sockaddr *)&six, sizeof(six), listener);
    if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL)
        return error;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    return open_address((struct sockaddr *)&four, sizeof(four), listener);
}

/* The first IPv4 address, or else the first of all. */
static const struct addrinfo *first_v4(const struct addrinfo *all)
{
    for (const struct addrinfo *a = all; a != NULL; a = a->ai_next) {
        if (a->ai_family == AF_INET)
            return a;
    }
    return all;
}

static enum hx_errcode open_tcp(const char *address, struct hx_listener *listener,
                                struct hx_error *err)
{
    struct target target = {{0}, {0}};
    enum hx_errcode code = split(address, &target, err);
    if (code != HX_OK)
        return code;
    int error;
    if (target.host[0] == '\0') {
        error = open_any((uint16_t)strtol(target.port, NULL, 10), listener);
        return error == 0 ? HX_OK : fail(err, error);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *all = NULL;
    int failure = getaddrinfo(target.host, target.port, &hints, &all);
    if (failure != 0 || all == NULL)
        return hx_error_set(err, HX_ERR_INVALID, "%s", gai_strerror(failure));
    const struct addrinfo *chosen = first_v4(all);
    error = open_address(chosen->ai_addr, chosen->ai_addrlen, listener);
    freeaddrinfo(all);
    return error == 0 ? HX_OK : fail(err, error);
}

/* ---- unix ---- */

/* Does anybody listen there? What cannot be told counts as yes: a live socket is never removed. */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    int error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(fd);
    return error != ECONNREFUSED && error != ENOENT;
}

/* Removes what a process that is gone has left behind, and nothing else. */
static enum hx_errcode clear_path(const struct sockaddr_un *address, struct hx_error *err)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT ? HX_OK : fail(err, errno);
    if (!S_ISSOCK(status.st_mode))
        return hx_error_set(err, HX_ERR_EXISTS, "the path exists and is no socket");
    if (is_answered(address))
        return fail(err, EADDRINUSE);
    return unlink(address->sun_path) == 0 || errno == ENOENT ? HX_OK : fail(err, errno);
}

static int bind_unix(int fd, const struct sockaddr_un *address, struct hx_listener *listener)
{
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        return errno;
    struct stat status;
    if (listen(fd, BACKLOG) != 0 || lstat(address->sun_path, &status) != 0) {
        int error = errno;
        unlink(address->sun_path);
        return error;
    }
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return 0;
}

static enum hx_errcode open_unix(const char *path, struct hx_listener *listener,
                                 struct hx_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] != '/')
        return hx_error_set(err, HX_ERR_INVALID, "a unix socket needs an absolute path");
    if (strlen(path) >= sizeof(address.sun_path))
        return hx_error_set(err, HX_ERR_INVALID, "the path is longer than %zu bytes",
                            sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    enum hx_errcode code = clear_path(&address, err);
    if (code != HX_OK)
        return code;
    char *copy = hx_strndup(path, strlen(path));
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : bind_unix(fd, &address, listener);
    if (error != 0) {
        if (fd >= 0)
            close(fd);
        free(copy);
        return fail(err, error);
    }
    listener->fd = fd;
    listener->path = copy;
    return HX_OK;
}

enum hx_errcode hx_listener_open(const char *address, struct hx_listener *listener,
                                 struct hx_error *err)
{
    *listener = (struct hx_listener){.fd = -1};
    enum hx_errcode code = strncmp(address, "unix:", 5) == 0 ? open_unix(address + 5, listener, err)
                                                             : open_tcp(address, listener, err);
    return code == HX_OK ? HX_OK : hx_error_wrap(err, code, "listen %s", address);
}

static int socket_option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

enum hx_errcode hx_listener_adopt(int fd_take, struct hx_listener *listener, struct hx_error *err)
{
    *listener = (struct hx_listener){.fd = -1};
    int domain = socket_option(fd_take, SO_DOMAIN);
    bool is_good = socket_option(fd_take, SO_ACCEPTCONN) == 1 &&
                   socket_option(fd_take, SO_TYPE) == SOCK_STREAM &&
                   (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
    if (is_good)
        is_good =
            fcntl(fd_take, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd_take, F_SETFD, FD_CLOEXEC) == 0;
    if (!is_good) {
        close(fd_take);
        return hx_error_set(err, HX_ERR_INVALID,
                            "descriptor %d: expected a listening TCP or unix socket", fd_take);
    }
    listener->fd = fd_take;
    listener->port = domain == AF_UNIX ? 0 : bound_port(fd_take);
    return HX_OK;
}

void hx_listener_close(struct hx_listener *listener)
{
    struct stat status;
    if (listener->path != NULL && lstat(listener->path, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->inode)
        unlink(listener->path);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener->path);
    *listener = (struct hx_listener){.fd = -1};
}
