/* SPDX-License-Identifier: Apache-2.0 */
/* One option and its type as JSON Schema; for schema.c and schema_option.c. */
#ifndef HX_CONFIG_SCHEMA_TYPE_H
#define HX_CONFIG_SCHEMA_TYPE_H

#include "base/json.h"
#include "health_exporter/check.h"

/* "$ref": "#/$defs/NAME" */
void hx_schema_put_reference(struct hx_json *json, const char *definition);

/* The schema of the option's value: description, type, default. */
void hx_schema_put_option(struct hx_json *json, const char *key, const struct hx_option *option);

/* The definitions that options refer to. */
void hx_schema_put_types(struct hx_json *json);

#endif
