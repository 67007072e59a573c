/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind http: asks a URL and judges the reply.
 *
 *     start ─ look up ─ on_resolved ─ ask ─ on_outcome ─┬─ judge ─ finish
 *               │                      │                ├─ next address ─ ask
 *               └──────────────────────┴────────────────┴─ follow ─ look up …
 *
 * A name's addresses are tried in turn: one that gives no connection leaves the rest of the time to
 * those behind it. Redirects are followed here, not by curl, because each of them needs our own
 * lookup, our rules of where it may lead, and what is left of the one deadline; a status that is
 * expected is never followed.
 *
 * The kept connection, the easy handle and the lookup under way lie in the run; cancel drops them
 * all. What belongs to a single check (body, redirected target) is dropped at its end.
 */
#include "kinds/http_exchange.h"
#include "kinds/http_settings.h"
#include "kinds/kinds.h"

#include "base/clock.h"
#include "net/resolver.h"

#include <string.h>

/* Trying more of them would leave none enough time. */
#define MAX_ADDRESSES 4

enum { VALUE_STATUS, VALUE_BODY_BYTES };

struct http_run {
    struct hx_http_exchange exchange;
    struct hx_lookup *lookup;
    struct hx_http_target redirected; /* url NULL: not redirected */
    int64_t n_redirects;
    size_t n_addresses;
    size_t next_address;
    struct hx_address addresses[MAX_ADDRESSES];
};

static void on_resolved(void *data, const struct hx_resolved *resolved);
static void on_outcome(struct hx_check *check, const struct hx_http_outcome *outcome);

static const char *const SCHEMES[] = {"http", "https", NULL};
static const char *const EXAMPLES[] = {
    "https://api.example.com/health",
    "http://reco.internal:8080/healthz",
    NULL,
};
static const char *const METHODS[] = {"GET", "HEAD", "OPTIONS", NULL};
static const char *const VALUES[] = {
    [VALUE_STATUS] = "status",
    [VALUE_BODY_BYTES] = "body_bytes",
    NULL,
};
static const enum hx_reason REASONS[] = {
    HX_REASON_DNS,    HX_REASON_REFUSED,   HX_REASON_UNREACHABLE, HX_REASON_CLOSED,
    HX_REASON_TLS,    HX_REASON_AUTH,      HX_REASON_PROTOCOL,    HX_REASON_LIMIT,
    HX_REASON_STATUS, HX_REASON_ASSERTION, HX_REASON_UNAVAILABLE, HX_REASON_BLOCKED,
    HX_REASON_NONE,
};

#define FIELD(name) offsetof(struct hx_http_settings, name)
static const struct hx_option OPTIONS[] = {
    {.name = "method",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(method),
     .fallback = "GET",
     .choices = METHODS,
     .help = "the request's method; only those that change nothing"},
    {.name = "headers",
     .type = HX_OPTION_MAP,
     .offset = FIELD(headers),
     .help = "headers to send; never sent to another host, port or scheme"},
    {.name = "user",
     .type = HX_OPTION_STRING,
     .offset = FIELD(user),
     .help = "the user for Basic authentication, when the URL names none"},
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = FIELD(password),
     .help = "the user's password, when the URL has none"},
    {.name = "expect.status",
     .type = HX_OPTION_STATUSES,
     .offset = FIELD(expect.statuses),
     .fallback = "200-299",
     .help = "statuses that pass"},
    {.name = "expect.body_contains",
     .type = HX_OPTION_STRING,
     .offset = FIELD(expect.body_contains),
     .help = "a text that must be in the body"},
    {.name = "expect.body_matches",
     .type = HX_OPTION_STRING,
     .offset = FIELD(expect.body_matches),
     .help = "a regular expression (PCRE2) that must match somewhere in the body, within 20ms"},
    {.name = "expect.json",
     .type = HX_OPTION_MAP,
     .is_public = true,
     .offset = FIELD(expect.json),
     .help = "JSON pointers and the text, number, true, false or null that must be there, in a "
             "body of up to 64KiB"},
    {.name = "max_body",
     .type = HX_OPTION_SIZE,
     .offset = FIELD(max_body),
     .fallback = "1MiB",
     .min = 1,
     .max = INT64_C(64) * 1024 * 1024,
     .help = "bytes; a larger body fails the check"},
    {.name = "max_redirects",
     .type = HX_OPTION_INT,
     .offset = FIELD(max_redirects),
     .fallback = "0",
     .min = 0,
     .max = 20,
     .help = "redirects to follow; with 0 a redirect is a reply as any other"},
    {.name = NULL},
};
#undef FIELD

static const struct hx_http_target *target_of(const struct hx_check *check)
{
    const struct http_run *run = hx_check_run(check);
    const struct hx_http_settings *settings = hx_check_settings(check);
    return run->redirected.url != NULL ? &run->redirected : &settings->target;
}

/* --------------------------------------------------------------------------------- the end -- */

/* The run may be cancelled, started again or freed by this: it is the last that a callback does. */
static void finish(struct hx_check *check, enum hx_reason reason, const char *message)
{
    struct http_run *run = hx_check_run(check);
    if (run->redirected.url != NULL)
        hx_http_target_fini(&run->redirected);
    hx_http_exchange_forget(&run->exchange);
    hx_check_finish(check, reason, message);
}

/* ------------------------------------------------------------------------------- the lookup -- */

static void look_up(struct hx_check *check)
{
    struct http_run *run = hx_check_run(check);
    const struct hx_http_target *target = target_of(check);
    hx_check_enter(check, HX_PHASE_RESOLVE);
    hx_resolver_lookup(hx_check_resolver(check), target->host, target->port, on_resolved, check,
                       &run->lookup);
}

/* The address of the kept connection comes first: while the name still has it, it is used. */
static void order_addresses(struct http_run *run, const struct hx_resolved *resolved)
{
    size_t kept = resolved->n;
    run->n_addresses = 0;
    run->next_address = 0;
    for (size_t i = 0; i < resolved->n && run->exchange.is_connected; i++)
        if (hx_address_equal(&resolved->addresses[i], &run->exchange.address))
            kept = i;
    if (kept < resolved->n)
        run->addresses[run->n_addresses++] = resolved->addresses[kept];
    for (size_t i = 0; i < resolved->n && run->n_addresses < MAX_ADDRESSES; i++)
        if (i != kept)
            run->addresses[run->n_addresses++] = resolved->addresses[i];
}

/* Its share of the time that is left; the last address has all of it. */
static int64_t connect_timeout_ns(const struct hx_check *check, size_t n_addresses_left)
{
    if (n_addresses_left < 2)
        return 0;
    int64_t left = hx_check_deadline_ns(check) - hx_clock_monotonic_ns();
    return left > 0 ? left / (int64_t)n_addresses_left : 1;
}

static void ask_next_address(struct hx_check *check)
{
    struct http_run *run = hx_check_run(check);
    int64_t timeout = connect_timeout_ns(check, run->n_addresses - run->next_address);
    const struct hx_address *address = &run->addresses[run->next_address++];
    if (!hx_http_exchange_start(&run->exchange, check, target_of(check), address, timeout,
                                on_outcome))
        finish(check, HX_REASON_INTERNAL, "out of memory");
}

static void on_resolved(void *data, const struct hx_resolved *resolved)
{
    struct hx_check *check = data;
    struct http_run *run = hx_check_run(check);
    run->lookup = NULL;
    if (resolved->n == 0) {
        finish(check, resolved->reason, resolved->message);
        return;
    }
    order_addresses(run, resolved);
    ask_next_address(check);
}

/* -------------------------------------------------------------------------------- the reply -- */

static void judge(struct hx_check *check, long status)
{
    const struct hx_http_settings *settings = hx_check_settings(check);
    const struct http_run *run = hx_check_run(check);
    const struct hx_strbuf *body = &run->exchange.body;
    struct hx_http_verdict verdict;
    hx_http_expect_judge_status(&settings->expect, status, &verdict);
    if (verdict.reason == HX_REASON_NONE)
        hx_http_expect_judge_body(&settings->expect, hx_strbuf_text(body), body->len, &verdict);
    finish(check, verdict.reason, verdict.message);
}

static void follow(struct hx_check *check, const char *location)
{
    struct http_run *run = hx_check_run(check);
    const struct hx_http_settings *settings = hx_check_settings(check);
    struct hx_http_target next;
    struct hx_http_verdict verdict;
    if (run->n_redirects >= settings->max_redirects) {
        finish(check, HX_REASON_LIMIT, "redirected more often than max_redirects allows");
        return;
    }
    run->n_redirects++;
    if (!hx_http_target_redirect(hx_check_dependency(check), target_of(check), location, &next,
                                 &verdict)) {
        finish(check, verdict.reason, verdict.message);
        return;
    }
    hx_http_target_fini(&run->redirected);
    run->redirected = next;
    look_up(check);
}

static void on_reply(struct hx_check *check, long status)
{
    const struct http_run *run = hx_check_run(check);
    const struct hx_http_settings *settings = hx_check_settings(check);
    const char *location = hx_http_exchange_location(&run->exchange);
    hx_check_value(check, VALUE_STATUS, (double)status);
    hx_check_value(check, VALUE_BODY_BYTES, (double)run->exchange.body_bytes);
    if (location != NULL && settings->max_redirects > 0 &&
        !hx_http_expect_has_status(&settings->expect, status))
        follow(check, location);
    else
        judge(check, status);
}

static void on_outcome(struct hx_check *check, const struct hx_http_outcome *outcome)
{
    const struct http_run *run = hx_check_run(check);
    bool has_next = run->next_address < run->n_addresses;
    if (outcome->reason == HX_REASON_NONE)
        on_reply(check, outcome->status);
    else if (outcome->is_connect && has_next) /* also when this host cannot use the address */
        ask_next_address(check);
    else
        finish(check, outcome->reason, outcome->message);
}

/* --------------------------------------------------------------------------------- the kind -- */

static void start(struct hx_check *check)
{
    struct http_run *run = hx_check_run(check);
    run->n_redirects = 0;
    look_up(check);
}

static void cancel(struct hx_check *check)
{
    struct http_run *run = hx_check_run(check);
    hx_lookup_cancel(run->lookup);
    run->lookup = NULL;
    hx_http_exchange_cancel(&run->exchange, hx_check_shared(check));
    hx_http_target_fini(&run->redirected);
}

static enum hx_errcode attach(struct uv_loop_s *loop, void **shared, struct hx_error *err)
{
    struct hx_curl_loop *made = NULL;
    enum hx_errcode code = hx_curl_loop_new(loop, &made, err);
    *shared = made;
    return code;
}

static void detach(void *shared)
{
    hx_curl_loop_free(shared);
}

const struct hx_kind hx_kind_http = {
    .name = "http",
    .summary = "asks a URL by HTTP/1.1 and judges status and body of the reply",
    .schemes = SCHEMES,
    .tls_schemes = (const char *const[]){"https", NULL},
    .is_connection_kept = true,
    .has_connections = true,
    .examples = EXAMPLES,
    .options = OPTIONS,
    .reasons = REASONS,
    .values = VALUES,
    .settings_size = sizeof(struct hx_http_settings),
    .run_size = sizeof(struct http_run),
    .prepare = hx_http_settings_prepare,
    .attach = attach,
    .detach = detach,
    .start = start,
    .cancel = cancel,
    .release = hx_http_settings_release,
};
