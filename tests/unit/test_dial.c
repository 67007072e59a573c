/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The road to a dependency: names, several addresses, TLS, and its ends. */
#include "kinds/dial.h"

#include "base/clock.h"
#include "dns_stub.h"
#include "failing_alloc.h"
#include "fake_check.h"
#include "net/tls.h"
#include "peer.h"
#include "test_certificates.h"

struct fixture {
    uv_loop_t loop;
    struct dns_stub stub;
    struct peer peer; /* on 127.0.0.1 */
    struct hx_check check;
    struct hx_dial_plan plan;
    int n_ready, n_ended;
    size_t n_received;
    enum hx_reason end_reason;
};

static struct fixture *fixture; /* of the test that runs: a kind's functions know only the check */

static void on_ready(struct hx_check *check)
{
    (void)check;
    fixture->n_ready++;
}

static void on_data(struct hx_check *check, const char *bytes, size_t len)
{
    (void)check, (void)bytes;
    fixture->n_received += len;
}

static void on_end(struct hx_check *check, enum hx_reason reason, const char *message)
{
    (void)check, (void)message;
    fixture->n_ended++;
    fixture->end_reason = reason;
}

static void start(struct hx_check *check)
{
    hx_dial_start(hx_check_run(check), check, &fixture->plan);
}

static void cancel(struct hx_check *check)
{
    hx_dial_cancel(hx_check_run(check));
}

static const struct hx_kind dialer = {.name = "dialer",
                                      .run_size = sizeof(struct hx_dial),
                                      .attach = hx_dial_attach,
                                      .detach = hx_dial_detach,
                                      .start = start,
                                      .cancel = cancel};

static int setup(void **state)
{
    struct fixture *f = fixture = calloc(1, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    dns_stub_open(&f->stub, &f->loop);
    peer_open(&f->peer, &f->loop, PEER_ECHOES);
    fake_check_init(&f->check, &dialer, &f->loop);
    assert_int_equal(hx_dial_attach(&f->loop, &f->check.shared, NULL), HX_OK);
    struct hx_resolver_options options = {.servers = f->stub.servers};
    assert_int_equal(hx_resolver_new(&f->loop, &options, &f->check.resolver, NULL), HX_OK);
    f->plan = (struct hx_dial_plan){.host = "127.0.0.1",
                                    .port = f->peer.port,
                                    .on_ready = on_ready,
                                    .on_data = on_data,
                                    .on_end = on_end};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cancel(&f->check);
    cancel(&f->check);
    hx_dial_detach(f->check.shared);
    hx_resolver_free(f->check.resolver);
    dns_stub_close(&f->stub);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

static void dial_within(struct fixture *f, int64_t timeout_ns)
{
    fake_check_begin(&f->check, timeout_ns);
    RUN_UNTIL(&f->loop, f->n_ready + f->check.n_finished > 0);
}

static void dial(struct fixture *f)
{
    dial_within(f, 5 * HX_NS_PER_S);
}

static bool is_idle(const struct fixture *f)
{
    static const struct hx_dial idle;
    return memcmp(f->check.run, &idle, sizeof idle) == 0;
}

static void assert_failed(struct fixture *f, enum hx_reason reason, const char *message)
{
    assert_int_equal(f->check.n_finished, 1);
    assert_string_equal(hx_reason_text(f->check.reason), hx_reason_text(reason));
    assert_string_equal(f->check.message, message);
    assert_int_equal(f->n_ready, 0);
    assert_true(is_idle(f));
}

static void a_literal_is_connected_to(void **state)
{
    struct fixture *f = *state;
    dial(f);
    assert_int_equal(f->n_ready, 1);
    assert_int_equal(f->check.n_finished, 0);
    assert_int_equal(f->check.phase_set, 1U << HX_PHASE_RESOLVE | 1U << HX_PHASE_CONNECT);
    struct hx_dial *dialled = f->check.run;
    hx_stream_write(dialled->stream, "hello", 5);
    RUN_UNTIL(&f->loop, f->n_received == 5);
}

static void a_name_is_resolved(void **state)
{
    struct fixture *f = *state;
    f->plan.host = "local.test";
    dial(f);
    assert_int_equal(f->n_ready, 1);
    assert_int_equal(f->stub.n_questions, 2);
}

static void an_unknown_name_is_dns(void **state)
{
    struct fixture *f = *state;
    f->plan.host = "nx.test";
    dial(f);
    assert_failed(f, HX_REASON_DNS, "no such host \"nx.test\"");
    assert_int_equal(f->check.phase_set, 1U << HX_PHASE_RESOLVE);
}

static void an_address_that_fails_lets_the_next_be_tried(void **state)
{
    struct fixture *f = *state;
    f->plan.host = "twice.test";
    dial(f);
    assert_int_equal(f->n_ready, 1);
    assert_int_equal(f->peer.n_accepted, 1);
}

static void the_last_failure_is_reported_with_its_address(void **state)
{
    struct fixture *f = *state;
    char expected[80];
    f->plan.host = "twice.test";
    f->plan.port = peer_free_port();
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%u: connection refused", f->plan.port);
    dial(f);
    assert_failed(f, HX_REASON_REFUSED, expected);
}

static void the_end_of_a_ready_connection_is_the_kinds(void **state)
{
    struct fixture *f = *state;
    f->peer.manner = PEER_LEAVES;
    dial(f);
    RUN_UNTIL(&f->loop, f->n_ended == 1);
    assert_int_equal(f->end_reason, HX_REASON_CLOSED);
    assert_int_equal(f->check.n_finished, 0);
}

static void a_unix_socket_needs_no_name(void **state)
{
    struct fixture *f = *state;
    char expected[80];
    char path[] = "/tmp/test_dial.XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    f->plan.host = path;
    dial(f);
    snprintf(expected, sizeof expected, "connect unix:%s: no such file or directory", path);
    assert_failed(f, HX_REASON_REFUSED, expected);
    struct peer peer;
    peer_open_unix(&peer, &f->loop, PEER_ECHOES, path);
    dial(f);
    RUN_UNTIL(&f->loop, f->n_ready == 1);
    assert_int_equal(f->check.phase_set, 1U << HX_PHASE_CONNECT);
    cancel(&f->check);
    peer_close(&peer);
}

static void a_dial_may_be_cancelled_in_each_phase_and_begun_again(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = {"silent.test", "local.test", "127.0.0.1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        f->plan.host = hosts[i];
        fake_check_begin(&f->check, HX_NS_PER_S);
        assert_false(is_idle(f));
        cancel(&f->check);
        assert_true(is_idle(f));
    }
    dial(f);
    assert_int_equal(f->n_ready, 1);
    cancel(&f->check);
    assert_true(is_idle(f));
    assert_int_equal(f->check.n_finished, 0);
}

static void a_reset_leaves_the_peer_no_orderly_end(void **state)
{
    struct fixture *f = *state;
    dial(f);
    RUN_UNTIL(&f->loop, f->peer.n_accepted == 1);
    hx_dial_reset(f->check.run);
    assert_true(is_idle(f));
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->peer.last_status, UV_ECONNRESET);
}

static void a_connection_is_secured_and_its_certificate_noted(void **state)
{
    struct fixture *f = *state;
    struct test_certificate server = test_certificate_new("DNS:local.test", 10, NULL);
    struct hx_tls_options options = {.insecure_skip_verify = true};
    struct hx_error err;
    f->peer.context = test_server_context(&server);
    f->plan.host = f->check.dependency.url.host = (char[]){"local.test"};
    assert_int_equal(hx_tls_own_context_new(&options, &f->plan.context, &err), HX_OK);
    dial(f);
    assert_int_equal(f->n_ready, 1);
    assert_true((f->check.phase_set & 1U << HX_PHASE_TLS) != 0);
    assert_int_equal(f->check.certificate_expiry, test_certificate_expiry(&server));
    cancel(&f->check);

    SSL_CTX_set_verify(f->plan.context, SSL_VERIFY_PEER, NULL);
    f->n_ready = 0;
    f->check.certificate_expiry = 0;
    dial(f);
    assert_failed(f, HX_REASON_TLS, "self-signed certificate");
    assert_int_equal(f->check.certificate_expiry, test_certificate_expiry(&server));
    SSL_CTX_free(f->plan.context);
    SSL_CTX_free(f->peer.context);
    f->peer.context = NULL;
    test_certificate_free(&server);
}

/* The first address accepts, but never answers the handshake. */
static void a_silent_address_leaves_time_for_the_next(void **state)
{
    struct fixture *f = *state;
    struct peer silent;
    struct test_certificate server = test_certificate_new("DNS:twice.test", 10, NULL);
    struct hx_tls_options options = {.insecure_skip_verify = true};
    struct hx_error err;
    peer_open_at(&silent, &f->loop, PEER_LISTENS, "127.0.0.2", f->peer.port);
    f->peer.context = test_server_context(&server);
    f->plan.host = f->check.dependency.url.host = (char[]){"twice.test"};
    assert_int_equal(hx_tls_context_new(&options, &f->plan.context, &err), HX_OK);
    dial_within(f, 2 * HX_NS_PER_S);
    assert_int_equal(f->n_ready, 1);
    assert_int_equal(silent.n_accepted, 1);
    assert_true((int64_t)uv_hrtime() < f->check.deadline_ns);
    cancel(&f->check);
    peer_close(&silent);
    SSL_CTX_free(f->plan.context);
    SSL_CTX_free(f->peer.context);
    f->peer.context = NULL;
    test_certificate_free(&server);
}

static void a_dial_without_memory_is_internal(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    size_t n = 1;
    f->plan.host = "twice.test";
    dial(f); /* the addresses are in the cache from here */
    for (; is_failing; n++) {
        cancel(&f->check);
        hx_dial_detach(f->check.shared); /* with what is kept for the next dial */
        assert_int_equal(hx_dial_attach(&f->loop, &f->check.shared, NULL), HX_OK);
        f->n_ready = 0;
        failing_alloc_at(n);
        fake_check_begin(&f->check, HX_NS_PER_S);
        is_failing = failing_alloc_was_reached();
        RUN_UNTIL(&f->loop, f->n_ready + f->check.n_finished > 0);
        if (is_failing) {
            assert_int_equal(f->check.reason, HX_REASON_INTERNAL);
            assert_true(is_idle(f));
        }
    }
    assert_int_equal(f->n_ready, 1);
    assert_true(n > 3);
}

static void attaching_without_memory_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    size_t n = 1;
    for (; is_failing; n++) {
        void *shared = NULL;
        failing_alloc_at(n);
        enum hx_errcode code = hx_dial_attach(&f->loop, &shared, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_dial_detach(shared);
    }
    assert_true(n > 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_literal_is_connected_to),
        TEST(a_name_is_resolved),
        TEST(an_unknown_name_is_dns),
        TEST(an_address_that_fails_lets_the_next_be_tried),
        TEST(the_last_failure_is_reported_with_its_address),
        TEST(the_end_of_a_ready_connection_is_the_kinds),
        TEST(a_unix_socket_needs_no_name),
        TEST(a_dial_may_be_cancelled_in_each_phase_and_begun_again),
        TEST(a_reset_leaves_the_peer_no_orderly_end),
        TEST(a_connection_is_secured_and_its_certificate_noted),
        TEST(a_silent_address_leaves_time_for_the_next),
        TEST(a_dial_without_memory_is_internal),
        TEST(attaching_without_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
