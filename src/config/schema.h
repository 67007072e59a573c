/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema (draft 2020-12) of the configuration file, for editors: written from the option
 * tables, so that it knows what the program knows. Whatever the program accepts, it accepts; what
 * it cannot see is said in docs/command-line.md.
 */
#ifndef HX_CONFIG_SCHEMA_H
#define HX_CONFIG_SCHEMA_H

#include "base/strbuf.h"
#include "health_exporter/check.h"

/* kinds: NULL-terminated. */
void hx_config_schema(const struct hx_kind *const *kinds, struct hx_strbuf *out);

#endif
