/* SPDX-License-Identifier: Apache-2.0 */
/* A raw HTTP client for the tests of the web side: it sends the bytes that it is told to send, and
 * waits for an answer for five seconds at most. */
#ifndef WEB_CLIENT_H
#define WEB_CLIENT_H

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WEB_CLIENT_WAIT_NS (5 * HX_NS_PER_S)

/* All bytes that came, NUL-terminated, and where the first reply in them ends. */
struct web_reply {
    int status; /* 0: no reply */
    char *text;
    size_t len, size;
    char *body;
    size_t body_len;
    bool is_closed; /* the server closed the connection */
};

static inline int web_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int web_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* false: the server does not take them any more. */
static inline bool web_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool web_send_text(int fd, const char *text)
{
    return web_send(fd, text, strlen(text));
}

/* Waits for more bytes; false at the end or when the time is over. */
static inline bool web_read_more(int fd, struct web_reply *reply, int64_t until_ns)
{
    if (reply->size - reply->len < 65537) {
        reply->size = reply->size * 2 + 131072;
        reply->text = realloc(reply->text, reply->size);
    }
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int64_t left_ns = until_ns - hx_clock_monotonic_ns();
    if (left_ns <= 0 || poll(&poller, 1, (int)(left_ns / HX_NS_PER_MS) + 1) <= 0)
        return false;
    ssize_t n = recv(fd, reply->text + reply->len, 65536, 0);
    if (n <= 0) {
        reply->is_closed = true;
        return false;
    }
    reply->len += (size_t)n;
    reply->text[reply->len] = '\0';
    return true;
}

static inline void web_reply_split(struct web_reply *reply)
{
    char *end = reply->len == 0 ? NULL : strstr(reply->text, "\r\n\r\n");
    reply->status = 0;
    reply->body = NULL;
    if (end == NULL || strncmp(reply->text, "HTTP/1.1 ", 9) != 0)
        return;
    reply->status = atoi(reply->text + 9);
    reply->body = end + 4;
    reply->body_len = reply->len - (size_t)(reply->body - reply->text);
}

/* Reads until the server closes. */
static inline void web_read_all(int fd, struct web_reply *reply)
{
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    *reply = (struct web_reply){0};
    while (web_read_more(fd, reply, until_ns))
        ;
    web_reply_split(reply);
}

/* The value of a header field in the head, or NULL; ends at "\r". */
static inline const char *web_header(const struct web_reply *reply, const char *name)
{
    char start[80];
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *found = reply->len == 0 ? NULL : strcasestr(reply->text, start);
    return found == NULL || (reply->body != NULL && found >= reply->body) ? NULL
                                                                          : found + strlen(start);
}

static inline bool web_header_is(const struct web_reply *reply, const char *name, const char *value)
{
    const char *found = web_header(reply, name);
    return found != NULL && strncmp(found, value, strlen(value)) == 0 &&
           found[strlen(value)] == '\r';
}

/* Reads one reply with a Content-Length and leaves the connection open. */
static inline void web_read_one(int fd, struct web_reply *reply)
{
    int64_t until_ns = hx_clock_monotonic_ns() + WEB_CLIENT_WAIT_NS;
    *reply = (struct web_reply){0};
    do {
        web_reply_split(reply);
        const char *length = web_header(reply, "Content-Length");
        if (reply->body != NULL && length != NULL && reply->body_len >= (size_t)atol(length))
            return;
    } while (web_read_more(fd, reply, until_ns));
}

static inline void web_reply_fini(struct web_reply *reply)
{
    free(reply->text);
    *reply = (struct web_reply){0};
}

/* One request over its own connection. */
static inline void web_ask(uint16_t port, const char *request, struct web_reply *reply)
{
    int fd = web_connect(port);
    *reply = (struct web_reply){0};
    if (fd < 0)
        return;
    web_send_text(fd, request);
    web_read_all(fd, reply);
    close(fd);
}

static inline void web_get(uint16_t port, const char *method, const char *path,
                           struct web_reply *reply)
{
    char request[512];
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
             method, path);
    web_ask(port, request, reply);
}

/* Joins the chunks of a body in place. false: it has no end. */
static inline bool web_reply_dechunk(struct web_reply *reply)
{
    char *out = reply->body;
    char *in = reply->body;
    for (;;) {
        char *line_end = strstr(in, "\r\n");
        if (line_end == NULL)
            return false;
        size_t n = strtoul(in, NULL, 16);
        in = line_end + 2;
        if (n == 0)
            break;
        if ((size_t)(reply->text + reply->len - in) < n + 2)
            return false;
        memmove(out, in, n);
        out += n;
        in += n + 2;
    }
    *out = '\0';
    reply->body_len = (size_t)(out - reply->body);
    return true;
}

#endif
