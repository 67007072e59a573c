/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to say of a key or scheme that is not known: the kind it belongs to, how it is written, or
 * what was probably meant.
 */
#include "config/loader.h"

#include "base/option.h"
#include "base/quote.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define MAX_CANDIDATES 128
#define NAME_SIZE      128
#define CANDIDATE_SIZE 64

/* The keys that could stand in a mapping. */
struct candidates {
    char texts[MAX_CANDIDATES][CANDIDATE_SIZE];
    const char *list[MAX_CANDIDATES + 1];
    size_t n;
};

/* Can it be given as X_file? What is a file's path itself is not looked up in yet another file. */
static bool is_text_option(const struct hx_option *option)
{
    return (option->type == HX_OPTION_STRING && !option->is_file) ||
           option->type == HX_OPTION_SECRET;
}

bool hx_option_is_group(const struct hx_option *options, const char *name)
{
    size_t len = strlen(name);
    for (const struct hx_option *option = options; option != NULL && option->name != NULL;
         option++) {
        if (strncmp(option->name, name, len) == 0 && option->name[len] == '.') {
            return true;
        }
    }
    return false;
}

/* The option "X" for the name "X_file". */
static const struct hx_option *find_plain(const struct hx_option *options, const char *name)
{
    static const char suffix[] = "_file";
    char plain[NAME_SIZE];
    size_t len = strlen(name);
    if (len < sizeof suffix || len >= sizeof plain ||
        strcmp(name + len - strlen(suffix), suffix) != 0) {
        return NULL;
    }
    len -= strlen(suffix);
    memcpy(plain, name, len);
    plain[len] = '\0';
    return hx_option_find(options, plain);
}

const struct hx_option *hx_option_find_file(const struct hx_option *options, const char *name)
{
    const struct hx_option *option = find_plain(options, name);
    return option != NULL && is_text_option(option) ? option : NULL;
}

static bool belongs_to(const struct hx_option *options, const char *name)
{
    return hx_option_find(options, name) != NULL || hx_option_find_file(options, name) != NULL ||
           hx_option_is_group(options, name);
}

/* A misspelt or misplaced password is a password: a value may be seen only when the option that was
 * meant is known to be no secret. */
static bool is_public_option(const struct hx_option *options, const char *name)
{
    const struct hx_option *option = options == NULL ? NULL : hx_option_find(options, name);
    return option != NULL && option->type != HX_OPTION_SECRET && option->type != HX_OPTION_MAP;
}

/* ---- where a known option belongs ---- */

/* The kinds that have an option. */
struct owners {
    struct hx_strbuf names;
    size_t n;
    bool is_public; /* none of them takes it for a secret */
};

static void find_owners(const struct hx_scope *scope, const char *name, struct owners *owners)
{
    hx_strbuf_init(&owners->names);
    owners->n = 0;
    owners->is_public = true;
    for (const struct hx_kind *const *kind = scope->loader->kinds; *kind != NULL; kind++) {
        if (belongs_to((*kind)->options, name)) {
            hx_strbuf_puts(&owners->names, owners->n++ == 0 ? "" : ", ");
            hx_strbuf_puts(&owners->names, (*kind)->name);
            owners->is_public &= is_public_option((*kind)->options, name);
        }
    }
}

static void report_foreign(const struct hx_scope *scope, const struct hx_node *value,
                           const char *name, const struct owners *owners)
{
    struct hx_findings *findings = &scope->loader->findings;
    struct hx_span span = value->key->span;
    const char *plural = owners->n > 1 ? "s" : "";
    const char *kinds = hx_strbuf_text(&owners->names);
    switch (scope->type) {
    case HX_SCOPE_TOP:
        hx_findings_add(findings, span,
                        "option \"%s\" belongs to kind%s %s and stands in a dependency", name,
                        plural, kinds);
        break;
    case HX_SCOPE_DEFAULTS:
        hx_findings_add(findings, span,
                        "option \"%s\" belongs to kind%s %s; defaults take only the options that "
                        "all kinds have",
                        name, plural, kinds);
        break;
    case HX_SCOPE_DEPENDENCY:
        hx_findings_add(findings, span, "option \"%s\" belongs to kind%s %s; %s%s%s is %s", name,
                        plural, kinds, scope->name != NULL ? "\"" : "",
                        scope->name != NULL ? scope->name : "this one",
                        scope->name != NULL ? "\"" : "", scope->kind->name);
        break;
    case HX_SCOPE_ACCESS: /* these two have nothing in common with dependencies */
    case HX_SCOPE_WINDOW:
        break;
    }
}

/* True when another kind, or another place of the file, has the option. With a URL that does not
 * tell the kind, an option of any kind may be right and is left alone. */
static bool report_misplaced(const struct hx_scope *scope, struct hx_node *value, const char *name)
{
    if (scope->type == HX_SCOPE_TOP && belongs_to(hx_policy_options, name)) {
        hx_findings_add(&scope->loader->findings, value->key->span,
                        "option \"%s\" stands in \"defaults\" or in a dependency", name);
        if (is_public_option(hx_policy_options, name)) {
            hx_node_publish(value);
        }
        return true;
    }
    if (scope->type == HX_SCOPE_WINDOW) {
        return false;
    }
    struct owners owners;
    find_owners(scope, name, &owners);
    if (owners.n > 0 && owners.is_public) {
        hx_node_publish(value);
    }
    if (owners.n > 0 && (scope->type != HX_SCOPE_DEPENDENCY || scope->kind != NULL)) {
        report_foreign(scope, value, name, &owners);
    }
    hx_strbuf_fini(&owners.names);
    return owners.n > 0;
}

/* An option of this scope that is written in a way that it cannot be. */
static bool report_misused(const struct hx_scope *scope, const struct hx_node *value,
                           const char *name)
{
    struct hx_findings *findings = &scope->loader->findings;
    const char *key = value->key->text;
    const char *dot = strchr(key, '.');
    for (size_t i = 0; i < 2; i++) {
        const struct hx_option *options = scope->targets[i].options;
        if (options == NULL) {
            continue;
        }
        if (dot != NULL && belongs_to(options, name)) {
            hx_findings_add(findings, value->key->span,
                            "option \"%s\" is written \"%.*s: {%s: ...}\"", name, (int)(dot - key),
                            key, dot + 1);
            return true;
        }
        if (find_plain(options, name) != NULL) {
            hx_findings_add(findings, value->key->span,
                            "option \"%s\" cannot be given by a file; only texts can",
                            find_plain(options, name)->name);
            return true;
        }
    }
    return false;
}

/* ---- what was probably meant ---- */

static void add_candidate(struct candidates *candidates, const char *text, size_t len,
                          const char *suffix)
{
    if (candidates->n == MAX_CANDIDATES || len + strlen(suffix) >= CANDIDATE_SIZE) {
        return;
    }
    char *candidate = candidates->texts[candidates->n];
    snprintf(candidate, CANDIDATE_SIZE, "%.*s%s", (int)len, text, suffix);
    candidates->list[candidates->n++] = candidate;
}

static void add_options(struct candidates *candidates, const struct hx_option *options,
                        const char *prefix)
{
    size_t prefix_len = strlen(prefix);
    for (const struct hx_option *option = options; option != NULL && option->name != NULL;
         option++) {
        if (strncmp(option->name, prefix, prefix_len) != 0) {
            continue;
        }
        const char *key = option->name + prefix_len;
        add_candidate(candidates, key, strcspn(key, "."), "");
        if (is_text_option(option) && strchr(key, '.') == NULL) {
            add_candidate(candidates, key, strlen(key), "_file");
        }
    }
}

static const char *nearest_key(const struct hx_scope *scope, const char *key, const char *prefix,
                               struct candidates *candidates)
{
    candidates->n = 0;
    size_t prefix_len = strlen(prefix);
    for (const char *const *own = scope->own_keys; *own != NULL; own++) {
        const char *rest = *own + prefix_len;
        if (strncmp(*own, prefix, prefix_len) == 0) {
            add_candidate(candidates, rest, strcspn(rest, "."), "");
        }
    }
    add_options(candidates, scope->targets[0].options, prefix);
    add_options(candidates, scope->targets[1].options, prefix);
    candidates->list[candidates->n] = NULL;
    return hx_suggest(key, candidates->list);
}

void hx_option_report_unknown(const struct hx_scope *scope, struct hx_node *value,
                              const char *prefix)
{
    struct hx_findings *findings = &scope->loader->findings;
    struct hx_span span = value->key->span;
    char name[NAME_SIZE];
    char quoted[HX_QUOTE_SIZE];
    if (value->is_duplicate) {
        return; /* reported as such, and its first one as unknown */
    }
    if (hx_looks_private(value->key->text)) {
        hx_findings_add(findings, span,
                        "expected an option's name as the key, got what may be a URL");
        return;
    }
    snprintf(name, sizeof name, "%s%s", prefix, value->key->text);
    value->key->is_public = true;
    if (!hx_findings_wants(findings, span)) {
        hx_findings_add(findings, span, "unknown option");
        return;
    }
    if (report_misused(scope, value, name) || report_misplaced(scope, value, name)) {
        return;
    }
    struct candidates candidates;
    const char *nearest = nearest_key(scope, value->key->text, prefix, &candidates);
    hx_quote(name, quoted);
    if (nearest == NULL) {
        hx_findings_add(findings, span, "unknown option %s", quoted);
        return;
    }
    char meant[NAME_SIZE];
    snprintf(meant, sizeof meant, "%s%s", prefix, nearest);
    if (is_public_option(scope->targets[0].options, meant) ||
        is_public_option(scope->targets[1].options, meant)) {
        hx_node_publish(value);
    }
    hx_findings_add(findings, span, "unknown option %s (did you mean \"%s\"?)", quoted, meant);
}

/* ---- words ---- */

static bool is_segment(const char *name, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = name; *at != '\0'; at += *at == '.') {
        size_t segment = strcspn(at, ".");
        if (segment == len && memcmp(at, word, len) == 0) {
            return true;
        }
        at += segment;
    }
    return false;
}

static bool has_word(const struct hx_option *options, const char *word)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        if (is_segment(option->name, word)) {
            return true;
        }
    }
    return hx_option_find_file(options, word) != NULL;
}

bool hx_key_is_known(const struct hx_kind *const *kinds, const char *word)
{
    static const char *const keys[] = {"defaults", "dependencies", "windows", "name",
                                       "url",      "url_file",     NULL};
    for (size_t i = 0; keys[i] != NULL; i++) {
        if (strcmp(keys[i], word) == 0) {
            return true;
        }
    }
    bool is_known = has_word(hx_config_options, word) || has_word(hx_policy_options, word) ||
                    has_word(hx_window_options, word);
    for (; *kinds != NULL && !is_known; kinds++) {
        is_known = has_word((*kinds)->options, word);
    }
    return is_known;
}

/* ---- schemes ---- */

static size_t list_schemes(const struct hx_kind *const *kinds, const char **list)
{
    size_t n = 0;
    for (; *kinds != NULL; kinds++) {
        for (const char *const *scheme = (*kinds)->schemes; *scheme != NULL; scheme++) {
            n += n < MAX_CANDIDATES;
            list[n - 1] = *scheme;
        }
    }
    list[n] = NULL;
    return n;
}

void hx_scheme_unknown(const struct hx_kind *const *kinds, const char *scheme,
                       struct hx_strbuf *out)
{
    const char *list[MAX_CANDIDATES + 1];
    size_t n = list_schemes(kinds, list);
    const char *nearest = NULL;
    hx_strbuf_puts(out, "unknown scheme");
    if (scheme != NULL) {
        char quoted[HX_QUOTE_SIZE];
        hx_strbuf_printf(out, " %s", hx_quote(scheme, quoted));
        nearest = hx_suggest(scheme, list);
    }
    if (nearest != NULL) {
        hx_strbuf_printf(out, " (did you mean \"%s\"?)", nearest);
    }
    hx_strbuf_puts(out, "; known are ");
    for (size_t i = 0; i < n; i++) {
        hx_strbuf_printf(out, "%s%s", i == 0 ? "" : i + 1 == n ? " and " : ", ", list[i]);
    }
}
