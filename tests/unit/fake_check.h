/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the engine's side of a check, so that a kind can be tested by itself: it hands out
 * what a kind asks for and remembers what a kind tells. It defines the hx_check_ functions, and so
 * it is included by the one file of a test program.
 */
#ifndef FAKE_CHECK_H
#define FAKE_CHECK_H

#include "health_exporter/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define FAKE_MAX_VALUES 8

struct hx_check {
    struct hx_dependency dependency;
    void *run;
    void *shared;
    uv_loop_t *loop;
    struct hx_resolver *resolver;
    int64_t deadline_ns;

    int n_finished; /* how often the kind ended the check since fake_check_begin() */
    enum hx_reason reason;
    char message[512];
    int n_connections; /* opened and not closed */
    unsigned phase_set;
    enum hx_phase last_phase;
    unsigned value_set;
    double values[FAKE_MAX_VALUES];
    int64_t certificate_expiry;
};

/* Gives the check a kind, settings and run memory, all zeroed. */
static inline void fake_check_init(struct hx_check *check, const struct hx_kind *kind,
                                   uv_loop_t *loop)
{
    memset(check, 0, sizeof(*check));
    check->dependency.kind = kind;
    check->dependency.settings = calloc(1, kind->settings_size + 1);
    check->run = calloc(1, kind->run_size + 1);
    check->loop = loop;
}

static inline void fake_check_fini(struct hx_check *check)
{
    if (check->n_connections != 0)
        abort(); /* the kind's cancel has not told of the end of what it has opened */
    free(check->dependency.settings);
    free(check->run);
}

/* Starts a check; what the last one told is forgotten. */
static inline void fake_check_begin(struct hx_check *check, int64_t timeout_ns)
{
    check->n_finished = 0;
    check->reason = HX_REASON_NONE;
    check->message[0] = '\0';
    check->phase_set = 0;
    check->deadline_ns = (int64_t)uv_hrtime() + timeout_ns;
    check->dependency.kind->start(check);
}

const struct hx_dependency *hx_check_dependency(const struct hx_check *check)
{
    return &check->dependency;
}

const void *hx_check_settings(const struct hx_check *check)
{
    return check->dependency.settings;
}

void *hx_check_run(const struct hx_check *check)
{
    return check->run;
}

void *hx_check_shared(const struct hx_check *check)
{
    return check->shared;
}

struct uv_loop_s *hx_check_loop(const struct hx_check *check)
{
    return check->loop;
}

struct hx_resolver *hx_check_resolver(const struct hx_check *check)
{
    return check->resolver;
}

int64_t hx_check_deadline_ns(const struct hx_check *check)
{
    return check->deadline_ns;
}

void hx_check_enter(struct hx_check *check, enum hx_phase phase)
{
    check->phase_set |= 1U << phase;
    check->last_phase = phase;
}

void hx_check_phase_took(struct hx_check *check, enum hx_phase phase, int64_t took_ns)
{
    (void)took_ns;
    check->phase_set |= 1U << phase;
}

void hx_check_value(struct hx_check *check, size_t index, double value)
{
    check->value_set |= 1U << index;
    check->values[index] = value;
}

void hx_check_connection_opened(struct hx_check *check)
{
    check->n_connections++;
}

void hx_check_connection_closed(struct hx_check *check)
{
    check->n_connections--;
}

void hx_check_certificate_expiry(struct hx_check *check, int64_t unix_seconds)
{
    check->certificate_expiry = unix_seconds;
}

void hx_check_finish(struct hx_check *check, enum hx_reason reason, const char *message)
{
    check->n_finished++;
    check->reason = reason;
    snprintf(check->message, sizeof(check->message), "%s", message == NULL ? "" : message);
}

void hx_check_pass(struct hx_check *check)
{
    hx_check_finish(check, HX_REASON_NONE, NULL);
}

void hx_check_fail(struct hx_check *check, enum hx_reason reason, const char *format, ...)
{
    char message[sizeof(check->message)];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    hx_check_finish(check, reason, message);
}

#endif
