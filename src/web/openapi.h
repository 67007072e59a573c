/* SPDX-License-Identifier: Apache-2.0 */
/* The description of all routes: src/web/openapi.json, which the build puts into the program. */
#ifndef HX_WEB_OPENAPI_H
#define HX_WEB_OPENAPI_H

#include <stddef.h>

extern const char hx_openapi_text[];
extern const size_t hx_openapi_len;

#endif
