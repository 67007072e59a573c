/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Common options that a kind has no use for: TLS without TLS, a kept connection where there is
 * none. In `defaults` they stand for those that can use them; in a dependency they are a mistake,
 * and one that would leave somebody believing in a verification that never happens.
 */
#include "config/loader.h"

#include <string.h>

static bool is_listed(const char *const *list, const char *text)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool report_tls(const struct hx_scope *scope, const struct hx_node *node, const char *name)
{
    struct hx_findings *findings = &scope->loader->findings;
    const struct hx_kind *kind = scope->kind;
    if (kind->tls_schemes == NULL) {
        hx_findings_add(findings, node->key->span, "option \"%s\": kind %s has no TLS", name,
                        kind->name);
        return true;
    }
    if (scope->scheme == NULL || is_listed(kind->tls_schemes, scope->scheme)) {
        return false;
    }
    hx_findings_add(findings, node->key->span,
                    "option \"%s\": there is no TLS with the scheme %s; with %s there is", name,
                    scope->scheme, kind->tls_schemes[0]);
    return true;
}

bool hx_option_report_useless(const struct hx_scope *scope, const struct hx_node *node,
                              const char *name)
{
    if (scope->type != HX_SCOPE_DEPENDENCY || scope->kind == NULL || node->is_duplicate) {
        return false;
    }
    if (strncmp(name, "tls.", 4) == 0) {
        return report_tls(scope, node, name);
    }
    bool is_about_connection =
        strcmp(name, "connection") == 0 || strcmp(name, "max_connection_age") == 0;
    if (!is_about_connection || scope->kind->is_connection_kept) {
        return false;
    }
    hx_findings_add(&scope->loader->findings, node->key->span,
                    "option \"%s\": kind %s keeps no connection", name, scope->kind->name);
    return true;
}
