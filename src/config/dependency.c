/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item of `dependencies`: its name, its URL and with it the kind, then the options: the kind's
 * own and those that all have, on top of the defaults. All parts are read even when one is wrong;
 * the dependency is prepared and kept only when none is.
 */
#include "config/loader.h"

#include "base/option.h"
#include "base/url.h"

#include <ctype.h>
#include <string.h>

static const char *const own_keys[] = {"name", "url", "url_file", NULL};
static const char *const no_keys[] = {NULL};

/* A dependency on its way. */
struct draft {
    struct hx_loader *loader;
    struct hx_node *node;
    struct hx_node *name_node; /* where errors of the whole are reported */
    const char *name;          /* NULL: missing or wrong */
    const struct hx_kind *kind;
    const char *scheme; /* of a URL that could be read */
    struct hx_url url;
    bool is_complete; /* its common options are right together: what fails now is the kind's word */
};

static void report_name(struct hx_loader *loader, struct hx_node *node, const struct hx_error *err)
{
    if (hx_value_is_quotable(node)) {
        hx_node_publish(node);
        hx_findings_add(&loader->findings, node->span, "%s", err->message);
        return;
    }
    char note[HX_NOTE_SIZE];
    hx_findings_add(&loader->findings, node->span,
                    "name: expected up to 64 letters, digits, '_' and '-'%s",
                    hx_value_note(node, note));
}

static void read_name(struct draft *draft)
{
    struct hx_loader *loader = draft->loader;
    struct hx_node *node = hx_node_get(draft->node, "name");
    draft->name_node = draft->node;
    if (node == NULL) {
        hx_findings_add(&loader->findings, draft->node->span, "this dependency has no \"name\"");
        return;
    }
    draft->name_node = node;
    node->key->is_public = true;
    const char *name = hx_value_text(loader, node, "name", "a name");
    struct hx_error err = {0};
    if (name == NULL) {
        return;
    }
    if (hx_dependency_name_check(name, &err) != HX_OK) {
        report_name(loader, node, &err);
        return;
    }
    hx_node_publish(node);
    draft->name = name;
    hx_names_add(loader, name, node);
}

/* The text of the URL with the node it stands at; NULL after a report. */
static const char *url_text(struct draft *draft, struct hx_node **at)
{
    struct hx_loader *loader = draft->loader;
    struct hx_node *url = hx_node_get(draft->node, "url");
    struct hx_node *file = hx_node_get(draft->node, "url_file");
    if (url != NULL && file != NULL) {
        hx_findings_add(&loader->findings, file->key->span,
                        "\"url\" and \"url_file\" exclude each other; give one of them");
        return NULL;
    }
    if (url == NULL && file == NULL) {
        hx_findings_add(&loader->findings, draft->name_node->span,
                        "this dependency has no \"url\"");
        return NULL;
    }
    if (url != NULL) {
        *at = url;
        return hx_value_text(loader, url, "url", "a URL");
    }
    hx_node_publish(file);
    *at = file;
    return hx_value_file(loader, file, "url_file");
}

static void report_scheme(struct hx_loader *loader, const struct hx_node *node, const char *scheme)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_scheme_unknown(loader->kinds, node->origin == NULL ? scheme : NULL, &text);
    hx_findings_add(&loader->findings, node->span, "url: %s", hx_strbuf_text(&text));
    hx_strbuf_fini(&text);
}

/* The kind that a URL with an error seems to be of, so that the options are checked nevertheless.
 */
static const struct hx_kind *guess_kind(const struct hx_loader *loader, const struct hx_node *node)
{
    char scheme[32];
    const char *text = node != NULL && node->text != NULL ? node->text : "";
    size_t len = strcspn(text, ":");
    if (len >= sizeof scheme) {
        return NULL;
    }
    memcpy(scheme, text, len);
    scheme[len] = '\0';
    return hx_kind_by_scheme(loader->kinds, scheme);
}

static void read_url(struct draft *draft)
{
    struct hx_loader *loader = draft->loader;
    struct hx_node *node = NULL;
    struct hx_error err = {0};
    const char *text = url_text(draft, &node);
    if (text == NULL) {
        draft->kind = guess_kind(loader, node);
        return;
    }
    if (hx_url_parse(text, &draft->url, &err) != HX_OK) {
        if (!hx_loader_is_stopped(loader, &err)) {
            hx_findings_add(&loader->findings, node->span, "url: %s", err.message);
        }
        draft->kind = guess_kind(loader, node);
        return;
    }
    draft->kind = hx_kind_by_scheme(loader->kinds, draft->url.scheme);
    if (draft->kind == NULL) {
        report_scheme(loader, node, draft->url.scheme);
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The place of a whole word in a sentence; NULL when it does not say it. "tls" is found in
 * "tls.key_file", "timeout" is not found in "tls.timeout". */
static const char *find_word(const char *sentence, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = sentence; (at = strstr(at, word)) != NULL; at += len) {
        if ((at == sentence || (!is_word_char(at[-1]) && at[-1] != '.')) &&
            !is_word_char(at[len])) {
            return at;
        }
    }
    return NULL;
}

/* Who is to blame for a message: the node that it names first. */
struct blame {
    const char *message;
    const char *first; /* NULL: it names none */
    const struct hx_node *node;
};

static void blame_if_named(struct blame *blame, const struct hx_node *node, const char *word)
{
    const char *at = find_word(blame->message, word);
    if (at != NULL && (blame->first == NULL || at < blame->first)) {
        blame->first = at;
        blame->node = node;
    }
}

/* The dependency's own options, and those in its groups. Other mappings hold keys of the user's. */
static void blame_options(struct blame *blame, const struct draft *draft,
                          const struct hx_node *mapping)
{
    for (const struct hx_node *node = mapping->children; node != NULL; node = node->next) {
        const char *key = node->key->text;
        bool is_group = node->type == HX_NODE_MAPPING &&
                        (hx_option_is_group(hx_policy_options, key) ||
                         (draft->kind != NULL && hx_option_is_group(draft->kind->options, key)));
        if (node != draft->name_node) {
            blame_if_named(blame, node, key);
        }
        if (is_group && mapping == draft->node) {
            blame_options(blame, draft, node);
        }
    }
}

static bool names_common_option(const char *message)
{
    for (const struct hx_option *option = hx_policy_options; option->name != NULL; option++) {
        const char *dot = strrchr(option->name, '.');
        if (find_word(message, dot == NULL ? option->name : dot + 1) != NULL) {
            return true;
        }
    }
    return false;
}

/* What a kind refuses and no option is to blame for is the URL, unless it is an option that comes
 * from the defaults. The rest is reported at the name. */
static const struct hx_node *blamed_node(const struct draft *draft, const struct hx_error *err)
{
    struct blame blame = {.message = err->message, .node = draft->name_node};
    const struct hx_node *url = hx_node_get(draft->node, "url");
    if (url == NULL) {
        url = hx_node_get(draft->node, "url_file");
    }
    blame_options(&blame, draft, draft->node);
    if (url != NULL) {
        blame_if_named(&blame, url, "URL");
    }
    bool is_of_url = draft->is_complete && err->code == HX_ERR_INVALID && url != NULL;
    if (blame.first == NULL && is_of_url && !names_common_option(err->message)) {
        return url;
    }
    return blame.node;
}

static void report_whole(struct draft *draft, const struct hx_error *err)
{
    if (!hx_loader_is_stopped(draft->loader, err)) {
        hx_findings_add(&draft->loader->findings, blamed_node(draft, err)->span,
                        "dependency \"%s\": %s", draft->name != NULL ? draft->name : "",
                        err->message);
    }
}

/* Reads the options into the dependency, or into a policy that is thrown away when there is none.
 */
static void read_options(struct draft *draft, struct hx_policy *policy, void *settings)
{
    struct hx_scope defaults = {
        .loader = draft->loader,
        .type = HX_SCOPE_DEFAULTS,
        .own_keys = no_keys,
        .targets = {{hx_policy_options, policy}},
    };
    if (draft->loader->defaults != NULL) {
        hx_options_read(&defaults, draft->loader->defaults, "");
    }
    struct hx_scope scope = {
        .loader = draft->loader,
        .type = HX_SCOPE_DEPENDENCY,
        .own_keys = own_keys,
        .name = draft->name,
        .kind = draft->kind,
        .scheme = draft->scheme,
        .targets = {{hx_policy_options, policy}},
    };
    if (draft->kind != NULL) {
        scope.targets[1] = (struct hx_target){draft->kind->options, settings};
    }
    hx_options_read(&scope, draft->node, "");
    if (draft->kind != NULL) {
        hx_options_require(&scope, draft->node, draft->name_node->span);
    }
}

/* Without a kind there is no dependency to make, but its common options can be wrong as well. */
static void read_options_only(struct draft *draft)
{
    struct hx_policy policy = {0};
    struct hx_error err = {0};
    if (hx_options_default(hx_policy_options, &policy, &err) != HX_OK) {
        draft->loader->findings.is_out_of_memory = true;
        return;
    }
    read_options(draft, &policy, NULL);
    hx_options_fini(hx_policy_options, &policy);
}

/* Completes, prepares and keeps the dependency. */
static enum hx_errcode finish(struct draft *draft, struct hx_dependency *dependency,
                              struct hx_error *err)
{
    enum hx_errcode code = hx_policy_complete(&dependency->policy, err);
    draft->is_complete = code == HX_OK;
    if (code == HX_OK) {
        code = hx_dependency_prepare(dependency, draft->loader->files, err);
    }
    if (code == HX_OK) {
        code = hx_config_append(draft->loader->config, dependency, err);
    }
    return code;
}

static void read_kind(struct draft *draft, size_t n_errors_before)
{
    struct hx_loader *loader = draft->loader;
    struct hx_error err = {0};
    struct hx_dependency *dependency =
        hx_dependency_new(draft->name != NULL ? draft->name : "", draft->kind, &draft->url, &err);
    if (dependency == NULL) {
        report_whole(draft, &err);
        return;
    }
    draft->scheme = dependency->url.scheme;
    read_options(draft, &dependency->policy, dependency->settings);
    bool is_good =
        loader->findings.n_errors == n_errors_before && !loader->findings.is_out_of_memory;
    if (is_good && finish(draft, dependency, &err) == HX_OK) {
        return;
    }
    if (is_good) {
        report_whole(draft, &err);
    }
    hx_dependency_free(dependency);
}

void hx_dependency_read(struct hx_loader *loader, struct hx_node *node)
{
    size_t n_errors_before = loader->findings.n_errors;
    struct draft draft = {.loader = loader, .node = node};
    if (!hx_mapping_open(loader, node, "dependency")) {
        return;
    }
    read_name(&draft);
    read_url(&draft);
    if (draft.kind != NULL) {
        read_kind(&draft, n_errors_before);
    } else {
        read_options_only(&draft);
        hx_url_fini(&draft.url);
    }
}
