/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the web configuration file, as a table, and the names of TLS in it. */
#include "base/access.h"

#include "base/clock.h"
#include "base/option.h"

#include <stdlib.h>
#include <string.h>

/* So that their product is a time. */
#define MAX_INTERVAL_NS (3600 * HX_NS_PER_S)
#define MAX_BURST       1000000

#define FIELD(member) offsetof(struct hx_access, member)

/* By enum hx_client_auth. */
static const char *const client_auths[] = {
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
    NULL,
};

/* By enum hx_tls_version: what is older is refused, whoever asks for it. */
static const char *const versions[] = {"TLS12", "TLS13", NULL};

const struct hx_option hx_access_options[] = {
    {.name = "tls_server_config.cert",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.certificate),
     .help = "the certificate chain, PEM"},
    {.name = "tls_server_config.key",
     .type = HX_OPTION_SECRET,
     .offset = FIELD(tls.key),
     .help = "the certificate's private key, PEM"},
    {.name = "tls_server_config.client_ca",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.client_ca),
     .help = "the authorities that client certificates are verified against, PEM"},
    {.name = "tls_server_config.client_auth_type",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(tls.client_auth),
     .fallback = "NoClientCert",
     .help = "whether clients must show a certificate",
     .choices = client_auths},
    {.name = "tls_server_config.client_allowed_sans",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(tls.client_allowed_sans),
     .help = "a client certificate must be for one of these names, addresses or URIs"},
    {.name = "tls_server_config.min_version",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(tls.min_version),
     .fallback = "TLS12",
     .help = "the lowest version of TLS",
     .choices = versions},
    {.name = "tls_server_config.max_version",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(tls.max_version),
     .fallback = "TLS13",
     .help = "the highest version of TLS",
     .choices = versions},
    {.name = "tls_server_config.cipher_suites",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(tls.cipher_suites),
     .help = "the cipher suites, by Go's names"},
    {.name = "tls_server_config.prefer_server_cipher_suites",
     .type = HX_OPTION_BOOL,
     .offset = FIELD(tls.prefer_server_cipher_suites),
     .fallback = "true",
     .help = "our order of cipher suites decides, not the client's"},
    {.name = "tls_server_config.curve_preferences",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(tls.curve_preferences),
     .help = "the curves of the key exchange, the best first"},
    {.name = "http_server_config.http2",
     .type = HX_OPTION_BOOL,
     .offset = FIELD(is_http2),
     .fallback = "true",
     .help = "accepted for the format's sake: only HTTP/1.1 is spoken"},
    {.name = "http_server_config.headers",
     .type = HX_OPTION_MAP,
     .offset = FIELD(headers),
     .help = "header fields of every reply"},
    {.name = "basic_auth_users",
     .type = HX_OPTION_MAP,
     .offset = FIELD(users),
     .help = "bcrypt hashes of passwords, by the user's name"},
    {.name = "rate_limit.interval",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(rate.interval_ns),
     .help = "the time between two requests, over all clients; 0: no limit",
     .max = MAX_INTERVAL_NS},
    {.name = "rate_limit.burst",
     .type = HX_OPTION_INT,
     .offset = FIELD(rate.burst),
     .help = "so many requests at once are fine",
     .max = MAX_BURST},
    {.name = "rate_limit_per_client.interval",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(rate_per_client.interval_ns),
     .help = "the time between two requests of one client; 0: no limit",
     .max = MAX_INTERVAL_NS},
    {.name = "rate_limit_per_client.burst",
     .type = HX_OPTION_INT,
     .offset = FIELD(rate_per_client.burst),
     .help = "so many requests of one client at once are fine",
     .max = MAX_BURST},
    {.name = "allowed_networks",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(allowed_networks),
     .help = "who may ask at all: addresses, and networks such as 10.0.0.0/8"},
    {.name = NULL},
};

void hx_access_free(struct hx_access *access)
{
    if (access == NULL)
        return;
    hx_options_fini(hx_access_options, access);
    free(access->networks);
    free(access);
}

/* ---- names of TLS ---- */

struct name {
    const char *go, *gnutls;
};

/* The secure suites of Go's crypto/tls. GnuTLS has no suites but their parts, so that a suite
 * stands for all that its parts make; the order is the order of preference. */
static const struct name ciphers[] = {
    {"TLS_AES_128_GCM_SHA256", "+AES-128-GCM:+AEAD"},
    {"TLS_AES_256_GCM_SHA384", "+AES-256-GCM:+AEAD"},
    {"TLS_CHACHA20_POLY1305_SHA256", "+CHACHA20-POLY1305:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "+ECDHE-ECDSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "+ECDHE-ECDSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "+ECDHE-RSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "+ECDHE-RSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "+ECDHE-ECDSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "+ECDHE-ECDSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "+ECDHE-RSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "+ECDHE-RSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "+ECDHE-RSA:+CHACHA20-POLY1305:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "+ECDHE-ECDSA:+CHACHA20-POLY1305:+AEAD"},
    {NULL, NULL},
};

static const struct name curves[] = {
    {"CurveP256", "+GROUP-SECP256R1"},
    {"CurveP384", "+GROUP-SECP384R1"},
    {"CurveP521", "+GROUP-SECP521R1"},
    {"X25519", "+GROUP-X25519"},
    {NULL, NULL},
};

static const char *find(const struct name *names, const char *go)
{
    for (; names->go != NULL; names++) {
        if (strcmp(names->go, go) == 0)
            return names->gnutls;
    }
    return NULL;
}

const char *hx_access_cipher(const char *name)
{
    return find(ciphers, name);
}

const char *hx_access_curve(const char *name)
{
    return find(curves, name);
}
