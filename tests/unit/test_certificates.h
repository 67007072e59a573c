/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made on the spot: an authority, and servers that it has signed. */
#ifndef TEST_CERTIFICATES_H
#define TEST_CERTIFICATES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define TEST_DAY 86400

struct test_certificate {
    EVP_PKEY *key;
    X509 *x509;
};

static inline void test_certificate_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
}

/* names: "DNS:x.test,IP:127.0.0.1"; NULL makes an authority. issuer NULL: signed by itself. Good
 * from two days ago until an hour more than days_left from now. */
static inline struct test_certificate test_certificate_new(const char *names, int days_left,
                                                           const struct test_certificate *issuer)
{
    static long serial = 1;
    struct test_certificate self = {.key = EVP_EC_gen("P-256"), .x509 = X509_new()};
    assert_non_null(self.key);
    X509 *signer = issuer != NULL ? issuer->x509 : self.x509;
    X509_set_version(self.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(self.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(self.x509), -2L * TEST_DAY);
    X509_gmtime_adj(X509_getm_notAfter(self.x509), (long)days_left * TEST_DAY + TEST_DAY / 24);
    X509_set_pubkey(self.x509, self.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(self.x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)(names != NULL ? "server" : "authority"), -1,
                               -1, 0);
    X509_set_issuer_name(self.x509, X509_get_subject_name(signer));
    if (names != NULL) {
        test_certificate_extend(self.x509, signer, NID_subject_alt_name, names);
    } else {
        test_certificate_extend(self.x509, signer, NID_basic_constraints, "critical,CA:TRUE");
        test_certificate_extend(self.x509, signer, NID_key_usage, "critical,keyCertSign");
    }
    assert_true(X509_sign(self.x509, issuer != NULL ? issuer->key : self.key, EVP_sha256()) > 0);
    return self;
}

static inline void test_certificate_free(struct test_certificate *certificate)
{
    EVP_PKEY_free(certificate->key);
    X509_free(certificate->x509);
}

static inline int64_t test_certificate_expiry(const struct test_certificate *certificate)
{
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(certificate->x509), &tm), 1);
    return (int64_t)timegm(&tm);
}

/* Writes the certificate, then the key unless it is left out, as PEM into a new file whose name is
 * put into path. A passphrase encrypts the key. */
static inline void test_certificate_write(const struct test_certificate *certificate, bool has_key,
                                          const char *passphrase, char path[32])
{
    strncpy(path, "/tmp/test_certificate.XXXXXX", 32);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    PEM_write_X509(file, certificate->x509);
    if (has_key) {
        PEM_write_PKCS8PrivateKey(file, certificate->key,
                                  passphrase != NULL ? EVP_aes_128_cbc() : NULL, passphrase,
                                  passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL);
    }
    fclose(file);
}

/* A server's context with this certificate. */
static inline SSL_CTX *test_server_context(const struct test_certificate *certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, certificate->key), 1);
    return context;
}

#endif
