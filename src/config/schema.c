/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema's upper half: the file, a dependency, and which kind's options go with which URL. What
 * options look like is schema_option.c's and schema_type.c's to say.
 *
 * A dependency is the common options and those of the one kind that its URL's scheme names; what
 * neither of them evaluates is unknown. A URL that comes from a file or a variable names no kind
 * here, so that the options of any one kind are taken.
 */
#include "config/schema.h"

#include "base/json.h"
#include "base/option.h"
#include "config/loader.h"
#include "config/schema_option.h"
#include "config/schema_type.h"

#include <stdio.h>
#include <string.h>

#define MAX_SCHEMES 128

/* {"$ref": "#/$defs/NAME"} */
static void put_reference(struct hx_json *json, const char *key, const char *definition)
{
    hx_json_begin_object(json, key);
    hx_schema_put_reference(json, definition);
    hx_json_end_object(json);
}

static void put_names(struct hx_json *json, const char *key, const char *const *names)
{
    hx_json_begin_array(json, key);
    for (; *names != NULL; names++) {
        hx_json_text(json, NULL, *names);
    }
    hx_json_end_array(json);
}

static void put_required(struct hx_json *json, const char *name)
{
    put_names(json, "required", (const char *const[]){name, NULL});
}

/* ---- URLs ---- */

static bool is_listed(const char *const *list, const char *text)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, text) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds the kind's schemes but those left out (may be NULL) to the n of the list; returns how many
 * there are then. */
static size_t add_schemes(const char *list[MAX_SCHEMES + 1], size_t n, const struct hx_kind *kind,
                          const char *const *left_out)
{
    for (const char *const *scheme = kind->schemes; *scheme != NULL; scheme++) {
        if (n < MAX_SCHEMES && !is_listed(left_out, *scheme)) {
            list[n++] = *scheme;
        }
    }
    list[n] = NULL;
    return n;
}

/* "^(?:tcp|tcp\+unix):" */
static void put_scheme_pattern(struct hx_json *json, const char *const *schemes)
{
    struct hx_strbuf pattern;
    hx_strbuf_init(&pattern);
    hx_strbuf_puts(&pattern, "^(?:");
    for (const char *const *scheme = schemes; *scheme != NULL; scheme++) {
        hx_strbuf_puts(&pattern, scheme == schemes ? "" : "|");
        for (const char *c = *scheme; *c != '\0'; c++) {
            hx_strbuf_puts(&pattern, strchr("+.", *c) != NULL ? "\\" : "");
            hx_strbuf_putc(&pattern, *c);
        }
    }
    hx_strbuf_puts(&pattern, "):");
    json->out->is_failed |= pattern.is_failed;
    hx_json_text(json, "pattern", hx_strbuf_text(&pattern));
    hx_strbuf_fini(&pattern);
}

/* A scheme, whole or in part, that is known only when the program runs. */
static void put_open_pattern(struct hx_json *json)
{
    hx_json_text(json, "pattern", "^[A-Za-z0-9+.-]*\\$\\{");
}

static void put_url(struct hx_json *json, const struct hx_kind *const *kinds)
{
    const char *schemes[MAX_SCHEMES + 1] = {NULL};
    size_t n = 0;
    hx_json_begin_object(json, "url");
    hx_json_text(json, "description", "where the dependency is; the scheme chooses the kind");
    hx_json_text(json, "type", "string");
    hx_json_begin_array(json, "examples");
    for (; *kinds != NULL; kinds++) {
        n = add_schemes(schemes, n, *kinds, NULL);
        for (const char *const *example = (*kinds)->examples; *example != NULL; example++) {
            hx_json_text(json, NULL, *example);
        }
    }
    hx_json_end_array(json);
    hx_json_begin_array(json, "anyOf");
    hx_json_begin_object(json, NULL);
    put_scheme_pattern(json, schemes);
    hx_json_end_object(json);
    hx_json_begin_object(json, NULL);
    put_open_pattern(json);
    hx_json_end_object(json);
    hx_json_end_array(json);
    hx_json_end_object(json);
}

/* ---- kinds ---- */

static void put_kind_reference(struct hx_json *json, const char *key, const struct hx_kind *kind)
{
    char name[64];
    snprintf(name, sizeof name, "kind_%s", kind->name);
    put_reference(json, key, name);
}

/* "Is there a url, and does it match?" The caller puts the pattern between begin and end. */
static void begin_url_match(struct hx_json *json, const char *key)
{
    hx_json_begin_object(json, key);
    put_required(json, "url");
    hx_json_begin_object(json, "properties");
    hx_json_begin_object(json, "url");
    hx_json_text(json, "type", "string");
}

static void end_url_match(struct hx_json *json)
{
    hx_json_end_object(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

static void put_if_scheme(struct hx_json *json, const char *const *schemes)
{
    begin_url_match(json, "if");
    put_scheme_pattern(json, schemes);
    end_url_match(json);
}

static void put_choice_of_kind(struct hx_json *json, const struct hx_kind *kind)
{
    hx_json_begin_object(json, NULL);
    put_if_scheme(json, kind->schemes);
    put_kind_reference(json, "then", kind);
    hx_json_end_object(json);
}

static void put_without_tls(struct hx_json *json, const char *const *schemes)
{
    hx_json_begin_object(json, NULL);
    put_if_scheme(json, schemes);
    hx_json_begin_object(json, "then");
    hx_json_begin_object(json, "properties");
    hx_json_begin_object(json, "tls");
    hx_json_int(json, "maxProperties", 0);
    hx_json_end_object(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

/* Common options that the kind has no use for; see useless.c. */
static void put_useless(struct hx_json *json, const struct hx_kind *kind)
{
    const char *schemes[MAX_SCHEMES + 1];
    if (add_schemes(schemes, 0, kind, kind->tls_schemes) > 0) {
        put_without_tls(json, schemes);
    }
    if (kind->is_connection_kept) {
        return;
    }
    hx_json_begin_object(json, NULL);
    put_if_scheme(json, kind->schemes);
    hx_json_begin_object(json, "then");
    hx_json_begin_object(json, "properties");
    hx_json_bool(json, "connection", false);
    hx_json_bool(json, "max_connection_age", false);
    hx_json_end_object(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

static void put_any_kind(struct hx_json *json, const struct hx_kind *const *kinds)
{
    hx_json_begin_object(json, NULL);
    hx_json_begin_object(json, "if");
    hx_json_begin_array(json, "anyOf");
    hx_json_begin_object(json, NULL);
    put_required(json, "url_file");
    hx_json_end_object(json);
    begin_url_match(json, NULL);
    put_open_pattern(json);
    end_url_match(json);
    hx_json_end_array(json);
    hx_json_end_object(json);
    hx_json_begin_object(json, "then");
    hx_json_begin_array(json, "anyOf");
    for (; *kinds != NULL; kinds++) {
        put_kind_reference(json, NULL, *kinds);
    }
    hx_json_end_array(json);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

/* ---- a dependency ---- */

static void put_own_keys(struct hx_json *json, const struct hx_kind *const *kinds)
{
    hx_json_begin_object(json, "properties");
    hx_json_begin_object(json, "name");
    hx_json_text(json, "description", "unique; the value of the label \"dependency\"");
    hx_json_text(json, "type", "string");
    hx_json_text(json, "pattern", "^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$|\\$\\{");
    hx_json_end_object(json);
    put_url(json, kinds);
    hx_json_begin_object(json, "url_file");
    hx_json_text(json, "description", "the path of a file that holds the URL");
    hx_schema_put_reference(json, "text");
    hx_json_end_object(json);
    hx_json_end_object(json);
}

static void put_dependency(struct hx_json *json, const struct hx_kind *const *kinds)
{
    hx_json_begin_object(json, "dependency");
    hx_json_text(json, "type", "object");
    put_own_keys(json, kinds);
    put_required(json, "name");
    hx_json_begin_array(json, "oneOf");
    hx_json_begin_object(json, NULL);
    put_required(json, "url");
    hx_json_end_object(json);
    hx_json_begin_object(json, NULL);
    put_required(json, "url_file");
    hx_json_end_object(json);
    hx_json_end_array(json);
    hx_json_begin_array(json, "allOf");
    put_reference(json, NULL, "common_options");
    for (const struct hx_kind *const *kind = kinds; *kind != NULL; kind++) {
        put_choice_of_kind(json, *kind);
        put_useless(json, *kind);
    }
    put_any_kind(json, kinds);
    hx_json_end_array(json);
    hx_json_bool(json, "unevaluatedProperties", false);
    hx_json_end_object(json);
}

static void put_definitions(struct hx_json *json, const struct hx_kind *const *kinds)
{
    hx_json_begin_object(json, "$defs");
    put_dependency(json, kinds);
    hx_json_begin_object(json, "common_options");
    hx_json_text(json, "description", "the options that all kinds have");
    hx_schema_put_options(json, hx_policy_options);
    hx_json_end_object(json);
    for (; *kinds != NULL; kinds++) {
        char name[64];
        snprintf(name, sizeof name, "kind_%s", (*kinds)->name);
        hx_json_begin_object(json, name);
        hx_json_text(json, "description", (*kinds)->summary);
        hx_schema_put_options(json, (*kinds)->options);
        hx_json_end_object(json);
    }
    hx_schema_put_types(json);
    hx_json_end_object(json);
}

/* ---- the file ---- */

static void put_windows(struct hx_json *json)
{
    hx_json_begin_object(json, "windows");
    hx_json_text(json, "description", "planned maintenance: from and to, or weekly");
    hx_json_text(json, "type", "array");
    hx_json_begin_object(json, "items");
    hx_schema_put_options(json, hx_window_options);
    hx_json_bool(json, "additionalProperties", false);
    hx_json_end_object(json);
    hx_json_end_object(json);
}

/* The keys of the file that hold more than an option. */
static void put_file_keys(struct hx_json *json, const char *prefix)
{
    if (strcmp(prefix, "maintenance.") == 0) {
        put_windows(json);
    }
    if (prefix[0] != '\0') {
        return;
    }
    hx_json_begin_object(json, "defaults");
    hx_json_text(json, "description", "options for all dependencies that do not set them");
    hx_schema_put_reference(json, "common_options");
    hx_json_bool(json, "unevaluatedProperties", false);
    hx_json_end_object(json);
    hx_json_begin_object(json, "dependencies");
    hx_json_text(json, "description", "what the service needs");
    hx_json_text(json, "type", "array");
    put_reference(json, "items", "dependency");
    hx_json_end_object(json);
}

void hx_config_schema(const struct hx_kind *const *kinds, struct hx_strbuf *out)
{
    const struct hx_schema_table file = {hx_config_options, put_file_keys};
    struct hx_json json;
    hx_json_init(&json, out);
    hx_json_begin_object(&json, NULL);
    hx_json_text(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    hx_json_text(&json, "title", "The configuration file of health_exporter");
    hx_schema_put_table(&json, &file);
    hx_json_bool(&json, "additionalProperties", false);
    put_definitions(&json, kinds);
    hx_json_end_object(&json);
}
