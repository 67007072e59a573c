/* SPDX-License-Identifier: Apache-2.0 */
/* The probe endpoints over HTTP: every verdict in every dialect, who decides on the dialect, and
 * what a query selects. */
#include "web_server.h"

#include "web/dialect.h"

#define SPRING_TYPE "application/vnd.spring-boot.actuator.v3+json"
#define HEALTH_TYPE "application/health+json"

/* ---- the verdict, exhaustively ---- */

static const char *const formats[] = {"json", "health%2Bjson", "spring", "microprofile",
                                      "kubernetes"};

/* What the body must begin with, or, for Kubernetes, end with; by readiness and format. */
static const char *const words[][5] = {
    [HX_READY_UP] = {"{\"status\":\"up\"", "{\"status\":\"pass\"", "{\"status\":\"UP\"",
                     "{\"status\":\"UP\"", "ok"},
    [HX_READY_DEGRADED] = {"{\"status\":\"degraded\"", "{\"status\":\"warn\"", "{\"status\":\"UP\"",
                           "{\"status\":\"UP\"", "ok"},
    [HX_READY_DOWN] = {"{\"status\":\"down\"", "{\"status\":\"fail\"", "{\"status\":\"DOWN\"",
                       "{\"status\":\"DOWN\"", "readyz check failed\n"},
    [HX_READY_STARTING] = {"{\"status\":\"starting\"", "{\"status\":\"fail\"",
                           "{\"status\":\"UNKNOWN\"", "{\"status\":\"DOWN\"",
                           "readyz check failed\n"},
    [HX_READY_MAINTENANCE] = {"{\"status\":\"maintenance\"", "{\"status\":\"fail\"",
                              "{\"status\":\"OUT_OF_SERVICE\"", "{\"status\":\"DOWN\"",
                              "readyz check failed\n"},
    [HX_READY_DRAINING] = {"{\"status\":\"draining\"", "{\"status\":\"fail\"",
                           "{\"status\":\"OUT_OF_SERVICE\"", "{\"status\":\"DOWN\"",
                           "readyz check failed\n"},
};

struct circumstances {
    enum hx_state state; /* of the dependency in question; the others are up */
    bool is_critical, is_started, is_maintenance, is_draining;
};

/* The table of the documentation, written down once more. */
static enum hx_readiness expected(const struct circumstances *c)
{
    if (c->is_draining)
        return HX_READY_DRAINING;
    if (c->is_maintenance)
        return HX_READY_MAINTENANCE;
    if (!c->is_started)
        return HX_READY_STARTING;
    if (c->state == HX_STATE_UP)
        return HX_READY_UP;
    if (c->state == HX_STATE_DEGRADED)
        return HX_READY_DEGRADED;
    return c->is_critical ? HX_READY_DOWN : HX_READY_DEGRADED;
}

static void arrange(struct fixture *f, const struct circumstances *c)
{
    struct hx_maintenance maintenance = {.is_on = c->is_maintenance,
                                         .until_ns = hx_clock_monotonic_ns() + 60 * HX_NS_PER_S};
    bool is_bad = c->state == HX_STATE_DOWN || c->state == HX_STATE_UNKNOWN;
    web_board_result(&f->b, "cache", HX_STATE_UP, HX_REASON_NONE, 1);
    web_board_result(&f->b, "reco", HX_STATE_UP, HX_REASON_NONE, 1);
    web_board_result(&f->b, c->is_critical ? "cache" : "reco", c->state,
                     is_bad ? HX_REASON_REFUSED : HX_REASON_NONE, 1);
    atomic_store(&f->b.board.is_first_round_done, c->is_started);
    atomic_store(&f->b.board.is_draining, c->is_draining);
    hx_board_set_maintenance(&f->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
}

static void expect_words(struct fixture *f, const struct circumstances *c)
{
    enum hx_readiness readiness = expected(c);
    int status = readiness == HX_READY_UP || readiness == HX_READY_DEGRADED ? 200 : 503;
    for (size_t format = 0; format < 5; format++) {
        char path[80];
        struct web_reply reply;
        const char *word = words[readiness][format];
        snprintf(path, sizeof(path), "/readyz?format=%s", formats[format]);
        web_get(f->port, "GET", path, &reply);
        assert_int_equal(reply.status, status);
        assert_true(reply.body_len >= strlen(word));
        bool is_text = format == 4;
        assert_memory_equal(is_text ? reply.body + reply.body_len - strlen(word) : reply.body, word,
                            strlen(word));
        assert_true((web_header(&reply, "Retry-After") != NULL) ==
                    (readiness == HX_READY_MAINTENANCE));
        web_reply_fini(&reply);
    }
}

static void body_follows_the_table_of_verdicts(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 64; i++) {
        struct circumstances c = {.state = (enum hx_state)(i % 4),
                                  .is_critical = (i & 4) != 0,
                                  .is_started = (i & 8) != 0,
                                  .is_maintenance = (i & 16) != 0,
                                  .is_draining = (i & 32) != 0};
        arrange(f, &c);
        expect_words(f, &c);
    }
}

/* ---- maintenance ---- */

/* Of /readyz: the seconds of Retry-After; 0: it is ready again. */
static long seconds_left(struct fixture *f)
{
    struct web_reply reply;
    web_get(f->port, "GET", "/readyz", &reply);
    const char *seconds = web_header(&reply, "Retry-After");
    long left = seconds == NULL ? 0 : atol(seconds);
    assert_int_equal(reply.status, left == 0 ? 200 : 503);
    web_reply_fini(&reply);
    return left;
}

static void maintenance_counts_down_and_ends_by_itself(void **state)
{
    struct fixture *f = *state;
    int64_t until_ns = hx_clock_monotonic_ns() + 1500 * HX_NS_PER_MS;
    struct hx_maintenance maintenance = {.is_on = true, .until_ns = until_ns};
    hx_board_set_maintenance(&f->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    for (long left = 2; left > 0;) {
        int64_t before_ns = hx_clock_monotonic_ns();
        left = seconds_left(f);
        int64_t after_ns = hx_clock_monotonic_ns();
        assert_in_range(left, 0, 2);
        /* Nobody publishes anything: the prepared body ages by itself, and never lags behind. */
        assert_true(left * HX_NS_PER_S >= until_ns - after_ns);
        assert_true(left == 0 || (left - 1) * HX_NS_PER_S <= until_ns - before_ns);
    }
}

/* ---- who decides on the dialect ---- */

static void ask(struct fixture *f, const char *path, const char *fields, struct web_reply *reply)
{
    char request[2048];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
             path, fields);
    web_ask(f->port, request, reply);
}

static void accept_and_format_choose_the_dialect(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *fields, *type;
    } cases[] = {
        {"/readyz", "", JSON},
        {"/readyz", "Accept: */*\r\n", JSON},
        {"/readyz", "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", JSON},
        {"/readyz", "Accept: image/png\r\n", JSON},
        {"/readyz", "Accept: ;;,=,q=\r\n", JSON},
        {"/readyz", "Accept: application/health+json\r\n", HEALTH_TYPE},
        {"/readyz", "Accept: application/json;q=0.5, application/health+json\r\n", HEALTH_TYPE},
        {"/readyz", "Accept: application/health+json;q=0, */*\r\n", JSON},
        {"/readyz", "Accept: " SPRING_TYPE ", application/json\r\n", SPRING_TYPE},
        {"/readyz", "Accept: text/plain\r\n", TEXT},
        {"/readyz?format=json", "Accept: text/plain\r\n", JSON},
        {"/readyz?format=health+json", "", HEALTH_TYPE},
        {"/readyz?format=health%2Bjson", "", HEALTH_TYPE},
        {"/readyz?format=spring", "", SPRING_TYPE},
        {"/readyz?format=microprofile", "", JSON},
        {"/readyz?format=kubernetes", "", TEXT},
        {"/readyz?verbose", "Accept: application/json\r\n", TEXT},
        {"/readyz?verbose=1", "", TEXT},
        {"/readyz?verbose&format=spring", "", SPRING_TYPE},
        {"/readyz?other=x", "", JSON},
        {"/livez", "", JSON},
        {"/livez", "Accept: text/plain\r\n", TEXT},
        {"/startupz?format=spring", "", SPRING_TYPE},
        {"/health/cache?format=health%2Bjson", "", HEALTH_TYPE},
        {"/health/cache?verbose", "", TEXT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct web_reply reply;
        ask(f, cases[i].path, cases[i].fields, &reply);
        assert_int_equal(reply.status, 200);
        assert_true(web_header_is(&reply, "Content-Type", cases[i].type));
        assert_true(web_header_is(&reply, "Vary", "Accept"));
        assert_true(web_header_is(&reply, "Cache-Control", "no-store"));
        web_reply_fini(&reply);
    }
}

static void unknown_format_is_refused_with_the_list(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "/livez?format=xml", "/readyz?format=", "/startupz?format=JSON",
        "/health/cache?format=html", "/readyz?format=xml&format=json"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        expect(f, paths[i], 400, JSON, "{\"error\":\"" HX_DIALECT_EXPECTED "\"}");
}

static void verbose_has_a_line_per_check(void **state)
{
    struct fixture *f = *state;
    expect(f, "/readyz?format=kubernetes", 200, TEXT, "ok");
    expect(f, "/readyz?verbose", 200, TEXT,
           "[+]database ok\n[+]reco ok\n[+]cache ok\nreadyz check passed\n");
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 1);
    expect(f, "/readyz?format=kubernetes", 503, TEXT,
           "[+]database ok\n[+]reco ok\n[-]cache failed: refused\nreadyz check failed\n");
    expect(f, "/readyz/cache?verbose", 503, TEXT, "[-]cache failed: refused\ncache check failed\n");
}

static void unknown_dependency_is_told_in_json_whatever_the_dialect(void **state)
{
    struct fixture *f = *state;
    expect(f, "/health/cash?format=spring", 404, JSON,
           "{\"error\":\"no dependency named \\\"cash\\\"\"}");
}

/* ---- selection ---- */

static void excluded_dependency_does_not_count(void **state)
{
    struct fixture *f = *state;
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    expect(f, "/readyz?exclude=cache&exclude=reco", 200, JSON,
           "{\"status\":\"up\",\"checks\":{\"database\":{\"status\":\"up\",\"latency_ms\":3.2}}}");
    expect(f, "/readyz?exclude=cache&exclude=cash", 200, JSON,
           "{\"status\":\"up\",\"ignored\":[\"cash\"],\"checks\":{\"database\":{\"status\":\"up\","
           "\"latency_ms\":3.2},\"reco\":{\"status\":\"up\",\"critical\":false,\"latency_ms\":0.8}}"
           "}");
    expect(f, "/readyz?verbose&exclude=cache&exclude=cash", 200, TEXT,
           "[+]database ok\n[+]reco ok\n[+]cache excluded: ok\nwarn: some health checks cannot be "
           "excluded: no matches for \"cash\"\nreadyz check passed\n");
    struct web_reply reply;
    web_get(f->port, "GET", "/readyz?exclude=database", &reply);
    assert_int_equal(reply.status, 503);
    web_reply_fini(&reply);
}

static void tag(struct fixture *f, const char *name, char **tags, size_t n)
{
    struct hx_record *record = hx_generation_find(f->b.generation, name);
    record->dependency->policy.tags = (struct hx_strings){tags, n};
}

static void untag(struct fixture *f)
{
    for (size_t i = 0; i < f->b.generation->n; i++)
        f->b.generation->records[i]->dependency->policy.tags = (struct hx_strings){0};
}

static void tags_select_their_union(void **state)
{
    struct fixture *f = *state;
    char core[] = "core", slow[] = "slow";
    char *both[] = {core, slow};
    char *only_slow[] = {slow};
    tag(f, "database", both, 2);
    tag(f, "reco", only_slow, 1);
    struct hx_web_options options = options_of(f);
    start(f, &options);
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    expect(f, "/readyz?tag=core", 200, JSON,
           "{\"status\":\"up\",\"checks\":{\"database\":{\"status\":\"up\",\"latency_ms\":3.2}}}");
    expect(f, "/readyz?tag=core&tag=slow", 200, JSON,
           "{\"status\":\"up\",\"checks\":{\"database\":{\"status\":\"up\",\"latency_ms\":3.2},"
           "\"reco\":{\"status\":\"up\",\"critical\":false,\"latency_ms\":0.8}}}");
    expect(f, "/readyz?tag=slow&exclude=database", 200, JSON,
           "{\"status\":\"up\",\"checks\":{\"reco\":{\"status\":\"up\",\"critical\":false,"
           "\"latency_ms\":0.8}}}");
    /* An empty selection would be up whatever happens. */
    expect(f, "/readyz?tag=core&tag=none", 404, JSON,
           "{\"error\":\"no dependency has the tag \\\"none\\\"\"}");
    expect(f, "/health/detailed?tag=none", 404, JSON,
           "{\"error\":\"no dependency has the tag \\\"none\\\"\"}");
    hx_web_stop(f->web, 0);
    untag(f);
}

static void selections_have_bounds(void **state)
{
    struct fixture *f = *state;
    char path[1024] = "/readyz?exclude=a";
    for (int i = 1; i < 64; i++)
        strncat(path, "&exclude=a", sizeof(path) - strlen(path) - 1);
    struct web_reply reply;
    ask(f, path, "", &reply);
    assert_int_equal(reply.status, 200);
    web_reply_fini(&reply);
    strncat(path, "&exclude=a", sizeof(path) - strlen(path) - 1);
    ask(f, path, "", &reply);
    assert_int_equal(reply.status, 400);
    web_reply_fini(&reply);
    expect(f,
           "/readyz?tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a&tag=a"
           "&tag=a&tag=a&tag=a&tag=a",
           400, JSON, "{\"error\":\"at most 16 tags can be asked for\"}");
}

/* ---- what clients keep ---- */

static void file_that_the_client_has_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/openapi.json", "/page/style.css", "/page/script.js"};
    for (size_t i = 0; i < 3; i++) {
        struct web_reply reply;
        char etag[40], fields[120];
        ask(f, paths[i], "", &reply);
        assert_int_equal(reply.status, 200);
        assert_non_null(web_header(&reply, "ETag"));
        assert_true(
            web_header_is(&reply, "Cache-Control", i == 0 ? "no-store" : "public, no-cache"));
        assert_int_equal(count(reply.text, "Cache-Control: "), 1);
        snprintf(etag, sizeof(etag), "%.18s", web_header(&reply, "ETag"));
        web_reply_fini(&reply);
        snprintf(fields, sizeof(fields), "If-None-Match: \"other\", W/%s\r\n", etag);
        ask(f, paths[i], fields, &reply);
        assert_int_equal(reply.status, 304);
        assert_int_equal(reply.body_len, 0);
        assert_true(web_header_is(&reply, "ETag", etag));
        web_reply_fini(&reply);
        ask(f, paths[i], "If-None-Match: *\r\n", &reply);
        assert_int_equal(reply.status, 304);
        web_reply_fini(&reply);
        ask(f, paths[i], "If-None-Match: \"other\"\r\n", &reply);
        assert_int_equal(reply.status, 200);
        web_reply_fini(&reply);
    }
}

static void version_tells_what_the_service_tells(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"cache", NULL};
    expect(f, "/version", 200, JSON,
           "{\"version\":\"1.4.2\",\"commit_hash\":\"abcdef1\",\"service\":\"checkout\","
           "\"exporter\":{\"version\":\"1.2.3\",\"revision\":\"abcdef\"}}");
    f->b.is_anonymous = true;
    web_board_set(&f->b, names, NULL); /* as a reload would */
    expect(f, "/version", 200, JSON,
           "{\"exporter\":{\"version\":\"1.2.3\",\"revision\":\"abcdef\"}}");
}

static void probe_is_answered_whatever_the_client_has(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/livez", "/readyz", "/startupz", "/health/cache"};
    for (size_t i = 0; i < 4; i++) {
        struct web_reply reply;
        ask(f, paths[i], "If-None-Match: *\r\n", &reply);
        assert_int_equal(reply.status, 200);
        web_reply_fini(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(body_follows_the_table_of_verdicts),
        SERVED(maintenance_counts_down_and_ends_by_itself),
        SERVED(accept_and_format_choose_the_dialect),
        SERVED(unknown_format_is_refused_with_the_list),
        SERVED(verbose_has_a_line_per_check),
        SERVED(unknown_dependency_is_told_in_json_whatever_the_dialect),
        SERVED(excluded_dependency_does_not_count),
        ALONE(tags_select_their_union),
        SERVED(selections_have_bounds),
        SERVED(file_that_the_client_has_is_not_sent_again),
        SERVED(version_tells_what_the_service_tells),
        SERVED(probe_is_answered_whatever_the_client_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
