/* SPDX-License-Identifier: Apache-2.0 */
/* What `get` and `wait` are told to ask, as libcurl wants it. */
#ifndef HX_CLI_ENDPOINT_H
#define HX_CLI_ENDPOINT_H

#include "health_exporter/error.h"

struct hx_endpoint {
    char *url;
    char *socket; /* the unix socket to connect to; NULL: the URL's host */
    char *shown;  /* as a person would write it */
};

/*
 * Without a route, text is all: a path ("/readyz", of this host's default port or of the given unix
 * socket), a URL, or "unix:SOCKET:/PATH". With a route ("/readyz"), text names the exporter, as a
 * URL or "unix:SOCKET" (NULL: as for a path), and the route is put behind it. unix_socket may be
 * NULL. A user or password in the URL is refused: it would stand in the list of processes.
 */
enum hx_errcode hx_endpoint_parse(const char *text, const char *route, const char *unix_socket,
                                  struct hx_endpoint *endpoint, struct hx_error *err) HX_MUST_CHECK;
void hx_endpoint_fini(struct hx_endpoint *endpoint);

#endif
