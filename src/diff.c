/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference of a configuration from the generation that runs. A dependency whose name, kind,
 * URL, options and files are the same goes on with its record, and with it keeps state, counters,
 * histogram, phase and connection.
 */
#include "diff.h"

#include "base/equal.h"
#include "base/option.h"
#include "twins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum hx_errcode out_of_memory(struct hx_error *err)
{
    (void)hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    return HX_ERR_NOMEM;
}

/* Room for n names; those of a diff are never more. */
static bool reserve(struct hx_strings *strings, size_t n)
{
    strings->items = calloc(n + 1, sizeof(*strings->items));
    return strings->items != NULL;
}

static enum hx_errcode append(struct hx_strings *strings, const char *name, struct hx_error *err)
{
    char *copy = strdup(name);
    if (copy == NULL)
        return out_of_memory(err);
    strings->items[strings->n++] = copy;
    return HX_OK;
}

void hx_strings_fini(struct hx_strings *strings)
{
    for (size_t i = 0; i < strings->n; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct hx_strings){0};
}

/* The record for one dependency, which is taken. */
static enum hx_errcode take(const struct hx_generation *current, struct hx_dependency *dependency,
                            struct hx_diff *diff, struct hx_twins *twins, struct hx_error *err)
{
    struct hx_record *old = current == NULL ? NULL : hx_generation_find(current, dependency->name);
    if (old != NULL && hx_dependency_equal(old->dependency, dependency)) {
        hx_dependency_free(dependency);
        diff->records[diff->n++] = hx_record_hold(old);
        diff->n_unchanged++;
        return HX_OK;
    }
    enum hx_errcode code =
        append(old == NULL ? &diff->added : &diff->changed, dependency->name, err);
    if (code != HX_OK) {
        hx_dependency_free(dependency);
        return code;
    }
    struct hx_record *record = NULL;
    const struct hx_record *twin = hx_twins_find(twins, &dependency->policy.buckets);
    code = hx_record_new_beside(twin, dependency, &record, err);
    if (code != HX_OK)
        return code;
    diff->records[diff->n++] = record;
    return hx_twins_add(twins, record, err);
}

/* Takes all of the configuration; what they share with each other, or with those that run, is made
 * once. */
static enum hx_errcode take_all(const struct hx_generation *current, struct hx_config *config,
                                struct hx_diff *diff, struct hx_error *err)
{
    struct hx_twins twins = {0};
    enum hx_errcode code = HX_OK;
    for (size_t i = 0; code == HX_OK && current != NULL && i < current->n; i++)
        code = hx_twins_add(&twins, current->records[i], err);
    for (size_t i = 0; code == HX_OK && i < config->n; i++) {
        struct hx_dependency *dependency = config->dependencies[i];
        config->dependencies[i] = NULL;
        code = take(current, dependency, diff, &twins, err);
    }
    hx_twins_fini(&twins);
    return code;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of the current generation, in its order, that have no record of their name in the diff. */
static enum hx_errcode find_removed(const struct hx_generation *current, struct hx_diff *diff,
                                    struct hx_error *err)
{
    const char **names = calloc(diff->n + 1, sizeof(*names));
    enum hx_errcode code = names == NULL ? out_of_memory(err) : HX_OK;
    for (size_t i = 0; code == HX_OK && i < diff->n; i++) {
        assert(diff->records[i] != NULL);
        names[i] = diff->records[i]->dependency->name;
    }
    if (code == HX_OK)
        qsort(names, diff->n, sizeof(*names), compare_names);
    for (size_t i = 0; code == HX_OK && i < current->n; i++) {
        const char *name = current->records[i]->dependency->name;
        if (bsearch(&name, names, diff->n, sizeof(*names), compare_names) == NULL)
            code = append(&diff->removed, name, err);
    }
    free(names);
    return code;
}

enum hx_errcode hx_diff_make(const struct hx_generation *current, struct hx_config *config,
                             struct hx_diff *diff, struct hx_error *err)
{
    *diff = (struct hx_diff){0};
    diff->records = calloc(config->n + 1, sizeof(struct hx_record *));
    bool is_reserved = diff->records != NULL && reserve(&diff->added, config->n) &&
                       reserve(&diff->changed, config->n) &&
                       reserve(&diff->removed, current == NULL ? 0 : current->n);
    enum hx_errcode code = is_reserved ? HX_OK : out_of_memory(err);
    if (code == HX_OK)
        code = take_all(current, config, diff, err);
    if (code == HX_OK && current != NULL)
        code = find_removed(current, diff, err);
    if (code != HX_OK)
        hx_diff_fini(diff);
    return code;
}

enum hx_errcode hx_diff_enable_native(struct hx_diff *diff, struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    for (size_t i = 0; code == HX_OK && i < diff->n; i++)
        code = hx_record_enable_native(diff->records[i], err);
    return code;
}

enum hx_errcode hx_diff_enable_history(struct hx_diff *diff, const struct hx_history_scale *scale,
                                       struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    for (size_t i = 0; code == HX_OK && i < diff->n; i++)
        code = hx_record_enable_history(diff->records[i], scale, err);
    return code;
}

void hx_diff_fini(struct hx_diff *diff)
{
    for (size_t i = 0; diff->records != NULL && i < diff->n; i++)
        hx_record_release(diff->records[i]);
    free(diff->records);
    hx_strings_fini(&diff->added);
    hx_strings_fini(&diff->changed);
    hx_strings_fini(&diff->removed);
    *diff = (struct hx_diff){0};
}

enum hx_errcode hx_diff_generation(struct hx_diff *diff, const struct hx_config *config,
                                   struct hx_generation **generation, struct hx_error *err)
{
    size_t n = diff->n;
    diff->n = 0;
    enum hx_errcode code =
        hx_generation_new(diff->records, n, &config->startup_requires, generation, err);
    if (code != HX_OK)
        return code;
    const struct hx_service *service = &config->service;
    code =
        hx_generation_describe(*generation, service->name, service->version, service->commit, err);
    if (code != HX_OK)
        hx_generation_release(*generation);
    return code;
}
