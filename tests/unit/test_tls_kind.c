/* SPDX-License-Identifier: Apache-2.0 */
/* Kind tls: handshakes, expiry, and what comes after. */
#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "fake_check.h"
#include "kinds/kinds.h"
#include "net/resolver.h"
#include "peer.h"
#include "test_certificates.h"

struct fixture {
    uv_loop_t loop;
    struct peer peer;
    struct hx_check check;
    struct test_certificate server; /* signed by itself, and the ca_file */
    char ca_file[32];
    bool is_prepared;
};

static void serve(struct fixture *f, const char *names, int days_left)
{
    f->server = test_certificate_new(names, days_left, NULL);
    f->peer.context = test_server_context(&f->server);
    test_certificate_write(&f->server, false, NULL, f->ca_file);
    f->check.dependency.policy.tls.ca_file = f->ca_file;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    peer_open(&f->peer, &f->loop, PEER_ECHOES);
    fake_check_init(&f->check, &hx_kind_tls, &f->loop);
    assert_int_equal(hx_kind_tls.attach(&f->loop, &f->check.shared, NULL), HX_OK);
    assert_int_equal(hx_resolver_new(&f->loop, NULL, &f->check.resolver, NULL), HX_OK);
    assert_int_equal(hx_options_default(hx_kind_tls.options, f->check.dependency.settings, NULL),
                     HX_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hx_kind_tls.cancel(&f->check);
    if (f->is_prepared) {
        hx_kind_tls.release(&f->check.dependency);
    }
    hx_options_fini(hx_kind_tls.options, f->check.dependency.settings);
    hx_url_fini(&f->check.dependency.url);
    hx_kind_tls.detach(f->check.shared);
    hx_resolver_free(f->check.resolver);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    SSL_CTX_free(f->peer.context);
    test_certificate_free(&f->server);
    unlink(f->ca_file);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

static void set(struct fixture *f, const char *option, const char *text)
{
    const struct hx_option *found = hx_option_find(hx_kind_tls.options, option);
    assert_non_null(found);
    assert_int_equal(hx_option_set(found, f->check.dependency.settings, text, NULL), HX_OK);
}

static void check(struct fixture *f)
{
    char url[64];
    struct hx_error err = {0};
    snprintf(url, sizeof url, "tls://localhost:%u", f->peer.port);
    assert_int_equal(hx_url_parse(url, &f->check.dependency.url, NULL), HX_OK);
    if (hx_kind_tls.prepare(&f->check.dependency, &err) != HX_OK) {
        fail_msg("%s", err.message);
    }
    f->is_prepared = true;
    fake_check_begin(&f->check, 5 * HX_NS_PER_S);
    RUN_UNTIL(&f->loop, f->check.n_finished > 0);
    assert_int_equal(f->check.n_finished, 1);
}

static void assert_result(const struct fixture *f, enum hx_reason reason, const char *message)
{
    assert_string_equal(hx_reason_text(f->check.reason), hx_reason_text(reason));
    assert_string_equal(f->check.message, message);
    assert_int_equal(f->check.certificate_expiry, test_certificate_expiry(&f->server));
}

static void a_good_certificate_passes_and_tells_its_expiry(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:localhost", 10);
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    assert_int_equal(f->check.last_phase, HX_PHASE_TLS);
}

static void a_wrong_name_fails_and_tells_the_expiry(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:other.test", 10);
    check(f);
    assert_result(f, HX_REASON_TLS, "hostname mismatch");
}

static void server_name_takes_the_place_of_the_host(void **state)
{
    struct fixture *f = *state;
    char name[] = "other.test";
    serve(f, "DNS:other.test", 10);
    f->check.dependency.policy.tls.server_name = name;
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    assert_string_equal(f->peer.server_name, "other.test");
}

static void a_certificate_that_expires_too_soon_is_an_assertion(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:localhost", 10);
    set(f, "min_days", "11");
    check(f);
    assert_result(f, HX_REASON_ASSERTION, "certificate expires in 10 days, expected at least 11");
}

static void a_certificate_with_enough_days_passes(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:localhost", 10);
    set(f, "min_days", "10");
    check(f);
    assert_result(f, HX_REASON_NONE, "");
}

static void texts_travel_inside_tls(void **state)
{
    struct fixture *f = *state;
    serve(f, "DNS:localhost", 10);
    set(f, "send", "PING\\r\\n");
    set(f, "expect", "PING");
    check(f);
    assert_result(f, HX_REASON_NONE, "");
    assert_int_equal(f->peer.n_received, 6);
}

static void a_bad_ca_file_fails_the_configuration(void **state)
{
    struct fixture *f = *state;
    struct hx_error err = {0};
    char path[] = "/nonexistent/ca.pem";
    serve(f, "DNS:localhost", 10);
    f->check.dependency.policy.tls.ca_file = path;
    set(f, "send", "x");
    assert_int_equal(hx_url_parse("tls://localhost:1", &f->check.dependency.url, NULL), HX_OK);
    assert_int_equal(hx_kind_tls.prepare(&f->check.dependency, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "ca_file /nonexistent/ca.pem: No such file or directory");
    hx_url_fini(&f->check.dependency.url);
    assert_int_equal(hx_url_parse("tls://localhost", &f->check.dependency.url, NULL), HX_OK);
    assert_int_equal(hx_kind_tls.prepare(&f->check.dependency, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "expected tls://host:port and no more");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_certificate_passes_and_tells_its_expiry),
        TEST(a_wrong_name_fails_and_tells_the_expiry),
        TEST(server_name_takes_the_place_of_the_host),
        TEST(a_certificate_that_expires_too_soon_is_an_assertion),
        TEST(a_certificate_with_enough_days_passes),
        TEST(texts_travel_inside_tls),
        TEST(a_bad_ca_file_fails_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
