/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills settings from a mapping by option tables: `tls: {ca_file: x}` is the option "tls.ca_file",
 * and `password_file: x` is the option "password" from a file. An option that ends in _file itself
 * is found first.
 */
#include "config/loader.h"

#include "base/option.h"
#include "base/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any option's full name. */
#define NAME_SIZE     128
#define WHAT_SIZE     (NAME_SIZE + 16)
#define EXPECTED_SIZE 128

/* An option with what it fills. */
struct found {
    const struct hx_option *option; /* NULL: no such option */
    void *settings;
};

static struct found find(const struct hx_scope *scope, const char *name,
                         const struct hx_option *(*find_in)(const struct hx_option *options,
                                                            const char *name))
{
    for (size_t i = 0; i < 2; i++) {
        const struct hx_target *target = &scope->targets[i];
        const struct hx_option *option =
            target->options == NULL ? NULL : find_in(target->options, name);
        if (option != NULL) {
            return (struct found){option, target->settings};
        }
    }
    return (struct found){0};
}

/* ---- mappings ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct hx_node *left = *(const struct hx_node *const *)a;
    const struct hx_node *right = *(const struct hx_node *const *)b;
    int order = strcmp(left->key->text, right->key->text);
    if (order != 0) {
        return order;
    }
    return left->key->span.start < right->key->span.start ? -1 : 1;
}

static void report_duplicate(struct hx_loader *loader, struct hx_node *value,
                             const struct hx_node *first)
{
    bool is_wanted = hx_findings_wants(&loader->findings, value->key->span);
    char quoted[HX_QUOTE_SIZE];
    value->is_duplicate = true;
    value->key->is_public = !hx_looks_private(value->key->text);
    hx_findings_add(&loader->findings, value->key->span,
                    "duplicate key%s%s (first defined at line %zu)",
                    value->key->is_public ? " " : "",
                    value->key->is_public ? hx_quote(value->key->text, quoted) : "",
                    is_wanted ? hx_loader_line(loader, first->key->span) : 0);
}

/* Sorts the values by key, so that equal keys are neighbours: the cost stays far from n². */
static void mark_duplicates(struct hx_loader *loader, struct hx_node *mapping)
{
    size_t n = 0;
    for (const struct hx_node *value = mapping->children; value != NULL; value = value->next) {
        n++;
    }
    struct hx_node **values = malloc((n + 1) * sizeof *values);
    if (values == NULL) {
        loader->findings.is_out_of_memory = true;
        return;
    }
    size_t i = 0;
    for (struct hx_node *value = mapping->children; value != NULL; value = value->next) {
        values[i++] = value;
    }
    qsort(values, n, sizeof *values, compare_keys);
    const struct hx_node *first = NULL;
    for (i = 0; i < n; i++) {
        if (first != NULL && strcmp(first->key->text, values[i]->key->text) == 0) {
            report_duplicate(loader, values[i], first);
        } else {
            first = values[i];
        }
    }
    free(values);
}

bool hx_mapping_open(struct hx_loader *loader, struct hx_node *node, const char *what)
{
    if (node->type != HX_NODE_MAPPING) {
        hx_findings_add(&loader->findings, node->span, "%s: expected a mapping, found %s", what,
                        hx_node_type_text(node));
        return false;
    }
    mark_duplicates(loader, node);
    return true;
}

/* ---- one option ---- */

/* hx_option_expected() knows no table's choices. */
static const char *expected_text(const struct hx_option *option, char text[EXPECTED_SIZE])
{
    if (option->type != HX_OPTION_CHOICE) {
        return hx_option_expected(option);
    }
    size_t len = 0;
    for (size_t i = 0; option->choices[i] != NULL && len < EXPECTED_SIZE; i++) {
        const char *joint = i == 0 ? "" : option->choices[i + 1] == NULL ? " or " : ", ";
        len += (size_t)snprintf(text + len, EXPECTED_SIZE - len, "%s%s", joint, option->choices[i]);
    }
    return text;
}

/* What an option refused. Its own message quotes the text and is used when that may be seen. */
static void report_refused(struct hx_loader *loader, const struct hx_option *option,
                           const struct hx_node *node, const char *what, const struct hx_error *err)
{
    if (hx_loader_is_stopped(loader, err)) {
        return;
    }
    if (option->type != HX_OPTION_SECRET && hx_value_is_quotable(node)) {
        hx_findings_add(&loader->findings, node->span, "%s: %s", what, err->message);
        return;
    }
    char expected[EXPECTED_SIZE];
    char note[HX_NOTE_SIZE];
    hx_findings_add(&loader->findings, node->span, "%s: expected %s%s", what,
                    expected_text(option, expected), hx_value_note(node, note));
}

static void set_text(struct hx_loader *loader, struct found found, const struct hx_node *node,
                     const char *text, const char *what)
{
    struct hx_error err = {0};
    if (text != NULL && hx_option_set(found.option, found.settings, text, &err) != HX_OK) {
        report_refused(loader, found.option, node, what, &err);
    }
}

static void read_list(struct hx_loader *loader, struct found found, struct hx_node *node,
                      const char *what)
{
    if (node->type != HX_NODE_LIST) {
        hx_findings_add(&loader->findings, node->span, "%s: expected a list, found %s", what,
                        hx_node_type_text(node));
        return;
    }
    if (node->children == NULL && found.option->type == HX_OPTION_DURATIONS) {
        hx_findings_add(&loader->findings, node->span, "%s: expected 1 to %d durations, found none",
                        what, HX_MAX_DURATIONS);
    }
    hx_option_clear(found.option, found.settings);
    for (struct hx_node *item = node->children; item != NULL; item = item->next) {
        const char *text = hx_value_text(loader, item, what, "a text in each item");
        set_text(loader, found, item, text, what);
    }
}

static void read_map(struct hx_loader *loader, struct found found, struct hx_node *node,
                     const char *what)
{
    if (!hx_mapping_open(loader, node, what)) {
        return;
    }
    for (struct hx_node *value = node->children; value != NULL; value = value->next) {
        struct hx_error err = {0};
        const char *text =
            value->is_duplicate ? NULL : hx_value_text(loader, value, what, "a text as the value");
        if (text != NULL &&
            hx_option_put(found.option, found.settings, value->key->text, text, &err) != HX_OK &&
            !hx_loader_is_stopped(loader, &err)) {
            hx_findings_add(&loader->findings, value->key->span, "%s: %s", what, err.message);
        }
    }
}

static void read_option(struct hx_loader *loader, struct found found, struct hx_node *node,
                        const char *what)
{
    if (found.option->type != HX_OPTION_SECRET && found.option->type != HX_OPTION_MAP) {
        hx_node_publish(node);
    }
    node->key->is_public = true;
    if (node->is_duplicate) {
        return;
    }
    if (hx_option_is_list(found.option)) {
        read_list(loader, found, node, what);
    } else if (found.option->type == HX_OPTION_MAP) {
        read_map(loader, found, node, what);
    } else {
        char expected[EXPECTED_SIZE];
        const char *text = hx_value_text(loader, node, what, expected_text(found.option, expected));
        set_text(loader, found, node, text, what);
    }
}

/* ---- a mapping of options ---- */

static void read_file_option(struct hx_loader *loader, struct found found, struct hx_node *mapping,
                             struct hx_node *node, const char *what)
{
    hx_node_publish(node);
    if (node->is_duplicate) {
        return;
    }
    char plain[NAME_SIZE];
    const char *key = node->key->text;
    snprintf(plain, sizeof plain, "%.*s", (int)(strlen(key) - strlen("_file")), key);
    if (hx_node_get(mapping, plain) != NULL) {
        hx_findings_add(&loader->findings, node->key->span,
                        "\"%s\" and \"%s\" exclude each other; give one of them", plain, key);
        return;
    }
    set_text(loader, found, node, hx_value_file(loader, node, what), what);
}

static bool is_own_key(const struct hx_scope *scope, const char *name)
{
    for (const char *const *own = scope->own_keys; *own != NULL; own++) {
        if (strcmp(*own, name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_group(struct hx_scope *scope, struct hx_node *node, const char *name,
                       const char *what)
{
    char prefix[NAME_SIZE + 1];
    snprintf(prefix, sizeof prefix, "%s.", name);
    node->key->is_public = true;
    if (!node->is_duplicate && hx_mapping_open(scope->loader, node, what)) {
        hx_options_read(scope, node, prefix);
    }
}

static void read_entry(struct hx_scope *scope, struct hx_node *mapping, struct hx_node *node,
                       const char *prefix)
{
    struct hx_loader *loader = scope->loader;
    const char *key = node->key->text;
    char name[NAME_SIZE];
    char what[WHAT_SIZE];
    int len = snprintf(name, sizeof name, "%s%s", prefix, key);
    if (len >= NAME_SIZE || strchr(key, '.') != NULL) {
        hx_option_report_unknown(scope, node, prefix);
        return;
    }
    if (is_own_key(scope, name)) {
        return;
    }
    snprintf(what, sizeof what, "option \"%s\"", name);
    struct found found = find(scope, name, hx_option_find);
    struct found from_file = find(scope, name, hx_option_find_file);
    if (found.option != NULL && hx_option_report_useless(scope, node, name)) {
        hx_node_publish(node);
        node->key->is_public = true;
    } else if (found.option != NULL) {
        read_option(loader, found, node, what);
    } else if (from_file.option != NULL) {
        read_file_option(loader, from_file, mapping, node, what);
    } else if (hx_option_is_group(scope->targets[0].options, name) ||
               hx_option_is_group(scope->targets[1].options, name)) {
        read_group(scope, node, name, what);
    } else {
        hx_option_report_unknown(scope, node, prefix);
    }
}

void hx_options_read(struct hx_scope *scope, struct hx_node *mapping, const char *prefix)
{
    for (struct hx_node *node = mapping->children; node != NULL; node = node->next) {
        read_entry(scope, mapping, node, prefix);
    }
}

/* Walks "expect.status" down the mappings; the option may also be given as a file. */
static bool is_given(const struct hx_node *mapping, const char *name)
{
    char key[NAME_SIZE];
    const char *dot;
    while ((dot = strchr(name, '.')) != NULL) {
        snprintf(key, sizeof key, "%.*s", (int)(dot - name), name);
        mapping = hx_node_get(mapping, key);
        if (mapping == NULL || mapping->type != HX_NODE_MAPPING) {
            return false;
        }
        name = dot + 1;
    }
    snprintf(key, sizeof key, "%s_file", name);
    return hx_node_get(mapping, name) != NULL || hx_node_get(mapping, key) != NULL;
}

void hx_options_require(const struct hx_scope *scope, const struct hx_node *mapping,
                        struct hx_span span)
{
    for (const struct hx_option *option = scope->kind->options; option->name != NULL; option++) {
        if (option->required && !is_given(mapping, option->name)) {
            hx_findings_add(&scope->loader->findings, span, "kind %s needs the option \"%s\"",
                            scope->kind->name, option->name);
        }
    }
}
