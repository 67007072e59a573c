/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl on the loop: one multi handle per uv loop, driven by its sockets and its timer.
 *
 * All functions on the loop thread.
 */
#ifndef HX_KINDS_CURL_LOOP_H
#define HX_KINDS_CURL_LOOP_H

#include "health_exporter/error.h"

#include <curl/curl.h>
#include <stdbool.h>

struct uv_loop_s;
struct hx_curl_loop;
struct hx_curl_watch;

/* A transfer of an easy handle; embedded in the memory of who wants it, zeroed at first. The easy
 * handle stays the owner's, and CURLOPT_PRIVATE is taken. */
struct hx_curl_transfer {
    CURL *easy;
    /* The transfer has ended and is no longer on the loop: it may be added again from here. */
    void (*on_done)(struct hx_curl_transfer *transfer, CURLcode code);
    struct hx_curl_transfer *next, **link; /* on one of the loop's lists; link NULL: on none */
    bool is_added;                         /* to curl's multi handle */
    /* Its connection is kept for the next one, and so is what watches it, which takes five system
     * calls to make and to close. The owner sets it, and then must call hx_curl_loop_unwatch(). */
    bool is_kept;
    struct hx_curl_watch *watch; /* kept, until the next transfer; NULL: none */
};

enum hx_errcode hx_curl_loop_new(struct uv_loop_s *uv, struct hx_curl_loop **loop,
                                 struct hx_error *err) HX_MUST_CHECK;

/* No transfer may be on the loop. Its handles close on the next turns of the loop. Takes NULL. */
void hx_curl_loop_free(struct hx_curl_loop *loop);

/* Begins a transfer; on_done comes on a later turn of the loop, once, unless it is removed. */
enum hx_errcode hx_curl_loop_add(struct hx_curl_loop *loop,
                                 struct hx_curl_transfer *transfer) HX_MUST_CHECK;

/* Ends a transfer without on_done, closing its connection; nothing when it is not on the loop. Not
 * from within a callback of the easy handle. */
void hx_curl_loop_remove(struct hx_curl_loop *loop, struct hx_curl_transfer *transfer);

/* Lets go of the watch that is kept, if there is one: when curl closes a socket of the transfer
 * (CURLOPT_CLOSESOCKETFUNCTION), and before the transfer's memory goes. */
void hx_curl_loop_unwatch(struct hx_curl_transfer *transfer);

#endif
