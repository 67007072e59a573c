/* SPDX-License-Identifier: Apache-2.0 */
/* What of a configuration the kind http refuses, and what it makes of the rest. */
#include "kinds/http_settings.h"

#include "base/option.h"
#include "base/url.h"
#include "kinds/kinds.h"

#include "fake_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bad {
    const char *url;
    const char *option, *value; /* one more option; NULL: none */
    const char *header, *header_value;
    const char *message; /* a part of it */
};

static const struct bad BAD[] = {
    {.url = "http:/health", .message = "expected a URL such as http://host/path"},
    {.url = "http://0x7f000001/", .message = "libcurl reads another host out of it"},
    {.url = "http://h/",
     .header = "X Y",
     .header_value = "v",
     .message = "\"X Y\" is not a header's name"},
    {.url = "http://h/", .header = "", .header_value = "v", .message = "is not a header's name"},
    {.url = "http://h/", .header = "X:", .header_value = "v", .message = "is not a header's name"},
    {.url = "http://h/",
     .header = "X-Token",
     .header_value = "canary\r\nX-Evil: 1",
     .message = "the value of X-Token has a line end"},
    {.url = "http://h/",
     .header = "X-Token",
     .header_value = "canary\n",
     .message = "the value of X-Token has a line end"},
    {.url = "http://h/",
     .header = "content-length",
     .header_value = "5",
     .message = "content-length cannot be set"},
    {.url = "http://h/",
     .header = "Transfer-Encoding",
     .header_value = "chunked",
     .message = "Transfer-Encoding cannot be set"},
    {.url = "http://a@h/",
     .option = "user",
     .value = "b",
     .message = "the user is given both in the URL"},
    {.url = "http://a:canary@h/",
     .option = "password",
     .value = "canary",
     .message = "the password is given both in the URL"},
    {.url = "http://h/",
     .option = "password",
     .value = "canary",
     .message = "a password is given, but no user"},
    {.url = "http://h/", .option = "user", .value = "a:b", .message = "the user holds a ':'"},
    {.url = "http://a:canary@h/",
     .header = "authorization",
     .header_value = "Bearer canary",
     .message = "both a user and the header Authorization"},
    {.url = "http://h/",
     .option = "expect.body_matches",
     .value = "(",
     .message = "expect.body_matches: missing closing parenthesis"},
};

static void set_option(struct hx_dependency *dependency, const char *name, const char *value)
{
    const struct hx_option *option = hx_option_find(hx_kind_http.options, name);
    assert_non_null(option);
    assert_int_equal(hx_option_set(option, dependency->settings, value, NULL), HX_OK);
}

static void put_header(struct hx_dependency *dependency, const char *name, const char *value)
{
    const struct hx_option *option = hx_option_find(hx_kind_http.options, "headers");
    assert_int_equal(hx_option_put(option, dependency->settings, name, value, NULL), HX_OK);
}

static struct hx_http_settings *configure(struct hx_dependency *dependency, const char *url)
{
    memset(dependency, 0, sizeof(*dependency));
    dependency->kind = &hx_kind_http;
    dependency->settings = calloc(1, hx_kind_http.settings_size);
    assert_non_null(dependency->settings);
    assert_int_equal(hx_url_parse(url, &dependency->url, NULL), HX_OK);
    assert_int_equal(hx_options_default(hx_kind_http.options, dependency->settings, NULL), HX_OK);
    return dependency->settings;
}

static void clear(struct hx_dependency *dependency)
{
    hx_options_fini(hx_kind_http.options, dependency->settings);
    free(dependency->settings);
    hx_url_fini(&dependency->url);
}

static void refuses_what_cannot_be_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct hx_dependency dependency;
        struct hx_error err = {0};
        configure(&dependency, BAD[i].url);
        if (BAD[i].option != NULL)
            set_option(&dependency, BAD[i].option, BAD[i].value);
        if (BAD[i].header != NULL)
            put_header(&dependency, BAD[i].header, BAD[i].header_value);
        if (hx_kind_http.prepare(&dependency, &err) != HX_ERR_INVALID)
            fail_msg("case %zu was taken", i);
        if (strstr(err.message, BAD[i].message) == NULL)
            fail_msg("case %zu: \"%s\"", i, err.message);
        assert_null(strstr(err.message, "canary"));
        clear(&dependency);
    }
}

static void refuses_to_look_into_the_body_of_head(void **state)
{
    (void)state;
    struct hx_dependency dependency;
    struct hx_error err = {0};
    configure(&dependency, "http://h/");
    set_option(&dependency, "method", "HEAD");
    set_option(&dependency, "expect.body_contains", "ok");
    assert_int_equal(hx_kind_http.prepare(&dependency, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "HEAD has no body"));
    clear(&dependency);
}

static void makes_the_url_of_its_parts(void **state)
{
    (void)state;
    static const struct {
        const char *url, *made, *host;
        int port;
    } CASES[] = {
        {"http://API.test", "http://api.test/", "api.test", 80},
        {"http://a:b@api.test:8080/x%20y?q=%26", "http://api.test:8080/x%20y?q=%26", "api.test",
         8080},
        {"http://[::1]:81/", "http://[::1]:81/", "::1", 81},
        {"http://[2001:DB8::1]", "http://[2001:db8::1]/", "2001:db8::1", 80},
        {"http://my_host-1/", "http://my_host-1/", "my_host-1", 80},
        {"http://h/a/../b?", "http://h/a/../b?", "h", 80},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct hx_dependency dependency;
        struct hx_error err = {0};
        const struct hx_http_settings *settings = configure(&dependency, CASES[i].url);
        if (hx_kind_http.prepare(&dependency, &err) != HX_OK)
            fail_msg("%s: %s", CASES[i].url, err.message);
        assert_string_equal(settings->target.url, CASES[i].made);
        assert_string_equal(settings->target.host, CASES[i].host);
        assert_int_equal(settings->target.port, CASES[i].port);
        assert_null(settings->tls);
        hx_kind_http.release(&dependency);
        clear(&dependency);
    }
}

static void names_the_host_when_tls_wants_another(void **state)
{
    (void)state;
    struct hx_dependency dependency;
    char server_name[] = "inner.test";
    const struct hx_http_settings *settings = configure(&dependency, "https://10.0.0.7:8443/x");
    dependency.policy.tls.server_name = server_name;
    assert_int_equal(hx_kind_http.prepare(&dependency, NULL), HX_OK);
    assert_string_equal(settings->target.url, "https://inner.test:8443/x");
    assert_string_equal(settings->target.host, "10.0.0.7");
    assert_string_equal(settings->header_list->data, "Host: 10.0.0.7:8443");
    assert_non_null(settings->tls);
    hx_kind_http.release(&dependency);
    clear(&dependency);
}

static void its_tables_are_in_order(void **state)
{
    (void)state;
    size_t n_reasons = 0;
    while (hx_kind_http.reasons[n_reasons] != HX_REASON_NONE)
        n_reasons++;
    assert_int_equal(n_reasons, 12);
    for (const struct hx_option *o = hx_kind_http.options; o->name != NULL; o++) {
        assert_non_null(o->help);
        assert_true(o->offset < hx_kind_http.settings_size);
        assert_true(o->min <= o->max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_be_right),
        cmocka_unit_test(refuses_to_look_into_the_body_of_head),
        cmocka_unit_test(makes_the_url_of_its_parts),
        cmocka_unit_test(names_the_host_when_tls_wants_another),
        cmocka_unit_test(its_tables_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
