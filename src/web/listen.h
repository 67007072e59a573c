/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: from an address as people write it to a bound descriptor. */
#ifndef HX_WEB_LISTEN_H
#define HX_WEB_LISTEN_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hx_listener {
    int fd;        /* -1 when closed */
    uint16_t port; /* as bound; 0 for a unix socket */
    char *path;    /* of a unix socket, or NULL */
    dev_t device;  /* of the path, to remove nobody else's socket */
    ino_t inode;
};

/* "host:port", ":port" (all addresses, IPv6 too where there is IPv6), "[v6]:port", "unix:/path".
 * A name may block for a lookup; of several addresses the first IPv4 one is taken. The stale socket
 * of a process that is gone is replaced. The descriptor is non-blocking and close-on-exec.
 * INVALID, EXISTS (in use), PERMISSION, SYSTEM; the message is "listen ADDRESS: cause". */
enum hx_errcode hx_listener_open(const char *address, struct hx_listener *listener,
                                 struct hx_error *err) HX_MUST_CHECK;

/* Takes a stream socket that listens already, TCP or unix; its path stays when it is closed.
 * INVALID: it is no such socket, and closed. */
enum hx_errcode hx_listener_adopt(int fd_take, struct hx_listener *listener,
                                  struct hx_error *err) HX_MUST_CHECK;

/* Closes it and removes its path; idempotent. */
void hx_listener_close(struct hx_listener *listener);

#endif
