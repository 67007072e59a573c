/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What curl calls while an exchange goes on.
 *
 *     on_open_socket ─ [on_tls_context ─ on_verify] ─ on_request ─ on_progress ─
 *     on_header … ─ on_body … ─ on_close_socket
 *
 * A kept connection begins with on_request. Our own bounds end a transfer by a short count from
 * on_header or on_body, with a mark that says which; curl's own limits (a Content-Length that is
 * checked, a body that is not) are not relied on.
 *
 * TLS: curl makes an SSL_CTX for each connection and would read the CA bundle each time, 22 ms of
 * the loop. It is told of no bundle; on_tls_context gives it the store, the client certificate and
 * the lowest version of the context that was prepared once, and the last session when it may be
 * resumed (net/tls_resume.h); curl's own cache of sessions knows no limit of time.
 */
#include "kinds/http_events.h"

#include "kinds/http_settings.h"
#include "net/tls.h"
#include "net/tls_resume.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct hx_http_settings *settings_of(const struct hx_http_exchange *exchange)
{
    return hx_check_settings(exchange->check);
}

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
    hx_curl_loop_unwatch(&exchange->transfer);
    if (exchange->n_sockets > 0) {
        exchange->n_sockets--;
        hx_check_connection_closed(exchange->check);
    }
    return close(fd);
}

void hx_http_events_forget_sockets(struct hx_http_exchange *exchange)
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
    if (exchange->header_bytes <= HX_HTTP_MAX_HEADER_BYTES)
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

bool hx_http_events_listen(CURL *easy, struct hx_http_exchange *exchange)
{
    const struct hx_dependency *dependency = hx_check_dependency(exchange->check);
    set_callbacks(easy, exchange);
    return set_tls(easy, exchange, !dependency->policy.tls.insecure_skip_verify) == CURLE_OK;
}
