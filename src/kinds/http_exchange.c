/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP request by libcurl.
 *
 *     start ─ on_open_socket ─ [on_tls_context ─ on_verify] ─ on_request ─ on_progress ─
 *             on_header … ─ on_body … ─ on_done ─ on_end
 *
 * A kept connection begins with on_request. Our own bounds end a transfer by a short count from
 * on_header or on_body, with a mark that says which; curl's own limits (a Content-Length that is
 * checked, a body that is not) are not relied on.
 *
 * Whose connection is it? All easy handles of a loop are on one multi handle, and its connection
 * cache would give the connection of one dependency to another with the same host and port: their
 * latencies would be mixed, and neither could drop its own. So a handle whose connection is kept
 * has a share object of its own, for its connection cache alone, of which MAXCONNECTS is the bound;
 * to free the share is to close the connection. (A multi handle for each dependency would do the
 * same for two descriptors and 2.5 kB more each; the share costs 6.6 kB.) Other handles leave
 * nothing behind.
 *
 * TLS: curl makes an SSL_CTX for each connection and would read the CA bundle each time, 22 ms of
 * the loop. It is told of no bundle; on_tls_context gives it the store, the client certificate and
 * the lowest version of the context that was prepared once, and the last session when it may be
 * resumed (net/tls_resume.h); curl's own cache of sessions knows no limit of time.
 *
 * The easy handle is made by the first start, reused, and freed by cancel (making one costs less
 * than a microsecond).
 */
#include "kinds/http_exchange.h"

#include "base/clock.h"
#include "base/units.h"
#include "kinds/http_reason.h"
#include "kinds/http_settings.h"
#include "net/tls.h"
#include "net/tls_resume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HEADER_BYTES 65536

/* curl gives up connections that idled for two minutes; their age is the engine's business. */
#define NEVER_TOO_IDLE_S 31536000L

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to);
static int on_close_socket(void *data, curl_socket_t fd);
static CURLcode on_tls_context(CURL *easy, void *context, void *data);
static int on_verify(X509_STORE_CTX *verification, void *data);
static int on_request(void *data, char *to, char *from, int to_port, int from_port);
static int on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up);
static size_t on_header(char *bytes, size_t size, size_t n, void *data);
static size_t on_body(char *bytes, size_t size, size_t n, void *data);
static void on_done(struct hx_curl_transfer *transfer, CURLcode code);

static const struct hx_http_settings *settings_of(const struct hx_http_exchange *exchange)
{
    return hx_check_settings(exchange->check);
}

static const char *address_of(const struct hx_http_exchange *exchange)
{
    return exchange->connect_to_text + 2;
}

/* -------------------------------------------------------------------------- what curl calls -- */

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct hx_http_exchange *exchange = data;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    exchange->step = HX_HTTP_CONNECTING;
    hx_check_enter(exchange->check, HX_PHASE_CONNECT);
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
    if (fd < 0) {
        exchange->socket_error = errno;
        return CURL_SOCKET_BAD;
    }
    exchange->n_sockets++;
    hx_check_connection_opened(exchange->check);
    return fd;
}

/* No connection outlives its exchange, so this one is still there. */
static int on_close_socket(void *data, curl_socket_t fd)
{
    struct hx_http_exchange *exchange = data;
    if (exchange->n_sockets > 0) {
        exchange->n_sockets--;
        hx_check_connection_closed(exchange->check);
    }
    return close(fd);
}

/* A transfer that has failed leaves no socket. Those that never got connected libcurl 7.88 closes
 * without on_close_socket. */
static void forget_sockets(struct hx_http_exchange *exchange)
{
    for (; exchange->n_sockets > 0; exchange->n_sockets--)
        hx_check_connection_closed(exchange->check);
}

/* A client certificate is for the dependency, not for whom it redirects to. */
static bool give_certificate(SSL_CTX *context, SSL_CTX *prepared)
{
    X509 *certificate = SSL_CTX_get0_certificate(prepared);
    EVP_PKEY *key = SSL_CTX_get0_privatekey(prepared);
    STACK_OF(X509) *chain = NULL;
    if (certificate == NULL || key == NULL)
        return true;
    SSL_CTX_get0_chain_certs(prepared, &chain);
    return SSL_CTX_use_cert_and_key(context, certificate, key, chain, 1) == 1;
}

static CURLcode on_tls_context(CURL *easy, void *context, void *data)
{
    (void)easy;
    struct hx_http_exchange *exchange = data;
    SSL_CTX *prepared = settings_of(exchange)->tls;
    hx_check_enter(exchange->check, HX_PHASE_TLS);
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(prepared));
    SSL_CTX_set_cert_verify_callback(context, on_verify, exchange);
    if (SSL_CTX_set_min_proto_version(context, (int)SSL_CTX_get_min_proto_version(prepared)) != 1)
        return CURLE_SSL_CONNECT_ERROR;
    if (!exchange->is_own_origin)
        return CURLE_OK;
    if (!give_certificate(context, prepared))
        return CURLE_SSL_CERTPROBLEM;
    hx_tls_resume_lend(context, prepared);
    return CURLE_OK;
}

/* OpenSSL's own verification, after a look at the chain, which is seen here even if it is refused.
 */
static int on_verify(X509_STORE_CTX *verification, void *data)
{
    struct hx_http_exchange *exchange = data;
    int64_t expiry = hx_certificates_expiry(X509_STORE_CTX_get0_untrusted(verification));
    if (expiry != 0)
        hx_check_certificate_expiry(exchange->check, expiry);
    return X509_verify_cert(verification);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's. */
static int on_request(void *data, char *to, char *from, int to_port, int from_port)
{
    (void)to, (void)from, (void)to_port, (void)from_port;
    struct hx_http_exchange *exchange = data;
    exchange->step = HX_HTTP_SENDING;
    hx_check_enter(exchange->check, HX_PHASE_SEND);
    return CURL_PREREQFUNC_OK;
}

/* curl has no callback for a request that is sent; the first progress after on_request is it. */
static int on_progress(void *data, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    (void)down_total, (void)down, (void)up_total, (void)up;
    struct hx_http_exchange *exchange = data;
    if (exchange->step == HX_HTTP_SENDING) {
        exchange->step = HX_HTTP_WAITING;
        hx_check_enter(exchange->check, HX_PHASE_RECEIVE);
    }
    return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's. */
static size_t on_header(char *bytes, size_t size, size_t n, void *data)
{
    (void)size; /* is 1 */
    struct hx_http_exchange *exchange = data;
    if (exchange->step == HX_HTTP_SENDING)
        hx_check_enter(exchange->check, HX_PHASE_RECEIVE);
    bool is_last = n > 0 && (bytes[0] == '\r' || bytes[0] == '\n');
    exchange->step = is_last ? HX_HTTP_BODY : HX_HTTP_HEADERS;
    exchange->header_bytes += (int64_t)n;
    if (exchange->header_bytes <= MAX_HEADER_BYTES)
        return n;
    exchange->bound = HX_HTTP_BOUND_HEADERS;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    (void)size; /* is 1 */
    struct hx_http_exchange *exchange = data;
    const struct hx_http_settings *settings = settings_of(exchange);
    exchange->body_bytes += (int64_t)n;
    if (exchange->body_bytes > settings->max_body) {
        exchange->bound = HX_HTTP_BOUND_BODY;
        return 0;
    }
    if (hx_http_expect_needs_body(&settings->expect))
        hx_strbuf_append(&exchange->body, bytes, n);
    if (!exchange->body.is_failed)
        return n;
    exchange->bound = HX_HTTP_MEMORY;
    return 0;
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
                 hx_format_size(MAX_HEADER_BYTES, bytes, sizeof(bytes)));
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
        forget_sockets(exchange);
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

static void set_callbacks(CURL *easy, struct hx_http_exchange *exchange)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error_text);
}

static CURLcode set_tls(CURL *easy, struct hx_http_exchange *exchange, bool is_verified)
{
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* libcurl 7.88 keeps the store of the first transfer in the multi handle and gives it to every
     * other one that names no CA file either, after our callback has set its own. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_verified ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_verified ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, exchange);
    /* Without it there is no store, so its failure must be seen. */
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
}

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
    const struct hx_dependency *dependency = hx_check_dependency(exchange->check);
    set_callbacks(easy, exchange);
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
           set_tls(easy, exchange, !dependency->policy.tls.insecure_skip_verify) == CURLE_OK;
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
    forget_sockets(exchange);
    hx_strbuf_fini(&exchange->body);
    *exchange = (struct hx_http_exchange){0};
}
