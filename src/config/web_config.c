/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the web configuration file by the table of its options, then checks what a table cannot
 * say: what belongs together, and what the texts must be. All that is wrong is reported at its
 * place; hashes and keys never are.
 */
#include "config/web_config.h"

#include "base/option.h"
#include "base/quote.h"
#include "config/loader.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hash is "$2b$10$" and 22 characters of salt, 31 of result. */
#define BCRYPT_LEN 60
#define COST_AT    4
#define MIN_COST   4
/* A cost of 12 is a quarter of a second of a core for each login; every step doubles it. */
#define MAX_COST  12
#define WHAT_SIZE 96
#define MAX_USER  128

struct reader {
    struct hx_loader *loader;
    struct hx_access *access;
    struct hx_node *root;
};

/* The node of "tls_server_config.cert"; NULL when it is not there. */
static struct hx_node *node_at(const struct reader *reader, const char *section, const char *key)
{
    struct hx_node *mapping = hx_node_get(reader->root, section);
    if (mapping == NULL || mapping->type != HX_NODE_MAPPING)
        return NULL;
    return hx_node_get(mapping, key);
}

/* Where to complain of a text that may have come from X or X_file. */
static struct hx_span span_of(const struct reader *reader, const char *section, const char *key)
{
    char from_file[WHAT_SIZE];
    snprintf(from_file, sizeof(from_file), "%s_file", key);
    const struct hx_node *node = node_at(reader, section, key);
    if (node == NULL)
        node = node_at(reader, section, from_file);
    return node == NULL ? HX_SPAN_FILE : node->key->span;
}

static void report_error(const struct reader *reader, struct hx_span span, const char *what,
                         const struct hx_error *err)
{
    if (!hx_loader_is_stopped(reader->loader, err))
        hx_findings_add(&reader->loader->findings, span, "%s: %s", what, err->message);
}

/* ---- tls_server_config ---- */

#define TLS "tls_server_config"

static bool require(const struct reader *reader, const char *key)
{
    const struct hx_node *section = hx_node_get(reader->root, TLS);
    char from_file[WHAT_SIZE];
    snprintf(from_file, sizeof(from_file), "%s_file", key);
    if (node_at(reader, TLS, key) != NULL || node_at(reader, TLS, from_file) != NULL)
        return true;
    hx_findings_add(&reader->loader->findings, section->key->span,
                    "\"" TLS "\" needs \"%s\" or \"%s\"", key, from_file);
    return false;
}

static void check_certificates(const struct reader *reader)
{
    const struct hx_access_tls *tls = &reader->access->tls;
    struct hx_error err = {0};
    bool has_both = require(reader, "cert");
    has_both = require(reader, "key") && has_both;
    if (tls->certificate != NULL && hx_certificates_check(tls->certificate, &err) != HX_OK)
        report_error(reader, span_of(reader, TLS, "cert"), "option \"" TLS ".cert\"", &err);
    else if (has_both && tls->certificate != NULL && tls->key != NULL &&
             hx_key_check(tls->certificate, tls->key, &err) != HX_OK)
        report_error(reader, span_of(reader, TLS, "key"), "option \"" TLS ".key\"", &err);
    if (tls->client_ca != NULL && hx_certificates_check(tls->client_ca, &err) != HX_OK)
        report_error(reader, span_of(reader, TLS, "client_ca"), "option \"" TLS ".client_ca\"",
                     &err);
}

static bool has_client_ca(const struct reader *reader)
{
    return node_at(reader, TLS, "client_ca") != NULL ||
           node_at(reader, TLS, "client_ca_file") != NULL;
}

static void check_clients(const struct reader *reader)
{
    struct hx_findings *findings = &reader->loader->findings;
    int auth = reader->access->tls.client_auth;
    const struct hx_node *type = node_at(reader, TLS, "client_auth_type");
    const struct hx_node *sans = node_at(reader, TLS, "client_allowed_sans");
    bool is_verified =
        auth == HX_CLIENT_AUTH_VERIFY_IF_GIVEN || auth == HX_CLIENT_AUTH_REQUIRE_AND_VERIFY;
    if (is_verified && !has_client_ca(reader))
        hx_findings_add(findings, type->span,
                        "this client_auth_type needs \"client_ca\" or \"client_ca_file\"");
    if (has_client_ca(reader) && type == NULL)
        hx_findings_add(findings, span_of(reader, TLS, "client_ca"),
                        "authorities for client certificates are given, but no client_auth_type; "
                        "expected RequireAndVerifyClientCert");
    if (sans != NULL && sans->children != NULL && auth != HX_CLIENT_AUTH_REQUIRE_ANY &&
        auth != HX_CLIENT_AUTH_REQUIRE_AND_VERIFY)
        hx_findings_add(findings, sans->key->span,
                        "client_allowed_sans needs a client_auth_type of "
                        "RequireAndVerifyClientCert or RequireAnyClientCert");
}

/* Checks each text of a list against a table of names. */
static void check_names(const struct reader *reader, const char *key, const char *what,
                        const char *(*find)(const char *name))
{
    const struct hx_node *list = node_at(reader, TLS, key);
    if (list == NULL || list->type != HX_NODE_LIST)
        return;
    for (const struct hx_node *item = list->children; item != NULL; item = item->next) {
        char quoted[HX_QUOTE_SIZE];
        if (item->value == NULL || find(item->value) != NULL)
            continue;
        hx_findings_add(&reader->loader->findings, item->span, "unknown %s %s", what,
                        hx_value_is_quotable(item) ? hx_quote(item->value, quoted) : "");
    }
}

/* Is there a cipher suite left for TLS 1.3? */
static bool has_aead(const struct hx_strings *suites)
{
    for (size_t i = 0; i < suites->n; i++) {
        const char *parts = hx_access_cipher(suites->items[i]);
        if (parts == NULL || strstr(parts, "+AEAD") != NULL)
            return true;
    }
    return suites->n == 0;
}

static void check_versions(const struct reader *reader)
{
    const struct hx_access_tls *tls = &reader->access->tls;
    if (tls->min_version > tls->max_version)
        hx_findings_add(&reader->loader->findings, span_of(reader, TLS, "min_version"),
                        "min_version is above max_version");
    if (tls->min_version == HX_TLS_1_3 && !has_aead(&tls->cipher_suites))
        hx_findings_add(&reader->loader->findings, span_of(reader, TLS, "cipher_suites"),
                        "none of these cipher suites can be used with TLS 1.3");
}

static void check_tls(const struct reader *reader)
{
    const struct hx_node *section = hx_node_get(reader->root, TLS);
    if (section == NULL || section->type != HX_NODE_MAPPING || section->children == NULL)
        return;
    reader->access->tls.is_enabled = true;
    check_certificates(reader);
    check_clients(reader);
    check_names(reader, "cipher_suites", "cipher suite", hx_access_cipher);
    check_names(reader, "curve_preferences", "curve", hx_access_curve);
    check_versions(reader);
}

/* ---- http_server_config.headers ---- */

struct header {
    const char *name;
    const char *values[3]; /* that it may have; none: any */
    const char *expected;  /* in words */
};

static const struct header known_headers[] = {
    {"Content-Security-Policy", {NULL}, "printable ASCII"},
    {"Strict-Transport-Security", {NULL}, "printable ASCII"},
    {"X-Content-Type-Options", {"nosniff", NULL}, "nosniff"},
    {"X-Frame-Options", {"deny", "sameorigin", NULL}, "deny or sameorigin"},
    {"X-XSS-Protection", {NULL}, "printable ASCII"},
};

static const struct header *find_header(const char *name)
{
    for (size_t i = 0; i < sizeof(known_headers) / sizeof(known_headers[0]); i++) {
        if (strcmp(known_headers[i].name, name) == 0)
            return &known_headers[i];
    }
    return NULL;
}

/* Blank is fine, and means unset. */
static bool is_good_value(const struct header *header, const char *value)
{
    if (value[0] == '\0')
        return true;
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            return false;
    }
    for (size_t i = 0; header->values[i] != NULL; i++) {
        if (strcmp(header->values[i], value) == 0)
            return true;
    }
    return header->values[0] == NULL;
}

static void check_header(struct hx_findings *findings, struct hx_node *node)
{
    const struct header *header = find_header(node->key->text);
    char quoted[HX_QUOTE_SIZE];
    hx_node_publish(node);
    if (header == NULL)
        hx_findings_add(findings, node->key->span,
                        "header %s cannot be set; expected Content-Security-Policy, "
                        "Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options or "
                        "X-XSS-Protection",
                        hx_quote(node->key->text, quoted));
    else if (node->value != NULL && !is_good_value(header, node->value))
        hx_findings_add(findings, node->span, "header %s: expected %s", header->name,
                        header->expected);
}

static void check_headers(const struct reader *reader)
{
    const struct hx_node *mapping = node_at(reader, "http_server_config", "headers");
    if (mapping == NULL || mapping->type != HX_NODE_MAPPING)
        return;
    for (struct hx_node *node = mapping->children; node != NULL; node = node->next)
        check_header(&reader->loader->findings, node);
}

/* ---- basic_auth_users ---- */

/* What is wrong with a hash; NULL: nothing. The text is never part of it. */
static const char *judge_hash(const char *hash)
{
    if (strncmp(hash, "$2a$", COST_AT) != 0 && strncmp(hash, "$2b$", COST_AT) != 0 &&
        strncmp(hash, "$2y$", COST_AT) != 0)
        return "expected a bcrypt hash ($2y$...)";
    const char *cost_text = hash + COST_AT;
    if (strlen(hash) != BCRYPT_LEN || strspn(cost_text, "0123456789") != 2 || hash[6] != '$')
        return "is no complete bcrypt hash";
    int cost = (cost_text[0] - '0') * 10 + (cost_text[1] - '0');
    if (cost < MIN_COST)
        return "the hash has a cost below 4, which bcrypt does not know";
    if (cost > MAX_COST)
        return "the hash has a cost above 12, which takes too long to check; hash it with 10";
    return crypt_checksalt(hash) == CRYPT_SALT_OK ? NULL : "is no bcrypt hash that crypt(3) takes";
}

static void check_users(const struct reader *reader)
{
    struct hx_findings *findings = &reader->loader->findings;
    const struct hx_node *mapping = hx_node_get(reader->root, "basic_auth_users");
    if (mapping == NULL || mapping->type != HX_NODE_MAPPING)
        return;
    for (const struct hx_node *node = mapping->children; node != NULL; node = node->next) {
        char quoted[HX_QUOTE_SIZE];
        const char *name = node->key->text;
        const char *fault = node->value == NULL ? NULL : judge_hash(node->value);
        node->key->is_public = true;
        if (name[0] == '\0' || strchr(name, ':') != NULL || strlen(name) > MAX_USER)
            hx_findings_add(findings, node->key->span,
                            "user %s: the name must have 1 to 128 bytes and no colon",
                            hx_quote(name, quoted));
        if (fault != NULL)
            hx_findings_add(findings, node->span, "user %s: %s", hx_quote(name, quoted), fault);
    }
}

/* ---- limits and networks ---- */

static void check_rate(const struct reader *reader, const char *section, const struct hx_rate *rate)
{
    const struct hx_node *node = hx_node_get(reader->root, section);
    if (node == NULL || node->type != HX_NODE_MAPPING)
        return;
    if (node_at(reader, section, "interval") == NULL)
        hx_findings_add(&reader->loader->findings, node->key->span, "\"%s\" needs \"interval\"",
                        section);
    else if (rate->interval_ns > 0 && rate->burst == 0)
        hx_findings_add(&reader->loader->findings, node->key->span,
                        "\"%s\" needs a \"burst\" of at least 1, else nothing is let through",
                        section);
}

static void read_networks(const struct reader *reader)
{
    struct hx_access *access = reader->access;
    const struct hx_node *list = hx_node_get(reader->root, "allowed_networks");
    if (list == NULL || list->type != HX_NODE_LIST)
        return;
    if (list->children == NULL)
        hx_findings_add(&reader->loader->findings, list->key->span,
                        "\"allowed_networks\" is empty: expected at least one network");
    access->networks = calloc(access->allowed_networks.n + 1, sizeof(*access->networks));
    if (access->networks == NULL) {
        reader->loader->findings.is_out_of_memory = true;
        return;
    }
    for (const struct hx_node *item = list->children; item != NULL; item = item->next) {
        struct hx_error err = {0};
        if (item->value == NULL || access->n_networks == access->allowed_networks.n)
            continue;
        if (hx_network_parse(item->value, &access->networks[access->n_networks], &err) == HX_OK)
            access->n_networks++;
        else
            report_error(reader, item->span, "option \"allowed_networks\"", &err);
    }
}

/* ---- the file ---- */

/* A section without anything in it is as good as none. */
static void drop_empty_sections(struct hx_node *root)
{
    struct hx_node **link = &root->children;
    while (*link != NULL) {
        struct hx_node *node = *link;
        bool is_known = hx_option_find(hx_access_options, node->key->text) != NULL ||
                        hx_option_is_group(hx_access_options, node->key->text);
        if (node->is_null && is_known)
            *link = node->next;
        else
            link = &node->next;
    }
}

static void read_root(const struct reader *reader)
{
    static const char *const no_keys[] = {NULL};
    struct hx_scope scope = {
        .loader = reader->loader,
        .type = HX_SCOPE_ACCESS,
        .own_keys = no_keys,
        .targets = {{hx_access_options, reader->access}},
    };
    if (!hx_mapping_open(reader->loader, reader->root, "the web configuration"))
        return;
    drop_empty_sections(reader->root);
    hx_options_read(&scope, reader->root, "");
    check_tls(reader);
    check_headers(reader);
    check_users(reader);
    check_rate(reader, "rate_limit", &reader->access->rate);
    check_rate(reader, "rate_limit_per_client", &reader->access->rate_per_client);
    read_networks(reader);
}

/* The directory of a path; NULL: the working one, or (then *is_good is false) out of memory. */
static char *directory_of(const char *path, bool *is_good)
{
    const char *slash = strrchr(path, '/');
    *is_good = true;
    if (slash == NULL)
        return NULL;
    char *directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    *is_good = directory != NULL;
    return directory;
}

enum hx_errcode hx_web_config_load(const char *path, struct hx_access **access,
                                   struct hx_files *files, struct hx_diagnostics *diagnostics)
{
    static const struct hx_kind *const no_kinds[] = {NULL};
    bool is_good;
    char *directory = directory_of(path, &is_good);
    struct hx_loader loader = {.kinds = no_kinds, .directory = directory, .files = files};
    struct hx_access *read = calloc(1, sizeof(*read));
    enum hx_errcode code = hx_loader_open(&loader, path);
    if (!is_good || read == NULL || hx_options_default(hx_access_options, read, NULL) != HX_OK)
        loader.findings.is_out_of_memory = true;
    else if (code == HX_OK && loader.tree.root != NULL)
        read_root(&(struct reader){&loader, read, loader.tree.root});
    code = hx_loader_close(&loader, path, code, diagnostics);
    free(directory);
    if (code != HX_OK) {
        hx_access_free(read);
        return code;
    }
    *access = read;
    return HX_OK;
}
