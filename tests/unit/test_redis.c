/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The conversation with a Redis server: what is sent, what each answer and each end means, and what
 * becomes of a kept connection. The test plays the server. */
#include "failing_alloc.h"
#include "fake_check.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "kinds/kinds.h"
#include "net/resolver.h"
#include "peer.h"

#define PING "*1\r\n$4\r\nPING\r\n"

struct fixture {
    uv_loop_t loop;
    struct peer peer;
    struct hx_check check;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hx_resolver_options resolver_options = {.servers = "127.0.0.1:9"};

    assert_int_equal(uv_loop_init(&f->loop), 0);
    peer_open(&f->peer, &f->loop, PEER_LISTENS);
    fake_check_init(&f->check, &hx_kind_redis, &f->loop);
    assert_int_equal(hx_kind_redis.attach(&f->loop, &f->check.shared, NULL), HX_OK);
    assert_int_equal(hx_resolver_new(&f->loop, &resolver_options, &f->check.resolver, NULL), HX_OK);
    *state = f;
    return 0;
}

static void release(struct fixture *f)
{
    hx_kind_redis.cancel(&f->check);
    hx_kind_redis.release(&f->check.dependency);
    hx_options_fini(hx_kind_redis.options, f->check.dependency.settings);
    hx_url_fini(&f->check.dependency.url);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    release(f);
    hx_kind_redis.cancel(&f->check);
    hx_kind_redis.detach(f->check.shared);
    hx_resolver_free(f->check.resolver);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

/* Prepares a dependency by its URL, in which %d stands for the port. */
static enum hx_errcode prepare(struct fixture *f, const char *format, struct hx_error *err)
{
    const char *mark = strstr(format, "%d");
    char text[256];

    snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - format), format, f->peer.port, mark + 2);
    assert_int_equal(hx_url_parse(text, &f->check.dependency.url, NULL), HX_OK);
    assert_int_equal(hx_options_default(hx_kind_redis.options, f->check.dependency.settings, NULL),
                     HX_OK);
    return hx_kind_redis.prepare(&f->check.dependency, err);
}

/* Starts a check and waits until the server has got so many bytes more, and no others. */
static void begin(struct fixture *f, const char *expected)
{
    size_t before = f->peer.n_received;

    fake_check_begin(&f->check, 5 * HX_NS_PER_S);
    RUN_UNTIL(&f->loop, f->peer.n_received >= before + strlen(expected));
    assert_int_equal(f->peer.n_received, before + strlen(expected));
    assert_string_equal(f->peer.connections->buffer, expected);
    memset(f->peer.connections->buffer, 0, sizeof(f->peer.connections->buffer));
}

static void answer(struct fixture *f, const char *text)
{
    peer_send(f->peer.connections, text, strlen(text));
}

static void assert_ends(struct fixture *f, enum hx_reason reason, const char *message)
{
    RUN_UNTIL(&f->loop, f->check.n_finished > 0);
    assert_int_equal(f->check.n_finished, 1);
    assert_string_equal(hx_reason_text(f->check.reason), hx_reason_text(reason));
    assert_string_equal(f->check.message, message);
}

/* One check on a fresh connection that gets this answer. */
static void assert_answer(struct fixture *f, const char *text, enum hx_reason reason,
                          const char *message)
{
    begin(f, PING);
    answer(f, text);
    assert_ends(f, reason, message);
    hx_kind_redis.cancel(&f->check);
}

static void without_credentials_only_ping_is_sent(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    assert_int_equal(f->check.n_finished, 0);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    assert_int_equal(f->check.phase_set, 1U << HX_PHASE_RESOLVE | 1U << HX_PHASE_CONNECT |
                                             1U << HX_PHASE_SEND | 1U << HX_PHASE_RECEIVE);
}

static void logs_in_and_selects_before_it_pings(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://health:secret@127.0.0.1:%d/3", NULL), HX_OK);
    begin(f, "*3\r\n$4\r\nAUTH\r\n$6\r\nhealth\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$"
             "1\r\n3\r\n" PING);
    assert_int_equal(f->check.last_phase, HX_PHASE_AUTH);
    answer(f, "+OK\r\n");
    RUN_UNTIL(&f->loop, f->check.last_phase == HX_PHASE_RECEIVE);
    answer(f, "+OK\r\n+PO");
    answer(f, "NG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
}

static void a_password_alone_is_sent_alone(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://:secret@127.0.0.1:%d", NULL), HX_OK);
    begin(f, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" PING);
    answer(f, "-WRONGPASS invalid username-password pair\r\n-NOAUTH Authentication required.\r\n");
    assert_ends(f, HX_REASON_AUTH, "AUTH: WRONGPASS invalid username-password pair");
}

static void the_first_bad_reply_decides(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    assert_answer(f, "-LOADING Redis is loading\r\n+PONG\r\n", HX_REASON_UNAVAILABLE,
                  "PING: LOADING Redis is loading");
    assert_answer(f, "+HELLO\r\n", HX_REASON_PROTOCOL, "PING: unexpected reply: HELLO");
    assert_answer(f, "*2147483647\r\n", HX_REASON_PROTOCOL, "a reply that begins with \"*\"");
    assert_answer(f, "+PONG\r\n+PONG\r\n", HX_REASON_PROTOCOL, "more replies than commands");
    assert_answer(f, "+PONG\r\nx", HX_REASON_PROTOCOL, "more replies than commands");
}

static void an_error_nobody_asked_for_is_understood(void **state)
{
    struct fixture *f = *state;

    f->peer.greeting = "-ERR max number of clients reached\r\n";
    f->peer.manner = PEER_LEAVES;
    assert_int_equal(prepare(f, "redis://:secret@127.0.0.1:%d", NULL), HX_OK);
    fake_check_begin(&f->check, 5 * HX_NS_PER_S);
    assert_ends(f, HX_REASON_UNAVAILABLE, "AUTH: ERR max number of clients reached");
}

static void an_end_before_the_reply_is_closed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PON");
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "connection closed by peer");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void a_kept_connection_is_only_pinged(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://:secret@127.0.0.1:%d/3", NULL), HX_OK);
    begin(f, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" PING);
    answer(f, "+OK\r\n+OK\r\n+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    for (int i = 0; i < 3; i++) {
        begin(f, PING);
        answer(f, "+PONG\r\n");
        assert_ends(f, HX_REASON_NONE, "");
    }
    assert_int_equal(f->peer.n_accepted, 1);
    assert_int_equal(f->check.n_connections, 1);
}

static void a_kept_connection_that_ends_is_replaced_within_the_check(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    begin(f, PING);
    peer_leave(f->peer.connections);
    RUN_UNTIL(&f->loop, f->peer.n_received == 3 * strlen(PING));
    assert_int_equal(f->peer.n_accepted, 2);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
}

static void it_is_replaced_only_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    begin(f, PING);
    f->peer.manner = PEER_LEAVES;
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "connection closed by peer");
    assert_int_equal(f->peer.n_accepted, 2);
}

/* It did answer: that is the server's doing, and not only the connection's. */
static void it_is_not_replaced_when_it_ends_within_a_reply(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    begin(f, PING);
    answer(f, "+PO");
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "connection closed by peer");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void bytes_between_checks_drop_the_connection(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    answer(f, "+PONG\r\n");
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    begin(f, PING);
    assert_int_equal(f->peer.n_accepted, 2);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
}

static void an_end_between_checks_is_no_failure(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
    peer_leave(f->peer.connections);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->check.n_finished, 1);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    assert_ends(f, HX_REASON_NONE, "");
}

static void nothing_comes_after_cancel(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(prepare(f, "redis://127.0.0.1:%d", NULL), HX_OK);
    begin(f, PING);
    answer(f, "+PONG\r\n");
    hx_kind_redis.cancel(&f->check);
    hx_kind_redis.cancel(&f->check);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->check.n_finished, 0);
}

static void bad_urls_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *url, *message;
    } rows[] = {
        {"redis://127.0.0.1:%d/x", "not the number of a database"},
        {"redis://127.0.0.1:%d/1025", "not the number of a database"},
        {"redis://127.0.0.1:%d/1/2", "not the number of a database"},
        {"redis://health@127.0.0.1:%d", "a user needs a password"},
        {"redis://127.0.0.1:%d?timeout=1", "timeout"},
        {"redis+unix://127.0.0.1:%d/run/redis.sock", "redis+unix:/path"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hx_error err;
        assert_int_not_equal(prepare(f, rows[i].url, &err), HX_OK);
        assert_non_null(strstr(err.message, rows[i].message));
        release(f);
    }
}

static void a_login_in_two_places_is_refused(void **state)
{
    struct fixture *f = *state;
    struct hx_error err;
    const struct hx_option *password = hx_option_find(hx_kind_redis.options, "password");

    assert_int_equal(prepare(f, "redis://:secret@127.0.0.1:%d", NULL), HX_OK);
    hx_kind_redis.release(&f->check.dependency);
    assert_int_equal(hx_option_set(password, f->check.dependency.settings, "other", NULL), HX_OK);
    assert_int_equal(hx_kind_redis.prepare(&f->check.dependency, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "the password is given both in the URL and as an option: "
                                     "expected one of them");
}

static void running_out_of_memory_in_prepare_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    struct hx_error err;
    bool is_failing = true;

    assert_int_equal(prepare(f, "redis://health:secret@127.0.0.1:%d/3", NULL), HX_OK);
    for (size_t n = 1; is_failing; n++) {
        hx_kind_redis.release(&f->check.dependency);
        failing_alloc_at(n);
        enum hx_errcode code = hx_kind_redis.prepare(&f->check.dependency, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_credentials_only_ping_is_sent),
        TEST(logs_in_and_selects_before_it_pings),
        TEST(a_password_alone_is_sent_alone),
        TEST(the_first_bad_reply_decides),
        TEST(an_error_nobody_asked_for_is_understood),
        TEST(an_end_before_the_reply_is_closed),
        TEST(a_kept_connection_is_only_pinged),
        TEST(a_kept_connection_that_ends_is_replaced_within_the_check),
        TEST(it_is_replaced_only_once),
        TEST(it_is_not_replaced_when_it_ends_within_a_reply),
        TEST(bytes_between_checks_drop_the_connection),
        TEST(an_end_between_checks_is_no_failure),
        TEST(nothing_comes_after_cancel),
        TEST(bad_urls_are_refused),
        TEST(a_login_in_two_places_is_refused),
        TEST(running_out_of_memory_in_prepare_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
