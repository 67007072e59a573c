/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each dialect makes of an answer. probes.c goes through what there is to say and calls the
 * writer of the dialect: begin, then item for each dependency that has a part in it (none in
 * liveness), then end.
 */
#ifndef HX_WEB_WRITER_H
#define HX_WEB_WRITER_H

#include "web/probes.h"

/* What all dialects can tell apart. */
enum hx_health {
    HX_HEALTH_UP,
    HX_HEALTH_DEGRADED,
    HX_HEALTH_DOWN,
    HX_HEALTH_UNKNOWN,
    HX_HEALTH_OUT /* of service on purpose: maintenance, draining */
};

struct hx_answer {
    enum hx_probe probe;
    const char *title; /* "readyz", or the dependency's name */
    enum hx_health health;
    const char *status; /* in our own words */
    bool is_good;       /* 200 */
    bool is_verbose;
    int64_t stalled_ns;                       /* of a liveness that is down */
    const struct hx_maintenance *maintenance; /* NULL: it is not why */
    struct hx_service service;
    const char *const *ignored; /* as in struct hx_selection */
    size_t n_ignored;
};

struct hx_item {
    const char *name;
    const char *kind;
    enum hx_health health;
    const char *status; /* in our own words */
    const char *reason; /* of the closed list; NULL: none to show */
    bool is_critical;
    bool is_left_out;
    bool has_result;
    int64_t latency_ns;
    int64_t last_run_wall_ns;
};

struct hx_writer {
    bool is_sorted;    /* items come by name, not in the configuration's order */
    bool has_left_out; /* what was left out is told of too */
    void (*begin)(struct hx_strbuf *buf, const struct hx_answer *answer);
    void (*item)(struct hx_strbuf *buf, const struct hx_answer *answer, const struct hx_item *item,
                 bool is_first);
    void (*end)(struct hx_strbuf *buf, const struct hx_answer *answer);
};

extern const struct hx_writer hx_writer_json;
extern const struct hx_writer hx_writer_health_json;
extern const struct hx_writer hx_writer_spring;
extern const struct hx_writer hx_writer_microprofile;
extern const struct hx_writer hx_writer_kubernetes;

/* Nanoseconds as milliseconds with up to three decimals: 3.2, 0.8, 500. */
void hx_write_milliseconds(struct hx_strbuf *buf, int64_t ns);

/* A comma unless it is the first, then "key": */
void hx_write_key(struct hx_strbuf *buf, const char *key, bool is_first);

#endif
