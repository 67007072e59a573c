/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The bodies of the probe endpoints, byte by byte, and the status codes that go with them. */
#include "web/probes.h"

#include "failing_alloc.h"
#include "web_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const names[] = {"database", "-reco", "cache", NULL};

static int set_up(void **state)
{
    static struct web_board board;
    web_board_init(&board, names);
    *state = &board;
    return 0;
}

static int tear_down(void **state)
{
    web_board_fini(*state);
    return 0;
}

/* Asks the board as it is now, in our own JSON. */
static struct hx_reply ask(struct web_board *b, enum hx_probe probe, const char *name,
                           struct hx_strbuf *buf)
{
    struct hx_verdict verdict;
    struct hx_question question = {.probe = probe,
                                   .generation = b->generation,
                                   .verdict = &verdict,
                                   .now_ns = hx_clock_monotonic_ns()};
    hx_board_verdict(&b->board, b->generation, question.now_ns, &verdict);
    if (name != NULL)
        question.record = hx_generation_find(b->generation, name);
    return hx_probe_answer(buf, &question);
}

static void expect(struct web_board *b, enum hx_probe probe, const char *name, unsigned status,
                   const char *body)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    assert_int_equal(ask(b, probe, name, &buf).status, status);
    assert_string_equal(hx_strbuf_text(&buf), body);
    hx_strbuf_fini(&buf);
}

static void expect_readyz(struct web_board *b, unsigned status, const char *body)
{
    expect(b, HX_PROBE_READYZ, NULL, status, body);
}

static void expect_startupz(struct web_board *b, unsigned status, const char *body)
{
    expect(b, HX_PROBE_STARTUPZ, NULL, status, body);
}

static void expect_dependency(struct web_board *b, const char *name, unsigned status,
                              const char *body)
{
    expect(b, HX_PROBE_DEPENDENCY, name, status, body);
}

static void all_up(struct web_board *b)
{
    web_board_result(b, "database", HX_STATE_UP, HX_REASON_NONE, 3200000);
    web_board_result(b, "reco", HX_STATE_UP, HX_REASON_NONE, 12345678);
    web_board_result(b, "cache", HX_STATE_UP, HX_REASON_NONE, 800000);
}

static void all_up_is_ready(void **state)
{
    all_up(*state);
    expect_readyz(*state, 200,
                  "{\"status\":\"up\",\"checks\":{\"database\":{\"status\":\"up\",\"latency_ms\":"
                  "3.2},\"reco\":{\"status\":\"up\",\"critical\":false,\"latency_ms\":12.346},"
                  "\"cache\":{\"status\":\"up\",\"latency_ms\":0.8}}}");
}

static void dependency_that_is_not_critical_only_degrades(void **state)
{
    all_up(*state);
    web_board_result(*state, "reco", HX_STATE_DOWN, HX_REASON_TIMEOUT, 500300000);
    expect_readyz(*state, 200,
                  "{\"status\":\"degraded\",\"checks\":{\"database\":{\"status\":\"up\","
                  "\"latency_ms\":3.2},\"reco\":{\"status\":\"down\",\"critical\":false,"
                  "\"reason\":\"timeout\",\"latency_ms\":500.3},\"cache\":{\"status\":\"up\","
                  "\"latency_ms\":0.8}}}");
}

static void critical_dependency_makes_it_not_ready(void **state)
{
    all_up(*state);
    web_board_result(*state, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    expect_readyz(*state, 503,
                  "{\"status\":\"down\",\"checks\":{\"database\":{\"status\":\"up\","
                  "\"latency_ms\":3.2},\"reco\":{\"status\":\"up\",\"critical\":false,"
                  "\"latency_ms\":12.346},\"cache\":{\"status\":\"down\",\"reason\":\"refused\","
                  "\"latency_ms\":0.2}}}");
}

static void before_the_first_round_it_is_starting(void **state)
{
    struct web_board *b = *state;
    atomic_store(&b->board.is_first_round_done, false);
    web_board_result(b, "cache", HX_STATE_UP, HX_REASON_NONE, 1000000);
    expect_readyz(b, 503,
                  "{\"status\":\"starting\",\"checks\":{\"database\":{\"status\":\"unknown\"},"
                  "\"reco\":{\"status\":\"unknown\",\"critical\":false},"
                  "\"cache\":{\"status\":\"up\",\"latency_ms\":1}}}");
    expect_startupz(b, 503, "{\"status\":\"starting\",\"waiting_for\":[\"database\",\"reco\"]}");
}

static void draining_is_not_ready_however_well_all_are(void **state)
{
    struct web_board *b = *state;
    all_up(b);
    atomic_store(&b->board.is_draining, true);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    assert_int_equal(ask(b, HX_PROBE_READYZ, NULL, &buf).status, 503);
    assert_memory_equal(hx_strbuf_text(&buf), "{\"status\":\"draining\",\"checks\":{\"database\"",
                        strlen("{\"status\":\"draining\",\"checks\":{\"database\""));
    hx_strbuf_fini(&buf);
}

static void started_when_those_required_have_passed_once(void **state)
{
    struct web_board *b = *state;
    char cache[] = "cache";
    char *items[] = {cache};
    struct hx_strings required = {.items = items, .n = 1};
    web_board_set(b, names, &required);
    web_board_result(b, "database", HX_STATE_UP, HX_REASON_NONE, 1);
    web_board_result(b, "reco", HX_STATE_UP, HX_REASON_NONE, 1);
    /* Named once, though it is awaited for two reasons. */
    expect_startupz(b, 503, "{\"status\":\"starting\",\"waiting_for\":[\"cache\"]}");
    web_board_result(b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 1);
    expect_startupz(b, 503, "{\"status\":\"starting\",\"waiting_for\":[\"cache\"]}");
    web_board_result(b, "cache", HX_STATE_UP, HX_REASON_NONE, 1);
    expect_startupz(b, 200, "{\"status\":\"up\"}");
}

static void each_state_of_a_dependency_has_its_code(void **state)
{
    expect_dependency(*state, "cache", 503, "{\"name\":\"cache\",\"status\":\"unknown\"}");
    web_board_result(*state, "cache", HX_STATE_UP, HX_REASON_NONE, 800000);
    expect_dependency(*state, "cache", 200,
                      "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":0.8}");
    web_board_result(*state, "cache", HX_STATE_DEGRADED, HX_REASON_NONE, 300000000);
    expect_dependency(*state, "cache", 200,
                      "{\"name\":\"cache\",\"status\":\"degraded\",\"latency_ms\":300}");
    web_board_result(*state, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    expect_dependency(
        *state, "cache", 503,
        "{\"name\":\"cache\",\"status\":\"down\",\"reason\":\"refused\",\"latency_ms\":0.2}");
    web_board_result(*state, "cache", HX_STATE_UNKNOWN, HX_REASON_BLOCKED, 0);
    expect_dependency(
        *state, "cache", 503,
        "{\"name\":\"cache\",\"status\":\"unknown\",\"reason\":\"blocked\",\"latency_ms\":0}");
}

static void reason_of_a_dependency_that_is_still_up_is_not_shown(void **state)
{
    web_board_result(*state, "cache", HX_STATE_UP, HX_REASON_TIMEOUT, 1500000);
    expect_dependency(*state, "cache", 200,
                      "{\"name\":\"cache\",\"status\":\"up\",\"latency_ms\":1.5}");
}

static void result_that_outlived_its_time_is_stale(void **state)
{
    struct hx_status status = web_board_status(HX_STATE_UP, HX_REASON_NONE, 800000);
    status.fresh_until_ns = hx_clock_monotonic_ns() - 1;
    web_board_publish(*state, "cache", &status, true);
    expect_dependency(
        *state, "cache", 503,
        "{\"name\":\"cache\",\"status\":\"unknown\",\"reason\":\"stale\",\"latency_ms\":0.8}");
}

static void body_of_a_dependency_tells_how_long_it_is_true(void **state)
{
    struct web_board *b = *state;
    struct hx_status status = web_board_status(HX_STATE_UP, HX_REASON_NONE, 1);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    assert_true(ask(b, HX_PROBE_DEPENDENCY, "cache", &buf).valid_until_ns == INT64_MAX);
    web_board_publish(b, "cache", &status, true);
    assert_true(ask(b, HX_PROBE_DEPENDENCY, "cache", &buf).valid_until_ns == status.fresh_until_ns);
    hx_strbuf_fini(&buf);
}

static void maintenance_says_when_to_come_back(void **state)
{
    struct web_board *b = *state;
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    int64_t now_ns = hx_clock_monotonic_ns();
    struct hx_maintenance maintenance = {.is_on = true,
                                         .until_ns = now_ns + 600 * HX_NS_PER_S,
                                         .until_wall_ns = INT64_C(1795213800123000000),
                                         .reason = "upgrade \"14\""};
    all_up(b);
    hx_board_set_maintenance(&b->board, HX_MAINTENANCE_MANUAL, &maintenance);
    struct hx_reply reply = ask(b, HX_PROBE_READYZ, NULL, &buf);
    assert_int_equal(reply.status, 503);
    assert_in_range(reply.retry_after_seconds, 500, 600);
    assert_true(reply.valid_until_ns ==
                maintenance.until_ns - (reply.retry_after_seconds - 1) * HX_NS_PER_S);
    static const char start[] =
        "{\"status\":\"maintenance\",\"maintenance\":{\"reason\":\"upgrade "
        "\\\"14\\\"\",\"until\":\"2026-11-20T22:30:00.123Z\"},\"checks\":{\"d";
    assert_memory_equal(hx_strbuf_text(&buf), start, sizeof(start) - 1);
    hx_strbuf_clear(&buf);
    maintenance.until_ns = INT64_MAX;
    maintenance.until_wall_ns = 0;
    hx_board_set_maintenance(&b->board, HX_MAINTENANCE_MANUAL, &maintenance);
    assert_int_equal(ask(b, HX_PROBE_READYZ, NULL, &buf).retry_after_seconds, 0);
    assert_non_null(strstr(hx_strbuf_text(&buf), "\"until\":null}"));
    atomic_store(&b->board.is_draining, true);
    reply = ask(b, HX_PROBE_READYZ, NULL, &buf);
    assert_int_equal(reply.retry_after_seconds, 0);
    hx_strbuf_fini(&buf);
}

static void reason_of_maintenance_stays_on_its_line(void **state)
{
    struct web_board *b = *state;
    struct hx_verdict verdict;
    struct hx_maintenance maintenance = {
        .is_on = true, .until_ns = INT64_MAX, .reason = "a\n[+]all ok\x7f"};
    struct hx_question question = {.probe = HX_PROBE_READYZ,
                                   .dialect = HX_DIALECT_KUBERNETES,
                                   .verdict = &verdict,
                                   .now_ns = hx_clock_monotonic_ns()};
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_board_set_maintenance(&b->board, HX_MAINTENANCE_MANUAL, &maintenance);
    hx_board_verdict(&b->board, NULL, question.now_ns, &verdict);
    hx_probe_answer(&buf, &question);
    assert_string_equal(hx_strbuf_text(&buf),
                        "[-]maintenance failed: a?[+]all ok?\nreadyz check failed\n");
    hx_strbuf_fini(&buf);
}

static void liveness_names_the_stall(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    struct hx_verdict verdict = {.is_live = true};
    struct hx_question question = {.probe = HX_PROBE_LIVEZ, .verdict = &verdict};
    hx_strbuf_init(&buf);
    assert_int_equal(hx_probe_answer(&buf, &question).status, 200);
    assert_string_equal(hx_strbuf_text(&buf), "{\"status\":\"up\"}");
    hx_strbuf_clear(&buf);
    verdict = (struct hx_verdict){.is_live = false, .stalled_ns = 17200000000};
    assert_int_equal(hx_probe_answer(&buf, &question).status, 503);
    assert_string_equal(
        hx_strbuf_text(&buf),
        "{\"status\":\"down\",\"reason\":\"engine stalled\",\"stalled_seconds\":17.2}");
    hx_strbuf_fini(&buf);
}

static void without_a_generation_nothing_is_ready(void **state)
{
    (void)state;
    struct hx_strbuf buf;
    struct hx_verdict verdict = {.readiness = HX_READY_STARTING};
    struct hx_question question = {.probe = HX_PROBE_READYZ, .verdict = &verdict, .now_ns = 1};
    hx_strbuf_init(&buf);
    assert_int_equal(hx_probe_answer(&buf, &question).status, 503);
    assert_string_equal(hx_strbuf_text(&buf), "{\"status\":\"starting\",\"checks\":{}}");
    hx_strbuf_clear(&buf);
    question.probe = HX_PROBE_STARTUPZ;
    assert_int_equal(hx_probe_answer(&buf, &question).status, 503);
    assert_string_equal(hx_strbuf_text(&buf), "{\"status\":\"starting\",\"waiting_for\":[]}");
    hx_strbuf_fini(&buf);
}

static void message_of_a_check_is_never_shown(void **state)
{
    struct web_board *b = *state;
    web_board_result(b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 1);
    for (unsigned dialect = 0; dialect < HX_N_DIALECTS; dialect++) {
        struct hx_strbuf buf;
        struct hx_verdict verdict;
        struct hx_question question = {.probe = HX_PROBE_READYZ,
                                       .dialect = (enum hx_dialect)dialect,
                                       .generation = b->generation,
                                       .verdict = &verdict,
                                       .record = hx_generation_find(b->generation, "cache"),
                                       .now_ns = hx_clock_monotonic_ns()};
        hx_strbuf_init(&buf);
        hx_board_verdict(&b->board, b->generation, question.now_ns, &verdict);
        hx_probe_answer(&buf, &question);
        question.probe = HX_PROBE_DEPENDENCY;
        hx_probe_answer(&buf, &question);
        assert_non_null(strstr(hx_strbuf_text(&buf), "refused"));
        assert_null(strstr(hx_strbuf_text(&buf), "secret"));
        assert_null(strstr(hx_strbuf_text(&buf), "10.0.0.7"));
        hx_strbuf_fini(&buf);
    }
}

static void out_of_memory_marks_the_buffer(void **state)
{
    struct web_board *b = *state;
    all_up(b);
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_strbuf buf;
        hx_strbuf_init(&buf);
        failing_alloc_at(n);
        ask(b, HX_PROBE_READYZ, NULL, &buf);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(buf.is_failed, is_failing);
        hx_strbuf_fini(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_up_is_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dependency_that_is_not_critical_only_degrades, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(critical_dependency_makes_it_not_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(before_the_first_round_it_is_starting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_is_not_ready_however_well_all_are, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(started_when_those_required_have_passed_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_state_of_a_dependency_has_its_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reason_of_a_dependency_that_is_still_up_is_not_shown,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(result_that_outlived_its_time_is_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(body_of_a_dependency_tells_how_long_it_is_true, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(maintenance_says_when_to_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reason_of_maintenance_stays_on_its_line, set_up, tear_down),
        cmocka_unit_test(liveness_names_the_stall),
        cmocka_unit_test(without_a_generation_nothing_is_ready),
        cmocka_unit_test_setup_teardown(message_of_a_check_is_never_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory_marks_the_buffer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
