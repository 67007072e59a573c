/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_check.h"

#include "base/clock.h"
#include "kinds/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct hx_check *check = calloc(1, sizeof(*check));

    fake_check_init(check, &hx_kind_heartbeat, NULL);
    *(int64_t *)check->dependency.settings = 30 * HX_NS_PER_S;
    *state = check;
    return 0;
}

static int teardown(void **state)
{
    fake_check_fini(*state);
    free(*state);
    return 0;
}

static void report(struct hx_check *check, bool is_pass, int64_t age_ns, const char *message)
{
    struct hx_report received = {.is_pass = is_pass, .arrived_ns = (int64_t)uv_hrtime() - age_ns};

    snprintf(received.message, sizeof(received.message), "%s", message);
    hx_kind_heartbeat.report(check, &received);
}

static void is_unavailable_before_the_first_report(void **state)
{
    struct hx_check *check = *state;

    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->n_finished, 1);
    assert_int_equal(check->reason, HX_REASON_UNAVAILABLE);
    assert_string_equal(check->message, "no heartbeat received yet");
}

static void passes_while_the_last_report_is_good_and_young(void **state)
{
    struct hx_check *check = *state;

    report(check, true, 29 * HX_NS_PER_S, "");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->n_finished, 1);
    assert_int_equal(check->reason, HX_REASON_NONE);
}

static void times_out_when_the_last_report_is_older_than_the_ttl(void **state)
{
    struct hx_check *check = *state;

    report(check, true, 45 * HX_NS_PER_S + 700 * HX_NS_PER_MS, "");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_TIMEOUT);
    assert_string_equal(check->message, "last heartbeat 45s ago, ttl 30s");
}

static void an_old_bad_report_is_a_timeout_too(void **state)
{
    struct hx_check *check = *state;

    report(check, false, 30 * HX_NS_PER_S + 1, "model not loaded");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_TIMEOUT);
}

static void a_bad_report_fails_with_its_message(void **state)
{
    struct hx_check *check = *state;

    report(check, false, 0, "model not loaded");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_STATUS);
    assert_string_equal(check->message, "model not loaded");

    report(check, false, 0, "");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_STATUS);
    assert_string_equal(check->message, "reported as failed");
}

static void a_message_is_no_format(void **state)
{
    struct hx_check *check = *state;

    report(check, false, 0, "%s%n 100%");
    fake_check_begin(check, HX_NS_PER_S);
    assert_string_equal(check->message, "%s%n 100%");
}

static void cancel_does_not_forget_the_report(void **state)
{
    struct hx_check *check = *state;

    report(check, true, 0, "");
    hx_kind_heartbeat.cancel(check);
    hx_kind_heartbeat.cancel(check);
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_NONE);
}

static void the_latest_report_counts(void **state)
{
    struct hx_check *check = *state;

    report(check, false, HX_NS_PER_S, "bad");
    report(check, true, 0, "");
    fake_check_begin(check, HX_NS_PER_S);
    assert_int_equal(check->reason, HX_REASON_NONE);
}

static void the_url_has_nothing_but_its_scheme(void **state)
{
    struct hx_check *check = *state;
    struct hx_error err;
    char host[] = "host";

    assert_int_equal(hx_kind_heartbeat.prepare(&check->dependency, &err), HX_OK);
    check->dependency.url.host = host;
    assert_int_equal(hx_kind_heartbeat.prepare(&check->dependency, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "\"heartbeat:\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_unavailable_before_the_first_report, setup, teardown),
        cmocka_unit_test_setup_teardown(passes_while_the_last_report_is_good_and_young, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(times_out_when_the_last_report_is_older_than_the_ttl, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_old_bad_report_is_a_timeout_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_report_fails_with_its_message, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_is_no_format, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_does_not_forget_the_report, setup, teardown),
        cmocka_unit_test_setup_teardown(the_latest_report_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(the_url_has_nothing_but_its_scheme, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
