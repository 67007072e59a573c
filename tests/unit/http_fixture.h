/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dependency of kind http with a server on the same loop, and a resolver that knows what the test
 * tells it. It is included by the one file of a test program.
 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "kinds/http_settings.h"
#include "kinds/kinds.h"
#include "net/resolver.h"

#include "fake_check.h"
#include "http_peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATIENCE_NS (10 * HX_NS_PER_S)
#define TIMEOUT_NS  (5 * HX_NS_PER_S)

/* ---- the resolver's stand-in: one answer to every name; literals are themselves ---- */

struct hx_resolver {
    const char *addresses[4]; /* ends with NULL; none at all: the name does not exist */
    bool is_silent;
    char asked[128]; /* the last name */
};

struct hx_lookup {
    bool is_cancelled;
};

static struct hx_lookup the_lookup;

void hx_resolver_lookup(struct hx_resolver *resolver, const char *host, uint16_t port,
                        hx_resolve_cb cb, void *data, struct hx_lookup **lookup)
{
    struct hx_address addresses[4];
    struct hx_resolved resolved = {.addresses = addresses};
    snprintf(resolver->asked, sizeof(resolver->asked), "%s", host);
    the_lookup.is_cancelled = false;
    *lookup = resolver->is_silent ? &the_lookup : NULL;
    if (resolver->is_silent)
        return;
    if (hx_address_parse(host, port, &addresses[0]))
        resolved.n = 1;
    for (size_t i = 0; i < 4 && resolved.n == i && resolver->addresses[i] != NULL; i++)
        if (hx_address_parse(resolver->addresses[i], port, &addresses[i]))
            resolved.n++;
    if (resolved.n == 0) {
        resolved.reason = HX_REASON_DNS;
        resolved.message = "no such name";
    }
    cb(data, &resolved);
}

void hx_lookup_cancel(struct hx_lookup *lookup)
{
    if (lookup != NULL)
        lookup->is_cancelled = true;
}

/* ---- the fixture ---- */

struct fixture {
    uv_loop_t loop;
    struct http_peer peer;
    struct hx_resolver resolver;
    struct hx_check check;
    void *shared;
    char url[128]; /* "http://api.test:PORT" */
};

/* Parses the URL and sets the defaults, and a kept connection. */
static inline void configure(struct hx_check *check, const char *url)
{
    struct hx_error err = {0};
    struct hx_dependency *dependency = &check->dependency;
    if (hx_url_parse(url, &dependency->url, &err) != HX_OK ||
        hx_options_default(hx_policy_options, &dependency->policy, &err) != HX_OK ||
        hx_options_default(hx_kind_http.options, dependency->settings, &err) != HX_OK)
        fail_msg("%s: %s", url, err.message);
    dependency->policy.connection = HX_CONNECTION_KEEP;
}

/* Sets an option of the kind; for lists, the only item. */
static inline void set_option(struct hx_check *check, const char *name, const char *value)
{
    struct hx_error err = {0};
    const struct hx_option *option = hx_option_find(hx_kind_http.options, name);
    assert_non_null(option);
    hx_option_clear(option, check->dependency.settings);
    if (hx_option_set(option, check->dependency.settings, value, &err) != HX_OK)
        fail_msg("%s: %s", name, err.message);
}

static inline void put_option(struct hx_check *check, const char *map, const char *name,
                              const char *value)
{
    const struct hx_option *option = hx_option_find(hx_kind_http.options, map);
    assert_non_null(option);
    assert_int_equal(hx_option_put(option, check->dependency.settings, name, value, NULL), HX_OK);
}

static inline void prepare(struct hx_check *check)
{
    struct hx_error err = {0};
    if (hx_kind_http.prepare(&check->dependency, &err) != HX_OK)
        fail_msg("%s", err.message);
}

/* Frees what configure, set_option and prepare made. */
static inline void clear_dependency(struct hx_check *check)
{
    hx_kind_http.release(&check->dependency);
    hx_options_fini(hx_kind_http.options, check->dependency.settings);
    hx_options_fini(hx_policy_options, &check->dependency.policy);
    hx_url_fini(&check->dependency.url);
}

static inline void check_init(struct hx_check *check, struct fixture *f)
{
    fake_check_init(check, &hx_kind_http, &f->loop);
    check->resolver = &f->resolver;
    check->shared = f->shared;
}

static inline void check_fini(struct hx_check *check)
{
    hx_kind_http.cancel(check);
    hx_kind_http.cancel(check);
    clear_dependency(check);
    fake_check_fini(check);
}

/* Routes are given by the test program. */
static inline struct fixture *fixture_new(const struct http_peer_route *routes)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    /* As the program does: neither libuv nor libcurl does it. */
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(hx_kind_http.attach(&f->loop, &f->shared, NULL), HX_OK);
    http_peer_open(&f->peer, &f->loop, "127.0.0.1", routes);
    f->resolver.addresses[0] = "127.0.0.1";
    snprintf(f->url, sizeof(f->url), "http://api.test:%d", f->peer.port);
    check_init(&f->check, f);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    check_fini(&f->check);
    hx_kind_http.detach(f->shared);
    http_peer_close(&f->peer);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
}

/* Configures the fixture's own check with a path on its server. */
static inline void configure_path(struct fixture *f, const char *path)
{
    char url[256];
    snprintf(url, sizeof(url), "%s%s", f->url, path);
    configure(&f->check, url);
}

static inline void turn_until(struct fixture *f, bool (*is_reached)(struct fixture *f))
{
    uint64_t ends = uv_hrtime() + (uint64_t)PATIENCE_NS;
    while (!is_reached(f) && uv_hrtime() < ends)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_true(is_reached(f));
}

static inline bool is_finished(struct fixture *f)
{
    return f->check.n_finished > 0;
}

static inline bool is_nobody_connected(struct fixture *f)
{
    return f->peer.n_open == 0;
}

/* One check, from start to end, as the engine does it: a failed one is cancelled. */
static inline enum hx_reason run_check(struct fixture *f, struct hx_check *check)
{
    uint64_t ends = uv_hrtime() + (uint64_t)PATIENCE_NS;
    fake_check_begin(check, TIMEOUT_NS);
    while (check->n_finished == 0 && uv_hrtime() < ends)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(check->n_finished, 1);
    if (check->reason != HX_REASON_NONE ||
        check->dependency.policy.connection == HX_CONNECTION_FRESH)
        hx_kind_http.cancel(check);
    return check->reason;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

#endif
