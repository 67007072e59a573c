/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of it happens in callbacks of the context, since libcurl makes its SSL objects out of our
 * reach:
 *
 *     handshake starts ─ the session is taken ─ handshake done ─ (tickets) ─ a session is put back
 *
 * A session is used once (RFC 8446, appendix C.4): what failed with it is not tried with it again.
 * TLS 1.3 brings new tickets each time; TLS 1.2 need not, so there the session itself is put back.
 * Contexts are shared by threads, therefore the atomics; who comes second finds nothing and makes a
 * full handshake.
 */
#include "net/tls_resume.h"

#include "base/clock.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    _Atomic(SSL_SESSION *) session; /* NULL: none */
    _Atomic int64_t verified_ns;    /* the last full handshake */
};

static pthread_once_t indexes_once = PTHREAD_ONCE_INIT;
static int own_index, lent_index; /* of a context's memory */

static void on_session_info(const SSL *ssl, int where, int result);
static int on_new_session(SSL *ssl, SSL_SESSION *session);

/* NULL: forgets what is there. A copy, because OpenSSL spoils the connection's own when the peer
 * leaves without a goodbye, as many servers do. */
static void put(struct memory *memory, const SSL_SESSION *session)
{
    SSL_SESSION *copy = session != NULL ? SSL_SESSION_dup(session) : NULL;
    SSL_SESSION_free(atomic_exchange(&memory->session, copy));
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): the type is OpenSSL's. */
static void free_memory(void *parent, void *data, CRYPTO_EX_DATA *extra, int index, long argument,
                        void *pointer)
{
    struct memory *memory = data;
    (void)parent, (void)extra, (void)index, (void)argument, (void)pointer;
    if (memory != NULL) {
        put(memory, NULL);
        free(memory);
    }
}

static void make_indexes(void)
{
    own_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_memory);
    lent_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct memory *memory_of(const SSL *ssl)
{
    const SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    struct memory *own = SSL_CTX_get_ex_data(context, own_index);
    return own != NULL ? own : SSL_CTX_get_ex_data(context, lent_index);
}

static bool is_expired(const SSL *ssl)
{
    int64_t expiry = hx_tls_certificate_expiry(ssl);
    return expiry <= hx_clock_wall_ns() / HX_NS_PER_S;
}

static void offer_session(SSL *ssl, struct memory *memory)
{
    int64_t age_ns = hx_clock_monotonic_ns() - atomic_load(&memory->verified_ns);
    SSL_SESSION *session = atomic_exchange(&memory->session, NULL);
    if (session == NULL) {
        return;
    }
    if (age_ns < HX_TLS_RESUME_FOR_NS && SSL_set_session(ssl, session) == 1 && is_expired(ssl)) {
        SSL_set_session(ssl, NULL);
    }
    SSL_SESSION_free(session);
}

static void note_handshake(SSL *ssl, struct memory *memory)
{
    if (!SSL_session_reused(ssl)) {
        atomic_store(&memory->verified_ns, hx_clock_monotonic_ns());
    } else if (SSL_version(ssl) < TLS1_3_VERSION) {
        put(memory, SSL_get0_session(ssl));
    }
}

/* The start is the one moment between SSL_new(), which may be libcurl's, and the ClientHello. The
 * type's const means nothing: the session object is the same. */
static void on_session_info(const SSL *ssl, int where, int result)
{
    SSL *self = NULL;
    (void)result;
    memcpy(&self, &ssl, sizeof self);
    if (where == SSL_CB_HANDSHAKE_START && SSL_get0_session(ssl) == NULL) {
        offer_session(self, memory_of(ssl));
    } else if (where == SSL_CB_HANDSHAKE_DONE) {
        note_handshake(self, memory_of(ssl));
    }
}

/* 0: the session stays OpenSSL's. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    put(memory_of(ssl), session);
    return 0;
}

static void watch(SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    SSL_CTX_set_info_callback(context, on_session_info);
}

static bool allow(SSL_CTX *context)
{
    pthread_once(&indexes_once, make_indexes);
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL || SSL_CTX_set_ex_data(context, own_index, memory) != 1) {
        free(memory);
        return false;
    }
    watch(context);
    return true;
}

enum hx_errcode hx_tls_resuming_context_new(const struct hx_policy *policy, SSL_CTX **context,
                                            struct hx_error *err)
{
    SSL_CTX *made = NULL;
    if (policy->connection != HX_CONNECTION_FRESH) {
        return hx_tls_context_new(&policy->tls, context, err);
    }
    enum hx_errcode code = hx_tls_own_context_new(&policy->tls, &made, err);
    if (code != HX_OK) {
        return code;
    }
    if (!allow(made)) {
        SSL_CTX_free(made);
        return hx_error_set(err, HX_ERR_NOMEM, "TLS context: out of memory");
    }
    *context = made;
    return HX_OK;
}

void hx_tls_resume_lend(SSL_CTX *context, SSL_CTX *owner)
{
    pthread_once(&indexes_once, make_indexes);
    struct memory *memory = SSL_CTX_get_ex_data(owner, own_index);
    if (memory != NULL && SSL_CTX_set_ex_data(context, lent_index, memory) == 1) {
        watch(context);
    }
}

void hx_tls_resume_forget(SSL_CTX *owner)
{
    pthread_once(&indexes_once, make_indexes);
    struct memory *memory = SSL_CTX_get_ex_data(owner, own_index);
    if (memory != NULL) {
        put(memory, NULL);
    }
}
