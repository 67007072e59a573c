/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The status page: what stands on it for whom, that texts stay texts, and its ETag. */
#include "web/status_page.h"

#include "failing_alloc.h"
#include "web/headers.h"
#include "web_server.h"

/* 2026-11-20T22:30:00.123Z */
#define WALL_NS INT64_C(1795213800123000000)

/* ---- rendered without a server ---- */

static void begin_page(struct hx_status_page *page)
{
    memset(page, 0, sizeof(*page));
    page->telemetry_path = "/metrics";
    page->query.page = 1;
}

static char *page_of(struct hx_status_page *page, struct web_board *b)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    assert_int_equal(hx_status_page_take(page, &b->board, hx_clock_monotonic_ns()), HX_OK);
    while (!page->is_over)
        hx_status_page_put_next(page, &buf);
    hx_status_page_fini(page);
    return hx_strbuf_take(&buf);
}

/* The page of the board as everybody sees it, or an operator. */
static char *page_for(struct web_board *b, bool is_operator)
{
    struct hx_status_page page;
    begin_page(&page);
    page.is_detailed = is_operator;
    return page_of(&page, b);
}

static void expect_part(char *text_take, const char *part)
{
    if (strstr(text_take, part) == NULL)
        fail_msg("no %s in\n%s", part, text_take);
    free(text_take);
}

static void set_tags(struct web_board *b, const char *name, char **tags, size_t n)
{
    hx_generation_find(b->generation, name)->dependency->policy.tags = (struct hx_strings){tags, n};
}

static void init_board(struct web_board *b)
{
    static const char *const names[] = {"db", "-reco", "cache", NULL};
    web_board_init(b, names);
    web_board_result(b, "db", HX_STATE_UP, HX_REASON_NONE, 3200000);
    web_board_result(b, "reco", HX_STATE_UP, HX_REASON_NONE, 800000);
    web_board_result(b, "cache", HX_STATE_UP, HX_REASON_NONE, 800000);
}

static void row_tells_what_is_known(void **state)
{
    (void)state;
    struct web_board b;
    init_board(&b);
    struct hx_status status = web_board_status(HX_STATE_DOWN, HX_REASON_TIMEOUT, 500300000);
    status.since_wall_ns = WALL_NS;
    web_board_publish(&b, "reco", &status, true);
    expect_part(page_for(&b, true),
                "<tr id=\"d-reco\" data-status=\"down\">\n"
                "<th scope=\"row\"><a href=\"health/reco\">reco</a> <small class=\"kind\">fake"
                "</small> <small class=\"optional\">not critical</small></th>\n"
                "<td class=\"status\"><span>down</span> <span class=\"reason\">timeout</span>"
                "<p class=\"message\">connect 10.0.0.7:6379: secret detail</p></td>\n"
                "<td class=\"since\"><time datetime=\"2026-11-20T22:30:00.123Z\">"
                "2026-11-20 22:30:00 UTC</time></td>\n"
                "<td class=\"latency\"><span>500 ms</span> </td>\n</tr>\n");
    web_board_fini(&b);
}

static void dependency_that_never_ran_has_an_empty_row(void **state)
{
    (void)state;
    static const char *const names[] = {"db", NULL};
    struct web_board b;
    web_board_init(&b, names);
    expect_part(page_for(&b, false),
                "<th scope=\"row\"><a href=\"health/db\">db</a></th>\n"
                "<td class=\"status\"><span>unknown</span></td>\n"
                "<td class=\"since\"></td>\n<td class=\"latency\"><span></span> </td>\n");
    web_board_fini(&b);
}

static void public_page_has_neither_message_nor_kind(void **state)
{
    (void)state;
    struct web_board b;
    init_board(&b);
    web_board_result(&b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    char *text = page_for(&b, false);
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "fake"));
    assert_non_null(strstr(text, "refused"));
    free(text);
    web_board_fini(&b);
}

static void verdict_says_why_not(void **state)
{
    (void)state;
    struct web_board b;
    init_board(&b);
    char *text = page_for(&b, false);
    assert_non_null(strstr(text, "<title>up: checkout</title>"));
    assert_non_null(strstr(text, "<h1>checkout is <strong>up</strong></h1>"));
    assert_null(strstr(text, "class=\"why\""));
    free(text);
    web_board_result(&b, "reco", HX_STATE_DOWN, HX_REASON_TIMEOUT, 200000);
    expect_part(
        page_for(&b, false),
        "<header data-status=\"degraded\">\n<h1>checkout is <strong>degraded</strong></h1>\n"
        "<p class=\"why\"><a href=\"#d-reco\">reco</a> timeout</p>\n");
    /* Down because of the critical ones alone. */
    web_board_result(&b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    web_board_result(&b, "db", HX_STATE_DOWN, HX_REASON_AUTH, 200000);
    expect_part(page_for(&b, false), "<p class=\"why\"><a href=\"#d-db\">db</a> auth and "
                                     "<a href=\"#d-cache\">cache</a> refused</p>\n");
    web_board_fini(&b);
}

static void more_reasons_than_fit_are_counted(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", NULL};
    struct web_board b;
    web_board_init(&b, names);
    for (size_t i = 0; i < 5; i++)
        web_board_result(&b, names[i], HX_STATE_DOWN, HX_REASON_REFUSED, 1000);
    expect_part(page_for(&b, false), "<a href=\"#d-a\">a</a> refused, <a href=\"#d-b\">b</a> "
                                     "refused, <a href=\"#d-c\">c</a> refused and 2 more</p>");
    /* A row that is not on this page is one search away. */
    struct hx_status_page page;
    begin_page(&page);
    hx_page_query_take(&page.query, "q", "b");
    expect_part(page_of(&page, &b), "<a href=\"?q=a#d-a\">a</a> refused, <a href=\"#d-b\">");
    web_board_fini(&b);
}

static void maintenance_has_its_reason_and_its_end(void **state)
{
    (void)state;
    struct web_board b;
    init_board(&b);
    struct hx_maintenance maintenance = {.is_on = true,
                                         .until_ns = INT64_MAX,
                                         .until_wall_ns = WALL_NS,
                                         .reason = "<b>\"upgrade\" & 'more'</b>"};
    hx_board_set_maintenance(&b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    expect_part(page_for(&b, false), "<h1>checkout is in <strong>maintenance</strong></h1>");
    expect_part(page_for(&b, false),
                "<p class=\"maintenance\">Maintenance until <time datetime=\""
                "2026-11-20T22:30:00.123Z\">2026-11-20 22:30:00 UTC</time>: &lt;b&gt;&quot;upgrade"
                "&quot; &amp; &#39;more&#39;&lt;/b&gt;</p>\n");
    maintenance.until_wall_ns = 0;
    maintenance.reason[0] = '\0';
    hx_board_set_maintenance(&b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    expect_part(page_for(&b, false), "<p class=\"maintenance\">Maintenance</p>\n");
    web_board_fini(&b);
}

static void stuck_exporter_is_told(void **state)
{
    (void)state;
    struct web_board b;
    init_board(&b);
    char *text = page_for(&b, false);
    assert_null(strstr(text, "class=\"stalled\""));
    free(text);
    atomic_store(&b.board.heartbeat_ns, hx_clock_monotonic_ns() - 60 * HX_NS_PER_S);
    expect_part(page_for(&b, false), "<p class=\"stalled\">");
    web_board_fini(&b);
}

static void texts_from_outside_stay_texts(void **state)
{
    (void)state;
    static char first[] = "<script>\"x\"&'";
    static char second[] = "second";
    char *tags[] = {first, second};
    struct web_board b;
    init_board(&b);
    free(b.generation->service_name);
    b.generation->service_name = strdup("</title><script>'\"");
    set_tags(&b, "db", tags, 2);
    struct hx_status status = web_board_status(HX_STATE_DOWN, HX_REASON_STATUS, 1000);
    snprintf(status.message, sizeof(status.message), "</p><script>alert(\"1\")</script>\x1b[0m");
    web_board_publish(&b, "cache", &status, true);
    struct hx_status_page page;
    begin_page(&page);
    page.is_detailed = true;
    hx_page_query_take(&page.query, "q", "\"><script>");
    hx_page_query_take(&page.query, "tag", "\"><script>");
    hx_page_query_take(&page.query, "status", "<script>");
    char *text = page_of(&page, &b);
    /* The one of the frame. */
    assert_int_equal(count(text, "<script"), 1);
    assert_non_null(strstr(text, "There is no status “&lt;script&gt;”"));
    free(text);
    text = page_for(&b, true);
    assert_int_equal(count(text, "<script"), 1);
    assert_non_null(strstr(text, "&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot;)"));
    assert_non_null(strstr(text, "<h2 id=\"g-.3Cscript.3E.22x.22.26.27\">&lt;script&gt;&quot;x"));
    /* Under its first tag only the others are shown. */
    assert_non_null(strstr(text, "</small> <a class=\"tag\" href=\"?tag=second\">second</a></th>"));
    free(text);
    set_tags(&b, "db", NULL, 0);
    web_board_fini(&b);
}

static void headings_are_there_when_they_tell_something(void **state)
{
    (void)state;
    static char shop[] = "shop";
    char *tags[] = {shop};
    struct web_board b;
    init_board(&b);
    char *text = page_for(&b, false);
    assert_null(strstr(text, "<h2"));
    assert_int_equal(count(text, "<section aria-label=\"Dependencies\">"), 1);
    assert_null(strstr(text, "name=\"tag\""));
    free(text);
    web_board_result(&b, "cache", HX_STATE_DEGRADED, HX_REASON_NONE, 1000);
    text = page_for(&b, false);
    assert_non_null(strstr(text, "<h2 id=\"not-up\">Not up</h2>"));
    assert_non_null(strstr(text, "<h2 id=\"others\">Up</h2>"));
    assert_true(strstr(text, "id=\"d-cache\"") < strstr(text, "id=\"d-db\""));
    free(text);
    set_tags(&b, "reco", tags, 1);
    text = page_for(&b, false);
    assert_non_null(strstr(text, "<section aria-labelledby=\"g-shop\">\n<h2 id=\"g-shop\">shop"));
    assert_non_null(strstr(text, "<h2 id=\"others\">Others</h2>"));
    assert_non_null(strstr(text, "<option value=\"shop\">shop</option>"));
    free(text);
    set_tags(&b, "reco", NULL, 0);
    web_board_fini(&b);
}

static void what_matches_nothing_is_said(void **state)
{
    (void)state;
    struct web_board b;
    struct hx_status_page page;
    init_board(&b);
    begin_page(&page);
    hx_page_query_take(&page.query, "q", "none");
    hx_page_query_take(&page.query, "details", NULL);
    expect_part(page_of(&page, &b), "<p class=\"note\">No dependency is like that. "
                                    "<a href=\"?details\">Show all</a></p>\n");
    begin_page(&page);
    hx_page_query_take(&page.query, "page", "3");
    expect_part(page_of(&page, &b),
                "<p class=\"note\">There is no page 3: the last one is page 1.</p>\n"
                "<nav class=\"pages\" aria-label=\"Pages\"><a href=\"./\" rel=\"prev\">Previous</a>"
                "</nav>\n");
    begin_page(&page);
    hx_page_query_take(&page.query, "page", "x");
    expect_part(page_of(&page, &b),
                "<p class=\"note\">There is no page “x”: pages are numbers, from 1 on.</p>\n");
    web_board_fini(&b);
}

static void history_is_drawn_when_it_is_kept(void **state)
{
    (void)state;
    struct web_board b;
    int64_t now_ns = hx_clock_monotonic_ns();
    struct hx_history_scale scale =
        hx_history_scale(HX_HISTORY_DEFAULT_NS, hx_clock_wall_ns(), now_ns);
    init_board(&b);
    for (size_t i = 0; i < b.generation->n; i++) {
        struct hx_record *record = b.generation->records[i];
        assert_int_equal(hx_record_enable_history(record, &scale, NULL), HX_OK);
        hx_history_add(record->history,
                       &(struct hx_history_result){.now_ns = now_ns - 60 * HX_NS_PER_S,
                                                   .fresh_until_ns = now_ns + 3600 * HX_NS_PER_S,
                                                   .duration_ns = 2000000,
                                                   .state = HX_STATE_UP,
                                                   .is_pass = true});
    }
    char *text = page_for(&b, false);
    assert_int_equal(count(text, "<svg class=\"bars\""), 3);
    assert_int_equal(count(text, "aria-label=\"last 24 h: 100 % available\""), 3);
    assert_int_equal(count(text, "aria-label=\"mean latency, last 24 h: 2.0 ms to 2.0 ms\""), 3);
    assert_int_equal(count(text, "<th scope=\"col\">Last 24 h</th>"), 1);
    assert_non_null(strstr(text, ", history of the last 24 h</p>"));
    assert_null(strstr(text, "style="));
    free(text);
    web_board_fini(&b);
}

/* ---- the ETag ---- */

static void tag_of(struct web_board *b, bool is_operator, const char *q,
                   char etag[HX_PAGE_ETAG_SIZE])
{
    struct hx_status_page page;
    begin_page(&page);
    page.is_detailed = is_operator;
    hx_page_query_take(&page.query, "q", q);
    assert_int_equal(hx_status_page_take(&page, &b->board, hx_clock_monotonic_ns()), HX_OK);
    assert_true(hx_status_page_etag(&page, etag));
    hx_status_page_fini(&page);
}

static void tag_is_that_of_what_is_shown(void **state)
{
    (void)state;
    struct web_board b;
    char one[HX_PAGE_ETAG_SIZE], other[HX_PAGE_ETAG_SIZE];
    init_board(&b);
    tag_of(&b, false, "", one);
    /* The same again; and a latency that reads the same, with a message that is not shown. */
    tag_of(&b, false, "", other);
    assert_string_equal(one, other);
    web_board_result(&b, "db", HX_STATE_UP, HX_REASON_NONE, 3210000);
    tag_of(&b, false, "", other);
    assert_string_equal(one, other);
    web_board_result(&b, "db", HX_STATE_UP, HX_REASON_NONE, 3310000);
    tag_of(&b, false, "", other);
    assert_string_not_equal(one, other);
    /* What is not on the page does not count; who sees it does. */
    tag_of(&b, false, "cache", one);
    web_board_result(&b, "db", HX_STATE_UP, HX_REASON_NONE, 9000000);
    tag_of(&b, false, "cache", other);
    assert_string_equal(one, other);
    tag_of(&b, true, "cache", other);
    assert_string_not_equal(one, other);
    /* Nor does another configuration's page, though it may lie in the same memory. */
    b.generation->loaded_wall_ns++;
    tag_of(&b, false, "cache", other);
    assert_string_not_equal(one, other);
    web_board_fini(&b);
}

static void out_of_memory_is_reported(void **state)
{
    (void)state;
    struct web_board b;
    bool is_failing = true;
    init_board(&b);
    for (size_t n = 1; is_failing; n++) {
        struct hx_status_page page;
        struct hx_strbuf buf;
        char etag[HX_PAGE_ETAG_SIZE];
        begin_page(&page);
        hx_strbuf_init(&buf);
        failing_alloc_at(n);
        bool is_good = hx_status_page_take(&page, &b.board, hx_clock_monotonic_ns()) == HX_OK &&
                       hx_status_page_etag(&page, etag);
        while (is_good && !page.is_over)
            hx_status_page_put_next(&page, &buf);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(is_good && !buf.is_failed, !is_failing);
        hx_strbuf_fini(&buf);
        hx_status_page_fini(&page);
    }
    web_board_fini(&b);
}

/* ---- over HTTP ---- */

static void get_page(struct fixture *f, const char *path, struct web_reply *reply)
{
    web_get(f->port, "GET", path, reply);
    assert_true(web_header_is(reply, "Content-Type", "text/html; charset=utf-8"));
    assert_true(web_reply_dechunk(reply));
}

static void page_is_dressed_for_browsers(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    get_page(f, "/", &reply);
    assert_int_equal(reply.status, 200);
    assert_true(web_header_is(&reply, "Content-Security-Policy", HX_PAGE_POLICY));
    assert_true(web_header_is(&reply, "Referrer-Policy", "no-referrer"));
    assert_true(web_header_is(&reply, "X-Content-Type-Options", "nosniff"));
    assert_true(web_header_is(&reply, "Cache-Control", "no-store"));
    assert_string_equal(reply.body + reply.body_len - 8, "</html>\n");
    web_reply_fini(&reply);
    get_page(f, "/?status=broken", &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "There is no status “broken”"));
    web_reply_fini(&reply);
    /* Whoever has it already is told again. */
    web_ask(f->port,
            "GET /?status=broken HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
            "If-None-Match: *\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 400);
    web_reply_fini(&reply);
}

static void page_that_looks_the_same_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    char request[200], etag[40];
    get_page(f, "/?q=a", &reply);
    snprintf(etag, sizeof(etag), "%.20s", web_header(&reply, "ETag"));
    web_reply_fini(&reply);
    snprintf(request, sizeof(request),
             "GET /?q=a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nIf-None-Match: %s\r\n\r\n",
             etag);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.body_len, 0);
    assert_true(web_header_is(&reply, "ETag", etag));
    web_reply_fini(&reply);
    web_board_result(&f->b, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 1000);
    web_ask(f->port, request, &reply);
    assert_int_equal(reply.status, 200);
    assert_false(web_header_is(&reply, "ETag", etag));
    web_reply_fini(&reply);
}

static void pages_to_one_peer_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    int fds[8];
    hold_places(f, fds, 7, HX_SENDING_PAGE);
    for (int i = 0; i < 3; i++) /* each that is over makes room */
        expect_soon(f, "/", 200);
    hold_places(f, fds + 7, 1, HX_SENDING_PAGE);
    web_get(f->port, "GET", "/", &reply);
    assert_int_equal(reply.status, 503);
    assert_true(web_header_is(&reply, "Retry-After", "1"));
    web_reply_fini(&reply);
    close_all(fds, 8);
    expect_soon(f, "/", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_tells_what_is_known),
        cmocka_unit_test(dependency_that_never_ran_has_an_empty_row),
        cmocka_unit_test(public_page_has_neither_message_nor_kind),
        cmocka_unit_test(verdict_says_why_not),
        cmocka_unit_test(more_reasons_than_fit_are_counted),
        cmocka_unit_test(maintenance_has_its_reason_and_its_end),
        cmocka_unit_test(stuck_exporter_is_told),
        cmocka_unit_test(texts_from_outside_stay_texts),
        cmocka_unit_test(headings_are_there_when_they_tell_something),
        cmocka_unit_test(what_matches_nothing_is_said),
        cmocka_unit_test(history_is_drawn_when_it_is_kept),
        cmocka_unit_test(tag_is_that_of_what_is_shown),
        cmocka_unit_test(out_of_memory_is_reported),
        SERVED(page_is_dressed_for_browsers),
        SERVED(page_that_looks_the_same_is_not_sent_again),
        SERVED(pages_to_one_peer_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
