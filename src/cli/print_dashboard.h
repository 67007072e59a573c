/* SPDX-License-Identifier: Apache-2.0 */
/* --print-dashboard: a dashboard for Grafana of the dependencies of a configuration. */
#ifndef HX_CLI_PRINT_DASHBOARD_H
#define HX_CLI_PRINT_DASHBOARD_H

#include "base/strbuf.h"
#include "config/config.h"

/* Appends the dashboard, as JSON. The configuration has a dependency. Out of memory shows in the
 * text. */
void hx_print_dashboard(const struct hx_config *config, struct hx_strbuf *out);

#endif
