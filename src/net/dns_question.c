/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: the hosts know the name; or: AAAA and A are asked → on_part twice → told, at once.
 *
 * Failure modes: one family has addresses and the other is silent: on_grace tells what there is,
 * and what comes later is told too. One has none and the other is silent: there is nothing to tell,
 * and the silent one ends by c-ares' timeouts. Neither has any, and both for sure: the next name of
 * the search list is asked, both families of it, so that an answer never mixes two names. Neither
 * has any, and one not for sure (SERVFAIL, a timeout): that is the answer, because the name may
 * exist.
 *
 * Who frees what: the question goes with the final answer; when its timer was needed, the timer's
 * close callback frees it. A callback may close the channel, which ends what is pending: the
 * question is not looked at after it.
 */
#include "net/dns_question.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define RESOLUTION_DELAY_MS 50

enum family { FAMILY_IPV6, FAMILY_IPV4, N_FAMILIES };

struct question;

struct part {
    struct question *question;
    int status;
    struct ares_addrinfo *result;
};

struct question {
    struct hx_dns_channel *channel;
    hx_dns_answer_cb cb;
    void *data;
    size_t candidate;   /* of the search list, that is being asked for */
    bool exists;        /* a candidate does, without addresses */
    bool is_asking;     /* on_part only notes */
    unsigned n_pending; /* families */
    unsigned n_told;    /* families with addresses that have been told */
    struct part parts[N_FAMILIES];
    uv_timer_t grace;
    bool has_grace; /* the timer has been needed */
    struct uv_loop_s *loop;
    char name[HX_HOST_NAME_SIZE];
};

static void ask_next(struct question *question);
static void on_part(void *data, int status, int timeouts, struct ares_addrinfo *result);
static void on_grace(uv_timer_t *timer);
static void on_grace_closed(uv_handle_t *handle);

static bool has_addresses(const struct part *part)
{
    return part->result != NULL && part->result->nodes != NULL;
}

static unsigned n_with_addresses(const struct question *question)
{
    unsigned n = 0;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        n += has_addresses(&question->parts[i]);
    }
    return n;
}

static void forget_results(struct question *question)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        ares_freeaddrinfo(question->parts[i].result);
        question->parts[i].result = NULL;
    }
}

static void question_free(struct question *question)
{
    forget_results(question);
    if (question->has_grace) {
        uv_close((uv_handle_t *)&question->grace, on_grace_closed);
    } else {
        free(question);
    }
}

static void tell(struct question *question, int status)
{
    unsigned n = n_with_addresses(question);
    struct hx_dns_answer answer = {.status = status,
                                   .ipv6 = question->parts[FAMILY_IPV6].result,
                                   .ipv4 = question->parts[FAMILY_IPV4].result,
                                   .has_news = question->n_told == 0 || n > question->n_told,
                                   .is_final = question->n_pending == 0};
    question->n_told = n;
    question->cb(question->data, &answer);
    if (answer.is_final) {
        question_free(question);
    }
}

static bool is_negative(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS;
}

/* Neither family has an address. */
static void conclude_without(struct question *question)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        int status = question->parts[i].status;
        if (!is_negative(status)) {
            tell(question, status);
            return;
        }
        question->exists |= status != ARES_ENOTFOUND;
    }
    forget_results(question);
    question->candidate++;
    ask_next(question);
}

/* A family has answered. */
static void advance(struct question *question)
{
    bool has_any = n_with_addresses(question) > 0;
    if (question->n_pending == 0 && has_any) {
        tell(question, ARES_SUCCESS);
    } else if (question->n_pending == 0) {
        conclude_without(question);
    } else if (has_any) {
        uv_timer_init(question->loop, &question->grace);
        question->grace.data = question;
        question->has_grace = true;
        uv_update_time(question->loop);
        uv_timer_start(&question->grace, on_grace, RESOLUTION_DELAY_MS, 0);
    }
}

static void on_part(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    struct part *part = data;
    struct question *question = part->question;
    (void)timeouts;
    part->status = status;
    part->result = result;
    question->n_pending--;
    if (!question->is_asking) {
        advance(question);
    }
}

static void on_grace(uv_timer_t *timer)
{
    tell(timer->data, ARES_SUCCESS);
}

static void on_grace_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void ask_next(struct question *question)
{
    static const int families[N_FAMILIES] = {[FAMILY_IPV6] = AF_INET6, [FAMILY_IPV4] = AF_INET};
    char name[HX_HOST_NAME_SIZE] = "";
    while (name[0] == '\0') {
        if (!hx_dns_channel_candidate(question->channel, question->name, question->candidate,
                                      name)) {
            tell(question, question->exists ? ARES_ENODATA : ARES_ENOTFOUND);
            return;
        }
        question->candidate += name[0] == '\0';
    }
    question->is_asking = true;
    question->n_pending = N_FAMILIES;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        hx_dns_channel_ask(question->channel, name, families[i], on_part, &question->parts[i]);
    }
    question->is_asking = false;
    if (question->n_pending < N_FAMILIES) {
        advance(question);
    }
}

/* True when the hosts know the name, and have been told. */
static bool tell_hosts(struct hx_dns_channel *channel, const char *name, hx_dns_answer_cb cb,
                       void *data)
{
    struct ares_addrinfo *hosts = hx_dns_channel_hosts(channel, name);
    if (hosts == NULL) {
        return false;
    }
    struct hx_dns_answer answer = {.status = ARES_SUCCESS,
                                   .ipv6 = hosts,
                                   .ipv4 = hosts,
                                   .is_from_hosts = true,
                                   .has_news = true,
                                   .is_final = true};
    cb(data, &answer);
    ares_freeaddrinfo(hosts);
    return true;
}

bool hx_dns_question_ask(struct uv_loop_s *loop, struct hx_dns_channel *channel, const char *name,
                         hx_dns_answer_cb cb, void *data)
{
    if (tell_hosts(channel, name, cb, data)) {
        return true;
    }
    struct question *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return false;
    }
    self->loop = loop;
    self->channel = channel;
    self->cb = cb;
    self->data = data;
    memcpy(self->name, name, strlen(name) + 1);
    for (size_t i = 0; i < N_FAMILIES; i++) {
        self->parts[i].question = self;
    }
    ask_next(self);
    return true;
}
