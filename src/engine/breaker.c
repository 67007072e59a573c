/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask a dependency that keeps failing again. */
#include "engine/breaker.h"

bool hx_breaker_is_open(const struct hx_policy *policy, int64_t failures_in_row)
{
    return policy->breaker_failures > 0 && failures_in_row >= policy->breaker_failures;
}

int64_t hx_breaker_wait_ns(const struct hx_policy *policy, int64_t failures_in_row, uint64_t random)
{
    int64_t wait = policy->interval_ns;
    int64_t beyond = failures_in_row - policy->breaker_failures;
    for (int64_t i = 0; i <= beyond && wait < policy->breaker_max_interval_ns; i++)
        wait *= 2;
    if (wait > policy->breaker_max_interval_ns)
        wait = policy->breaker_max_interval_ns;
    int64_t tenth = wait / 10;
    return wait - tenth + (int64_t)(random % (uint64_t)(2 * tenth + 1));
}
