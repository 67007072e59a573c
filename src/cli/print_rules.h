/* SPDX-License-Identifier: Apache-2.0 */
/* --print-alert-rules: alerts/dependencies.yml, made to measure for a configuration. */
#ifndef HX_CLI_PRINT_RULES_H
#define HX_CLI_PRINT_RULES_H

#include "base/strbuf.h"
#include "config/config.h"

/* Appends a rule file for Prometheus: a group for each dependency of the configuration. Out of
 * memory shows in the text. */
void hx_print_rules(const struct hx_config *config, struct hx_strbuf *out);

#endif
