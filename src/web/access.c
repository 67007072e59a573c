/* SPDX-License-Identifier: Apache-2.0 */
/* The class of each route, and the rules. No state, no clock, no I/O. */
#include "web/access.h"

enum hx_route_class hx_route_class(enum hx_route route)
{
    switch (route) {
    case HX_ROUTE_OTHER:
    case HX_ROUTE_PAGE:
    case HX_ROUTE_STYLE:
    case HX_ROUTE_SCRIPT:
    case HX_ROUTE_BADGE:
    case HX_ROUTE_DEPENDENCY_BADGE:
    case HX_ROUTE_LIVEZ:
    case HX_ROUTE_READYZ:
    case HX_ROUTE_STARTUPZ:
    case HX_ROUTE_DEPENDENCY:
    case HX_ROUTE_VERSION:
    case HX_ROUTE_HEALTHY:
    case HX_ROUTE_READY:
        return HX_CLASS_STATUS;
    case HX_ROUTE_METRICS:
    case HX_ROUTE_OPENAPI:
        return HX_CLASS_READ;
    case HX_ROUTE_DETAILED:
        return HX_CLASS_DETAILS;
    case HX_ROUTE_HEARTBEAT:
    case HX_ROUTE_RELOAD:
    case HX_ROUTE_MAINTENANCE:
        return HX_CLASS_WRITE;
    }
    return HX_CLASS_WRITE;
}

enum hx_ruling hx_access_rule(const struct hx_visitor *visitor, enum hx_route_class class,
                              bool has_users)
{
    if (!visitor->is_in_network)
        return HX_RULING_FOREIGN;
    if (!visitor->is_in_rate)
        return HX_RULING_TOO_MANY;
    if (class == HX_CLASS_STATUS || (has_users && visitor->is_user))
        return HX_RULING_ALLOWED;
    if (has_users)
        return HX_RULING_UNKNOWN;
    if (class == HX_CLASS_DETAILS && !visitor->is_local)
        return HX_RULING_REMOTE;
    return HX_RULING_ALLOWED;
}
