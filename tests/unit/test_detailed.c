/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The details: every key of a dependency, byte by byte, and the page around them. */
#include "web/detailed.h"

#include "failing_alloc.h"
#include "web_server.h"

#include <math.h>

/* 2026-11-20T22:30:00.123Z */
#define WALL_NS INT64_C(1795213800123000000)

static const char *const values[] = {"free_bytes", "ratio", "lag", NULL};
static const struct hx_kind measured = {
    .name = "disk", .options = web_board_options, .reasons = web_board_reasons, .values = values};

static void expect_details(struct web_board *b, const char *name, const char *text)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_detailed_put_check(&buf, hx_generation_find(b->generation, name), hx_clock_monotonic_ns());
    assert_string_equal(hx_strbuf_text(&buf), text);
    hx_strbuf_fini(&buf);
}

static void check_that_never_ran_has_every_key(void **state)
{
    (void)state;
    static const char *const names[] = {"cache", NULL};
    struct web_board b;
    web_board_init(&b, names);
    expect_details(&b, "cache",
                   "{\"kind\":\"fake\",\"critical\":true,\"tags\":[],\"status\":\"unknown\","
                   "\"since\":null,\"reason\":null,\"message\":null,\"latency_ms\":null,"
                   "\"phases_ms\":{},\"values\":{},\"last_result\":null,\"last_run\":null,"
                   "\"last_success\":null,\"checks_total\":0,\"failures_total\":0,"
                   "\"consecutive_failures\":0,\"failure_threshold\":1,\"check_id\":null,"
                   "\"breaker\":\"closed\",\"next_run\":null}");
    web_board_fini(&b);
}

static void everything_that_is_known_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"-disk", NULL};
    struct web_board b;
    web_board_init(&b, names);
    struct hx_record *record = b.generation->records[0];
    char tag[] = "a\"b";
    char *tags[] = {tag};
    record->dependency->kind = &measured;
    record->dependency->policy.tags = (struct hx_strings){tags, 1};
    struct hx_status status = {.state = HX_STATE_DOWN,
                               .reason = HX_REASON_REFUSED,
                               .has_result = 1,
                               .duration_ns = 200000,
                               .fresh_until_ns = INT64_MAX,
                               .since_wall_ns = WALL_NS,
                               .last_run_wall_ns = WALL_NS + HX_NS_PER_S,
                               .last_success_wall_ns = WALL_NS - HX_NS_PER_S,
                               .next_run_wall_ns = WALL_NS + 10 * HX_NS_PER_S,
                               .failures_in_row = 3,
                               .is_breaker_open = 1,
                               .certificate_expiry = 1795213800,
                               .check_id = INT64_C(9007199254740993),
                               .phase_set = 3,
                               .phases_ns = {37000, 93000},
                               .value_set = 7,
                               .values = {1e15, 0.5, (double)NAN},
                               .message = "said \"no\"\nand \\ left"};
    hx_record_publish(record, &status);
    atomic_store(&record->failures[HX_REASON_REFUSED], 2);
    atomic_store(&record->failures[HX_REASON_TIMEOUT], 1);
    atomic_store(&record->durations.cells->counts[0], 800);
    atomic_store(&record->durations.cells->counts[HX_DURATION_BOUNDS], 12);
    expect_details(
        &b, "disk",
        "{\"kind\":\"disk\",\"critical\":false,\"tags\":[\"a\\\"b\"],\"status\":\"down\",\"since\":"
        "\"2026-11-20T22:30:00.123Z\",\"reason\":\"refused\",\"message\":\"said \\\"no\\\"\\nand "
        "\\\\ left\",\"latency_ms\":0.2,\"phases_ms\":{\"resolve\":0.037,\"connect\":0.093},"
        "\"values\":{\"free_bytes\":1000000000000000,\"ratio\":0.5},\"last_result\":\"fail\","
        "\"last_run\":\"2026-11-20T22:30:01.123Z\",\"last_success\":\"2026-11-20T22:29:59.123Z\","
        "\"checks_total\":812,\"failures_total\":3,\"consecutive_failures\":3,"
        "\"failure_threshold\":1,\"check_id\":\"9007199254740993\",\"breaker\":\"open\","
        "\"next_run\":\"2026-11-20T22:30:10.123Z\","
        "\"certificate_expiry\":\"2026-11-20T22:30:00.000Z\"}");
    status.fresh_until_ns = 1;
    hx_record_publish(record, &status);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_detailed_put_check(&buf, record, hx_clock_monotonic_ns());
    assert_non_null(strstr(hx_strbuf_text(&buf), "\"status\":\"unknown\""));
    assert_non_null(strstr(hx_strbuf_text(&buf), "\"reason\":\"stale\""));
    hx_strbuf_fini(&buf);
    record->dependency->policy.tags = (struct hx_strings){0};
    web_board_fini(&b);
}

static void certificate_may_end_in_the_year_9999(void **state)
{
    (void)state;
    static const char *const names[] = {"cache", NULL};
    struct web_board b;
    web_board_init(&b, names);
    struct hx_status status = {.certificate_expiry = INT64_C(253402300799)};
    struct hx_strbuf buf;
    hx_record_publish(b.generation->records[0], &status);
    hx_strbuf_init(&buf);
    hx_detailed_put_check(&buf, b.generation->records[0], 1);
    assert_non_null(
        strstr(hx_strbuf_text(&buf), ",\"certificate_expiry\":\"9999-12-31T23:59:59.000Z\"}"));
    hx_strbuf_fini(&buf);
    web_board_fini(&b);
}

static void out_of_memory_marks_the_buffer(void **state)
{
    (void)state;
    static const char *const names[] = {"cache", NULL};
    struct web_board b;
    web_board_init(&b, names);
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_strbuf buf;
        hx_strbuf_init(&buf);
        failing_alloc_at(n);
        hx_detailed_put_check(&buf, b.generation->records[0], 1);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(buf.is_failed, is_failing);
        hx_strbuf_fini(&buf);
    }
    web_board_fini(&b);
}

/* ---- over HTTP ---- */

static void get_details(struct fixture *f, const char *path, struct web_reply *reply)
{
    web_get(f->port, "GET", path, reply);
    assert_int_equal(reply->status, 200);
    assert_true(web_header_is(reply, "Content-Type", JSON));
    assert_true(web_reply_dechunk(reply));
}

static void page_tells_of_the_service_and_its_dependencies(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    get_details(f, "/health/detailed", &reply);
    static const char start[] = "{\"status\":\"down\",\"service\":{\"name\":\"checkout\","
                                "\"version\":\"1.4.2\",\"commit_hash\":\"abcdef1\"},"
                                "\"exporter\":{\"version\":\"1.2.3\",\"revision\":\"abcdef\","
                                "\"started_at\":\"20";
    assert_memory_equal(reply.body, start, sizeof(start) - 1);
    assert_non_null(strstr(reply.body, "\"checks\":{\"database\":{\"kind\":\"fake\""));
    assert_non_null(strstr(reply.body, "},\"reco\":{"));
    assert_non_null(strstr(reply.body, "\"message\":\"connect 10.0.0.7:6379: secret detail\""));
    assert_string_equal(reply.body + reply.body_len - 3, "}}}");
    web_reply_fini(&reply);
}

static void selection_holds_for_details_too(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    get_details(f, "/health/detailed?exclude=cache&exclude=database", &reply);
    assert_memory_equal(reply.body, "{\"status\":\"up\"", 14);
    assert_non_null(strstr(reply.body, "\"checks\":{\"reco\":{"));
    assert_null(strstr(reply.body, "\"cache\""));
    web_reply_fini(&reply);
}

static void maintenance_stands_beside_the_status(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    struct hx_maintenance maintenance = {.is_on = true, .until_ns = INT64_MAX, .reason = "upgrade"};
    hx_board_set_maintenance(&f->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    get_details(f, "/health/detailed", &reply);
    assert_non_null(strstr(reply.body, "{\"status\":\"maintenance\",\"maintenance\":{\"reason\":"
                                       "\"upgrade\",\"until\":null},\"service\""));
    web_reply_fini(&reply);
}

static void shard_is_told_when_there_are_others(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    get_details(f, "/health/detailed", &reply);
    assert_null(strstr(reply.body, "\"shard\""));
    web_reply_fini(&reply);
    f->b.board.shard = (struct hx_shard){.ordinal = 1, .total = 3};
    get_details(f, "/health/detailed", &reply);
    assert_non_null(strstr(reply.body, ",\"shard\":{\"ordinal\":1,\"total\":3}},\"checks\":{"));
    web_reply_fini(&reply);
}

static void head_has_the_status_and_no_body(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    web_get(f->port, "HEAD", "/health/detailed", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_len, 0);
    web_reply_fini(&reply);
    web_get(f->port, "HEAD", "/health/detailed?tag=none", &reply);
    assert_int_equal(reply.status, 404);
    web_reply_fini(&reply);
}

static void one_peer_gets_half_of_the_places(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fds[2];
    hold_places(f, fds, 2, HX_SENDING_DETAILS);
    web_get(f->port, "GET", "/health/detailed", &reply);
    assert_int_equal(reply.status, 503);
    assert_true(web_header_is(&reply, "Retry-After", "1"));
    web_reply_fini(&reply);
    close_all(fds, 2);
    expect_soon(f, "/health/detailed", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_that_never_ran_has_every_key),
        cmocka_unit_test(everything_that_is_known_is_told),
        cmocka_unit_test(certificate_may_end_in_the_year_9999),
        cmocka_unit_test(out_of_memory_marks_the_buffer),
        SERVED(page_tells_of_the_service_and_its_dependencies),
        SERVED(selection_holds_for_details_too),
        SERVED(maintenance_stands_beside_the_status),
        SERVED(shard_is_told_when_there_are_others),
        SERVED(head_has_the_status_and_no_body),
        SERVED(one_peer_gets_half_of_the_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
