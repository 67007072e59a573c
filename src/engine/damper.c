/* SPDX-License-Identifier: Apache-2.0 */
/* Counts lines by the minute. */
#include "engine/damper.h"

#include "base/clock.h"

#define MINUTE_NS (60 * HX_NS_PER_S)

bool hx_damper_allows(struct hx_damper *damper, int64_t now_ns, int64_t burst, int64_t *held_back)
{
    if (damper->n_said == 0 || now_ns - damper->minute_start_ns >= MINUTE_NS) {
        damper->minute_start_ns = now_ns;
        damper->n_said = 0;
    }
    if (damper->n_said >= burst) {
        damper->n_held_back++;
        return false;
    }
    damper->n_said++;
    *held_back = damper->n_held_back;
    damper->n_held_back = 0;
    return true;
}
