/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings by table: finding, setting, emptying. What a text means for a type is option_value.c's
 * to say. Settings must be zeroed memory before their first use: to set a field frees what it held.
 */
#include "base/option.h"

#include "base/mem.h"
#include "base/option_value.h"
#include "base/quote.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

#define DURATION_SIZE 32

const struct hx_option *hx_option_find(const struct hx_option *options, const char *name)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

bool hx_option_is_list(const struct hx_option *option)
{
    return option->type == HX_OPTION_STRINGS || option->type == HX_OPTION_STATUSES ||
           option->type == HX_OPTION_DURATIONS;
}

static void free_strings(struct hx_strings *strings)
{
    for (size_t i = 0; i < strings->n; i++) {
        free(strings->items[i]);
    }
    free(strings->items);
    *strings = (struct hx_strings){0};
}

static void free_map(struct hx_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        free(map->items[i].name);
        hx_secret_free(map->items[i].value);
    }
    free(map->items);
    *map = (struct hx_map){0};
}

void hx_option_clear(const struct hx_option *option, void *settings)
{
    void *field = (char *)settings + option->offset;
    switch (option->type) {
    case HX_OPTION_BOOL:
        *(bool *)field = false;
        break;
    case HX_OPTION_INT:
    case HX_OPTION_DURATION:
    case HX_OPTION_SIZE:
        *(int64_t *)field = 0;
        break;
    case HX_OPTION_AMOUNT:
        *(struct hx_amount *)field = (struct hx_amount){.bytes = -1, .percent = -1};
        break;
    case HX_OPTION_STRING:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case HX_OPTION_SECRET:
        hx_secret_free(*(char **)field);
        *(char **)field = NULL;
        break;
    case HX_OPTION_CHOICE:
        *(int *)field = 0;
        break;
    case HX_OPTION_STRINGS:
        free_strings(field);
        break;
    case HX_OPTION_STATUSES:
        *(struct hx_status_set *)field = (struct hx_status_set){0};
        break;
    case HX_OPTION_MAP:
        free_map(field);
        break;
    case HX_OPTION_DURATIONS:
        free(((struct hx_durations *)field)->items);
        *(struct hx_durations *)field = (struct hx_durations){0};
        break;
    }
}

void hx_options_fini(const struct hx_option *options, void *settings)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        hx_option_clear(option, settings);
    }
}

static enum hx_errcode out_of_memory(struct hx_error *err)
{
    return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

static enum hx_errcode append_string(struct hx_strings *strings, const char *text,
                                     struct hx_error *err)
{
    char **items = realloc(strings->items, (strings->n + 1) * sizeof *items);
    if (items == NULL) {
        return out_of_memory(err);
    }
    strings->items = items;
    items[strings->n] = strdup(text);
    if (items[strings->n] == NULL) {
        return out_of_memory(err);
    }
    strings->n++;
    return HX_OK;
}

static enum hx_errcode append_duration(const struct hx_option *option, struct hx_durations *list,
                                       const char *text, struct hx_error *err)
{
    int64_t ns;
    char before[DURATION_SIZE];
    char quoted[HX_QUOTE_SIZE];
    enum hx_errcode code = hx_option_read_duration(option, &ns, text, err);
    if (code != HX_OK) {
        return code;
    }
    if (list->n == HX_MAX_DURATIONS) {
        return hx_error_set(err, HX_ERR_LIMIT, "expected at most %d durations", HX_MAX_DURATIONS);
    }
    if (list->n > 0 && ns <= list->items[list->n - 1]) {
        hx_format_duration(list->items[list->n - 1], before, sizeof before);
        return hx_error_set(err, HX_ERR_INVALID, "must be above the one before it (%s), got %s",
                            before, hx_quote(text, quoted));
    }
    int64_t *items = realloc(list->items, (list->n + 1) * sizeof *items);
    if (items == NULL) {
        return out_of_memory(err);
    }
    list->items = items;
    items[list->n++] = ns;
    return HX_OK;
}

static enum hx_errcode replace_string(const struct hx_option *option, void *settings,
                                      const char *text, struct hx_error *err)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        return out_of_memory(err);
    }
    hx_option_clear(option, settings);
    *(char **)(void *)((char *)settings + option->offset) = copy;
    return HX_OK;
}

enum hx_errcode hx_option_set(const struct hx_option *option, void *settings, const char *text,
                              struct hx_error *err)
{
    void *field = (char *)settings + option->offset;
    if (option->type == HX_OPTION_STRING || option->type == HX_OPTION_SECRET) {
        return replace_string(option, settings, text, err);
    }
    if (option->type == HX_OPTION_STRINGS) {
        return append_string(field, text, err);
    }
    if (option->type == HX_OPTION_DURATIONS) {
        return append_duration(option, field, text, err);
    }
    return hx_option_read(option, field, text, err);
}

enum hx_errcode hx_option_put(const struct hx_option *option, void *settings, const char *name,
                              const char *value, struct hx_error *err)
{
    if (option->type != HX_OPTION_MAP) {
        return hx_error_set(err, HX_ERR_INVALID, "expected %s", hx_option_expected(option));
    }
    struct hx_map *map = (void *)((char *)settings + option->offset);
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->items[i].name, name) == 0) {
            char quoted[HX_QUOTE_SIZE];
            return hx_error_set(err, HX_ERR_EXISTS, "%s is given twice", hx_quote(name, quoted));
        }
    }
    struct hx_map_item *items = realloc(map->items, (map->n + 1) * sizeof *items);
    if (items == NULL) {
        return out_of_memory(err);
    }
    map->items = items;
    struct hx_map_item item = {.name = strdup(name), .value = strdup(value)};
    if (item.name == NULL || item.value == NULL) {
        free(item.name);
        hx_secret_free(item.value);
        return out_of_memory(err);
    }
    items[map->n++] = item;
    return HX_OK;
}

/* The fallback of a list is written as its items, joined by commas. */
static enum hx_errcode set_list(const struct hx_option *option, void *settings,
                                struct hx_error *err)
{
    const char *item = option->fallback;
    for (;;) {
        size_t len = strcspn(item, ",");
        char *text = hx_strndup(item, len);
        if (text == NULL) {
            return out_of_memory(err);
        }
        enum hx_errcode code = hx_option_set(option, settings, text, err);
        free(text);
        if (code != HX_OK || item[len] == '\0') {
            return code;
        }
        item += len + 1;
    }
}

static enum hx_errcode set_default(const struct hx_option *option, void *settings,
                                   struct hx_error *err)
{
    hx_option_clear(option, settings);
    if (option->fallback == NULL) {
        return HX_OK;
    }
    return hx_option_is_list(option) ? set_list(option, settings, err)
                                     : hx_option_set(option, settings, option->fallback, err);
}

enum hx_errcode hx_options_default(const struct hx_option *options, void *settings,
                                   struct hx_error *err)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        enum hx_errcode code = set_default(option, settings, err);
        if (code != HX_OK) {
            hx_options_fini(options, settings);
            return hx_error_wrap(err, code, "default of option %s", option->name);
        }
    }
    return HX_OK;
}
