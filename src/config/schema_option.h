/* SPDX-License-Identifier: Apache-2.0 */
/* A table of options as JSON Schema; for schema.c alone. */
#ifndef HX_CONFIG_SCHEMA_OPTION_H
#define HX_CONFIG_SCHEMA_OPTION_H

#include "base/json.h"
#include "health_exporter/check.h"

/* What a mapping holds: options, and keys that are none. */
struct hx_schema_table {
    const struct hx_option *options;
    /* Writes the properties that are no options at this prefix, "" or "tls."; NULL: none. */
    void (*put_own)(struct hx_json *json, const char *prefix);
};

/* The members of a schema for the mapping: type, properties with their X_file, what is required,
 * what excludes each other. Groups ("tls") are closed, the mapping itself is left open. */
void hx_schema_put_table(struct hx_json *json, const struct hx_schema_table *table);

/* The same for options alone. */
void hx_schema_put_options(struct hx_json *json, const struct hx_option *options);

#endif
