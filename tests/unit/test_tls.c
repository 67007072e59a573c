/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* TLS contexts, and streams with TLS against a server on the same loop. */
#include "net/tls.h"

#include "failing_alloc.h"
#include "net/stream.h"
#include "peer.h"
#include "test_certificates.h"

struct fixture {
    uv_loop_t loop;
    struct hx_stream_pool *pool;
    struct peer peer;
    struct test_certificate authority, server;
    char ca_file[32];
    SSL_CTX *server_context;
};

struct told {
    struct hx_stream *stream;
    SSL_CTX *context;
    const char *name;
    int n_secure, n_end;
    size_t n_received;
    char received[64];
    enum hx_reason reason;
    char message[200];
    int64_t expiry; /* as seen when it was secure, or ended */
    bool closes_in_secure, lacks_memory;
};

static void on_connect(void *data)
{
    struct told *told = data;
    failing_alloc_at(told->lacks_memory ? 1 : 0);
    hx_stream_secure(told->stream, told->context, told->name);
    assert_int_equal(told->n_end, 0); /* not from within the call */
}

static void on_secure(void *data)
{
    struct told *told = data;
    told->n_secure++;
    told->expiry = hx_tls_certificate_expiry(hx_stream_ssl(told->stream));
    if (told->closes_in_secure) {
        hx_stream_close(told->stream);
        told->stream = NULL;
        return;
    }
    hx_stream_write(told->stream, "hello", 5);
}

static void on_data(void *data, const char *bytes, size_t len)
{
    struct told *told = data;
    for (size_t i = 0; i < len && told->n_received + i < sizeof told->received - 1; i++) {
        told->received[told->n_received + i] = bytes[i];
    }
    told->n_received += len;
}

static void on_end(void *data, enum hx_reason reason, const char *message)
{
    struct told *told = data;
    SSL *ssl = hx_stream_ssl(told->stream);
    told->n_end++;
    told->reason = reason;
    told->expiry = ssl != NULL ? hx_tls_certificate_expiry(ssl) : 0;
    snprintf(told->message, sizeof told->message, "%s", message);
    hx_stream_close(told->stream);
    told->stream = NULL;
}

static const struct hx_stream_events events = {
    .on_connect = on_connect, .on_secure = on_secure, .on_data = on_data, .on_end = on_end};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->pool = hx_stream_pool_new(&f->loop);
    assert_non_null(f->pool);
    peer_open(&f->peer, &f->loop, PEER_ECHOES);
    f->authority = test_certificate_new(NULL, 100, NULL);
    f->server =
        test_certificate_new("DNS:good.test,DNS:*.wild.test,IP:127.0.0.1", 10, &f->authority);
    test_certificate_write(&f->authority, false, NULL, f->ca_file);
    f->peer.context = f->server_context = test_server_context(&f->server);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hx_stream_pool_free(f->pool); /* the handles of streams may still be closing */
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    unlink(f->ca_file);
    test_certificate_free(&f->authority);
    test_certificate_free(&f->server);
    SSL_CTX_free(f->server_context);
    free(f);
    return 0;
}

/* Serves with another certificate from now on. */
static void serve(struct fixture *f, const char *names, int days_left,
                  const struct test_certificate *issuer)
{
    test_certificate_free(&f->server);
    SSL_CTX_free(f->server_context);
    f->server = test_certificate_new(names, days_left, issuer);
    f->peer.context = f->server_context = test_server_context(&f->server);
}

static SSL_CTX *context_of(const struct hx_tls_options *options)
{
    SSL_CTX *context = NULL;
    struct hx_error err = {0};
    if (hx_tls_context_new(options, &context, &err) != HX_OK) {
        fail_msg("%s", err.message);
    }
    return context;
}

/* Shakes hands and echoes "hello", or ends. */
static struct told visit_as(struct fixture *f, const struct hx_tls_options *options,
                            const char *name)
{
    struct told told = {.context = context_of(options), .name = name};
    struct hx_address address;
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
    RUN_UNTIL(&f->loop, told.n_end == 1 || told.n_received >= 5);
    hx_stream_close(told.stream);
    SSL_CTX_free(told.context);
    return told;
}

static struct told visit(struct fixture *f, const char *name)
{
    struct hx_tls_options options = {.ca_file = f->ca_file};
    return visit_as(f, &options, name);
}

static void assert_refused(struct fixture *f, const char *name, const char *message)
{
    struct told told = visit(f, name);
    assert_int_equal(told.n_secure, 0);
    assert_int_equal(told.n_end, 1);
    assert_string_equal(told.message, message);
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_int_equal(told.expiry, test_certificate_expiry(&f->server));
}

static void a_verified_peer_is_talked_to_by_tls(void **state)
{
    struct fixture *f = *state;
    struct told told = visit(f, "good.test");
    assert_int_equal(told.n_secure, 1);
    assert_string_equal(told.received, "hello");
    assert_string_equal(f->peer.server_name, "good.test");
    assert_int_equal(told.expiry, test_certificate_expiry(&f->server));
}

static void a_last_dot_and_a_wildcard_are_understood(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(visit(f, "good.test.").n_secure, 1);
    assert_string_equal(f->peer.server_name, "good.test");
    assert_int_equal(visit(f, "any.wild.test").n_secure, 1);
    assert_refused(f, "wild.test", "hostname mismatch");
}

static void an_address_is_verified_as_one_and_sends_no_sni(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(visit(f, "127.0.0.1").n_secure, 1);
    assert_string_equal(f->peer.server_name, "");
    assert_refused(f, "127.0.0.2", "IP address mismatch");
}

static void a_wrong_host_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "bad.test", "hostname mismatch");
    serve(f, "DNS:b*.part.test", 10, &f->authority);
    assert_refused(f, "bad.part.test", "hostname mismatch");
}

static void an_expired_certificate_is_refused_and_its_expiry_known(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:good.test", -1, &f->authority);
    assert_refused(f, "good.test", "certificate has expired");
}

static void a_self_signed_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:good.test", 10, NULL);
    assert_refused(f, "good.test", "self-signed certificate");
}

static void an_unknown_authority_is_refused(void **state)
{
    struct fixture *f = *state;
    struct test_certificate other = test_certificate_new(NULL, 100, NULL);
    serve(f, "DNS:good.test", 10, &other);
    struct told told = visit(f, "good.test");
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_int_equal(told.n_secure, 0);
    test_certificate_free(&other);
}

static void a_self_signed_certificate_given_as_ca_file_is_trusted(void **state)
{
    struct fixture *f = *state;
    char path[32];
    serve(f, "DNS:good.test", 10, NULL);
    test_certificate_write(&f->server, false, NULL, path);
    struct hx_tls_options options = {.ca_file = path};
    assert_int_equal(visit_as(f, &options, "good.test").n_secure, 1);
    unlink(path);
}

static void what_is_in_ca_file_is_trusted_though_its_issuer_is_not_there(void **state)
{
    struct fixture *f = *state;
    char path[32];
    test_certificate_write(&f->server, false, NULL, path);
    struct hx_tls_options options = {.ca_file = path};
    assert_int_equal(visit_as(f, &options, "good.test").n_secure, 1);
    unlink(path);
}

static void the_system_does_not_trust_our_authority(void **state)
{
    struct hx_tls_options options = {0};
    struct told told = visit_as(*state, &options, "good.test");
    assert_int_equal(told.n_secure, 0);
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_string_equal(told.message, "unable to get local issuer certificate");
}

static void skipping_verification_takes_any_certificate_but_knows_its_expiry(void **state)
{
    struct fixture *f = *state;
    struct hx_tls_options options = {.insecure_skip_verify = true};
    serve(f, "DNS:good.test", -1, NULL);
    struct told told = visit_as(f, &options, "bad.test");
    assert_int_equal(told.n_secure, 1);
    assert_int_equal(told.expiry, test_certificate_expiry(&f->server));
}

static void a_server_without_tls_is_a_tls_failure(void **state)
{
    struct fixture *f = *state;
    f->peer.context = NULL;
    f->peer.greeting = "220 mail.test ESMTP\r\n";
    struct told told = visit(f, "good.test");
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_string_equal(told.message, "wrong version number");
    assert_int_equal(told.expiry, 0);
}

static void an_end_in_the_handshake_is_closed(void **state)
{
    struct fixture *f = *state;
    f->peer.context = NULL;
    f->peer.manner = PEER_LEAVES;
    struct told told = visit(f, "good.test");
    assert_int_equal(told.reason, HX_REASON_CLOSED);
    assert_string_equal(told.message, "connection closed by peer during the TLS handshake");
    f->peer.manner = PEER_RESETS;
    assert_int_equal(visit(f, "good.test").reason, HX_REASON_CLOSED);
}

static void a_goodbye_is_closed_after_the_last_bytes(void **state)
{
    struct fixture *f = *state;
    f->peer.manner = PEER_LEAVES;
    f->peer.greeting = "bye";
    struct told told = {.name = "good.test"};
    struct hx_tls_options options = {.ca_file = f->ca_file};
    struct hx_address address;
    told.context = context_of(&options);
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_string_equal(told.received, "bye");
    assert_int_equal(told.reason, HX_REASON_CLOSED);
    SSL_CTX_free(told.context);
}

static void an_older_version_is_refused(void **state)
{
    struct fixture *f = *state;
    SSL_CTX_set_max_proto_version(f->server_context, TLS1_2_VERSION);
    struct hx_tls_options options = {.ca_file = f->ca_file, .min_version = HX_TLS_1_3};
    struct told told = visit_as(f, &options, "good.test");
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_non_null(strstr(told.message, "protocol version"));
    options.min_version = HX_TLS_1_2;
    assert_int_equal(visit_as(f, &options, "good.test").n_secure, 1);
}

/* In TLS 1.3 the server's objection comes after the client has finished. */
static void a_missing_client_certificate_is_a_tls_failure(void **state)
{
    struct fixture *f = *state;
    SSL_CTX_set_verify(f->server_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    struct told told = visit(f, "good.test");
    assert_int_equal(told.n_end, 1);
    assert_int_equal(told.reason, HX_REASON_TLS);
    assert_non_null(strstr(told.message, "certificate required"));
}

static void a_client_certificate_is_shown(void **state)
{
    struct fixture *f = *state;
    char path[32];
    SSL_CTX_set_verify(f->server_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(f->server_context), f->authority.x509);
    struct test_certificate client = test_certificate_new("DNS:client.test", 10, &f->authority);
    test_certificate_write(&client, true, NULL, path);
    struct hx_tls_options options = {.ca_file = f->ca_file, .cert_file = path, .key_file = path};
    assert_int_equal(visit_as(f, &options, "good.test").n_received, 5);
    unlink(path);
    test_certificate_free(&client);
}

static void a_stream_may_be_closed_when_it_is_secure(void **state)
{
    struct fixture *f = *state;
    struct told told = {.name = "good.test", .closes_in_secure = true};
    struct hx_tls_options options = {.ca_file = f->ca_file};
    struct hx_address address;
    told.context = context_of(&options);
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(told.n_secure, 1);
    assert_int_equal(told.n_end, 0);
    assert_int_equal(f->peer.last_status, UV_EOF);
    assert_true(f->peer.has_goodbye); /* or the server logs that it was cut off */
    SSL_CTX_free(told.context);
}

static void a_session_without_memory_is_internal(void **state)
{
    struct fixture *f = *state;
    struct hx_tls_options options = {.ca_file = f->ca_file};
    struct told told = {.name = "good.test", .lacks_memory = true};
    struct hx_address address;
    told.context = context_of(&options);
    assert_true(hx_address_parse("127.0.0.1", f->peer.port, &address));
    told.stream = hx_stream_open(f->pool, &address, HX_STREAM_TALK, &events, &told);
    RUN_UNTIL(&f->loop, told.n_end == 1);
    assert_true(failing_alloc_was_reached());
    assert_int_equal(told.reason, HX_REASON_INTERNAL);
    SSL_CTX_free(told.context);
}

static void contexts_without_ca_file_share_one_store(void **state)
{
    (void)state;
    struct hx_tls_options options = {0};
    SSL_CTX *first = context_of(&options), *second = context_of(&options);
    assert_ptr_equal(SSL_CTX_get_cert_store(first), SSL_CTX_get_cert_store(second));
    SSL_CTX_free(first);
    SSL_CTX_free(second);
    SSL_CTX *third = context_of(&options);
    assert_non_null(SSL_CTX_get_cert_store(third));
    SSL_CTX_free(third);
}

static void assert_context_error(const struct hx_tls_options *options, const char *expected)
{
    SSL_CTX *context = NULL;
    struct hx_error err = {0};
    assert_int_equal(hx_tls_context_new(options, &context, &err), HX_ERR_INVALID);
    assert_null(context);
    assert_string_equal(err.message, expected);
    assert_int_equal(ERR_peek_error(), 0);
}

static void bad_files_are_named(void **state)
{
    struct fixture *f = *state;
    char key_file[32], other_file[32], expected[128];
    test_certificate_write(&f->server, true, NULL, key_file);
    test_certificate_write(&f->authority, true, "secret", other_file);

    struct hx_tls_options options = {.ca_file = (char[]){"/nonexistent/ca.pem"}};
    assert_context_error(&options, "ca_file /nonexistent/ca.pem: No such file or directory");
    options = (struct hx_tls_options){.ca_file = (char[]){"/dev/null"}};
    assert_context_error(&options, "ca_file /dev/null: no certificate or crl found");
    options = (struct hx_tls_options){.key_file = key_file};
    assert_context_error(&options, "key_file needs a cert_file");
    options = (struct hx_tls_options){.cert_file = (char[]){"/dev/null"}};
    assert_context_error(&options, "cert_file /dev/null: no start line");
    options = (struct hx_tls_options){.cert_file = f->ca_file, .key_file = key_file};
    snprintf(expected, sizeof expected, "key_file %s: key values mismatch", key_file);
    assert_context_error(&options, expected);
    /* An encrypted key is refused without asking for its passphrase on the terminal. */
    options = (struct hx_tls_options){.cert_file = other_file, .key_file = other_file};
    SSL_CTX *context = NULL;
    assert_int_equal(hx_tls_context_new(&options, &context, NULL), HX_ERR_INVALID);
    unlink(key_file);
    unlink(other_file);
}

static void the_earliest_expiry_of_a_chain_counts(void **state)
{
    (void)state;
    struct test_certificate late = test_certificate_new("DNS:a", 30, NULL);
    struct test_certificate early = test_certificate_new("DNS:b", 3, NULL);
    STACK_OF(X509) *chain = sk_X509_new_null();
    assert_int_equal(hx_certificates_expiry(NULL), 0);
    assert_int_equal(hx_certificates_expiry(chain), 0);
    sk_X509_push(chain, late.x509);
    assert_int_equal(hx_certificates_expiry(chain), test_certificate_expiry(&late));
    sk_X509_push(chain, early.x509);
    assert_int_equal(hx_certificates_expiry(chain), test_certificate_expiry(&early));
    sk_X509_free(chain);
    test_certificate_free(&late);
    test_certificate_free(&early);
}

/* Twelve kilobytes each, for thousands of dependencies. */
static void contexts_that_name_no_file_are_shared(void **state)
{
    struct fixture *f = *state;
    struct hx_tls_options options[] = {
        {0},
        {.min_version = HX_TLS_1_3},
        {.insecure_skip_verify = true},
        {.insecure_skip_verify = true, .min_version = HX_TLS_1_3},
        {.ca_file = f->ca_file},
    };
    SSL_CTX *contexts[5], *again[5];
    for (size_t i = 0; i < 5; i++) {
        contexts[i] = context_of(&options[i]);
        again[i] = context_of(&options[i]);
        assert_int_equal(contexts[i] == again[i], options[i].ca_file == NULL);
        for (size_t other = 0; other < i; other++) {
            assert_ptr_not_equal(contexts[i], contexts[other]);
        }
        assert_int_equal(SSL_CTX_get_verify_mode(contexts[i]) == SSL_VERIFY_NONE,
                         options[i].insecure_skip_verify);
        assert_int_equal(SSL_CTX_get_min_proto_version(contexts[i]),
                         options[i].min_version == HX_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    }
    for (size_t i = 0; i < 5; i++) {
        SSL_CTX_free(contexts[i]);
        SSL_CTX_free(again[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contexts_that_name_no_file_are_shared),
        TEST(a_verified_peer_is_talked_to_by_tls),
        TEST(a_last_dot_and_a_wildcard_are_understood),
        TEST(an_address_is_verified_as_one_and_sends_no_sni),
        TEST(a_wrong_host_is_refused),
        TEST(an_expired_certificate_is_refused_and_its_expiry_known),
        TEST(a_self_signed_certificate_is_refused),
        TEST(an_unknown_authority_is_refused),
        TEST(a_self_signed_certificate_given_as_ca_file_is_trusted),
        TEST(what_is_in_ca_file_is_trusted_though_its_issuer_is_not_there),
        TEST(the_system_does_not_trust_our_authority),
        TEST(skipping_verification_takes_any_certificate_but_knows_its_expiry),
        TEST(a_server_without_tls_is_a_tls_failure),
        TEST(an_end_in_the_handshake_is_closed),
        TEST(a_goodbye_is_closed_after_the_last_bytes),
        TEST(an_older_version_is_refused),
        TEST(a_missing_client_certificate_is_a_tls_failure),
        TEST(a_client_certificate_is_shown),
        TEST(a_stream_may_be_closed_when_it_is_secure),
        TEST(a_session_without_memory_is_internal),
        cmocka_unit_test(contexts_without_ca_file_share_one_store),
        TEST(bad_files_are_named),
        cmocka_unit_test(the_earliest_expiry_of_a_chain_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
