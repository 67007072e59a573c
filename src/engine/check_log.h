/* SPDX-License-Identifier: Apache-2.0 */
/* What the log hears of a check; on the loop thread, after its result was taken. */
#ifndef HX_ENGINE_CHECK_LOG_H
#define HX_ENGINE_CHECK_LOG_H

#include "engine/runner.h"

/* One line for a change of the state: error when something critical is down or unknown, warn when
 * it is not critical or degraded, info for a recovery. A dependency that flaps gets ten a minute.
 */
void hx_check_log_change(struct hx_check *check, enum hx_state from);

/* A failed check at debug; one that passed but took longer than degraded_after, or half of its
 * timeout, at warn, once a minute. */
void hx_check_log_result(struct hx_check *check);

#endif
