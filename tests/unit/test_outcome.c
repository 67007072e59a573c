/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` prints: the table and its colours, the JSON, and the verdict. */
#include "cli/outcome.h"

#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNREACHED              \
    {                          \
        -1, -1, -1, -1, -1, -1 \
    }

static const struct hx_snapshot up = {.name = "database",
                                      .kind = "postgres",
                                      .is_critical = true,
                                      .has_result = true,
                                      .state = HX_STATE_UP,
                                      .duration_ns = 3160000,
                                      .phases_ns = {-1, 1000000, -1, 2000000, -1, -1}};
static const struct hx_snapshot slow = {.name = "api",
                                        .kind = "http",
                                        .is_critical = true,
                                        .has_result = true,
                                        .state = HX_STATE_DEGRADED,
                                        .duration_ns = 1250000000,
                                        .phases_ns = UNREACHED};
static const struct hx_snapshot down = {.name = "cache",
                                        .kind = "redis",
                                        .is_critical = true,
                                        .has_result = true,
                                        .state = HX_STATE_DOWN,
                                        .reason = HX_REASON_REFUSED,
                                        .message = "connection refused",
                                        .duration_ns = 210000,
                                        .phases_ns = UNREACHED};
static const struct hx_snapshot optional = {.name = "reco",
                                            .kind = "http",
                                            .has_result = true,
                                            .state = HX_STATE_DOWN,
                                            .reason = HX_REASON_TIMEOUT,
                                            .message = "no reply",
                                            .duration_ns = 2000000000,
                                            .phases_ns = UNREACHED};
static const struct hx_snapshot reported = {.name = "model",
                                            .kind = "heartbeat",
                                            .is_critical = true,
                                            .is_reported = true,
                                            .has_result = true,
                                            .state = HX_STATE_DOWN,
                                            .reason = HX_REASON_TIMEOUT,
                                            .message = "no report yet",
                                            .phases_ns = UNREACHED};
static const struct hx_snapshot missing = {.name = "late",
                                           .kind = "tcp",
                                           .is_critical = true,
                                           .state = HX_STATE_UNKNOWN,
                                           .reason = HX_REASON_TIMEOUT,
                                           .message = "no result within 12s",
                                           .phases_ns = UNREACHED};

static void the_worst_critical_one_decides(void **state)
{
    (void)state;
    const struct hx_snapshot good[] = {up, reported};
    const struct hx_snapshot fair[] = {up, optional};
    assert_int_equal(hx_outcome_state(NULL, 0), HX_STATE_UP);
    assert_int_equal(hx_outcome_state(good, 2), HX_STATE_UP);
    assert_int_equal(hx_outcome_state(&slow, 1), HX_STATE_DEGRADED);
    assert_int_equal(hx_outcome_state(fair, 2), HX_STATE_DEGRADED);
    assert_int_equal(hx_outcome_state((const struct hx_snapshot[]){optional, up, down}, 3),
                     HX_STATE_DOWN);
    assert_int_equal(hx_outcome_state(&missing, 1), HX_STATE_DOWN);
}

static void the_table_of_nothing_says_so(void **state)
{
    (void)state;
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_outcome_write_table(NULL, 0, false, &out);
    assert_string_equal(hx_strbuf_text(&out), "NAME  KIND  STATE  LATENCY  REASON  MESSAGE\n"
                                              "\n"
                                              "up: nothing to check\n");
    hx_strbuf_fini(&out);
}

static void the_table_has_a_line_for_each_and_a_count(void **state)
{
    (void)state;
    const struct hx_snapshot all[] = {up, slow, down, optional, reported, missing};
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_outcome_write_table(all, 6, false, &out);
    assert_string_equal(
        hx_strbuf_text(&out),
        "NAME      KIND       STATE     LATENCY   REASON   MESSAGE\n"
        "database  postgres   up        3.2ms\n"
        "api       http       degraded  1250.0ms\n"
        "cache     redis      down      0.2ms     refused  connection refused\n"
        "reco      http       down      2000.0ms  timeout  (not critical) no reply\n"
        "model     heartbeat  unknown                      reports by itself: not "
        "checked\n"
        "late      tcp        unknown             timeout  no result within 12s\n"
        "\n"
        "down: 1 up, 1 degraded, 2 down, 2 unknown\n");
    hx_strbuf_fini(&out);
}

static void colours_do_not_move_columns(void **state)
{
    (void)state;
    static const struct hx_cell cells[] = {
        {"n\xC3\xA4me", HX_COLOUR_BOLD}, {"STATE", HX_COLOUR_NONE},  {"x", HX_COLOUR_NONE},
        {"cache", HX_COLOUR_NONE},       {"down", HX_COLOUR_RED},    {"y", HX_COLOUR_NONE},
        {"a", HX_COLOUR_NONE},           {"up", HX_COLOUR_GREEN},    {"", HX_COLOUR_NONE},
        {"b", HX_COLOUR_NONE},           {"slow", HX_COLOUR_YELLOW}, {"z", HX_COLOUR_NONE},
    };
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_table_write(cells, 4, 3, true, &out);
    assert_string_equal(hx_strbuf_text(&out), "\033[1mn\xC3\xA4me\033[0m   STATE  x\n"
                                              "cache  \033[31mdown\033[0m   y\n"
                                              "a      \033[32mup\033[0m\n"
                                              "b      \033[33mslow\033[0m   z\n");
    hx_strbuf_clear(&out);
    hx_table_write(cells, 1, 3, false, &out);
    assert_string_equal(hx_strbuf_text(&out), "n\xC3\xA4me  STATE  x\n");
    hx_strbuf_fini(&out);
}

static void the_json_always_has_all_keys(void **state)
{
    (void)state;
    const struct hx_snapshot all[] = {up, reported};
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_outcome_write_json(all, 2, &out);
    assert_string_equal(hx_strbuf_text(&out), "{\n"
                                              "  \"status\": \"up\",\n"
                                              "  \"checks\": {\n"
                                              "    \"database\": {\n"
                                              "      \"kind\": \"postgres\",\n"
                                              "      \"critical\": true,\n"
                                              "      \"status\": \"up\",\n"
                                              "      \"reason\": null,\n"
                                              "      \"message\": null,\n"
                                              "      \"latency_ms\": 3.160,\n"
                                              "      \"phases_ms\": {\n"
                                              "        \"resolve\": null,\n"
                                              "        \"connect\": 1.000,\n"
                                              "        \"tls\": null,\n"
                                              "        \"auth\": 2.000,\n"
                                              "        \"send\": null,\n"
                                              "        \"receive\": null\n"
                                              "      }\n"
                                              "    },\n"
                                              "    \"model\": {\n"
                                              "      \"kind\": \"heartbeat\",\n"
                                              "      \"critical\": true,\n"
                                              "      \"status\": \"unknown\",\n"
                                              "      \"reason\": null,\n"
                                              "      \"message\": \"reports by itself: not "
                                              "checked\",\n"
                                              "      \"latency_ms\": null,\n"
                                              "      \"phases_ms\": {\n"
                                              "        \"resolve\": null,\n"
                                              "        \"connect\": null,\n"
                                              "        \"tls\": null,\n"
                                              "        \"auth\": null,\n"
                                              "        \"send\": null,\n"
                                              "        \"receive\": null\n"
                                              "      }\n"
                                              "    }\n"
                                              "  }\n"
                                              "}\n");
    hx_strbuf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_critical_one_decides),
        cmocka_unit_test(the_table_has_a_line_for_each_and_a_count),
        cmocka_unit_test(the_table_of_nothing_says_so),
        cmocka_unit_test(colours_do_not_move_columns),
        cmocka_unit_test(the_json_always_has_all_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
