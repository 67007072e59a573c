/* SPDX-License-Identifier: Apache-2.0 */
/* A board made by hand for the tests of the web side: dependencies of no kind in particular, whose
 * results are published by the test. */
#ifndef WEB_BOARD_H
#define WEB_BOARD_H

#include "base/clock.h"
#include "base/option.h"
#include "engine/board.h"
#include "health_exporter/exporter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The program's version is not part of the layers under test. */
__attribute__((weak)) const char *hx_version(void)
{
    return "1.2.3";
}

__attribute__((weak)) const char *hx_revision(void)
{
    return "abcdef";
}

static const struct hx_option web_board_options[] = {{.name = NULL}};
static const enum hx_reason web_board_reasons[] = {HX_REASON_REFUSED, HX_REASON_NONE};
static const struct hx_kind web_board_kind = {
    .name = "fake", .options = web_board_options, .reasons = web_board_reasons};

struct web_board {
    struct hx_board board;
    struct hx_generation *generation; /* borrowed from the board */
    bool is_anonymous;                /* the next generation does not tell of its service */
};

/* Puts a generation on the board; a name that begins with "-" is of a dependency that is not
 * critical, without the "-". */
static inline void web_board_set(struct web_board *b, const char *const *names,
                                 const struct hx_strings *required)
{
    struct hx_record *records[64];
    size_t n = 0;
    for (; names[n] != NULL; n++) {
        struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
        assert(dependency != NULL && n < 64);
        dependency->name = strdup(names[n] + (names[n][0] == '-' ? 1 : 0));
        dependency->kind = &web_board_kind;
        enum hx_errcode code = hx_options_default(hx_policy_options, &dependency->policy, NULL);
        dependency->policy.critical = names[n][0] != '-';
        if (code == HX_OK)
            code = hx_record_new(dependency, &records[n], NULL);
        assert(code == HX_OK);
        (void)code;
    }
    enum hx_errcode code = hx_generation_new(records, n, required, &b->generation, NULL);
    assert(code == HX_OK);
    (void)code;
    if (!b->is_anonymous)
        code = hx_generation_describe(b->generation, "checkout", "1.4.2", "abcdef1", NULL);
    assert(code == HX_OK);
    hx_board_set(&b->board, b->generation);
}

/* A board whose engine has just turned and whose first round is done. */
static inline void web_board_init(struct web_board *b, const char *const *names)
{
    *b = (struct web_board){0};
    enum hx_errcode code = hx_board_init(&b->board, NULL);
    assert(code == HX_OK);
    (void)code;
    web_board_set(b, names, NULL);
    atomic_store(&b->board.heartbeat_ns, hx_clock_monotonic_ns());
    atomic_store(&b->board.is_first_round_done, true);
}

static inline void web_board_fini(struct web_board *b)
{
    hx_board_fini(&b->board);
}

static inline struct hx_status web_board_status(enum hx_state state, enum hx_reason reason,
                                                int64_t duration_ns)
{
    return (struct hx_status){.state = (int64_t)state,
                              .reason = (int64_t)reason,
                              .has_result = 1,
                              .is_last_pass = reason == HX_REASON_NONE,
                              .has_ever_passed = reason == HX_REASON_NONE,
                              .duration_ns = duration_ns,
                              .fresh_until_ns = hx_clock_monotonic_ns() + 60 * HX_NS_PER_S,
                              .message = "connect 10.0.0.7:6379: secret detail"};
}

static inline void web_board_publish(struct web_board *b, const char *name,
                                     const struct hx_status *status, bool is_verdict)
{
    hx_record_publish(hx_generation_find(b->generation, name), status);
    hx_board_changed(&b->board, is_verdict);
}

static inline void web_board_result(struct web_board *b, const char *name, enum hx_state state,
                                    enum hx_reason reason, int64_t duration_ns)
{
    struct hx_status status = web_board_status(state, reason, duration_ns);
    web_board_publish(b, name, &status, true);
}

#endif
