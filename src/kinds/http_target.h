/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs that an HTTP dependency's checks ask: its own, and those it redirects to. */
#ifndef HX_KINDS_HTTP_TARGET_H
#define HX_KINDS_HTTP_TARGET_H

#include "base/strbuf.h"
#include "health_exporter/check.h"
#include "kinds/http_expect.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a request goes. The URL's host is what the peer is to be (Host, SNI, verification), host is
 * what is looked up. */
struct hx_http_target {
    char *url; /* may hold secrets in its query */
    char *host;
    uint16_t port;
    bool is_https;
    bool is_own_origin; /* the dependency itself: gets headers, credentials, client certificate */
};

/* The URL's port, or its scheme's. */
uint16_t hx_http_port(const struct hx_url *url);

/* The host in the URL that is sent: tls.server_name where TLS is spoken, else the URL's own. */
const char *hx_http_sent_host(const struct hx_dependency *dependency);

/* Appends host[:port], an IPv6 address in brackets; port 0: without. */
void hx_http_put_host(struct hx_strbuf *text, const char *host, uint16_t port);

enum hx_errcode hx_http_target_init(struct hx_http_target *target,
                                    const struct hx_dependency *dependency,
                                    const struct hx_url *url, bool is_own_origin,
                                    struct hx_error *err) HX_MUST_CHECK;
void hx_http_target_fini(struct hx_http_target *target);

/* The target of a redirect from one target to an absolute URL. On failure the verdict says why:
 * blocked, protocol or internal. */
bool hx_http_target_redirect(const struct hx_dependency *dependency,
                             const struct hx_http_target *from, const char *location,
                             struct hx_http_target *target, struct hx_http_verdict *verdict);

#endif
