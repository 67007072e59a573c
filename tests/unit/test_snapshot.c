/* SPDX-License-Identifier: Apache-2.0 */
/* A service looks at its dependencies, one by one, by the public headers alone. */
#include "health_exporter.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#define DEADLINE_SECONDS 10

static void wait_for_result(struct hx_exporter *exporter, size_t i, struct hx_snapshot *snapshot)
{
    time_t limit = time(NULL) + DEADLINE_SECONDS;
    do {
        assert_true(time(NULL) <= limit);
        assert_true(hx_exporter_dependency(exporter, i, snapshot));
        sched_yield();
    } while (!snapshot->has_result);
}

static void dependencies_stand_in_the_order_of_the_configuration(void **state)
{
    (void)state;
    struct hx_snapshot snapshot;
    struct hx_error err = {0};
    struct hx_exporter *exporter = hx_exporter_new();
    assert_non_null(exporter);
    assert_int_equal(hx_exporter_add(exporter, "zoo=memory:", &err), HX_OK);
    assert_int_equal(hx_exporter_add(exporter, "model=heartbeat:", &err), HX_OK);
    assert_int_equal(hx_exporter_add(exporter, "cache=redis+unix:/no/such.sock", &err), HX_OK);
    assert_false(hx_exporter_dependency(exporter, 0, &snapshot));
    assert_int_equal(hx_exporter_start(exporter, &err), HX_OK);

    wait_for_result(exporter, 0, &snapshot);
    assert_string_equal(snapshot.name, "zoo");
    assert_string_equal(snapshot.kind, "memory");
    assert_true(snapshot.is_critical);
    assert_false(snapshot.is_reported);
    assert_int_equal(snapshot.state, HX_STATE_UP);
    assert_int_equal(snapshot.reason, HX_REASON_NONE);
    assert_string_equal(snapshot.message, "");
    assert_int_equal(snapshot.timeout_ns, 2000000000);

    assert_true(hx_exporter_dependency(exporter, 1, &snapshot));
    assert_string_equal(snapshot.name, "model");
    assert_true(snapshot.is_reported);

    wait_for_result(exporter, 2, &snapshot);
    assert_string_equal(snapshot.name, "cache");
    assert_int_equal(snapshot.state, HX_STATE_DOWN);
    assert_int_equal(snapshot.reason, HX_REASON_REFUSED);
    assert_string_not_equal(snapshot.message, "");
    assert_true(snapshot.duration_ns > 0);
    assert_true(snapshot.phases_ns[HX_PHASE_CONNECT] >= 0);
    assert_int_equal(snapshot.phases_ns[HX_PHASE_TLS], -1);

    assert_false(hx_exporter_dependency(exporter, 3, &snapshot));
    hx_exporter_free(exporter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dependencies_stand_in_the_order_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
