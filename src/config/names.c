/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of all dependencies, sorted once: what is given twice stands together then, and
 * startup_requires is looked up in them. Names of dependencies with errors count too, so that one
 * mistake does not bring others.
 */
#include "config/loader.h"

#include "base/quote.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
    const struct hx_named *left = a;
    const struct hx_named *right = b;
    int order = strcmp(left->name, right->name);
    if (order != 0) {
        return order;
    }
    return left->node->span.start < right->node->span.start ? -1 : 1;
}

static int compare_with_name(const void *key, const void *named)
{
    return strcmp(key, ((const struct hx_named *)named)->name);
}

void hx_names_add(struct hx_loader *loader, const char *name, struct hx_node *node)
{
    loader->named[loader->n_named++] = (struct hx_named){name, node};
}

static void report_duplicates(struct hx_loader *loader)
{
    const struct hx_named *first = loader->named;
    for (size_t i = 1; i < loader->n_named; i++) {
        const struct hx_named *named = &loader->named[i];
        if (strcmp(named->name, first->name) != 0) {
            first = named;
            continue;
        }
        bool is_wanted = hx_findings_wants(&loader->findings, named->node->span);
        hx_findings_add(&loader->findings, named->node->span,
                        "duplicate name \"%s\" (first defined at line %zu)", named->name,
                        is_wanted ? hx_loader_line(loader, first->node->span) : 0);
    }
}

static const char *nearest_name(const struct hx_loader *loader, const char *name)
{
    const char **list = malloc((loader->n_named + 1) * sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < loader->n_named; i++) {
        list[i] = loader->named[i].name;
    }
    list[loader->n_named] = NULL;
    const char *nearest = hx_suggest(name, list);
    free(list);
    return nearest;
}

static void report_missing(struct hx_loader *loader, const struct hx_node *item)
{
    char quoted[HX_QUOTE_SIZE] = "of this name";
    const char *nearest = NULL;
    if (hx_value_is_quotable(item) && hx_findings_wants(&loader->findings, item->span)) {
        hx_quote(item->value, quoted);
        nearest = nearest_name(loader, item->value);
    }
    hx_findings_add(&loader->findings, item->span,
                    "startup_requires: there is no dependency %s%s%s%s", quoted,
                    nearest != NULL ? " (did you mean \"" : "", nearest != NULL ? nearest : "",
                    nearest != NULL ? "\"?)" : "");
}

void hx_names_check(struct hx_loader *loader, const struct hx_node *startup_requires)
{
    if (loader->n_named > 0) {
        qsort(loader->named, loader->n_named, sizeof *loader->named, compare_names);
        report_duplicates(loader);
    }
    if (startup_requires == NULL || startup_requires->type != HX_NODE_LIST) {
        return;
    }
    for (const struct hx_node *item = startup_requires->children; item != NULL; item = item->next) {
        bool is_known =
            item->value == NULL ||
            (loader->n_named > 0 && bsearch(item->value, loader->named, loader->n_named,
                                            sizeof *loader->named, compare_with_name) != NULL);
        if (!is_known) {
            report_missing(loader, item);
        }
    }
}
