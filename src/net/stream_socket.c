/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To knock, as HAProxy does: with TCP_QUICKACK off the kernel (Linux, in SYN-SENT) does not send
 * the ACK that ends the handshake but waits whether there are data to send with it. A socket that
 * is reset in that time ends as half-open on the other side: it is never queued for accept(), and
 * the application is not woken.
 */
#include "net/stream_socket.h"

#include <netinet/tcp.h>

/* libuv makes the socket only when it connects, and the kernel must be told before that. */
static int prepare_to_knock(uv_tcp_t *tcp, uv_loop_t *loop, unsigned family)
{
    int status = uv_tcp_init_ex(loop, tcp, family);
    uv_os_fd_t fd;
    int off = 0;
    if (status != 0) {
        uv_tcp_init(loop, tcp); /* so that there is a handle to close */
        return status;
    }
    if (uv_fileno((uv_handle_t *)tcp, &fd) == 0) {
        /* Where it cannot be had, the peer hears of the connection; the answer is the same. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    }
    return 0;
}

static int prepare_to_talk(uv_tcp_t *tcp, uv_loop_t *loop)
{
    uv_tcp_init(loop, tcp);
    return uv_tcp_nodelay(tcp, 1);
}

int hx_stream_socket_open(union hx_stream_socket *self, uv_loop_t *loop,
                          const struct hx_address *address, enum hx_stream_use use,
                          uv_connect_t *request, uv_connect_cb on_connected)
{
    if (address->u.sa.sa_family == AF_UNIX) {
        uv_pipe_init(loop, &self->pipe, 0);
        uv_pipe_connect(request, &self->pipe, address->u.un.sun_path, on_connected);
        return 0;
    }
    int status = use == HX_STREAM_KNOCK
                     ? prepare_to_knock(&self->tcp, loop, address->u.sa.sa_family)
                     : prepare_to_talk(&self->tcp, loop);
    return status != 0 ? status : uv_tcp_connect(request, &self->tcp, &address->u.sa, on_connected);
}

bool hx_stream_socket_met_itself(const union hx_stream_socket *self,
                                 const struct hx_address *address)
{
    struct hx_address own = {0};
    int len = sizeof own.u;
    return address->u.sa.sa_family != AF_UNIX &&
           uv_tcp_getsockname(&self->tcp, &own.u.sa, &len) == 0 && hx_address_equal(&own, address);
}
