/* SPDX-License-Identifier: Apache-2.0 */
/* Running a loop in a test until something has happened, and proving that nothing is left on it. */
#ifndef LOOP_TEST_H
#define LOOP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#define LOOP_TEST_LIMIT_NS UINT64_C(10000000000)

static inline void loop_test_tick(uv_timer_t *timer)
{
    (void)timer;
}

static inline void loop_test_free(uv_handle_t *handle)
{
    free(handle);
}

/* A tick, so that a loop on which nothing happens still turns. */
static inline uv_timer_t *loop_test_start_tick(uv_loop_t *loop)
{
    uv_timer_t *timer = malloc(sizeof *timer);
    assert_non_null(timer);
    uv_timer_init(loop, timer);
    uv_timer_start(timer, loop_test_tick, 20, 20);
    return timer;
}

/* Turns the loop until the condition holds; fails the test when it does not within 10 s. */
#define RUN_UNTIL(loop, condition)                        \
    do {                                                  \
        uv_timer_t *tick_ = loop_test_start_tick(loop);   \
        uint64_t end_ = uv_hrtime() + LOOP_TEST_LIMIT_NS; \
        while (!(condition) && uv_hrtime() < end_) {      \
            uv_run((loop), UV_RUN_ONCE);                  \
        }                                                 \
        uv_close((uv_handle_t *)tick_, loop_test_free);   \
        assert_true(condition);                           \
    } while (0)

/* Turns the loop until nothing is active, and closes it: every handle must have been closed. What
 * a failed test has left behind may not keep it for ever. */
static inline void loop_test_close(uv_loop_t *loop)
{
    uint64_t end = uv_hrtime() + LOOP_TEST_LIMIT_NS;
    while (uv_run(loop, UV_RUN_NOWAIT) != 0 && uv_hrtime() < end) {
    }
    assert_int_equal(uv_loop_close(loop), 0);
}

#endif
