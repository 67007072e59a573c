/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask a listener what, and how: the plain form of the web configuration file. Read by
 * config/web_config.c, enforced by the web. Immutable once read.
 *
 * Format: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 * plus allowed_networks and rate_limit_per_client.
 */
#ifndef HX_BASE_ACCESS_H
#define HX_BASE_ACCESS_H

#include "health_exporter/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* client_auth_type, in Go's names. */
enum hx_client_auth {
    HX_CLIENT_AUTH_NONE,            /* NoClientCert */
    HX_CLIENT_AUTH_REQUEST,         /* RequestClientCert */
    HX_CLIENT_AUTH_REQUIRE_ANY,     /* RequireAnyClientCert */
    HX_CLIENT_AUTH_VERIFY_IF_GIVEN, /* VerifyClientCertIfGiven */
    HX_CLIENT_AUTH_REQUIRE_AND_VERIFY,
};

/* tls_server_config. The PEM texts were read from cert, cert_file and so on; key is secret. */
struct hx_access_tls {
    bool is_enabled;
    char *certificate;
    char *key;
    char *client_ca; /* NULL: none */
    int client_auth; /* enum hx_client_auth */
    struct hx_strings client_allowed_sans;
    int min_version; /* enum hx_tls_version */
    int max_version;
    bool prefer_server_cipher_suites;
    struct hx_strings cipher_suites;     /* Go's names, known ones only; empty: the default */
    struct hx_strings curve_preferences; /* CurveP256, CurveP384, CurveP521, X25519 */
};

/* An address range: an IPv4 one is kept v4-mapped, so that there is one comparison. */
struct hx_network {
    uint8_t address[16];
    unsigned prefix_len; /* 0 to 128 */
};

/* A token bucket: one token each interval, at most burst. interval_ns 0: no limit. */
struct hx_rate {
    int64_t interval_ns;
    int64_t burst;
};

struct hx_access {
    struct hx_access_tls tls;
    struct hx_map users;            /* basic_auth_users: bcrypt hashes by name, secret */
    struct hx_map headers;          /* of every reply: the five that the format allows */
    bool is_http2;                  /* accepted for the format's sake: only HTTP/1.1 is spoken */
    struct hx_rate rate;            /* over all clients */
    struct hx_rate rate_per_client; /* per IPv4 address or IPv6 /64 */
    struct hx_strings allowed_networks; /* as written; none: all. Not for unix sockets */
    struct hx_network *networks;        /* the same as read */
    size_t n_networks;
};

/* The options of the file, offsets into struct hx_access. */
extern const struct hx_option hx_access_options[];

/* Wipes the secrets. Takes NULL. */
void hx_access_free(struct hx_access *access);

/* What a cipher suite and a curve are for GnuTLS, as a part of its priority string, by Go's name;
 * NULL when it is not known. */
const char *hx_access_cipher(const char *name);
const char *hx_access_curve(const char *name);

/* "10.0.0.0/8", "::1/128", "127.0.0.1" (one address); IPv4-mapped IPv6 is the IPv4 network. The
 * bits behind the prefix must be zero. */
enum hx_errcode hx_network_parse(const char *text, struct hx_network *network,
                                 struct hx_error *err) HX_MUST_CHECK;
/* address: 16 bytes, IPv4 v4-mapped. An IPv6 network holds no IPv4 address, not even ::/0. */
bool hx_network_contains(const struct hx_network *network, const uint8_t address[16]);

#endif
