/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as JSON Schema. A schema sees what an editor's YAML parser made of the file, where the
 * program reads every scalar as the text that stands there: `database: 1`, `database: "1"` and
 * `database: ${NUMBER}` are the same to it. So numbers are taken as numbers and as texts, texts as
 * whatever YAML takes them for, and all of them as a variable.
 */
#include "config/schema_type.h"

#include "base/option.h"
#include "base/units.h"
#include "config/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE  128
#define MIN_STATUS 100
#define MAX_STATUS 599

/* ${NAME} or ${NAME:-default}. */
#define VARIABLE "\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::-(?:(?!\\$\\{)[^}])*)?\\}"
/* A text in which every ${ begins a variable. */
#define TEXT "^(?:[^$]|\\$\\$|\\$(?![{$])|" VARIABLE ")*$"
/* A part of a duration; only the last part may have a fraction. */
#define PART(unit) "(?:[0-9]+(?:\\.[0-9]{1,9}(?=[a-z]+$))?" unit ")?"
#define DURATION \
    "^(?=.)" PART("w") PART("d") PART("h") PART("m") PART("s") PART("ms") PART("us") PART("ns") "$"
#define SIZE "^(?:[0-9]+B?|[0-9]+(?:\\.[0-9]{1,9})?(?:kB|MB|GB|TB|KiB|MiB|GiB|TiB))$"
/* 0% to 100% */
#define SHARE   "^0*(?:100(?:\\.0{1,9})?|[0-9]{1,2}(?:\\.[0-9]{1,9})?)%$"
#define NUMBER  "^-?[0-9]+$"
#define SECONDS "^[0-9]+(?:\\.[0-9]{1,9})?$"
#define STATUS  "^(?:[1-5]xx|[1-5][0-9][0-9](?:-[1-5][0-9][0-9])?)$"

/* What a text must look like. A number's bounds are written where it is used. */
static const struct {
    const char *name;
    const char *pattern;
} text_types[] = {
    {"variable", VARIABLE},
    {"number_text", NUMBER "|" VARIABLE},
    {"duration", DURATION "|" VARIABLE},
    {"zero", "^0$"},
    {"size_text", SIZE "|" VARIABLE},
    {"amount_text", SIZE "|" SHARE "|" VARIABLE},
    {"status_text", STATUS "|" VARIABLE},
    {"seconds_text", SECONDS "|" VARIABLE},
};

void hx_schema_put_reference(struct hx_json *json, const char *definition)
{
    char reference[NAME_SIZE];
    snprintf(reference, sizeof reference, "#/$defs/%s", definition);
    hx_json_text(json, "$ref", reference);
}

static void put_reference_item(struct hx_json *json, const char *definition)
{
    hx_json_begin_object(json, NULL);
    hx_schema_put_reference(json, definition);
    hx_json_end_object(json);
}

/* ---- values ---- */

static bool is_number(const char *text)
{
    size_t len = strspn(text, "0123456789.");
    return len > 0 && text[len] == '\0';
}

/* A value of the option as it stands in the table, as YAML reads it. */
static void put_scalar(struct hx_json *json, const char *key, enum hx_option_type type,
                       const char *text)
{
    if (type == HX_OPTION_BOOL) {
        hx_json_bool(json, key, strcmp(text, "true") == 0);
    } else if ((type == HX_OPTION_INT || type == HX_OPTION_DURATION) && is_number(text)) {
        hx_json_int(json, key, strtoll(text, NULL, 10));
    } else {
        hx_json_text(json, key, text);
    }
}

/* A list's default is written as its items, joined by commas. */
static void put_list_default(struct hx_json *json, const char *text)
{
    char item[NAME_SIZE];
    hx_json_begin_array(json, "default");
    for (size_t len; *text != '\0'; text += len + (text[len] == ',')) {
        len = strcspn(text, ",");
        snprintf(item, sizeof item, "%.*s", (int)len, text);
        hx_json_text(json, NULL, item);
    }
    hx_json_end_array(json);
}

static void put_default(struct hx_json *json, const struct hx_option *option)
{
    if (option->fallback == NULL) {
        return;
    }
    if (hx_option_is_list(option)) {
        put_list_default(json, option->fallback);
    } else {
        put_scalar(json, "default", option->type, option->fallback);
    }
}

/* A bound that the table leaves out is the type's own; see hx_describe_option_bounds(). */
static void put_integer(struct hx_json *json, const struct hx_option *option, int64_t type_min)
{
    bool is_bounded = option->min != 0 || option->max != 0;
    hx_json_begin_object(json, NULL);
    hx_json_text(json, "type", "integer");
    if (is_bounded || type_min > INT64_MIN) {
        hx_json_int(json, "minimum", is_bounded ? option->min : type_min);
    }
    if (is_bounded && option->max >= option->min) {
        hx_json_int(json, "maximum", option->max);
    }
    hx_json_end_object(json);
}

/* A number within its bounds, or a text that says one. */
static void put_number(struct hx_json *json, const struct hx_option *option, int64_t type_min,
                       const char *text_type)
{
    hx_json_begin_array(json, "anyOf");
    put_integer(json, option, type_min);
    put_reference_item(json, text_type);
    hx_json_end_array(json);
}

static void put_duration(struct hx_json *json, const struct hx_option *option)
{
    if (option->min > 0) {
        hx_schema_put_reference(json, "duration");
        return;
    }
    hx_json_begin_array(json, "anyOf");
    put_reference_item(json, "duration");
    put_reference_item(json, "zero");
    hx_json_begin_object(json, NULL);
    hx_json_int(json, "const", 0);
    hx_json_end_object(json);
    hx_json_end_array(json);
}

/* A choice that looks like a number is one to YAML: `min_version: 1.3`. */
static void put_choices(struct hx_json *json, const struct hx_option *option)
{
    hx_json_begin_array(json, "anyOf");
    hx_json_begin_object(json, NULL);
    hx_json_begin_array(json, "enum");
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        hx_json_text(json, NULL, *choice);
    }
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        if (is_number(*choice)) {
            hx_json_number(json, NULL, *choice);
        }
    }
    hx_json_end_array(json);
    hx_json_end_object(json);
    put_reference_item(json, "variable");
    hx_json_end_array(json);
}

static void put_boolean(struct hx_json *json)
{
    hx_json_begin_array(json, "anyOf");
    hx_json_begin_object(json, NULL);
    hx_json_begin_array(json, "enum");
    hx_json_bool(json, NULL, true);
    hx_json_bool(json, NULL, false);
    hx_json_text(json, NULL, "true");
    hx_json_text(json, NULL, "false");
    hx_json_end_array(json);
    hx_json_end_object(json);
    put_reference_item(json, "variable");
    hx_json_end_array(json);
}

/* A list or mapping; items: the member that says of what. */
static void put_container(struct hx_json *json, const char *type, const char *items,
                          const char *definition)
{
    hx_json_text(json, "type", type);
    hx_json_begin_object(json, items);
    hx_schema_put_reference(json, definition);
    hx_json_end_object(json);
}

static void put_type(struct hx_json *json, const struct hx_option *option)
{
    switch (option->type) {
    case HX_OPTION_BOOL:
        put_boolean(json);
        break;
    case HX_OPTION_INT:
        put_number(json, option, INT64_MIN, "number_text");
        break;
    case HX_OPTION_DURATION:
        put_duration(json, option);
        break;
    case HX_OPTION_SIZE:
        put_number(json, option, 0, "size_text");
        break;
    case HX_OPTION_AMOUNT:
        put_number(json, option, 0, "amount_text");
        break;
    case HX_OPTION_STRING:
    case HX_OPTION_SECRET:
        hx_schema_put_reference(json, "text");
        break;
    case HX_OPTION_CHOICE:
        put_choices(json, option);
        break;
    case HX_OPTION_STRINGS:
        put_container(json, "array", "items", "text");
        break;
    case HX_OPTION_STATUSES:
        put_container(json, "array", "items", "status");
        break;
    case HX_OPTION_MAP:
        put_container(json, "object", "additionalProperties", "text");
        break;
    case HX_OPTION_DURATIONS:
        put_container(json, "array", "items", "moment");
        hx_json_int(json, "minItems", 1);
        hx_json_int(json, "maxItems", HX_MAX_DURATIONS);
        break;
    }
}

/* ---- the option ---- */

/* The help, with the bounds, which a pattern cannot say. */
static void put_description(struct hx_json *json, const struct hx_option *option)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_puts(&text, option->help);
    struct hx_strbuf bounds;
    hx_strbuf_init(&bounds);
    hx_describe_option_bounds(option, &bounds);
    if (bounds.len > 0) {
        hx_strbuf_printf(&text, " (%s)", hx_strbuf_text(&bounds));
    }
    json->out->is_failed |= text.is_failed || bounds.is_failed;
    hx_json_text(json, "description", hx_strbuf_text(&text));
    hx_strbuf_fini(&bounds);
    hx_strbuf_fini(&text);
}

void hx_schema_put_option(struct hx_json *json, const char *key, const struct hx_option *option)
{
    hx_json_begin_object(json, key);
    put_description(json, option);
    put_type(json, option);
    put_default(json, option);
    hx_json_end_object(json);
}

/* ---- types ---- */

static void put_text_type(struct hx_json *json, const char *name, const char *pattern)
{
    hx_json_begin_object(json, name);
    hx_json_text(json, "type", "string");
    hx_json_text(json, "pattern", pattern);
    hx_json_end_object(json);
}

void hx_schema_put_types(struct hx_json *json)
{
    for (size_t i = 0; i < sizeof text_types / sizeof text_types[0]; i++) {
        put_text_type(json, text_types[i].name, text_types[i].pattern);
    }
    hx_json_begin_object(json, "status");
    hx_json_begin_array(json, "anyOf");
    put_integer(json, &(struct hx_option){.min = MIN_STATUS, .max = MAX_STATUS}, MIN_STATUS);
    put_reference_item(json, "status_text");
    hx_json_end_array(json);
    hx_json_end_object(json);
    hx_json_begin_object(json, "moment"); /* a duration, or a number of seconds */
    hx_json_begin_array(json, "anyOf");
    put_reference_item(json, "duration");
    put_reference_item(json, "seconds_text");
    hx_json_begin_object(json, NULL);
    hx_json_text(json, "type", "number");
    hx_json_int(json, "exclusiveMinimum", 0);
    hx_json_end_object(json);
    hx_json_end_array(json);
    hx_json_end_object(json);
    hx_json_begin_object(json, "text");
    hx_json_begin_array(json, "type");
    hx_json_text(json, NULL, "string");
    hx_json_text(json, NULL, "number");
    hx_json_text(json, NULL, "boolean");
    hx_json_end_array(json);
    hx_json_text(json, "pattern", TEXT);
    hx_json_end_object(json);
}
