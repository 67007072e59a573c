/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs (RFC 3986) of dependencies: parsed once, strictly. A message never holds the password, nor
 * any part of a text that could be one.
 */
#ifndef HX_BASE_URL_H
#define HX_BASE_URL_H

#include "health_exporter/check.h"

/* Parses "scheme://[user[:password]@]host[:port][/path][?query]" and the forms without authority,
 * "scheme:" and "scheme:/path". No fragment, no control characters, no NUL after decoding, port 1
 * to 65535, host as a name (letters, digits, "-", "_", "."), IPv4 or [IPv6]. An authority without a
 * path has the path "/"; an empty one ("tcp+unix:///run/x.sock") has host NULL. An empty user or
 * password is NULL. A raw "@" stands only behind user and password. On failure url is empty. */
enum hx_errcode hx_url_parse(const char *text, struct hx_url *url,
                             struct hx_error *err) HX_MUST_CHECK;
void hx_url_fini(struct hx_url *url);

/* Gives the decoded value of the first query parameter of that name, owned by the caller ("" for
 * one without a value); NULL when it is not there. A "+" is no space. */
enum hx_errcode hx_url_query_get(const struct hx_url *url, const char *name, char **value,
                                 struct hx_error *err) HX_MUST_CHECK;

/* Checks that the query has no other parameter than those allowed (NULL-terminated). */
enum hx_errcode hx_url_query_allow(const struct hx_url *url, const char *const *allowed,
                                   struct hx_error *err) HX_MUST_CHECK;

#endif
