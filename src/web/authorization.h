/* SPDX-License-Identifier: Apache-2.0 */
/* The header Authorization with the scheme Basic (RFC 7617), read strictly. */
#ifndef HX_WEB_AUTHORIZATION_H
#define HX_WEB_AUTHORIZATION_H

#include <stdbool.h>
#include <stddef.h>

#define HX_MAX_USER     128
#define HX_MAX_PASSWORD 72 /* bcrypt does not look at more */

/* Whoever has one wipes it with explicit_bzero(). */
struct hx_login {
    size_t user_len, password_len;
    char user[HX_MAX_USER + 1];
    char password[HX_MAX_PASSWORD + 1];
};

/* Reads the field's value; false when it is anything but a user and a password that can be right:
 * the scheme in any case, one or more spaces, base64 with its padding and nothing behind it, no
 * control characters. *login is wiped then. */
bool hx_authorization_parse(const char *value, size_t len, struct hx_login *login);

#endif
