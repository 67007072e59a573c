/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adaptor between a curl multi handle and a uv loop.
 *
 *     add ─ on_timer_wanted(0) ─ on_timeout ─┬─ on_socket_wanted ─ on_poll ─ … ─ end_done ─ on_done
 *                                            └─ (timer, as curl wants it)
 *
 * Only act() lets curl work, and it is only called from the callbacks of uv: curl forbids to be
 * entered from its own callbacks, so on_timer_wanted and on_socket_wanted note what is wanted and
 * no more.
 *
 * Each socket that curl waits for has a poll handle on the heap; on_socket_wanted makes it and
 * closes it, always before curl closes the descriptor, and its close callback frees it. That of a
 * kept connection stays with the transfer and goes on watching: as curl mostly wants the same of
 * it the next time, the system need not be told. What comes meanwhile only ends that. A socket
 * that cannot be watched (out of memory) fails its transfer at once with CURLE_OUT_OF_MEMORY; to
 * return an error to curl instead would end all transfers for ever.
 *
 * A multi handle that reports an error (out of memory) is not used again: 7.88 leaves a destroyed
 * table behind for the next user of the same descriptor. All transfers fail, and a new one is made.
 *
 * The loop's own memory is freed by the close callback of the timer. A transfer that curl lets fall
 * silent when memory is short is removed by its owner, who has a deadline.
 */
#include "kinds/curl_loop.h"

#include <stdlib.h>
#include <uv.h>

struct hx_curl_loop {
    uv_loop_t *uv;
    CURLM *multi; /* NULL: there was no memory for a new one yet */
    uv_timer_t timer;
    struct hx_curl_transfer *active;
    struct hx_curl_transfer *failed; /* to end with CURLE_OUT_OF_MEMORY */
};

struct hx_curl_watch {
    uv_poll_t poll;
    struct hx_curl_loop *loop;
    curl_socket_t fd;
    int events;   /* watched for; 0: none */
    bool is_idle; /* kept between transfers */
};

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *data);
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data);
static void on_timeout(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);
static void on_poll_closed(uv_handle_t *handle);
static void on_timer_closed(uv_handle_t *handle);

/* ------------------------------------------------------------------------------- the lists -- */

static void list_put(struct hx_curl_transfer **list, struct hx_curl_transfer *transfer)
{
    transfer->next = *list;
    transfer->link = list;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    *list = transfer;
}

static void list_take(struct hx_curl_transfer *transfer)
{
    *transfer->link = transfer->next;
    if (transfer->next != NULL)
        transfer->next->link = transfer->link;
    transfer->next = NULL;
    transfer->link = NULL;
}

static void fail_later(struct hx_curl_loop *loop, struct hx_curl_transfer *transfer)
{
    list_take(transfer);
    list_put(&loop->failed, transfer);
}

/* ---------------------------------------------------------------------- what curl asks for -- */

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *data)
{
    (void)multi;
    struct hx_curl_loop *loop = data;
    if (timeout_ms < 0) {
        uv_timer_stop(&loop->timer);
        return 0;
    }
    /* The loop's idea of now may be old, and the timer would fire early by as much. */
    uv_update_time(loop->uv);
    uv_timer_start(&loop->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

static struct hx_curl_watch *watch_new(struct hx_curl_loop *loop, curl_socket_t fd)
{
    struct hx_curl_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    if (uv_poll_init_socket(loop->uv, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->loop = loop;
    watch->fd = fd;
    curl_multi_assign(loop->multi, fd, watch);
    return watch;
}

/* The one that was kept, if it is of this socket, or a new one; NULL: out of memory. */
static struct hx_curl_watch *watch_for(struct hx_curl_loop *loop, struct hx_curl_transfer *transfer,
                                       curl_socket_t fd)
{
    struct hx_curl_watch *watch = transfer->watch;
    if (watch == NULL || watch->fd != fd) {
        hx_curl_loop_unwatch(transfer);
        return watch_new(loop, fd);
    }
    transfer->watch = NULL;
    watch->is_idle = false;
    curl_multi_assign(loop->multi, fd, watch);
    return watch;
}

/* curl does not wait for the socket any more. */
static void put_aside(struct hx_curl_watch *watch, struct hx_curl_transfer *transfer)
{
    curl_multi_assign(watch->loop->multi, watch->fd, NULL);
    if (transfer == NULL || !transfer->is_kept || transfer->watch != NULL) {
        uv_close((uv_handle_t *)&watch->poll, on_poll_closed);
        return;
    }
    watch->is_idle = true;
    transfer->watch = watch;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct hx_curl_loop *loop = data;
    struct hx_curl_watch *watch = socket_data;
    struct hx_curl_transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            put_aside(watch, transfer);
        return 0;
    }
    if (watch == NULL)
        watch = watch_for(loop, transfer, fd);
    if (watch == NULL) {
        fail_later(loop, transfer);
        return 0;
    }
    int events = 0;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    if (watch->events != events)
        uv_poll_start(&watch->poll, events, on_poll);
    watch->events = events;
    return 0;
}

void hx_curl_loop_unwatch(struct hx_curl_transfer *transfer)
{
    if (transfer->watch != NULL)
        uv_close((uv_handle_t *)&transfer->watch->poll, on_poll_closed);
    transfer->watch = NULL;
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* ---------------------------------------------------------------------------- curl at work -- */

static void end_failed(struct hx_curl_loop *loop)
{
    while (loop->failed != NULL) {
        struct hx_curl_transfer *transfer = loop->failed;
        hx_curl_loop_remove(loop, transfer);
        hx_curl_loop_unwatch(transfer);
        transfer->on_done(transfer, CURLE_OUT_OF_MEMORY);
    }
}

static void end_done(struct hx_curl_loop *loop)
{
    CURLMsg *message;
    int n_left;
    while ((message = curl_multi_info_read(loop->multi, &n_left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct hx_curl_transfer *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        /* The message dies here. */
        hx_curl_loop_remove(loop, transfer);
        if (code != CURLE_OK)
            hx_curl_loop_unwatch(transfer);
        transfer->on_done(transfer, code);
    }
}

static CURLM *multi_new(struct hx_curl_loop *loop)
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return NULL;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    /* Two checks on one connection would wait for each other. */
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    /* The bound of every connection cache that a transfer of this multi uses. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
    return multi;
}

static void replace_multi(struct hx_curl_loop *loop)
{
    while (loop->active != NULL)
        fail_later(loop, loop->active);
    for (struct hx_curl_transfer *t = loop->failed; t != NULL; t = t->next) {
        if (t->is_added)
            curl_multi_remove_handle(loop->multi, t->easy);
        t->is_added = false;
    }
    curl_multi_cleanup(loop->multi);
    loop->multi = multi_new(loop);
}

static void act(struct hx_curl_loop *loop, curl_socket_t fd, int flags)
{
    int n_running;
    if (loop->multi == NULL)
        return;
    if (curl_multi_socket_action(loop->multi, fd, flags, &n_running) != CURLM_OK)
        replace_multi(loop);
    end_failed(loop);
    if (loop->multi != NULL)
        end_done(loop);
}

static void on_timeout(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct hx_curl_watch *watch = poll->data;
    int flags = 0;
    if (watch->is_idle) { /* the next transfer will see */
        uv_poll_stop(poll);
        watch->events = 0;
        return;
    }
    /* uv tells any error of a socket as UV_EBADF and stops watching it. CURL_CSELECT_ERR would make
     * curl give up without asking which; told that it can read, it first takes what had arrived
     * before the error, and then meets the error itself. */
    if (status < 0) {
        events = UV_READABLE | UV_WRITABLE;
        uv_poll_start(poll, watch->events, on_poll);
    }
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(watch->loop, watch->fd, flags);
}

enum hx_errcode hx_curl_loop_add(struct hx_curl_loop *loop, struct hx_curl_transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    if (loop->multi == NULL)
        loop->multi = multi_new(loop);
    if (loop->multi == NULL || curl_multi_add_handle(loop->multi, transfer->easy) != CURLM_OK)
        return HX_ERR_NOMEM;
    transfer->is_added = true;
    list_put(&loop->active, transfer);
    return HX_OK;
}

void hx_curl_loop_remove(struct hx_curl_loop *loop, struct hx_curl_transfer *transfer)
{
    if (transfer->link != NULL)
        list_take(transfer);
    if (transfer->is_added)
        curl_multi_remove_handle(loop->multi, transfer->easy);
    transfer->is_added = false;
}

/* ---------------------------------------------------------------------- the loop's own life -- */

enum hx_errcode hx_curl_loop_new(struct uv_loop_s *uv, struct hx_curl_loop **loop,
                                 struct hx_error *err)
{
    /* Counted by curl, and safe in threads since 7.84; who called it first keeps it alive. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return hx_error_set(err, HX_ERR_NOMEM, "libcurl cannot be initialised");
    struct hx_curl_loop *made = calloc(1, sizeof(*made));
    if (made != NULL)
        made->multi = multi_new(made);
    if (made == NULL || made->multi == NULL) {
        free(made);
        curl_global_cleanup();
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    made->uv = uv;
    uv_timer_init(uv, &made->timer);
    made->timer.data = made;
    *loop = made;
    return HX_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void hx_curl_loop_free(struct hx_curl_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->multi != NULL)
        curl_multi_cleanup(loop->multi);
    uv_close((uv_handle_t *)&loop->timer, on_timer_closed);
    curl_global_cleanup();
}
