/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of an http check: libcurl's multi interface straight on epoll, easy handles made once.
 * Fresh: a connection for each check. Kept: each slot has a connection of its own, which takes a
 * connection cache of its own (a share object), so that no slot waits for or measures another's.
 * usage: limit_http PORT N INTERVAL_MS fresh|kept
 */
#include "pace.h"
#include "pace_address.h"

#include <curl/curl.h>

struct slot {
    CURL *easy;
    bool is_busy;
};

/* A socket's descriptor travels in the pointer that epoll keeps. */
#define DATA_OF(fd)   ((void *)(intptr_t)((fd) + 1))
#define SOCKET_OF(at) ((curl_socket_t)((intptr_t)(at)-1))

static struct pace pace;
static struct slot *slots;
static CURLM *multi;
static int64_t timeout_at_ns = -1; /* -1: none */

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    (void)bytes, (void)data;
    return size * n;
}

static void take_messages(void)
{
    int n_left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &n_left)) != NULL) {
        struct slot *slot = NULL;
        long status = 0;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(multi, slot->easy);
        slot->is_busy = false;
        pace.done++;
        pace.failed += code != CURLE_OK || status != 200;
    }
}

static void act(curl_socket_t fd, int flags)
{
    int n_running;
    curl_multi_socket_action(multi, fd, flags, &n_running);
    take_messages();
}

static int on_timer_wanted(CURLM *of, long timeout_ms, void *data)
{
    (void)of, (void)data;
    timeout_at_ns = timeout_ms < 0 ? -1 : pace_now_ns() + timeout_ms * PACE_NS_PER_MS;
    return 0;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
    (void)easy, (void)data;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(pace.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    pace_watch(&pace, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, events, DATA_OF(fd));
    curl_multi_assign(multi, fd, DATA_OF(fd));
    return 0;
}

static void on_start(size_t index)
{
    struct slot *slot = &slots[index];
    if (slot->is_busy) {
        pace.busy++;
        return;
    }
    slot->is_busy = true;
    if (curl_multi_add_handle(multi, slot->easy) != CURLM_OK)
        pace_die("curl_multi_add_handle");
}

static void on_event(void *data, uint32_t events)
{
    int flags = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    act(SOCKET_OF(data), flags);
}

/* curl wants to begin at once (a timeout of 0) what was added; its later timeouts are for checks
 * that hang, and may wait for the next tick. */
static void on_turned(void)
{
    while (timeout_at_ns >= 0 && timeout_at_ns <= pace_now_ns()) {
        timeout_at_ns = -1;
        act(CURL_SOCKET_TIMEOUT, 0);
    }
}

static void slot_init(struct slot *slot, size_t index, const char *port, bool is_kept)
{
    char url[64], address[INET_ADDRSTRLEN];
    struct sockaddr_in to = pace_address(index, port);
    inet_ntop(AF_INET, &to.sin_addr, address, sizeof(address));
    snprintf(url, sizeof(url), "http://%s:%s/", address, port);
    slot->easy = curl_easy_init();
    CURLSH *cache = is_kept ? curl_share_init() : NULL;
    if (slot->easy == NULL || (is_kept && cache == NULL))
        pace_die("curl");
    curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, is_kept ? 0L : 1L);
    curl_easy_setopt(slot->easy, CURLOPT_FORBID_REUSE, is_kept ? 0L : 1L);
    if (cache != NULL) {
        curl_share_setopt(cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
        curl_easy_setopt(slot->easy, CURLOPT_SHARE, cache);
    }
}

static void multi_init(void)
{
    multi = curl_multi_init();
    if (multi == NULL)
        pace_die("curl_multi_init");
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    pace_init(&pace, argv[2], argv[3]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_init();
    slots = calloc(pace.n, sizeof(*slots));
    if (slots == NULL)
        return 1;
    for (size_t i = 0; i < pace.n; i++)
        slot_init(&slots[i], i, argv[1], strcmp(argv[4], "kept") == 0);
    pace.on_start = on_start;
    pace.on_event = on_event;
    pace.on_turned = on_turned;
    pace_run(&pace);
    return 0;
}
