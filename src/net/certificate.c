/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When certificates expire. OpenSSL 3 keeps the chain that the peer sent also when it has refused
 * it (1.1 dropped it then), so that the expiry can be told just when people want to know it.
 */
#include "net/tls.h"

#include <openssl/x509.h>
#include <time.h>

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
    return hx_certificates_expiry(SSL_get_peer_cert_chain(ssl));
}
