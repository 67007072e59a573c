/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often one dependency may say the same kind of thing in the log: a few lines a minute, and the
 * next line that gets through says how many were held back. Pure: no clock.
 */
#ifndef HX_ENGINE_DAMPER_H
#define HX_ENGINE_DAMPER_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed is ready. */
struct hx_damper {
    int64_t minute_start_ns;
    int64_t n_said;      /* in this minute */
    int64_t n_held_back; /* since the last line that got through */
};

/* May a line be said at now_ns, with at most `burst` a minute? If so, *held_back is the number of
 * those that were not since the last one. */
bool hx_damper_allows(struct hx_damper *damper, int64_t now_ns, int64_t burst, int64_t *held_back);

#endif
