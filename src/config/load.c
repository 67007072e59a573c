/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a configuration file: bytes, then YAML, then the top level, the defaults, every dependency,
 * and what holds between them. Each step reports all that it finds; only bytes and YAML that cannot
 * be read end the reading early. Everything read from the file is overwritten at the end.
 */
#include "config/loader.h"

#include "base/option.h"
#include "config/file.h"
#include "config/syntax.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG_FILE ((size_t)8 * 1024 * 1024)

static const char *const top_keys[] = {"defaults", "dependencies", "maintenance.windows", NULL};
static const char *const no_keys[] = {NULL};

/* Checks the defaults once, on a policy that is thrown away. With an error in them they are not
 * applied, so that it is not reported again at every dependency. */
static void read_defaults(struct hx_loader *loader, struct hx_node *node)
{
    struct hx_policy policy = {0};
    struct hx_error err = {0};
    struct hx_scope scope = {
        .loader = loader,
        .type = HX_SCOPE_DEFAULTS,
        .own_keys = no_keys,
        .targets = {{hx_policy_options, &policy}},
    };
    size_t n_errors_before = loader->findings.n_errors;
    if (!hx_mapping_open(loader, node, "\"defaults\"")) {
        return;
    }
    if (hx_options_default(hx_policy_options, &policy, &err) != HX_OK) {
        loader->findings.is_out_of_memory = true;
        return;
    }
    hx_options_read(&scope, node, "");
    hx_options_fini(hx_policy_options, &policy);
    if (loader->findings.n_errors == n_errors_before) {
        loader->defaults = node;
    }
}

static void read_dependencies(struct hx_loader *loader, struct hx_node *list)
{
    if (list->type != HX_NODE_LIST) {
        hx_findings_add(&loader->findings, list->span,
                        "\"dependencies\": expected a list, found %s", hx_node_type_text(list));
        return;
    }
    size_t n = 0;
    for (const struct hx_node *item = list->children; item != NULL; item = item->next) {
        n++;
    }
    loader->named = calloc(n + 1, sizeof *loader->named);
    if (loader->named == NULL) {
        loader->findings.is_out_of_memory = true;
        return;
    }
    for (struct hx_node *item = list->children; item != NULL && !loader->findings.is_out_of_memory;
         item = item->next) {
        hx_dependency_read(loader, item);
    }
}

/* Its options have been read with those of the top level; the list of windows has not. */
static void read_maintenance(struct hx_loader *loader, const struct hx_node *mapping)
{
    bool is_mapping = mapping != NULL && mapping->type == HX_NODE_MAPPING;
    struct hx_node *windows = is_mapping ? hx_node_get(mapping, "windows") : NULL;
    if (windows != NULL) {
        hx_windows_read(loader, windows);
    }
}

static void read_top(struct hx_loader *loader, struct hx_node *root)
{
    struct hx_scope scope = {
        .loader = loader,
        .type = HX_SCOPE_TOP,
        .own_keys = top_keys,
        .targets = {{hx_config_options, loader->config}},
    };
    if (!hx_mapping_open(loader, root, "the top level (service, defaults, dependencies)")) {
        return;
    }
    for (const char *const *key = top_keys; *key != NULL; key++) {
        struct hx_node *node = hx_node_get(root, *key);
        if (node != NULL) {
            node->key->is_public = true;
        }
    }
    hx_options_read(&scope, root, "");
    read_maintenance(loader, hx_node_get(root, "maintenance"));
    struct hx_node *defaults = hx_node_get(root, "defaults");
    if (defaults != NULL) {
        read_defaults(loader, defaults);
    }
    struct hx_node *dependencies = hx_node_get(root, "dependencies");
    if (dependencies != NULL) {
        read_dependencies(loader, dependencies);
    }
    hx_names_check(loader, hx_node_get(root, "startup_requires"));
}

/* A byte order mark is harmless and taken away; the parser would count it as a column. */
static void skip_mark(struct hx_loader *loader)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t len = strlen(mark);
    if (loader->text_len >= len && memcmp(loader->text, mark, len) == 0) {
        loader->text += len;
        loader->text_len -= len;
    }
}

static void read_text(struct hx_loader *loader)
{
    skip_mark(loader);
    if (loader->text_len == 0) {
        return;
    }
    if (!hx_syntax_check_bytes(&loader->findings, loader->text, loader->text_len)) {
        return;
    }
    hx_tree_parse(&loader->tree, loader->text, loader->text_len, &loader->findings);
    if (loader->tree.root != NULL && loader->tree.root->is_null) {
        loader->tree.root = NULL;
    }
}

static enum hx_errcode outcome(const struct hx_findings *findings)
{
    if (findings->is_out_of_memory) {
        return HX_ERR_NOMEM;
    }
    return findings->n_errors == 0 ? HX_OK : HX_ERR_INVALID;
}

enum hx_errcode hx_loader_open(struct hx_loader *loader, const char *path)
{
    struct hx_error err = {0};
    hx_findings_init(&loader->findings);
    enum hx_errcode code =
        hx_files_read(loader->files, path, MAX_CONFIG_FILE, &loader->file, &loader->file_len, &err);
    if (code != HX_OK) {
        hx_findings_add(&loader->findings, HX_SPAN_FILE, "%s", err.message);
        return code;
    }
    loader->text = loader->file;
    loader->text_len = loader->file_len;
    read_text(loader);
    return outcome(&loader->findings);
}

enum hx_errcode hx_loader_close(struct hx_loader *loader, const char *path, enum hx_errcode code,
                                struct hx_diagnostics *diagnostics)
{
    if (code == HX_OK) {
        code = outcome(&loader->findings);
    }
    hx_loader_write(loader, path, diagnostics);
    hx_findings_fini(&loader->findings);
    hx_tree_fini(&loader->tree);
    free(loader->named);
    hx_file_free(loader->file, loader->file_len);
    return code;
}

enum hx_errcode hx_config_load(struct hx_config *config, const char *path,
                               const struct hx_kind *const *kinds, struct hx_files *files,
                               struct hx_diagnostics *diagnostics)
{
    struct hx_loader loader = {.config = config, .kinds = kinds, .files = files};
    enum hx_errcode code = hx_loader_open(&loader, path);
    if (code == HX_OK && loader.tree.root != NULL) {
        read_top(&loader, loader.tree.root);
    } else if (code == HX_OK) {
        hx_findings_add(&loader.findings, HX_SPAN_FILE,
                        loader.text_len == 0 ? "the file is empty"
                                             : "the file holds no configuration");
    }
    code = hx_loader_close(&loader, path, code, diagnostics);
    if (code != HX_OK) {
        hx_config_fini(config);
    }
    return code;
}
