/* SPDX-License-Identifier: Apache-2.0 */
/* What was built; the build gives both texts. */
#include "health_exporter/exporter.h"

const char *hx_version(void)
{
    return HX_VERSION;
}

const char *hx_revision(void)
{
    return HX_REVISION;
}
