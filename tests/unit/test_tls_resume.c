/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=hx_clock_monotonic_ns,--wrap=hx_clock_wall_ns */
/* Resumed sessions, and what they may not hide. The test can turn both clocks forward. */
#include "net/tls_resume.h"

#include "base/clock.h"
#include "failing_alloc.h"
#include "net/stream.h"
#include "net/tls.h"
#include "peer.h"
#include "test_certificates.h"

static int64_t clock_ahead_ns, wall_ahead_ns;

int64_t __real_hx_clock_monotonic_ns(void);
int64_t __wrap_hx_clock_monotonic_ns(void)
{
    return __real_hx_clock_monotonic_ns() + clock_ahead_ns;
}

int64_t __real_hx_clock_wall_ns(void);
int64_t __wrap_hx_clock_wall_ns(void)
{
    return __real_hx_clock_wall_ns() + wall_ahead_ns;
}

struct fixture {
    uv_loop_t loop;
    struct hx_stream_pool *pool;
    struct peer peer;
    struct test_certificate server; /* signed by itself, and the ca_file */
    struct hx_policy policy;
    char ca_file[32];
    SSL_CTX *context; /* ours */
};

struct visit {
    struct fixture *f;
    struct hx_stream *stream;
    bool is_over, is_secure;
    enum hx_reason reason;
    int64_t expiry;
};

static void on_connect(void *data)
{
    struct visit *visit = data;
    hx_stream_secure(visit->stream, visit->f->context, "good.test");
}

static void on_secure(void *data)
{
    struct visit *visit = data;
    visit->is_secure = true;
    visit->expiry = hx_tls_certificate_expiry(hx_stream_ssl(visit->stream));
}

/* The tickets of TLS 1.3 come before the greeting. */
static void on_data(void *data, const char *bytes, size_t len)
{
    struct visit *visit = data;
    (void)bytes, (void)len;
    visit->is_over = true;
}

static void on_end(void *data, enum hx_reason reason, const char *message)
{
    struct visit *visit = data;
    (void)message;
    visit->is_over = true;
    visit->reason = reason;
}

static const struct hx_stream_events events = {
    .on_connect = on_connect, .on_secure = on_secure, .on_data = on_data, .on_end = on_end};

static void prepare(struct fixture *f)
{
    SSL_CTX_free(f->context);
    assert_int_equal(hx_tls_resuming_context_new(&f->policy, &f->context, NULL), HX_OK);
}

/* A server that starts anew with such a certificate; it keeps the keys of its tickets, as servers
 * behind one name share them, or not. */
static void serve(struct fixture *f, int days_left, bool has_same_keys)
{
    unsigned char keys[80];
    SSL_CTX *former = f->peer.context;
    if (former != NULL) {
        test_certificate_free(&f->server);
        assert_int_equal(SSL_CTX_get_tlsext_ticket_keys(former, keys, sizeof keys), 1);
    }
    f->server = test_certificate_new("DNS:good.test", days_left, NULL);
    f->peer.context = test_server_context(&f->server);
    if (has_same_keys) {
        SSL_CTX_set_tlsext_ticket_keys(f->peer.context, keys, sizeof keys);
    }
    SSL_CTX_free(former);
}

/* Trusts the server's certificate from now on. */
static void trust(struct fixture *f)
{
    if (f->ca_file[0] != '\0') {
        unlink(f->ca_file);
    }
    test_certificate_write(&f->server, false, NULL, f->ca_file);
    f->policy.tls.ca_file = f->ca_file;
    prepare(f);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    clock_ahead_ns = wall_ahead_ns = 0;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->pool = hx_stream_pool_new(&f->loop);
    peer_open(&f->peer, &f->loop, PEER_LISTENS);
    f->peer.greeting = "hello";
    f->policy.connection = HX_CONNECTION_FRESH;
    serve(f, 10, false);
    trust(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *server = f->peer.context;
    SSL_CTX_free(f->context);
    hx_stream_pool_free(f->pool);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    SSL_CTX_free(server);
    test_certificate_free(&f->server);
    unlink(f->ca_file);
    free(f);
    return 0;
}

static struct visit visit(struct fixture *f)
{
    struct visit made = {.f = f};
    struct hx_address address;
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    made.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &made);
    RUN_UNTIL(&f->loop, made.is_over);
    hx_stream_close(made.stream);
    return made;
}

/* True when the visit made no full handshake; the certificate's expiry is told in any case. */
static bool is_resumed(struct fixture *f)
{
    int before = f->peer.n_resumed;
    struct visit made = visit(f);
    assert_true(made.is_secure);
    assert_int_equal(made.expiry, test_certificate_expiry(&f->server));
    return f->peer.n_resumed > before;
}

static void a_session_is_resumed_in_each_version(void **state)
{
    struct fixture *f = *state;
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_set_max_proto_version(f->peer.context, versions[i]);
        prepare(f);
        assert_false(is_resumed(f));
        assert_true(is_resumed(f));
        assert_true(is_resumed(f));
    }
}

static void a_session_known_by_its_number_is_resumed(void **state)
{
    struct fixture *f = *state;
    SSL_CTX_set_max_proto_version(f->peer.context, TLS1_2_VERSION);
    SSL_CTX_set_options(f->peer.context, SSL_OP_NO_TICKET);
    assert_false(is_resumed(f));
    assert_true(is_resumed(f));
}

static void without_tickets_each_handshake_is_full(void **state)
{
    struct fixture *f = *state;
    SSL_CTX_set_num_tickets(f->peer.context, 0);
    assert_false(is_resumed(f));
    assert_false(is_resumed(f));
}

static void a_kept_connection_that_is_made_anew_shakes_hands_in_full(void **state)
{
    struct fixture *f = *state;
    f->policy.connection = HX_CONNECTION_KEEP;
    prepare(f);
    assert_false(is_resumed(f));
    assert_false(is_resumed(f));
}

/* Each resumption brings a new ticket, and none of them extends the time. */
static void a_minute_after_the_last_full_handshake_comes_the_next(void **state)
{
    struct fixture *f = *state;
    assert_false(is_resumed(f));
    for (int seconds = 20; seconds < 60; seconds += 20) {
        clock_ahead_ns = seconds * HX_NS_PER_S;
        assert_true(is_resumed(f));
    }
    clock_ahead_ns = 61 * HX_NS_PER_S;
    assert_false(is_resumed(f));
    assert_true(is_resumed(f));
}

static void a_renewed_certificate_is_seen_at_once_where_tickets_die_with_the_old(void **state)
{
    struct fixture *f = *state;
    f->policy.tls.insecure_skip_verify = true;
    prepare(f);
    assert_false(is_resumed(f));
    serve(f, 90, false);
    assert_false(is_resumed(f));
}

static void a_renewed_certificate_is_seen_within_a_minute_everywhere(void **state)
{
    struct fixture *f = *state;
    int64_t before = test_certificate_expiry(&f->server);
    f->policy.tls.insecure_skip_verify = true;
    prepare(f);
    assert_false(is_resumed(f));
    serve(f, 90, true);
    assert_int_equal(visit(f).expiry, before);
    assert_int_equal(f->peer.n_resumed, 1);
    clock_ahead_ns = HX_TLS_RESUME_FOR_NS;
    assert_false(is_resumed(f));
}

/* The server's keys would let the session in, and so would the old trust. */
static void a_certificate_that_is_not_trusted_is_refused_within_a_minute(void **state)
{
    struct fixture *f = *state;
    assert_false(is_resumed(f));
    serve(f, 90, true);
    clock_ahead_ns = HX_TLS_RESUME_FOR_NS;
    struct visit made = visit(f);
    assert_false(made.is_secure);
    assert_int_equal(made.reason, HX_REASON_TLS);
}

static void a_session_does_not_outlive_its_certificate(void **state)
{
    struct fixture *f = *state;
    assert_false(is_resumed(f));
    wall_ahead_ns = 11 * 86400 * HX_NS_PER_S;
    assert_false(is_resumed(f));
}

static void a_reload_with_other_trust_remembers_nothing(void **state)
{
    struct fixture *f = *state;
    struct test_certificate other = test_certificate_new("DNS:good.test", 10, NULL);
    assert_false(is_resumed(f));
    unlink(f->ca_file);
    test_certificate_write(&other, false, NULL, f->ca_file);
    prepare(f);
    struct visit made = visit(f);
    assert_false(made.is_secure);
    assert_int_equal(made.reason, HX_REASON_TLS);
    assert_int_equal(f->peer.n_resumed, 0);
    test_certificate_free(&other);
}

static void a_context_without_memory_is_none(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *context = NULL;
    failing_alloc_at(1);
    assert_int_equal(hx_tls_resuming_context_new(&f->policy, &context, NULL), HX_ERR_NOMEM);
    assert_null(context);
    char missing[] = "/nonexistent";
    f->policy.tls.ca_file = missing;
    assert_int_equal(hx_tls_resuming_context_new(&f->policy, &context, NULL), HX_ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_resumed_in_each_version),
        TEST(a_session_known_by_its_number_is_resumed),
        TEST(without_tickets_each_handshake_is_full),
        TEST(a_kept_connection_that_is_made_anew_shakes_hands_in_full),
        TEST(a_minute_after_the_last_full_handshake_comes_the_next),
        TEST(a_renewed_certificate_is_seen_at_once_where_tickets_die_with_the_old),
        TEST(a_renewed_certificate_is_seen_within_a_minute_everywhere),
        TEST(a_certificate_that_is_not_trusted_is_refused_within_a_minute),
        TEST(a_session_does_not_outlive_its_certificate),
        TEST(a_reload_with_other_trust_remembers_nothing),
        TEST(a_context_without_memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
