/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a node to the text it stands for: ${...} expanded, an X_file read. Each is done once per
 * node, so that `defaults`, which are applied to every dependency, neither read a file ten thousand
 * times nor report its absence as often.
 *
 * Privacy: what came from the environment or a file is never quoted, only where it came from; and a
 * text of the file itself appears in a message or an excerpt only when the option that it was
 * written for is known to be no secret.
 */
#include "config/loader.h"

#include "base/quote.h"
#include "config/expand.h"
#include "config/file.h"

#include <stdio.h>
#include <string.h>

/* Kubernetes' secrets are 1 MiB at most; a password, token or certificate is far below this. */
#define MAX_VALUE_FILE ((size_t)64 * 1024)

bool hx_loader_is_stopped(struct hx_loader *loader, const struct hx_error *err)
{
    if (err->code == HX_ERR_NOMEM) {
        loader->findings.is_out_of_memory = true;
    }
    return loader->findings.is_out_of_memory;
}

size_t hx_loader_line(const struct hx_loader *loader, struct hx_span span)
{
    size_t line = 1;
    const char *at = loader->text;
    const char *end = loader->text + span.start;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        line++;
    }
    return line;
}

static const char *copy_to_tree(struct hx_loader *loader, const char *text, size_t len)
{
    char *copy = hx_tree_alloc(&loader->tree, len + 1);
    if (copy == NULL) {
        loader->findings.is_out_of_memory = true;
        return NULL;
    }
    memcpy(copy, text, len);
    return copy;
}

static const char *variable_origin(struct hx_loader *loader, const char *variable)
{
    char origin[HX_VARIABLE_SIZE + sizeof "${}"];
    int len = snprintf(origin, sizeof origin, "${%s}", variable);
    return copy_to_tree(loader, origin, (size_t)len);
}

static void resolve(struct hx_loader *loader, struct hx_node *node, const char *what)
{
    struct hx_expansion expansion;
    struct hx_error err = {0};
    if (hx_expand(&loader->tree, node->text, &expansion, &err) != HX_OK) {
        if (!hx_loader_is_stopped(loader, &err)) {
            hx_findings_add(&loader->findings, node->span, "%s: %s", what, err.message);
        }
        return;
    }
    if (expansion.variable[0] != '\0') {
        node->origin = variable_origin(loader, expansion.variable);
    }
    node->value = expansion.text;
}

const char *hx_value_text(struct hx_loader *loader, struct hx_node *node, const char *what,
                          const char *expected)
{
    if (node->is_resolved) {
        return node->value;
    }
    node->is_resolved = true;
    if (node->type != HX_NODE_TEXT || node->is_null) {
        hx_findings_add(&loader->findings, node->span, "%s: expected %s, found %s", what, expected,
                        hx_node_type_text(node));
        return NULL;
    }
    resolve(loader, node, what);
    return node->value;
}

static void report_file(struct hx_loader *loader, const struct hx_node *node, const char *what,
                        const char *path, const char *message)
{
    char quoted[HX_QUOTE_SIZE] = "the file";
    if (hx_value_is_quotable(node)) {
        hx_quote(path, quoted);
    }
    const char *origin = node->origin != NULL ? node->origin : "";
    hx_findings_add(&loader->findings, node->key->span, "%s: %s%s%s %s", what, quoted,
                    origin[0] != '\0' ? " that is named by " : "", origin, message);
}

/* Editors end a file with a line end that is no part of the secret. */
static size_t without_line_end(const char *data, size_t len)
{
    if (len > 0 && data[len - 1] == '\n') {
        len--;
        len -= len > 0 && data[len - 1] == '\r';
    }
    return len;
}

/* Where the file is that a path of the configuration names; NULL when out of memory. */
static const char *place_of(struct hx_loader *loader, const char *path)
{
    if (loader->directory == NULL || path[0] == '/') {
        return path;
    }
    size_t size = strlen(loader->directory) + strlen(path) + 2;
    char *place = hx_tree_alloc(&loader->tree, size);
    if (place == NULL) {
        loader->findings.is_out_of_memory = true;
        return NULL;
    }
    snprintf(place, size, "%s/%s", loader->directory, path);
    return place;
}

/* The file's content, or NULL after a report. */
static const char *read_value_file(struct hx_loader *loader, const struct hx_node *node,
                                   const char *what, const char *path)
{
    struct hx_error err = {0};
    char *data = NULL;
    size_t len = 0;
    const char *place = place_of(loader, path);
    if (place == NULL) {
        return NULL;
    }
    if (hx_files_read(loader->files, place, MAX_VALUE_FILE, &data, &len, &err) != HX_OK) {
        if (!hx_loader_is_stopped(loader, &err)) {
            report_file(loader, node, what, path, err.message);
        }
        return NULL;
    }
    const char *value = NULL;
    if (memchr(data, '\0', len) != NULL) {
        report_file(loader, node, what, path, "holds a NUL byte");
    } else if (without_line_end(data, len) == 0) {
        report_file(loader, node, what, path, "is empty");
    } else {
        value = copy_to_tree(loader, data, without_line_end(data, len));
    }
    hx_file_free(data, len);
    return value;
}

const char *hx_value_file(struct hx_loader *loader, struct hx_node *node, const char *what)
{
    if (node->is_resolved) {
        return node->value;
    }
    const char *path = hx_value_text(loader, node, what, "the path of a file");
    if (path != NULL) {
        node->value = read_value_file(loader, node, what, path);
        node->origin = "a file";
    }
    return node->value;
}

const char *hx_value_note(const struct hx_node *node, char note[HX_NOTE_SIZE])
{
    note[0] = '\0';
    if (node->origin != NULL) {
        snprintf(note, HX_NOTE_SIZE, " (the value is from %s)", node->origin);
    }
    return note;
}

bool hx_value_is_quotable(const struct hx_node *node)
{
    return node->origin == NULL && node->text != NULL && !hx_looks_private(node->text);
}

void hx_node_publish(struct hx_node *node)
{
    if (node->key != NULL) {
        node->key->is_public = true;
    }
    if (node->type == HX_NODE_TEXT) {
        node->is_public = !hx_looks_private(node->text);
        return;
    }
    for (struct hx_node *item = node->children; item != NULL && node->type == HX_NODE_LIST;
         item = item->next) {
        item->is_public = item->type == HX_NODE_TEXT && !hx_looks_private(item->text);
    }
}
