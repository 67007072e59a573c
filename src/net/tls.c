/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts: what is trusted, who we are, which versions; and what OpenSSL says afterwards, in
 * words; certificate.c reads the certificates.
 *
 * All contexts without a ca_file share one store, because the system's bundle takes 20 ms to parse
 * and several megabytes to hold; OpenSSL locks it. It is made at the first use and stays for the
 * life of the process. So do the contexts themselves that name no file: they cost 12 kB each, and
 * differ in two things only. What a file says may change, so a context with one is never shared.
 */
#include "net/tls.h"

#include "net/address.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 255

static pthread_once_t system_store_once = PTHREAD_ONCE_INIT;
static X509_STORE *system_store; /* NULL: it could not be read */

/* By lowest version and whether verification is skipped; NULL: not needed so far. */
static SSL_CTX *common_contexts[2][2];
static pthread_mutex_t common_lock = PTHREAD_MUTEX_INITIALIZER;

static void read_system_store(void)
{
    X509_STORE *store = X509_STORE_new();
    if (store != NULL && X509_STORE_set_default_paths(store) != 1) {
        X509_STORE_free(store);
        store = NULL;
    }
    system_store = store;
    ERR_clear_error();
}

/* The first thing that OpenSSL complained of is the cause; the later ones tell where it was met. */
static const char *first_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *text =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    return text != NULL ? text : "unknown error";
}

static enum hx_errcode file_error(const char *option, const char *path, struct hx_error *err)
{
    enum hx_errcode code =
        hx_error_set(err, HX_ERR_INVALID, "%s %s: %s", option, path, first_reason());
    ERR_clear_error();
    return code;
}

static enum hx_errcode no_memory(struct hx_error *err)
{
    ERR_clear_error();
    return hx_error_set(err, HX_ERR_NOMEM, "TLS context: out of memory");
}

static enum hx_errcode set_trust(SSL_CTX *context, const struct hx_tls_options *options,
                                 struct hx_error *err)
{
    SSL_CTX_set_verify(context, options->insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    /* What is given is trusted, be it an intermediate or the server's own certificate. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (options->ca_file != NULL) {
        return SSL_CTX_load_verify_file(context, options->ca_file) == 1
                   ? HX_OK
                   : file_error("ca_file", options->ca_file, err);
    }
    pthread_once(&system_store_once, read_system_store);
    if (system_store == NULL) {
        return hx_error_set(err, HX_ERR_SYSTEM, "the system's CA certificates cannot be read");
    }
    SSL_CTX_set1_cert_store(context, system_store);
    return HX_OK;
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_passphrase(char *buffer, int size, int is_writing, void *data)
{
    (void)is_writing, (void)data;
    if (size > 0) {
        buffer[0] = '\0';
    }
    return -1;
}

static enum hx_errcode set_identity(SSL_CTX *context, const struct hx_tls_options *options,
                                    struct hx_error *err)
{
    const char *cert = options->cert_file;
    const char *key = options->key_file != NULL ? options->key_file : cert;
    if (cert == NULL) {
        return options->key_file == NULL
                   ? HX_OK
                   : hx_error_set(err, HX_ERR_INVALID, "key_file needs a cert_file");
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return file_error("cert_file", cert, err);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return file_error("key_file", key, err);
    }
    return HX_OK;
}

enum hx_errcode hx_tls_own_context_new(const struct hx_tls_options *options, SSL_CTX **context,
                                       struct hx_error *err)
{
    ERR_clear_error();
    SSL_CTX *self = SSL_CTX_new(TLS_client_method());
    if (self == NULL) {
        return no_memory(err);
    }
    SSL_CTX_set_min_proto_version(self, options->min_version == HX_TLS_1_3 ? TLS1_3_VERSION
                                                                           : TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(self, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(self, SSL_OP_NO_RENEGOTIATION);
    /* A kept connection is idle nearly always: 34 KiB of record buffers each would be a waste. */
    SSL_CTX_set_mode(self, SSL_MODE_RELEASE_BUFFERS);
    enum hx_errcode code = set_trust(self, options, err);
    if (code == HX_OK) {
        code = set_identity(self, options, err);
    }
    if (code != HX_OK) {
        SSL_CTX_free(self);
        return code;
    }
    *context = self;
    return HX_OK;
}

enum hx_errcode hx_tls_context_new(const struct hx_tls_options *options, SSL_CTX **context,
                                   struct hx_error *err)
{
    SSL_CTX **common =
        &common_contexts[options->min_version == HX_TLS_1_3][options->insecure_skip_verify];
    enum hx_errcode code = HX_OK;
    if (options->ca_file != NULL || options->cert_file != NULL || options->key_file != NULL) {
        return hx_tls_own_context_new(options, context, err);
    }
    pthread_mutex_lock(&common_lock);
    if (*common == NULL) {
        code = hx_tls_own_context_new(options, common, err);
    }
    if (code == HX_OK) {
        SSL_CTX_up_ref(*common);
        *context = *common;
    }
    pthread_mutex_unlock(&common_lock);
    return code;
}

/* The name without its zone (an address) or its last dot (a name), as certificates have it. */
static bool copy_peer_name(char *text, size_t size, const char *name)
{
    size_t len = strcspn(name, "%");
    len -= len > 1 && name[len - 1] == '.';
    if (len >= size) {
        return false;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    return true;
}

bool hx_tls_expect_peer(SSL *ssl, const char *name)
{
    char peer[MAX_NAME + 1];
    struct hx_address address;
    ERR_clear_error();
    if (!copy_peer_name(peer, sizeof peer, name)) {
        return false;
    }
    if (hx_address_parse(peer, 0, &address)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peer) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, peer) == 1 && SSL_set_tlsext_host_name(ssl, peer) == 1;
}

void hx_tls_error_text(const SSL *ssl, char *text, size_t size)
{
    long verified = ssl != NULL && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE
                        ? SSL_get_verify_result(ssl)
                        : X509_V_OK;
    snprintf(text, size, "%s",
             verified != X509_V_OK ? X509_verify_cert_error_string(verified) : first_reason());
    ERR_clear_error();
}
