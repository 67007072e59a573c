/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials and priorities of a web configuration, and the judgement of client certificates,
 * which falls within the handshake: who is refused there never speaks HTTP.
 *
 * There is neither session resumption nor renegotiation: GnuTLS offers the former only when it is
 * given a ticket key, and libmicrohttpd ends the connection of a client that asks for the latter.
 */
#include "web/tls.h"

#include "base/strbuf.h"
#include "web/guard.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <string.h>

/* Everything from its parts: GnuTLS' NORMAL has more than the two secure versions need. */
#define BASE                                                                         \
    "NONE:+CTYPE-X509:+COMP-NULL:+SIGN-EDDSA-ED25519"                                \
    ":+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA384"            \
    ":+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA512:+SIGN-ECDSA-SECP521R1-SHA512"  \
    ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512" \
    ":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512"                \
    ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"
#define CIPHERS ":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
#define CURVES  ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

#define MAX_NAME 256

static enum hx_errcode fail(int status, const char *what, struct hx_error *err)
{
    return hx_error_set(err, status == GNUTLS_E_MEMORY_ERROR ? HX_ERR_NOMEM : HX_ERR_INVALID,
                        "%s: %s", what, gnutls_strerror(status));
}

/* ---- priorities ---- */

static void put_names(struct hx_strbuf *text, const struct hx_strings *names,
                      const char *(*find)(const char *name), const char *otherwise)
{
    if (names->n == 0)
        hx_strbuf_puts(text, otherwise);
    for (size_t i = 0; i < names->n; i++)
        hx_strbuf_printf(text, ":%s", find(names->items[i]));
}

static enum hx_errcode set_priorities(struct hx_rules *rules, struct hx_error *err)
{
    const struct hx_access_tls *tls = &rules->access->tls;
    struct hx_strbuf text;
    const char *position = NULL;
    hx_strbuf_init(&text);
    hx_strbuf_puts(&text, BASE);
    if (tls->max_version == HX_TLS_1_3)
        hx_strbuf_puts(&text, ":+VERS-TLS1.3");
    if (tls->min_version == HX_TLS_1_2)
        hx_strbuf_puts(&text, ":+VERS-TLS1.2");
    put_names(&text, &tls->cipher_suites, hx_access_cipher, CIPHERS);
    put_names(&text, &tls->curve_preferences, hx_access_curve, CURVES);
    if (tls->prefer_server_cipher_suites)
        hx_strbuf_puts(&text, ":%SERVER_PRECEDENCE");
    int status = text.is_failed
                     ? GNUTLS_E_MEMORY_ERROR
                     : gnutls_priority_init(&rules->priorities, hx_strbuf_text(&text), &position);
    hx_strbuf_fini(&text);
    return status == 0 ? HX_OK : fail(status, "TLS versions, cipher suites and curves", err);
}

/* ---- client certificates ---- */

/* The text of a subject alternative name; false when it is of no kind that is compared. */
static bool san_text(int type, const char *data, size_t size, char text[MAX_NAME])
{
    if (type == GNUTLS_SAN_IPADDRESS)
        return inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, MAX_NAME) != NULL;
    if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME && type != GNUTLS_SAN_URI)
        return false;
    if (size >= MAX_NAME || memchr(data, '\0', size) != NULL)
        return false;
    memcpy(text, data, size);
    text[size] = '\0';
    return true;
}

static bool is_listed(const struct hx_strings *allowed, const char *name)
{
    for (size_t i = 0; i < allowed->n; i++) {
        if (strcmp(allowed->items[i], name) == 0)
            return true;
    }
    return false;
}

static bool has_allowed_san(gnutls_x509_crt_t certificate, const struct hx_strings *allowed)
{
    for (unsigned i = 0;; i++) {
        char data[MAX_NAME] = "";
        char text[MAX_NAME];
        size_t size = sizeof(data);
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, data, &size, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            return false;
        if (san_text(type, data, size, text) && is_listed(allowed, text))
            return true;
    }
}

static bool is_allowed(gnutls_session_t session, const struct hx_strings *allowed)
{
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    gnutls_x509_crt_t certificate;
    if (allowed->n == 0)
        return true;
    if (chain == NULL || n == 0 || gnutls_x509_crt_init(&certificate) < 0)
        return false;
    bool is_good = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
                   has_allowed_san(certificate, allowed);
    gnutls_x509_crt_deinit(certificate);
    return is_good;
}

static bool is_verified(gnutls_session_t session)
{
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (unsigned char *)purpose};
    unsigned faults = 0;
    return gnutls_certificate_verify_peers(session, &wanted, 1, &faults) == 0 && faults == 0;
}

/* Called by GnuTLS within the handshake, when the client's certificate, or that it has none, is
 * known. libmicrohttpd sends no alert, so it is sent from here. */
static int judge_client(gnutls_session_t session)
{
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    const struct hx_client *client =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    const struct hx_access_tls *tls = &client->rules->access->tls;
    bool is_given = gnutls_certificate_get_peers(session, NULL) != NULL;
    bool is_checked = tls->client_auth == HX_CLIENT_AUTH_VERIFY_IF_GIVEN ||
                      tls->client_auth == HX_CLIENT_AUTH_REQUIRE_AND_VERIFY;
    if (!is_given)
        return 0; /* GnuTLS itself refuses that where a certificate is required */
    if ((!is_checked || is_verified(session)) && is_allowed(session, &tls->client_allowed_sans))
        return 0;
    gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

static gnutls_certificate_request_t request_of(int client_auth)
{
    switch ((enum hx_client_auth)client_auth) {
    case HX_CLIENT_AUTH_NONE:
        return GNUTLS_CERT_IGNORE;
    case HX_CLIENT_AUTH_REQUEST:
    case HX_CLIENT_AUTH_VERIFY_IF_GIVEN:
        return GNUTLS_CERT_REQUEST;
    case HX_CLIENT_AUTH_REQUIRE_ANY:
    case HX_CLIENT_AUTH_REQUIRE_AND_VERIFY:
        return GNUTLS_CERT_REQUIRE;
    }
    return GNUTLS_CERT_REQUIRE;
}

/* ---- credentials ---- */

static gnutls_datum_t datum(char *text)
{
    return (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned)strlen(text)};
}

static enum hx_errcode set_credentials(struct hx_rules *rules, struct hx_error *err)
{
    const struct hx_access_tls *tls = &rules->access->tls;
    gnutls_datum_t certificate = datum(tls->certificate);
    gnutls_datum_t key = datum(tls->key);
    int status = gnutls_certificate_allocate_credentials(&rules->credentials);
    if (status < 0)
        return fail(status, "TLS", err);
    status = gnutls_certificate_set_x509_key_mem2(rules->credentials, &certificate, &key,
                                                  GNUTLS_X509_FMT_PEM, NULL, 0);
    if (status < 0)
        return fail(status, "TLS certificate and key", err);
    if (tls->client_ca != NULL) {
        gnutls_datum_t trust = datum(tls->client_ca);
        status =
            gnutls_certificate_set_x509_trust_mem(rules->credentials, &trust, GNUTLS_X509_FMT_PEM);
    }
    if (status < 0)
        return fail(status, "TLS authorities for client certificates", err);
    gnutls_certificate_set_verify_function(rules->credentials, judge_client);
    return HX_OK;
}

enum hx_errcode hx_tls_prepare(struct hx_rules *rules, struct hx_error *err)
{
    if (!rules->access->tls.is_enabled)
        return HX_OK;
    enum hx_errcode code = set_credentials(rules, err);
    return code == HX_OK ? set_priorities(rules, err) : code;
}

void hx_tls_release(struct hx_rules *rules)
{
    if (rules->credentials != NULL)
        gnutls_certificate_free_credentials(rules->credentials);
    if (rules->priorities != NULL)
        gnutls_priority_deinit(rules->priorities);
}

bool hx_tls_begin(const struct hx_rules *rules, gnutls_session_t session)
{
    gnutls_certificate_server_set_request(session, request_of(rules->access->tls.client_auth));
    return gnutls_priority_set(session, rules->priorities) == 0 &&
           gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, rules->credentials) == 0;
}

/* NOLINTBEGIN(readability-function-size,readability-non-const-parameter): the library's type */
int hx_tls_no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certificates, unsigned *n, gnutls_ocsp_data_st **ocsp,
                          unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session;
    (void)info;
    (void)certificates;
    (void)n;
    (void)ocsp;
    (void)n_ocsp;
    (void)key;
    (void)flags;
    return -1;
}
/* NOLINTEND(readability-function-size,readability-non-const-parameter) */
