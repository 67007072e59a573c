/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds on what is left of something. */
#include "kinds/threshold.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

double hx_threshold_share(double left, double total)
{
    return total > 0 ? 100 * left / total : 0;
}

bool hx_threshold_is_missed(const struct hx_amount *min, double left, double total)
{
    return min->percent >= 0 ? hx_threshold_share(left, total) < min->percent
                             : left < (double)min->bytes;
}

char *hx_threshold_text(const struct hx_amount *min, const char *unit,
                        char text[HX_THRESHOLD_TEXT_SIZE])
{
    if (min->percent >= 0) {
        snprintf(text, HX_THRESHOLD_TEXT_SIZE, "%g%%", min->percent);
    } else if (strcmp(unit, "B") == 0) {
        hx_format_size(min->bytes, text, HX_THRESHOLD_TEXT_SIZE);
    } else {
        snprintf(text, HX_THRESHOLD_TEXT_SIZE, "%" PRId64 "%s", min->bytes, unit);
    }
    return text;
}
