/* SPDX-License-Identifier: Apache-2.0 */
/* One dependency as it stands on the board, as a copy for the service or the command line. */
#include "snapshot.h"

#include "base/clock.h"
#include "health_exporter/exporter.h"

#include <stdio.h>

static void fill(struct hx_snapshot *snapshot, const struct hx_record *record)
{
    const struct hx_dependency *dependency = record->dependency;
    struct hx_status status;
    hx_record_read(record, &status);
    *snapshot = (struct hx_snapshot){
        .kind = dependency->kind->name,
        .is_critical = dependency->policy.critical,
        .is_reported = dependency->kind->report != NULL,
        .has_result = status.has_result != 0,
        .timeout_ns = dependency->policy.timeout_ns,
        .duration_ns = status.duration_ns,
    };
    snprintf(snapshot->name, sizeof(snapshot->name), "%s", dependency->name);
    snprintf(snapshot->message, sizeof(snapshot->message), "%s", status.message);
    snapshot->state = hx_status_state(&status, hx_clock_monotonic_ns(), &snapshot->reason);
    for (size_t phase = 0; phase < HX_N_PHASES; phase++) {
        bool is_reached = (status.phase_set >> phase & 1) != 0;
        snapshot->phases_ns[phase] = is_reached ? status.phases_ns[phase] : -1;
    }
}

bool hx_exporter_dependency(struct hx_exporter *exporter, size_t i, struct hx_snapshot *snapshot)
{
    struct hx_generation *generation = hx_board_hold(hx_exporter_board(exporter));
    bool is_there = generation != NULL && i < generation->n;
    if (is_there)
        fill(snapshot, generation->records[i]);
    hx_generation_release(generation);
    return is_there;
}
