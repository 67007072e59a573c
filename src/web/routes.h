/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which path leads where. Paths match exactly, byte by byte, after decoding: there is one spelling
 * of a route, so that nothing in front of us can be led to see another one than we do.
 */
#ifndef HX_WEB_ROUTES_H
#define HX_WEB_ROUTES_H

#include <stdbool.h>

/* The route, and its value of the label `route`. Aliases count under the canonical path, the
 * metrics page under /metrics wherever it is, and unknown paths together. */
#define HX_ROUTE_MAP(X)                             \
    X(OTHER, "other")                               \
    X(PAGE, "/")                                    \
    X(STYLE, "/page/style.css")                     \
    X(SCRIPT, "/page/script.js")                    \
    X(BADGE, "/badge.svg")                          \
    X(LIVEZ, "/livez")                              \
    X(READYZ, "/readyz")                            \
    X(STARTUPZ, "/startupz")                        \
    X(DEPENDENCY, "/health/{name}")                 \
    X(DEPENDENCY_BADGE, "/health/{name}/badge.svg") \
    X(DETAILED, "/health/detailed")                 \
    X(VERSION, "/version")                          \
    X(METRICS, "/metrics")                          \
    X(OPENAPI, "/openapi.json")                     \
    X(HEALTHY, "/-/healthy")                        \
    X(READY, "/-/ready")                            \
    X(HEARTBEAT, "/-/heartbeat/{name}")             \
    X(RELOAD, "/-/reload")                          \
    X(MAINTENANCE, "/-/maintenance")

enum hx_route {
#define X(name, text) HX_ROUTE_##name,
    HX_ROUTE_MAP(X)
#undef X
};
#define HX_N_ROUTES (HX_ROUTE_MAINTENANCE + 1)

enum hx_method {
    HX_METHOD_GET,
    HX_METHOD_HEAD,
    HX_METHOD_PUT,
    HX_METHOD_POST,
    HX_METHOD_DELETE,
    HX_METHOD_OTHER
};

/* The route of a decoded path without its query. *name: what stands in the place of {name},
 * borrowed from path, or NULL; for a badge the rest of the path follows it. The metrics page is
 * where telemetry_path says, and only there. */
enum hx_route hx_route_find(const char *path, const char *telemetry_path, const char **name);

/* May the metrics page be there: an absolute path that is no other route. */
bool hx_route_is_free(const char *path);

const char *hx_route_text(enum hx_route route);

/* Method names are case-sensitive (RFC 9110, 9.1). */
enum hx_method hx_method_parse(const char *text);
bool hx_route_allows(enum hx_route route, enum hx_method method);
/* May a request with that method bring a body there? */
bool hx_route_takes_body(enum hx_route route, enum hx_method method);
/* The value of the header Allow. */
const char *hx_route_allow(enum hx_route route);

#endif
