/* SPDX-License-Identifier: Apache-2.0 */
/* The const table of paths, sorted, and the two families of paths that end in a name. */
#include "web/routes.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Behind a name. */
#define BADGE "/badge.svg"

struct path {
    const char *text;
    enum hx_route route;
};

/* Sorted by strcmp(), for bsearch(). */
static const struct path paths[] = {
    {"/", HX_ROUTE_PAGE},
    {"/-/healthy", HX_ROUTE_HEALTHY},
    {"/-/maintenance", HX_ROUTE_MAINTENANCE},
    {"/-/ready", HX_ROUTE_READY},
    {"/-/reload", HX_ROUTE_RELOAD},
    {"/badge.svg", HX_ROUTE_BADGE},
    {"/health", HX_ROUTE_LIVEZ},
    {"/health/deep", HX_ROUTE_READYZ},
    {"/health/detailed", HX_ROUTE_DETAILED},
    {"/health/live", HX_ROUTE_LIVEZ},
    {"/health/ready", HX_ROUTE_READYZ},
    {"/health/started", HX_ROUTE_STARTUPZ},
    {"/health/startup", HX_ROUTE_STARTUPZ},
    {"/healthz", HX_ROUTE_LIVEZ},
    {"/livez", HX_ROUTE_LIVEZ},
    {"/openapi.json", HX_ROUTE_OPENAPI},
    {"/page/script.js", HX_ROUTE_SCRIPT},
    {"/page/style.css", HX_ROUTE_STYLE},
    {"/ready", HX_ROUTE_READYZ},
    {"/readyz", HX_ROUTE_READYZ},
    {"/startupz", HX_ROUTE_STARTUPZ},
    {"/version", HX_ROUTE_VERSION},
};

static const struct {
    const char *text;
    enum hx_route route;
    bool has_badge;
} prefixes[] = {
    {"/health/", HX_ROUTE_DEPENDENCY, true},
    {"/readyz/", HX_ROUTE_DEPENDENCY, false},
    {"/-/heartbeat/", HX_ROUTE_HEARTBEAT, false},
};

static int compare(const void *text, const void *entry)
{
    return strcmp(text, ((const struct path *)entry)->text);
}

static enum hx_route find_by_name(const char *path, const char **name)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t len = strlen(prefixes[i].text);
        if (strncmp(path, prefixes[i].text, len) != 0)
            continue;
        const char *rest = path + len;
        const char *slash = strchr(rest, '/');
        bool is_badge = prefixes[i].has_badge && slash != NULL && strcmp(slash, BADGE) == 0;
        if (*rest == '\0' || slash == rest || (slash != NULL && !is_badge))
            return HX_ROUTE_OTHER;
        *name = rest;
        return is_badge ? HX_ROUTE_DEPENDENCY_BADGE : prefixes[i].route;
    }
    return HX_ROUTE_OTHER;
}

enum hx_route hx_route_find(const char *path, const char *telemetry_path, const char **name)
{
    *name = NULL;
    if (strcmp(path, telemetry_path) == 0)
        return HX_ROUTE_METRICS;
    const struct path *found =
        bsearch(path, paths, sizeof(paths) / sizeof(paths[0]), sizeof(paths[0]), compare);
    return found != NULL ? found->route : find_by_name(path, name);
}

bool hx_route_is_free(const char *path)
{
    const char *name;
    return path[0] == '/' && strpbrk(path, "?#% ") == NULL &&
           hx_route_find(path, "", &name) == HX_ROUTE_OTHER;
}

const char *hx_route_text(enum hx_route route)
{
    static const char *const texts[HX_N_ROUTES] = {
#define X(name, text) [HX_ROUTE_##name] = (text),
        HX_ROUTE_MAP(X)
#undef X
    };
    return texts[route];
}

/* By enum hx_method. */
static const char *const methods[HX_METHOD_OTHER] = {
    [HX_METHOD_GET] = "GET",   [HX_METHOD_HEAD] = "HEAD",     [HX_METHOD_PUT] = "PUT",
    [HX_METHOD_POST] = "POST", [HX_METHOD_DELETE] = "DELETE",
};

enum hx_method hx_method_parse(const char *text)
{
    unsigned method = 0;
    while (method < HX_METHOD_OTHER && strcmp(text, methods[method]) != 0)
        method++;
    return (enum hx_method)method;
}

/* What a route takes, by method and as the header Allow says it. */
struct allowed {
    unsigned methods; /* a bit per method */
    const char *text;
};

static struct allowed allowed_by(enum hx_route route)
{
#define M(name) (1U << HX_METHOD_##name)
    if (route == HX_ROUTE_HEARTBEAT)
        return (struct allowed){M(PUT), "PUT"};
    if (route == HX_ROUTE_RELOAD)
        return (struct allowed){M(POST) | M(PUT), "POST, PUT"};
    if (route == HX_ROUTE_MAINTENANCE)
        return (struct allowed){M(POST) | M(DELETE), "POST, DELETE"};
    return (struct allowed){M(GET) | M(HEAD), "GET, HEAD"};
#undef M
}

bool hx_route_allows(enum hx_route route, enum hx_method method)
{
    return (allowed_by(route).methods >> method & 1) != 0;
}

bool hx_route_takes_body(enum hx_route route, enum hx_method method)
{
    return (route == HX_ROUTE_HEARTBEAT && method == HX_METHOD_PUT) ||
           (route == HX_ROUTE_MAINTENANCE && method == HX_METHOD_POST);
}

const char *hx_route_allow(enum hx_route route)
{
    return allowed_by(route).text;
}
