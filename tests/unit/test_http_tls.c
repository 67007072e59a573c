/* SPDX-License-Identifier: Apache-2.0 */
/* Kind http over TLS: whom it trusts, what it shows, and the certificate's expiry in any case. */
#include "http_fixture.h"

#include "peer.h"
#include "test_certificates.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

struct tls_fixture {
    struct fixture *http;
    struct peer peer;
    struct test_certificate certificate; /* signed by itself, and the ca_file */
    char file[32];                       /* certificate and key */
};

static int set_up(void **state)
{
    static const struct http_peer_route NO_ROUTES[] = {{.path = NULL}};
    struct tls_fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->http = fixture_new(NO_ROUTES);
    peer_open(&f->peer, &f->http->loop, PEER_LISTENS);
    f->peer.greeting = OK_REPLY;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct tls_fixture *f = *state;
    hx_kind_http.cancel(&f->http->check);
    peer_close(&f->peer);
    fixture_free(f->http);
    SSL_CTX_free(f->peer.context);
    test_certificate_free(&f->certificate);
    unlink(f->file);
    free(f);
    return 0;
}

/* Gives the server a certificate, which the check trusts, and configures the check. */
static void serve(struct tls_fixture *f, const char *host, const char *names, int days_left)
{
    char url[64];
    f->certificate = test_certificate_new(names, days_left, NULL);
    f->peer.context = test_server_context(&f->certificate);
    test_certificate_write(&f->certificate, true, NULL, f->file);
    snprintf(url, sizeof(url), "https://%s:%u/", host, (unsigned)f->peer.port);
    configure(&f->http->check, url);
    free(f->http->check.dependency.policy.tls.ca_file);
    f->http->check.dependency.policy.tls.ca_file = strdup(f->file);
}

static enum hx_reason run(struct tls_fixture *f)
{
    prepare(&f->http->check);
    return run_check(f->http, &f->http->check);
}

static void assert_expiry_is_known(const struct tls_fixture *f)
{
    assert_int_equal(f->http->check.certificate_expiry, test_certificate_expiry(&f->certificate));
}

static void trusts_the_right_certificate(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    assert_int_equal(run(f), HX_REASON_NONE);
    assert_true(f->http->check.phase_set & 1U << HX_PHASE_TLS);
    assert_string_equal(f->peer.server_name, "api.test");
    assert_expiry_is_known(f);
}

static void trusts_an_address_that_the_certificate_names(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "127.0.0.1", "IP:127.0.0.1", 30);
    assert_int_equal(run(f), HX_REASON_NONE);
}

static void notes_the_expiry_of_an_expired_certificate(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", -1);
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_contains(f->http->check.message, "certificate has expired");
    assert_expiry_is_known(f);
}

static void notes_the_expiry_of_a_certificate_for_another_name(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:other.test", 30);
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_contains(f->http->check.message, "api.test");
    assert_expiry_is_known(f);
}

static void notes_the_expiry_of_a_certificate_that_nobody_signed(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    free(f->http->check.dependency.policy.tls.ca_file);
    f->http->check.dependency.policy.tls.ca_file = NULL;
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_contains(f->http->check.message, "self-signed certificate");
    assert_expiry_is_known(f);
}

static void skips_verification_when_told_so(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:other.test", -1);
    f->http->check.dependency.policy.tls.insecure_skip_verify = true;
    assert_int_equal(run(f), HX_REASON_NONE);
    assert_expiry_is_known(f);
}

static void expects_the_server_name_instead_of_the_host(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "127.0.0.1", "DNS:inner.test", 30);
    f->http->check.dependency.policy.tls.server_name = strdup("inner.test");
    assert_int_equal(run(f), HX_REASON_NONE);
    assert_string_equal(f->peer.server_name, "inner.test");
    assert_string_equal(f->http->resolver.asked, "127.0.0.1");
}

/* libcurl 7.88 would lend the store of one transfer to the next. */
static void does_not_trust_what_another_dependency_trusts(void **state)
{
    struct tls_fixture *f = *state;
    struct hx_check other;
    serve(f, "api.test", "DNS:api.test", 30);
    assert_int_equal(run(f), HX_REASON_NONE);
    check_init(&other, f->http);
    configure(&other, f->http->check.dependency.url.text);
    prepare(&other);
    assert_int_equal(run_check(f->http, &other), HX_REASON_TLS);
    check_fini(&other);
}

static void require_client_certificate(struct tls_fixture *f)
{
    X509_STORE_add_cert(SSL_CTX_get_cert_store(f->peer.context), f->certificate.x509);
    SSL_CTX_set_verify(f->peer.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void show_certificate(struct tls_fixture *f)
{
    f->http->check.dependency.policy.tls.cert_file = strdup(f->file);
    f->http->check.dependency.policy.tls.key_file = strdup(f->file);
}

static void shows_its_certificate(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    require_client_certificate(f);
    show_certificate(f);
    assert_int_equal(run(f), HX_REASON_NONE);
}

/* To another port of the same host, which would take the certificate. */
static void does_not_show_its_certificate_where_it_is_redirected_to(void **state)
{
    struct tls_fixture *f = *state;
    struct peer elsewhere;
    char redirect[160];
    serve(f, "api.test", "DNS:api.test", 30);
    show_certificate(f);
    peer_open(&elsewhere, &f->http->loop, PEER_LISTENS);
    elsewhere.greeting = OK_REPLY;
    elsewhere.context = f->peer.context;
    snprintf(redirect, sizeof(redirect),
             "HTTP/1.1 302 There\r\nLocation: https://api.test:%u/\r\nContent-Length: 0\r\n\r\n",
             (unsigned)elsewhere.port);
    f->peer.greeting = redirect;
    set_option(&f->http->check, "max_redirects", "1");
    assert_int_equal(run(f), HX_REASON_NONE);
    require_client_certificate(f); /* that of the first server is shown */
    assert_int_equal(run_check(f->http, &f->http->check), HX_REASON_TLS);
    assert_contains(f->http->check.message, "certificate required");
    assert_int_equal(elsewhere.n_accepted, 2);
    peer_close(&elsewhere);
}

static void fails_without_the_certificate_that_the_server_wants(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    require_client_certificate(f);
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_contains(f->http->check.message, "certificate required");
}

static void refuses_a_version_below_the_lowest(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    SSL_CTX_set_max_proto_version(f->peer.context, TLS1_2_VERSION);
    f->http->check.dependency.policy.tls.min_version = HX_TLS_1_3;
    assert_int_equal(run(f), HX_REASON_TLS);
}

static void speaks_tls_1_2_by_default(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    SSL_CTX_set_max_proto_version(f->peer.context, TLS1_2_VERSION);
    assert_int_equal(run(f), HX_REASON_NONE);
}

static void speak_plainly(struct tls_fixture *f, enum peer_manner manner, const char *greeting)
{
    SSL_CTX_free(f->peer.context);
    f->peer.context = NULL;
    f->peer.manner = manner;
    f->peer.greeting = greeting;
}

static void fresh_connections_resume_and_keep_the_expiry(void **state)
{
    struct tls_fixture *f = *state;
    struct hx_check *check = &f->http->check;
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    serve(f, "api.test", "DNS:api.test", 30);
    check->dependency.policy.connection = HX_CONNECTION_FRESH;
    for (int i = 0; i < 2; i++) {
        SSL_CTX_set_max_proto_version(f->peer.context, versions[i]);
        assert_int_equal(run(f), HX_REASON_NONE);
        assert_int_equal(f->peer.n_resumed, i);
        assert_int_equal(run_check(f->http, check), HX_REASON_NONE);
        assert_int_equal(f->peer.n_resumed, i + 1);
        assert_expiry_is_known(f);
        hx_kind_http.release(&check->dependency);
    }
}

/* A server whose memory of sessions outlives its connections, whatever their end, as nginx has. */
static SSL_SESSION *server_session;

static int on_server_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(server_session);
    server_session = SSL_SESSION_dup(session);
    return 0;
}

static SSL_SESSION *find_server_session(SSL *ssl, const unsigned char *id, int len, int *is_kept)
{
    (void)ssl, (void)id, (void)len;
    *is_kept = 0;
    return server_session != NULL ? SSL_SESSION_dup(server_session) : NULL;
}

static void remember_sessions(SSL_CTX *server)
{
    SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(server, on_server_session);
    SSL_CTX_sess_set_get_cb(server, find_server_session);
}

/* libcurl looks at the name when the handshake is over, and there is a session. */
static void what_was_refused_is_not_resumed(void **state)
{
    struct tls_fixture *f = *state;
    struct hx_check *check = &f->http->check;
    serve(f, "api.test", "DNS:other.test", 30);
    SSL_CTX_set_max_proto_version(f->peer.context, TLS1_2_VERSION);
    remember_sessions(f->peer.context);
    check->dependency.policy.connection = HX_CONNECTION_FRESH;
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_non_null(server_session);
    assert_int_equal(run_check(f->http, check), HX_REASON_TLS);
    RUN_UNTIL(&f->http->loop, f->peer.n_ended == 2);
    assert_int_equal(f->peer.n_resumed, 0);
    SSL_SESSION_free(server_session);
    server_session = NULL;
}

static void connections_that_are_to_be_kept_do_not_resume(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    assert_int_equal(run(f), HX_REASON_NONE); /* the reply closes the connection */
    assert_int_equal(run_check(f->http, &f->http->check), HX_REASON_NONE);
    assert_int_equal(f->peer.n_accepted, 2);
    assert_int_equal(f->peer.n_resumed, 0);
}

static void tells_a_server_without_tls(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    speak_plainly(f, PEER_LISTENS, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_int_equal(run(f), HX_REASON_TLS);
    assert_contains(f->http->check.message, "wrong version number");
}

static void tells_a_server_that_leaves_the_handshake(void **state)
{
    struct tls_fixture *f = *state;
    serve(f, "api.test", "DNS:api.test", 30);
    speak_plainly(f, PEER_LEAVES, NULL);
    assert_int_equal(run(f), HX_REASON_CLOSED);
    hx_kind_http.release(&f->http->check.dependency);
    f->peer.manner = PEER_RESETS;
    assert_int_equal(run(f), HX_REASON_CLOSED);
}

static void waits_in_the_phase_tls_for_a_silent_server(void **state)
{
    struct tls_fixture *f = *state;
    struct hx_check *check = &f->http->check;
    serve(f, "api.test", "DNS:api.test", 30);
    speak_plainly(f, PEER_LISTENS, NULL);
    prepare(check);
    fake_check_begin(check, TIMEOUT_NS);
    uint64_t ends = uv_hrtime() + (uint64_t)PATIENCE_NS;
    while (f->peer.n_received == 0 && uv_hrtime() < ends)
        uv_run(&f->http->loop, UV_RUN_NOWAIT);
    assert_int_equal(check->n_finished, 0);
    assert_int_equal(check->last_phase, HX_PHASE_TLS);
    hx_kind_http.cancel(check);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(trusts_the_right_certificate),
        TEST(trusts_an_address_that_the_certificate_names),
        TEST(notes_the_expiry_of_an_expired_certificate),
        TEST(notes_the_expiry_of_a_certificate_for_another_name),
        TEST(notes_the_expiry_of_a_certificate_that_nobody_signed),
        TEST(skips_verification_when_told_so),
        TEST(expects_the_server_name_instead_of_the_host),
        TEST(does_not_trust_what_another_dependency_trusts),
        TEST(shows_its_certificate),
        TEST(does_not_show_its_certificate_where_it_is_redirected_to),
        TEST(fails_without_the_certificate_that_the_server_wants),
        TEST(refuses_a_version_below_the_lowest),
        TEST(speaks_tls_1_2_by_default),
        TEST(fresh_connections_resume_and_keep_the_expiry),
        TEST(what_was_refused_is_not_resumed),
        TEST(connections_that_are_to_be_kept_do_not_resume),
        TEST(tells_a_server_without_tls),
        TEST(tells_a_server_that_leaves_the_handshake),
        TEST(waits_in_the_phase_tls_for_a_silent_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
