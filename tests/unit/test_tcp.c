/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Kind tcp: bare connects, and texts sent and expected. */
#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "dns_stub.h"
#include "failing_alloc.h"
#include "fake_check.h"
#include "kinds/kinds.h"
#include "net/resolver.h"
#include "peer.h"

struct fixture {
    uv_loop_t loop;
    struct dns_stub stub;
    struct peer peer;
    struct hx_check check;
    bool is_prepared;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct hx_resolver_options options;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    dns_stub_open(&f->stub, &f->loop);
    peer_open(&f->peer, &f->loop, PEER_LISTENS);
    fake_check_init(&f->check, &hx_kind_tcp, &f->loop);
    assert_int_equal(hx_kind_tcp.attach(&f->loop, &f->check.shared, NULL), HX_OK);
    options = (struct hx_resolver_options){.servers = f->stub.servers};
    assert_int_equal(hx_resolver_new(&f->loop, &options, &f->check.resolver, NULL), HX_OK);
    assert_int_equal(hx_options_default(hx_kind_tcp.options, f->check.dependency.settings, NULL),
                     HX_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hx_kind_tcp.cancel(&f->check);
    hx_kind_tcp.cancel(&f->check);
    if (f->is_prepared) {
        hx_kind_tcp.release(&f->check.dependency);
    }
    hx_options_fini(hx_kind_tcp.options, f->check.dependency.settings);
    hx_url_fini(&f->check.dependency.url);
    hx_kind_tcp.detach(f->check.shared);
    hx_resolver_free(f->check.resolver);
    dns_stub_close(&f->stub);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

static void set(struct fixture *f, const char *option, const char *text)
{
    const struct hx_option *found = hx_option_find(hx_kind_tcp.options, option);
    assert_non_null(found);
    assert_int_equal(hx_option_set(found, f->check.dependency.settings, text, NULL), HX_OK);
}

static enum hx_errcode prepare(struct fixture *f, const char *url, struct hx_error *err)
{
    hx_url_fini(&f->check.dependency.url);
    assert_int_equal(hx_url_parse(url, &f->check.dependency.url, NULL), HX_OK);
    enum hx_errcode code = hx_kind_tcp.prepare(&f->check.dependency, err);
    f->is_prepared = code == HX_OK;
    return code;
}

/* Prepares once, for the peer, and checks. */
static void check(struct fixture *f)
{
    char url[64];
    struct hx_error err = {0};
    snprintf(url, sizeof url, "tcp://local.test:%u", f->peer.port);
    if (!f->is_prepared && prepare(f, url, &err) != HX_OK) {
        fail_msg("%s", err.message);
    }
    fake_check_begin(&f->check, 5 * HX_NS_PER_S);
    RUN_UNTIL(&f->loop, f->check.n_finished > 0);
    assert_int_equal(f->check.n_finished, 1);
}

static void assert_result(const struct fixture *f, enum hx_reason reason, const char *message)
{
    assert_string_equal(hx_reason_text(f->check.reason), hx_reason_text(reason));
    assert_string_equal(f->check.message, message);
}

static void assert_refused(struct fixture *f, const char *url, const char *message)
{
    struct hx_error err = {0};
    assert_int_equal(prepare(f, url, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, message);
}

/* Two checks: does the peer accept more than the connection that is made after them? */
static bool are_checks_seen(struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(f->peer.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int later = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n_before = f->peer.n_accepted;
    for (int i = 0; i < 2; i++) {
        check(f);
        assert_result(f, HX_REASON_NONE, "");
    }
    assert_int_equal(connect(later, (const struct sockaddr *)&address, sizeof address), 0);
    RUN_UNTIL(&f->loop, f->peer.n_accepted > n_before); /* all that wait, in one turn */
    close(later);
    return f->peer.n_accepted > n_before + 1;
}

static void a_bare_connect_passes_unseen(void **state)
{
    struct fixture *f = *state;
    bool is_seen = true;
    /* When we stand still for 40 ms, the kernel has acknowledged before the reset. */
    for (int i = 0; i < 20 && is_seen; i++) {
        is_seen = are_checks_seen(f);
    }
    assert_false(is_seen);
}

static void a_bare_connect_can_be_reset_or_end_in_order(void **state)
{
    struct fixture *f = *state;
    set(f, "close", "reset");
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->peer.last_status, UV_ECONNRESET);
    check(f); /* each check has a connection of its own */
    RUN_UNTIL(&f->loop, f->peer.n_accepted == 2);
    set(f, "close", "orderly");
    check(f);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 3);
    assert_int_equal(f->peer.last_status, UV_EOF);
}

/* A backlog that is full drops what knocks, as it drops everything. */
static void a_listener_with_a_full_queue_is_silent(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[64];
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(caller, (const struct sockaddr *)&address, len), 0);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(prepare(f, url, NULL), HX_OK);
    fake_check_begin(&f->check, HX_NS_PER_S);
    int64_t begun_ns = (int64_t)uv_hrtime();
    RUN_UNTIL(&f->loop, (int64_t)uv_hrtime() > begun_ns + 300 * HX_NS_PER_MS);
    assert_int_equal(f->check.n_finished, 0);
    assert_int_equal(f->check.last_phase, HX_PHASE_CONNECT);
    hx_kind_tcp.cancel(&f->check);
    close(caller);
    close(listener);
}

static void close_is_for_bare_connects_over_tcp(void **state)
{
    struct fixture *f = *state;
    const char *expected = "close: only for tcp:// without send and expect; other checks close in "
                           "order";
    set(f, "close", "reset");
    assert_refused(f, "tcp+unix:/run/app.sock", expected);
    set(f, "expect", "220 ");
    assert_refused(f, "tcp://host:1", expected);
    set(f, "close", "unseen"); /* as a bare connect ends anyway: still no use here */
    assert_refused(f, "tcp://host:1", expected);
}

static void nobody_there_is_refused(void **state)
{
    struct fixture *f = *state;
    char url[64], expected[80];
    uint16_t port = peer_free_port();
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", port);
    assert_int_equal(prepare(f, url, NULL), HX_OK);
    check(f);
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%u: connection refused", port);
    assert_result(f, HX_REASON_REFUSED, expected);
}

static void a_unix_socket_is_checked_by_its_path(void **state)
{
    struct fixture *f = *state;
    struct peer peer;
    char path[] = "/tmp/test_tcp.XXXXXX", url[64];
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    peer_open_unix(&peer, &f->loop, PEER_LISTENS, path);
    snprintf(url, sizeof url, "tcp+unix:%s", path);
    assert_int_equal(prepare(f, url, NULL), HX_OK);
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    peer_close(&peer);
}

static void an_expected_text_passes_and_closes_in_order(void **state)
{
    struct fixture *f = *state;
    f->peer.greeting = "220 mail.test ESMTP\r\n";
    set(f, "expect", "220 ");
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    assert_int_equal(f->check.last_phase, HX_PHASE_RECEIVE);
}

static void a_text_is_sent_with_its_escapes(void **state)
{
    struct fixture *f = *state;
    f->peer.manner = PEER_ECHOES;
    set(f, "send", "a\\r\\n\\t\\\\\\x00\\xfF\\0z");
    set(f, "expect", "\\n\\t\\\\\\0\\xff\\x00z");
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    assert_int_equal(f->peer.n_received, 9);
    assert_true((f->check.phase_set & 1U << HX_PHASE_SEND) != 0);
}

/* Each byte of the text comes by itself. */
static void a_text_in_pieces_is_found(void **state)
{
    struct fixture *f = *state;
    char url[64];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", f->peer.port);
    set(f, "expect", "ready");
    assert_int_equal(prepare(f, url, NULL), HX_OK);
    fake_check_begin(&f->check, 5 * HX_NS_PER_S);
    RUN_UNTIL(&f->loop, f->peer.connections != NULL);
    for (const char *c = "not yet rearead"; *c != '\0'; c++) {
        peer_send(f->peer.connections, c, 1);
        uv_run(&f->loop, UV_RUN_NOWAIT);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(f->check.n_finished, 0);
    peer_send(f->peer.connections, "y", 1);
    RUN_UNTIL(&f->loop, f->check.n_finished > 0);
    assert_result(f, HX_REASON_NONE, "");
}

static void another_text_before_the_end_is_an_assertion(void **state)
{
    struct fixture *f = *state;
    f->peer.manner = PEER_LEAVES;
    f->peer.greeting = "554 go away\r\n";
    set(f, "expect", "220 ");
    check(f);
    assert_result(f, HX_REASON_ASSERTION,
                  "expected text not received: the peer closed after 13 bytes");
}

static void an_end_without_a_word_is_closed(void **state)
{
    struct fixture *f = *state;
    f->peer.manner = PEER_LEAVES;
    set(f, "expect", "220 ");
    check(f);
    assert_result(f, HX_REASON_CLOSED, "connection closed by peer");
    f->peer.manner = PEER_RESETS;
    check(f);
    assert_int_equal(f->check.reason, HX_REASON_CLOSED);
}

static void a_text_beyond_max_bytes_is_a_limit(void **state)
{
    struct fixture *f = *state;
    f->peer.greeting = "0123456789";
    set(f, "expect", "9");
    set(f, "max_bytes", "9");
    check(f);
    assert_result(f, HX_REASON_LIMIT, "expected text not within the first 9B");
    f->peer.greeting = "012345679";
    check(f);
    assert_result(f, HX_REASON_NONE, "");
}

static void silence_waits_for_the_deadline(void **state)
{
    struct fixture *f = *state;
    char url[64];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%u", f->peer.port);
    set(f, "expect", "220 ");
    assert_int_equal(prepare(f, url, NULL), HX_OK);
    fake_check_begin(&f->check, HX_NS_PER_S);
    RUN_UNTIL(&f->loop, f->check.last_phase == HX_PHASE_RECEIVE);
    hx_kind_tcp.cancel(&f->check);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->check.n_finished, 0);
}

static void bad_urls_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *expected = "expected tcp://host:port and no more";
    assert_refused(f, "tcp://host", expected);
    assert_refused(f, "tcp://host:1/path", expected);
    assert_refused(f, "tcp://host:1?a=b", expected);
    assert_refused(f, "tcp://user:secret@host:1", expected);
    assert_refused(f, "tcp+unix://host/path",
                   "expected tcp+unix:/path with a path of at most 107 bytes");
    assert_int_equal(prepare(f, "tcp://host:1", NULL), HX_OK);
    hx_kind_tcp.release(&f->check.dependency);
    f->is_prepared = false;
}

static void bad_texts_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"\\q", "a\\", "\\x", "\\x1", "\\xg1", "\\x1g", NULL};
    for (const char *const *text = texts; *text != NULL; text++) {
        set(f, "send", *text);
        assert_refused(f, "tcp://host:1",
                       "send: unknown escape, expected \\r \\n \\t \\0 \\\\ or \\xNN");
    }
    set(f, "send", "good");
    set(f, "expect", "");
    assert_refused(f, "tcp://host:1", "expect: expected a text that is not empty");
    set(f, "expect", "too long");
    set(f, "max_bytes", "7");
    assert_refused(f, "tcp://host:1", "expect: expected a text within max_bytes");
}

static void prepare_survives_without_memory(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    size_t n = 1;
    set(f, "send", "a");
    set(f, "expect", "b");
    assert_int_equal(hx_url_parse("tcp://host:1", &f->check.dependency.url, NULL), HX_OK);
    for (; is_failing; n++) {
        failing_alloc_at(n);
        enum hx_errcode code = hx_kind_tcp.prepare(&f->check.dependency, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
    }
    assert_int_equal(n, 4);
    f->is_prepared = true;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_connect_passes_unseen),
        TEST(a_bare_connect_can_be_reset_or_end_in_order),
        TEST(a_listener_with_a_full_queue_is_silent),
        TEST(close_is_for_bare_connects_over_tcp),
        TEST(nobody_there_is_refused),
        TEST(a_unix_socket_is_checked_by_its_path),
        TEST(an_expected_text_passes_and_closes_in_order),
        TEST(a_text_is_sent_with_its_escapes),
        TEST(a_text_in_pieces_is_found),
        TEST(another_text_before_the_end_is_an_assertion),
        TEST(an_end_without_a_word_is_closed),
        TEST(a_text_beyond_max_bytes_is_a_limit),
        TEST(silence_waits_for_the_deadline),
        TEST(bad_urls_are_refused),
        TEST(bad_texts_are_refused),
        TEST(prepare_survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
