/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` found, for people (a table) and for programs (JSON). */
#ifndef HX_CLI_OUTCOME_H
#define HX_CLI_OUTCOME_H

#include "base/strbuf.h"
#include "health_exporter/exporter.h"

/* The worst that the dependencies make of the service: UP, DEGRADED or DOWN. One that reports by
 * itself counts for nothing. */
enum hx_state hx_outcome_state(const struct hx_snapshot *snapshots, size_t n);

/* A line for each dependency, and one that counts them. */
void hx_outcome_write_table(const struct hx_snapshot *snapshots, size_t n, bool has_colours,
                            struct hx_strbuf *out);

/* One object; its keys are always all there, null where nothing is known. */
void hx_outcome_write_json(const struct hx_snapshot *snapshots, size_t n, struct hx_strbuf *out);

#endif
