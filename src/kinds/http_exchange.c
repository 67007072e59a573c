/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP request by libcurl.
 *
 *     start ─ what curl calls (http_events.c) … ─ on_done ─ on_end
 *
 * Whose connection is it? All easy handles of a loop are on one multi handle, and its connection
 * cache would give the connection of one dependency to another with the same host and port: their
 * latencies would be mixed, and neither could drop its own. So a handle whose connection is kept
 * has a share object of its own, for its connection cache alone, of which MAXCONNECTS is the bound;
 * to free the share is to close the connection. (A multi handle for each dependency would do the
 * same for two descriptors and 2.5 kB more each; the share costs 6.6 kB.) Other handles leave
 * nothing behind.
 *
 * The easy handle is made by the first start, reused, and freed by cancel (making one costs less
 * than a microsecond).
 */
#include "kinds/http_exchange.h"

#include "base/clock.h"
#include "base/units.h"
#include "kinds/http_events.h"
#include "kinds/http_reason.h"
#include "kinds/http_settings.h"
#include "net/tls_resume.h"

#include <stdio.h>
#include <string.h>

/* curl gives up connections that idled for two minutes; their age is the engine's business. */
#define NEVER_TOO_IDLE_S 31536000L

static void on_done(struct hx_curl_transfer *transfer, CURLcode code);

static const struct hx_http_settings *settings_of(const struct hx_http_exchange *exchange)
{
    return hx_check_settings(exchange->check);
}

static const char *address_of(const struct hx_http_exchange *exchange)
{
    return exchange->connect_to_text + 2;
}

/* --------------------------------------------------------------------------------- the end -- */

static void describe_failure(const struct hx_http_exchange *exchange, CURLcode code,
                             enum hx_reason reason, char *text, size_t size)
{
    long os_errno = 0;
    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_OS_ERRNO, &os_errno);
    const char *why =
        exchange->error_text[0] != '\0' ? exchange->error_text : curl_easy_strerror(code);
    if (exchange->socket_error != 0)
        snprintf(text, size, "socket: %s", strerror(exchange->socket_error));
    else if (code == CURLE_COULDNT_CONNECT && os_errno != 0)
        snprintf(text, size, "connect %s: %s", address_of(exchange), strerror((int)os_errno));
    else if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(text, size, "connect %s: no connection in its share of the time",
                 address_of(exchange));
    else if (code == CURLE_OUT_OF_MEMORY && reason == HX_REASON_LIMIT)
        snprintf(text, size, "%s: a header of the reply is too large", address_of(exchange));
    else if (reason == HX_REASON_TLS)
        snprintf(text, size, "TLS with %s: %s", address_of(exchange), why);
    else
        snprintf(text, size, "%s: %s", address_of(exchange), why);
}

static enum hx_reason failure_reason(const struct hx_http_exchange *exchange, CURLcode code)
{
    struct hx_http_failure failure = {
        .code = code,
        .text = exchange->error_text,
        .is_reading_headers = exchange->step == HX_HTTP_HEADERS,
    };
    if (exchange->socket_error != 0)
        return hx_reason_from_errno(exchange->socket_error);
    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_OS_ERRNO, &failure.os_errno);
    return hx_http_reason(&failure);
}

static void end_at_bound(const struct hx_http_exchange *exchange, char *text, size_t size,
                         struct hx_http_outcome *outcome)
{
    char bytes[32];
    outcome->reason = HX_REASON_LIMIT;
    switch (exchange->bound) {
    case HX_HTTP_BOUND_NONE:
        break;
    case HX_HTTP_BOUND_HEADERS:
        snprintf(text, size, "the reply's headers are larger than %s",
                 hx_format_size(HX_HTTP_MAX_HEADER_BYTES, bytes, sizeof(bytes)));
        break;
    case HX_HTTP_BOUND_BODY:
        snprintf(text, size, "the reply's body is larger than max_body, %s",
                 hx_format_size(settings_of(exchange)->max_body, bytes, sizeof(bytes)));
        break;
    case HX_HTTP_MEMORY:
        outcome->reason = HX_REASON_INTERNAL;
        snprintf(text, size, "out of memory");
        break;
    }
}

static void on_done(struct hx_curl_transfer *transfer, CURLcode code)
{
    /* The transfer is the first member. */
    struct hx_http_exchange *exchange = (struct hx_http_exchange *)(void *)transfer;
    char text[CURL_ERROR_SIZE + HX_ADDRESS_TEXT_SIZE + 32] = "";
    struct hx_http_outcome outcome = {.reason = HX_REASON_NONE, .message = text};
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &outcome.status);
    if (code != CURLE_OK)
        hx_http_events_forget_sockets(exchange);
    if (exchange->bound != HX_HTTP_BOUND_NONE) {
        end_at_bound(exchange, text, sizeof(text), &outcome);
    } else if (code != CURLE_OK) {
        outcome.reason = failure_reason(exchange, code);
        outcome.is_connect = code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
        describe_failure(exchange, code, outcome.reason, text, sizeof(text));
    } else if (exchange->step == HX_HTTP_HEADERS) { /* which libcurl takes for a whole reply */
        outcome.reason = HX_REASON_CLOSED;
        snprintf(text, sizeof(text), "%s: connection closed within the headers",
                 address_of(exchange));
    }
    if (outcome.reason != HX_REASON_NONE && settings_of(exchange)->tls != NULL)
        hx_tls_resume_forget(settings_of(exchange)->tls);
    exchange->is_connected = code == CURLE_OK && exchange->cache != NULL && exchange->is_own_origin;
    exchange->on_end(exchange->check, &outcome);
}

/* --------------------------------------------------------------------------- the beginning -- */

static CURLcode set_method(CURL *easy, int method)
{
    if (method == HX_HTTP_HEAD)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (method == HX_HTTP_OPTIONS)
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "OPTIONS");
    return CURLE_OK;
}

/* What holds for all requests of the dependency. Those that guard us are checked. */
static bool set_up(CURL *easy, struct hx_http_exchange *exchange)
{
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, NEVER_TOO_IDLE_S);
    return curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "health_exporter") == CURLE_OK &&
           set_method(easy, settings_of(exchange)->method) == CURLE_OK &&
           hx_http_events_listen(easy, exchange);
}

static bool make_easy(struct hx_http_exchange *exchange)
{
    if (exchange->transfer.easy != NULL)
        return true;
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return false;
    if (!set_up(easy, exchange)) {
        curl_easy_cleanup(easy);
        return false;
    }
    exchange->transfer.easy = easy;
    exchange->transfer.on_done = on_done;
    return true;
}

static bool make_cache(struct hx_http_exchange *exchange)
{
    if (exchange->cache != NULL)
        return true;
    CURLSH *cache = curl_share_init();
    if (cache == NULL)
        return false;
    if (curl_share_setopt(cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK ||
        curl_easy_setopt(exchange->transfer.easy, CURLOPT_SHARE, cache) != CURLE_OK) {
        curl_share_cleanup(cache);
        return false;
    }
    exchange->cache = cache;
    return true;
}

/* Keeps the connection behind the exchange, or leaves none. */
static bool set_keeping(struct hx_http_exchange *exchange)
{
    CURL *easy = exchange->transfer.easy;
    int connection = hx_check_dependency(exchange->check)->policy.connection;
    bool is_kept = connection == HX_CONNECTION_KEEP && exchange->is_own_origin;
    exchange->transfer.is_kept = is_kept;
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_kept ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, is_kept ? 0L : 1L);
    return !is_kept || make_cache(exchange);
}

/* What is asked for, and with which headers. It mostly is as the last time: then curl need not copy
 * it again. */
static bool set_target(struct hx_http_exchange *exchange, const struct hx_http_target *target)
{
    const struct hx_http_settings *settings = settings_of(exchange);
    bool is_first = target == &settings->target; /* no redirect leads there */
    if (is_first && exchange->has_first_target)
        return true;
    exchange->has_first_target = false;
    /* What is for the dependency alone, credentials among it, is not for other origins. */
    curl_easy_setopt(exchange->transfer.easy, CURLOPT_HTTPHEADER,
                     target->is_own_origin ? settings->header_list : NULL);
    if (curl_easy_setopt(exchange->transfer.easy, CURLOPT_URL, target->url) != CURLE_OK)
        return false;
    exchange->has_first_target = is_first;
    return true;
}

/* An empty host and port before the address: whatever the URL says, this is where to connect. */
static void set_address(struct hx_http_exchange *exchange, const struct hx_address *address)
{
    if (!hx_address_equal(address, &exchange->address)) {
        exchange->address = *address;
        memcpy(exchange->connect_to_text, "::", 2);
        hx_address_text(address, exchange->connect_to_text + 2);
    }
    exchange->connect_to.data = exchange->connect_to_text;
    exchange->connect_to.next = NULL;
    curl_easy_setopt(exchange->transfer.easy, CURLOPT_CONNECT_TO, &exchange->connect_to);
}

static void set_connect_timeout(struct hx_http_exchange *exchange, int64_t timeout_ns)
{
    /* curl's 0 would mean five minutes; no check lasts longer than a day. */
    long timeout_ms = 86400000L;
    if (timeout_ns > 0)
        timeout_ms = (long)(timeout_ns / HX_NS_PER_MS) + 1;
    curl_easy_setopt(exchange->transfer.easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
}

static void reset_counts(struct hx_http_exchange *exchange)
{
    exchange->step = HX_HTTP_CONNECTING;
    exchange->bound = HX_HTTP_BOUND_NONE;
    exchange->socket_error = 0;
    exchange->header_bytes = 0;
    exchange->body_bytes = 0;
    exchange->error_text[0] = '\0';
    hx_strbuf_clear(&exchange->body);
}

bool hx_http_exchange_start(struct hx_http_exchange *exchange, struct hx_check *check,
                            const struct hx_http_target *target, const struct hx_address *address,
                            int64_t connect_timeout_ns, hx_http_outcome_cb on_end)
{
    exchange->check = check;
    exchange->on_end = on_end;
    exchange->is_own_origin = target->is_own_origin;
    if (!target->is_own_origin || !hx_address_equal(address, &exchange->address))
        hx_http_exchange_disconnect(exchange);
    reset_counts(exchange);
    if (!make_easy(exchange) || !set_keeping(exchange) || !set_target(exchange, target))
        return false;
    set_address(exchange, address);
    set_connect_timeout(exchange, connect_timeout_ns);
    hx_check_enter(check, exchange->is_connected ? HX_PHASE_SEND : HX_PHASE_CONNECT);
    return hx_curl_loop_add(hx_check_shared(check), &exchange->transfer) == HX_OK;
}

const char *hx_http_exchange_location(const struct hx_http_exchange *exchange)
{
    char *location = NULL;
    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_REDIRECT_URL, &location);
    return location;
}

void hx_http_exchange_disconnect(struct hx_http_exchange *exchange)
{
    if (exchange->cache != NULL) {
        curl_easy_setopt(exchange->transfer.easy, CURLOPT_SHARE, NULL);
        curl_share_cleanup(exchange->cache);
    }
    exchange->cache = NULL;
    exchange->is_connected = false;
}

void hx_http_exchange_forget(struct hx_http_exchange *exchange)
{
    hx_strbuf_fini(&exchange->body);
}

void hx_http_exchange_cancel(struct hx_http_exchange *exchange, struct hx_curl_loop *loop)
{
    hx_curl_loop_remove(loop, &exchange->transfer);
    hx_http_exchange_disconnect(exchange);
    curl_easy_cleanup(exchange->transfer.easy);
    hx_http_events_forget_sockets(exchange);
    hx_curl_loop_unwatch(&exchange->transfer);
    hx_strbuf_fini(&exchange->body);
    *exchange = (struct hx_http_exchange){0};
}
