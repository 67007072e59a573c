/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares 1.18 on the loop.
 *
 * It would look into /etc/hosts, go through the search list and ask for both families by itself,
 * but waits then for both, and a server that answers one and drops the other costs each lookup all
 * of the timeouts. So it is only asked for one family of one name; one c-ares channel reads the
 * hosts and knows the search list, another asks.
 *
 * Happy path: ask → c-ares opens a socket and tells so → a poll handle watches it → readable →
 * ares_process_fd → the answer's callback. After each call into c-ares its next timeout is read and
 * the timer set: c-ares itself has none.
 *
 * Failure modes: a name server that refuses shows as UV_EBADF on a poll handle that libuv has
 * stopped; c-ares is then told that the socket is ready in both directions and finds the error
 * itself. A silent one costs timeouts, which are c-ares' own.
 *
 * Who frees what: a poll handle is a block of its own, freed by its close callback; uv_close()
 * comes before c-ares closes the descriptor. The channel may not be destroyed from within one of
 * its answers, so calls into c-ares are counted (depth), and a channel that is to go is destroyed
 * by settle() when the outermost of them has returned. The struct goes with its timer's handle.
 */
#include "net/dns_channel.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <uv.h>

/* A try waits a second, the second one two. The asker's deadline is the asker's business. */
#define TIMEOUT_MS 1000
#define TRIES      2
/* The timer never sleeps longer than this, whatever c-ares says. */
#define MAX_WAIT_MS 1000

struct socket_watch {
    uv_poll_t poll;
    ares_socket_t fd;
    struct hx_dns_channel *channel;
    LIST_ENTRY(socket_watch) in_channel;
};

struct hx_dns_channel {
    uv_loop_t *loop;
    uv_timer_t timer; /* its data: the channel, for good */
    ares_channel ares;
    ares_channel hosts;            /* looks into /etc/hosts and does nothing else */
    struct ares_options searching; /* of it: domains and ndots */
    LIST_HEAD(watches, socket_watch) watches;
    unsigned depth; /* calls into c-ares that have not returned */
    size_t n_asked; /* questions without answer */
    bool is_closing;
};

/* One question: c-ares gives its callback no more than one pointer. */
struct question {
    struct hx_dns_channel *channel;
    ares_addrinfo_callback cb;
    void *data;
};

static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable);
static void on_socket_ready(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);
static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *result);
static void on_watch_closed(uv_handle_t *handle);
static void on_timer_closed(uv_handle_t *handle);

static void enter(struct hx_dns_channel *channel)
{
    channel->depth++;
}

static void set_timer(struct hx_dns_channel *channel)
{
    struct timeval storage;
    const struct timeval *wait = ares_timeout(channel->ares, NULL, &storage);
    if (wait == NULL) {
        uv_timer_stop(&channel->timer);
        return;
    }
    /* Rounded up: a timer that fires early would only be set again. */
    uint64_t ms = (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1;
    uv_update_time(channel->loop);
    uv_timer_start(&channel->timer, on_timer, ms < MAX_WAIT_MS ? ms : MAX_WAIT_MS, 0);
}

static void destroy(struct hx_dns_channel *channel)
{
    channel->depth++; /* the answers that come now may not end it a second time */
    ares_destroy(channel->ares);
    channel->ares = NULL;
    ares_destroy(channel->hosts);
    ares_destroy_options(&channel->searching);
    uv_close((uv_handle_t *)&channel->timer, on_timer_closed);
}

/* After every call into c-ares. The channel may be gone after it. */
static void settle(struct hx_dns_channel *channel)
{
    channel->depth--;
    if (channel->depth > 0) {
        return;
    }
    if (channel->is_closing) {
        destroy(channel);
    } else {
        set_timer(channel);
    }
}

static void watch_end(struct socket_watch *watch)
{
    LIST_REMOVE(watch, in_channel);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static struct socket_watch *watch_find(struct hx_dns_channel *channel, ares_socket_t fd)
{
    struct socket_watch *watch;
    LIST_FOREACH(watch, &channel->watches, in_channel)
    {
        if (watch->fd == fd) {
            return watch;
        }
    }
    return NULL;
}

/* NULL when there is no memory; the question then ends by c-ares' timeout. */
static struct socket_watch *watch_new(struct hx_dns_channel *channel, ares_socket_t fd)
{
    struct socket_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    if (uv_poll_init_socket(channel->loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->fd = fd;
    watch->channel = channel;
    LIST_INSERT_HEAD(&channel->watches, watch, in_channel);
    return watch;
}

static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct hx_dns_channel *channel = data;
    struct socket_watch *watch = watch_find(channel, fd);
    if (!readable && !writable) {
        if (watch != NULL) {
            watch_end(watch);
        }
        return;
    }
    if (watch == NULL) {
        watch = watch_new(channel, fd);
    }
    if (watch != NULL) {
        uv_poll_start(&watch->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_socket_ready);
    }
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    struct hx_dns_channel *channel = watch->channel;
    bool is_readable = status < 0 || (events & UV_READABLE) != 0;
    bool is_writable = status < 0 || (events & UV_WRITABLE) != 0;
    enter(channel);
    ares_process_fd(channel->ares, is_readable ? watch->fd : ARES_SOCKET_BAD,
                    is_writable ? watch->fd : ARES_SOCKET_BAD);
    settle(channel);
}

static void on_timer(uv_timer_t *timer)
{
    struct hx_dns_channel *channel = timer->data;
    enter(channel);
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(channel);
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    struct question *question = data;
    struct question asked = *question;
    free(question);
    asked.channel->n_asked--;
    asked.cb(asked.data, status, timeouts, result);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void init_library(void)
{
    /* On Linux it cannot fail and holds nothing that would have to be given back. */
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

static enum hx_errcode fail_with(int status, const char *what, struct hx_error *err)
{
    return hx_error_set(err, status == ARES_ENOMEM ? HX_ERR_NOMEM : HX_ERR_SYSTEM, "%s: %s", what,
                        ares_strerror(status));
}

/* The one that reads files. */
static enum hx_errcode open_hosts(struct hx_dns_channel *channel, struct hx_error *err)
{
    /* c-ares copies the lookups, but asks for a writable string. */
    char lookups[] = "f";
    struct ares_options options = {.flags = ARES_FLAG_NOALIASES, .lookups = lookups};
    int mask = 0;
    int status = ares_init_options(&channel->hosts, &options, ARES_OPT_FLAGS | ARES_OPT_LOOKUPS);
    if (status != ARES_SUCCESS) {
        return fail_with(status, "resolver", err);
    }
    status = ares_save_options(channel->hosts, &channel->searching, &mask);
    if (status != ARES_SUCCESS) {
        ares_destroy_options(&channel->searching);
        ares_destroy(channel->hosts);
        return fail_with(status, "resolver", err);
    }
    return HX_OK;
}

/* The one that asks. */
static enum hx_errcode open_ares(struct hx_dns_channel *channel, const char *servers,
                                 struct hx_error *err)
{
    char lookups[] = "b";
    struct ares_options options = {
        .flags = ARES_FLAG_NOALIASES, /* no file named by $HOSTALIASES */
        .timeout = TIMEOUT_MS,
        .tries = TRIES,
        .lookups = lookups,
        .ndomains = 0, /* nothing is searched here */
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int status =
        ares_init_options(&channel->ares, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                              ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        return fail_with(status, "resolver", err);
    }
    status = servers == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(channel->ares, servers);
    if (status != ARES_SUCCESS) {
        ares_destroy(channel->ares);
        return fail_with(status, "name servers", err);
    }
    return HX_OK;
}

enum hx_errcode hx_dns_channel_new(uv_loop_t *loop, const char *servers,
                                   struct hx_dns_channel **channel, struct hx_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct hx_dns_channel *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "resolver: out of memory");
    }
    self->loop = loop;
    LIST_INIT(&self->watches);
    enum hx_errcode code = open_hosts(self, err);
    if (code != HX_OK) {
        free(self);
        return code;
    }
    code = open_ares(self, servers, err);
    if (code != HX_OK) {
        ares_destroy_options(&self->searching);
        ares_destroy(self->hosts);
        free(self);
        return code;
    }
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    *channel = self;
    return HX_OK;
}

/* The order of an answer is ours to make: sorting as RFC 6724 says would open a socket for each
 * address, and a hostile answer has thousands. */
static struct ares_addrinfo_hints hints_for(int family)
{
    return (struct ares_addrinfo_hints){
        .ai_flags = ARES_AI_NOSORT, .ai_family = family, .ai_socktype = SOCK_STREAM};
}

static void on_hosts(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)status, (void)timeouts;
    *(struct ares_addrinfo **)data = result;
}

struct ares_addrinfo *hx_dns_channel_hosts(struct hx_dns_channel *channel, const char *name)
{
    const struct ares_addrinfo_hints hints = hints_for(AF_UNSPEC);
    struct ares_addrinfo *result = NULL;
    ares_getaddrinfo(channel->hosts, name, NULL, &hints, on_hosts, &result);
    if (result != NULL && result->nodes == NULL) {
        ares_freeaddrinfo(result);
        result = NULL;
    }
    return result;
}

bool hx_dns_channel_candidate(const struct hx_dns_channel *channel, const char *name, size_t index,
                              char candidate[HX_HOST_NAME_SIZE])
{
    const struct ares_options *searching = &channel->searching;
    bool is_absolute = name[0] != '\0' && name[strlen(name) - 1] == '.';
    size_t n_domains = is_absolute ? 0 : (size_t)searching->ndomains;
    int n_dots = 0;
    for (const char *c = name; *c != '\0'; c++) {
        n_dots += *c == '.';
    }
    size_t itself = n_dots >= searching->ndots ? 0 : n_domains;
    if (index > n_domains) {
        return false;
    }
    const char *domain = index == itself ? "" : searching->domains[index - (itself == 0)];
    const char *dot = index == itself ? "" : ".";
    bool is_root = strcmp(domain, ".") == 0;
    int len = snprintf(candidate, HX_HOST_NAME_SIZE, "%s%s%s", name, dot, is_root ? "" : domain);
    if (len >= HX_HOST_NAME_SIZE) {
        candidate[0] = '\0';
    }
    return true;
}

void hx_dns_channel_ask(struct hx_dns_channel *channel, const char *name, int family,
                        ares_addrinfo_callback cb, void *data)
{
    const struct ares_addrinfo_hints hints = hints_for(family);
    struct question *question = malloc(sizeof *question);
    if (question == NULL) {
        cb(data, ARES_ENOMEM, 0, NULL);
        return;
    }
    *question = (struct question){.channel = channel, .cb = cb, .data = data};
    channel->n_asked++;
    enter(channel);
    ares_getaddrinfo(channel->ares, name, NULL, &hints, on_answer, question);
    settle(channel);
}

bool hx_dns_channel_is_idle(const struct hx_dns_channel *channel)
{
    return channel->n_asked == 0;
}

void hx_dns_channel_close(struct hx_dns_channel *channel)
{
    if (channel != NULL) {
        enter(channel);
        channel->is_closing = true;
        settle(channel);
    }
}
