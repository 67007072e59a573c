/* SPDX-License-Identifier: Apache-2.0 */
/* The socket under a stream, for stream.c alone: how it connects. */
#ifndef HX_NET_STREAM_SOCKET_H
#define HX_NET_STREAM_SOCKET_H

#include "net/stream.h"

#include <uv.h>

union hx_stream_socket {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

/* Begins to connect; on_connected comes, if 0 is returned. Otherwise libuv's code; the handle wants
 * to be closed all the same. */
int hx_stream_socket_open(union hx_stream_socket *self, uv_loop_t *loop,
                          const struct hx_address *address, enum hx_stream_use use,
                          uv_connect_t *request, uv_connect_cb on_connected);

/* A connection to a free port of this host can meet itself: TCP then opens it from both ends. */
bool hx_stream_socket_met_itself(const union hx_stream_socket *self,
                                 const struct hx_address *address);

#endif
