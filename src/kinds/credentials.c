/* SPDX-License-Identifier: Apache-2.0 */
/* User and password, which a URL or options may hold. */
#include "kinds/credentials.h"

enum hx_errcode hx_credentials_pick(const struct hx_url *url, const char *user,
                                    const char *password, struct hx_credentials *credentials,
                                    struct hx_error *err)
{
    if ((user != NULL && url->user != NULL) || (password != NULL && url->password != NULL)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "%s is given both in the URL and as an option: expected one of them",
                            user != NULL && url->user != NULL ? "the user" : "the password");
    }
    credentials->user = user != NULL ? user : url->user;
    credentials->password = password != NULL ? password : url->password;
    return HX_OK;
}
