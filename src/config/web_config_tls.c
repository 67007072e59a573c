/* SPDX-License-Identifier: Apache-2.0 */
/* Whether certificates and keys are good, asked of the library that will use them (GnuTLS). */
#include "config/web_config.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

static gnutls_datum_t datum(const char *text)
{
    /* GnuTLS reads it only, though its type does not say so. */
    unsigned char *data = NULL;
    memcpy(&data, &text, sizeof(data));
    return (gnutls_datum_t){.data = data, .size = (unsigned)strlen(text)};
}

static enum hx_errcode fail(int status, const char *what, struct hx_error *err)
{
    if (status == GNUTLS_E_MEMORY_ERROR)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    return hx_error_set(err, HX_ERR_INVALID, "%s: %s", what, gnutls_strerror(status));
}

enum hx_errcode hx_certificates_check(const char *pem, struct hx_error *err)
{
    gnutls_datum_t data = datum(pem);
    gnutls_x509_crt_t *certificates = NULL;
    unsigned n = 0;
    int status = gnutls_x509_crt_list_import2(&certificates, &n, &data, GNUTLS_X509_FMT_PEM, 0);
    if (status < 0)
        return fail(status, "expected certificates as PEM", err);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(certificates[i]);
    gnutls_free(certificates);
    return HX_OK;
}

enum hx_errcode hx_key_check(const char *certificate, const char *key, struct hx_error *err)
{
    gnutls_datum_t chain = datum(certificate);
    gnutls_datum_t secret = datum(key);
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_privkey_t parsed;
    int status = gnutls_x509_privkey_init(&parsed);
    if (status < 0)
        return fail(status, "private key", err);
    status = gnutls_x509_privkey_import2(parsed, &secret, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(parsed);
    if (status < 0)
        return fail(status, "expected a private key as PEM, without a passphrase", err);
    status = gnutls_certificate_allocate_credentials(&credentials);
    if (status < 0)
        return fail(status, "private key", err);
    status = gnutls_certificate_set_x509_key_mem2(credentials, &chain, &secret, GNUTLS_X509_FMT_PEM,
                                                  NULL, 0);
    gnutls_certificate_free_credentials(credentials);
    if (status < 0)
        return fail(status, "private key", err);
    return HX_OK;
}
