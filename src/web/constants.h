/* SPDX-License-Identifier: Apache-2.0 */
/* The replies that never change, made once. */
#ifndef HX_WEB_CONSTANTS_H
#define HX_WEB_CONSTANTS_H

#include "web/reply.h"

#include <microhttpd.h>

enum hx_constant {
    HX_CONSTANT_LIVE,
    HX_CONSTANT_HEALTHY,
    HX_CONSTANT_NOT_HEALTHY,
    HX_CONSTANT_READY,
    HX_CONSTANT_NOT_READY,
    HX_CONSTANT_NO_CONTENT,
    HX_CONSTANT_NOT_FOUND,
    /* Files, which have tags. */
    HX_CONSTANT_OPENAPI,
    HX_CONSTANT_STYLE,
    HX_CONSTANT_SCRIPT
};
#define HX_N_CONSTANTS (HX_CONSTANT_SCRIPT + 1)

struct hx_constants {
    struct MHD_Response *responses[HX_N_CONSTANTS][2]; /* [1] closes the connection */
    char etags[HX_N_CONSTANTS][HX_ETAG_SIZE];          /* of files */
};

enum hx_errcode hx_constants_init(struct hx_constants *constants,
                                  struct hx_error *err) HX_MUST_CHECK;
void hx_constants_fini(struct hx_constants *constants);

#endif
