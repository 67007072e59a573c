/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of options as JSON Schema: a dot in a name is a nested mapping, a text X can be given as
 * X_file, and what must hold between keys.
 */
#include "config/schema_option.h"

#include "config/schema_type.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 128

/* Can the option be given as X_file? Its key without the group; NULL when it cannot. */
static const char *file_key(const struct hx_option *option, const char *prefix, char key[NAME_SIZE])
{
    bool is_text = option->type == HX_OPTION_STRING || option->type == HX_OPTION_SECRET;
    const char *name = option->name + strlen(prefix);
    if (!is_text || option->is_file || strchr(name, '.') != NULL) {
        return NULL;
    }
    snprintf(key, NAME_SIZE, "%s_file", name);
    return key;
}

static void put_file_property(struct hx_json *json, const struct hx_option *option,
                              const char *prefix)
{
    char key[NAME_SIZE];
    char text[NAME_SIZE];
    if (file_key(option, prefix, key) == NULL) {
        return;
    }
    snprintf(text, sizeof text, "the path of a file that holds \"%s\"", option->name);
    hx_json_begin_object(json, key);
    hx_json_text(json, "description", text);
    hx_schema_put_reference(json, "text");
    hx_json_end_object(json);
}

static bool is_in(const struct hx_option *option, const char *prefix)
{
    return strncmp(option->name, prefix, strlen(prefix)) == 0;
}

static bool is_direct(const struct hx_option *option, const char *prefix)
{
    return is_in(option, prefix) && strchr(option->name + strlen(prefix), '.') == NULL;
}

/* The prefix of the group that the option lies in below prefix, when it is the group's first. */
static bool begins_group(const struct hx_option *options, const struct hx_option *option,
                         const char *prefix, char group[NAME_SIZE])
{
    const char *name = option->name + strlen(prefix);
    const char *dot = strchr(name, '.');
    if (dot == NULL) {
        return false;
    }
    snprintf(group, NAME_SIZE, "%.*s", (int)(dot + 1 - option->name), option->name);
    for (; options < option; options++) {
        if (is_in(options, group)) {
            return false;
        }
    }
    return true;
}

static void put_level(struct hx_json *json, const struct hx_schema_table *table,
                      const char *prefix);

static void put_group(struct hx_json *json, const struct hx_schema_table *table, const char *prefix,
                      const char *group)
{
    char key[NAME_SIZE];
    snprintf(key, sizeof key, "%.*s", (int)(strlen(group) - strlen(prefix) - 1),
             group + strlen(prefix));
    hx_json_begin_object(json, key);
    put_level(json, table, group);
    hx_json_bool(json, "additionalProperties", false);
    hx_json_end_object(json);
}

static void put_properties(struct hx_json *json, const struct hx_schema_table *table,
                           const char *prefix)
{
    char group[NAME_SIZE];
    hx_json_begin_object(json, "properties");
    for (const struct hx_option *option = table->options; option->name != NULL; option++) {
        if (!is_in(option, prefix)) {
            continue;
        }
        if (begins_group(table->options, option, prefix, group)) {
            put_group(json, table, prefix, group);
        } else if (is_direct(option, prefix)) {
            hx_schema_put_option(json, option->name + strlen(prefix), option);
            put_file_property(json, option, prefix);
        }
    }
    if (table->put_own != NULL) {
        table->put_own(json, prefix);
    }
    hx_json_end_object(json);
}

static void put_required(struct hx_json *json, const char *name)
{
    hx_json_begin_object(json, NULL);
    hx_json_begin_array(json, "required");
    hx_json_text(json, NULL, name);
    hx_json_end_array(json);
    hx_json_end_object(json);
}

/* An option in a group makes the group required as well. */
static void put_requirement(struct hx_json *json, const struct hx_option *option,
                            const char *prefix)
{
    char key[NAME_SIZE];
    const char *name = option->name + strlen(prefix);
    hx_json_begin_object(json, NULL);
    hx_json_begin_array(json, "anyOf");
    snprintf(key, sizeof key, "%.*s", (int)strcspn(name, "."), name);
    put_required(json, key);
    if (file_key(option, prefix, key) != NULL) {
        put_required(json, key);
    }
    hx_json_end_array(json);
    hx_json_end_object(json);
}

static void put_requirements(struct hx_json *json, const struct hx_option *options,
                             const char *prefix)
{
    bool is_begun = false;
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        if (!option->required || !is_in(option, prefix)) {
            continue;
        }
        if (!is_begun) {
            hx_json_begin_array(json, "allOf");
            is_begun = true;
        }
        put_requirement(json, option, prefix);
    }
    if (is_begun) {
        hx_json_end_array(json);
    }
}

/* X and X_file exclude each other. */
static void put_exclusion(struct hx_json *json, const char *key, const char *file)
{
    hx_json_begin_object(json, file);
    hx_json_begin_object(json, "not");
    hx_json_begin_array(json, "required");
    hx_json_text(json, NULL, key);
    hx_json_end_array(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

static void put_exclusions(struct hx_json *json, const struct hx_option *options,
                           const char *prefix)
{
    char file[NAME_SIZE];
    bool is_begun = false;
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        if (!is_direct(option, prefix) || file_key(option, prefix, file) == NULL) {
            continue;
        }
        if (!is_begun) {
            hx_json_begin_object(json, "dependentSchemas");
            is_begun = true;
        }
        put_exclusion(json, option->name + strlen(prefix), file);
    }
    if (is_begun) {
        hx_json_end_object(json);
    }
}

/* The table's options at a prefix; their groups are levels of their own. */
static void put_level(struct hx_json *json, const struct hx_schema_table *table, const char *prefix)
{
    hx_json_text(json, "type", "object");
    put_properties(json, table, prefix);
    put_requirements(json, table->options, prefix);
    put_exclusions(json, table->options, prefix);
}

void hx_schema_put_table(struct hx_json *json, const struct hx_schema_table *table)
{
    put_level(json, table, "");
}

void hx_schema_put_options(struct hx_json *json, const struct hx_option *options)
{
    hx_schema_put_table(json, &(struct hx_schema_table){.options = options});
}
