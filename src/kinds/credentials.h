/* SPDX-License-Identifier: Apache-2.0 */
/* Who a dependency is asked as: from the URL or from options, but never half from each. */
#ifndef HX_KINDS_CREDENTIALS_H
#define HX_KINDS_CREDENTIALS_H

#include "health_exporter/check.h"

/* Texts of the settings or of the URL; NULL when there is none. */
struct hx_credentials {
    const char *user;
    const char *password; /* secret */
};

/* Takes each from the option, or else from the URL; given in both places it is an error, because
 * one of them would silently not be used. */
enum hx_errcode hx_credentials_pick(const struct hx_url *url, const char *user,
                                    const char *password, struct hx_credentials *credentials,
                                    struct hx_error *err) HX_MUST_CHECK;

#endif
