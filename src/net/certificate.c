/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificates a peer has shown, and when they expire.
 *
 * OpenSSL 3.0 drops the peer's chain when its verification fails, but just then people want to know
 * when it expired. So the verification is taken over for a moment: the chain is noted on the
 * session (its ex_data, which frees it with the session), then OpenSSL verifies as ever.
 */
#include "net/tls.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <time.h>

static pthread_once_t chain_index_once = PTHREAD_ONCE_INIT;
static int chain_index = -1; /* of the noted chain in a session's ex_data */

static void free_chain(void *session, void *chain, CRYPTO_EX_DATA *data, int index, long argl,
                       void *argp)
{
    (void)session, (void)data, (void)index, (void)argl, (void)argp;
    sk_X509_pop_free(chain, X509_free);
}

static void make_chain_index(void)
{
    chain_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_chain);
}

/* The noted chain is for reading only: without memory for it, verification goes on. */
static void note_chain(X509_STORE_CTX *verification)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(verification);
    if (ssl == NULL || sent == NULL || chain_index < 0) {
        return;
    }
    STACK_OF(X509) *kept = X509_chain_up_ref(sent);
    STACK_OF(X509) *before = SSL_get_ex_data(ssl, chain_index);
    if (kept == NULL || SSL_set_ex_data(ssl, chain_index, kept) != 1) {
        sk_X509_pop_free(kept, X509_free);
        return;
    }
    sk_X509_pop_free(before, X509_free);
}

static int verify(X509_STORE_CTX *verification, void *data)
{
    (void)data;
    note_chain(verification);
    return X509_verify_cert(verification);
}

void hx_tls_context_keep_chain(SSL_CTX *context)
{
    pthread_once(&chain_index_once, make_chain_index);
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
}

/* Unix seconds; 0 when the date is none. */
static int64_t not_after(const X509 *certificate)
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1) {
        return 0;
    }
    return (int64_t)timegm(&tm);
}

int64_t hx_certificates_expiry(const STACK_OF(X509) * chain)
{
    int64_t earliest = 0;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t expiry = not_after(sk_X509_value(chain, i));
        if (expiry != 0 && (earliest == 0 || expiry < earliest)) {
            earliest = expiry;
        }
    }
    return earliest;
}

int64_t hx_tls_certificate_expiry(const SSL *ssl)
{
    pthread_once(&chain_index_once, make_chain_index);
    const STACK_OF(X509) *noted = chain_index >= 0 ? SSL_get_ex_data(ssl, chain_index) : NULL;
    return hx_certificates_expiry(noted != NULL ? noted : SSL_get_peer_cert_chain(ssl));
}
