/* SPDX-License-Identifier: Apache-2.0 */
/* A table of options as JSON Schema; for schema.c alone. */
#ifndef HX_CONFIG_SCHEMA_OPTION_H
#define HX_CONFIG_SCHEMA_OPTION_H

#include "base/json.h"
#include "health_exporter/check.h"

/* The members of a schema for a mapping that holds these options: type, properties with their
 * X_file, what is required, what excludes each other. Other keys are left open. prefix: of the
 * names that are meant, "" or "tls.". */
void hx_schema_put_options(struct hx_json *json, const struct hx_option *options,
                           const char *prefix);

#endif
