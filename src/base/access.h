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
    struct hx_strings cipher_suites;     /* Go's names, known ones only; empty: the default */
    struct hx_strings curve_preferences; /* CurveP256, CurveP384, CurveP521, X25519 */
};

struct hx_access_user {
    char *name;
    char *hash; /* bcrypt, cost 4 to 12; secret */
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
    struct hx_access_user *users;
    size_t n_users;
    struct hx_map headers;  /* http_server_config.headers: the five that the format allows */
    bool is_http2_disabled; /* accepted for the format's sake: only HTTP/1.1 is spoken */
    struct hx_rate rate;    /* over all clients */
    struct hx_rate rate_per_client; /* per IPv4 address or IPv6 /64 */
    struct hx_network *networks; /* allowed_networks; empty: all. Unix sockets are always allowed */
    size_t n_networks;
};

void hx_access_free(struct hx_access *access);

/* "10.0.0.0/8", "::1/128", "127.0.0.1" (one address); IPv4-mapped IPv6 is the IPv4 network. The
 * bits behind the prefix must be zero. */
enum hx_errcode hx_network_parse(const char *text, struct hx_network *network,
                                 struct hx_error *err) HX_MUST_CHECK;
/* address: 16 bytes, IPv4 v4-mapped. */
bool hx_network_contains(const struct hx_network *network, const uint8_t address[16]);

#endif
