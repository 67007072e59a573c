/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that may hang (statvfs of a dead file server), made in a thread of its own while the loop
 * goes on. One offload runs one call at a time: while a call hangs, a new run starts no second
 * thread but waits for the end of that one. So a dependency that hangs for a day costs one thread.
 */
#ifndef HX_KINDS_OFFLOAD_H
#define HX_KINDS_OFFLOAD_H

#include "health_exporter/error.h"

#include <stddef.h>

struct uv_loop_s;
struct hx_offload;

/* The call, in its thread. It may use nothing but data. */
typedef void (*hx_offload_call)(void *data);

/* The call has ended; data is borrowed for the callback. On the loop. */
typedef void (*hx_offload_cb)(void *owner, const void *data);

/* Makes an offload with a copy of size bytes of data, which the calls read and write. Any thread.
 */
enum hx_errcode hx_offload_new(hx_offload_call call, const void *data, size_t size,
                               struct hx_offload **offload, struct hx_error *err) HX_MUST_CHECK;

/* Takes NULL. Any thread, when no run waits. A call that still hangs keeps the memory until it
 * ends. */
void hx_offload_free(struct hx_offload *offload);

/* Makes the call, or joins the one that hangs; cb comes once, on a later turn of the loop. One run
 * at a time. */
enum hx_errcode hx_offload_run(struct hx_offload *offload, struct uv_loop_s *loop, hx_offload_cb cb,
                               void *owner, struct hx_error *err) HX_MUST_CHECK;

/* No callback after this; a call that hangs goes on without anybody waiting. Idempotent. */
void hx_offload_cancel(struct hx_offload *offload);

#endif
