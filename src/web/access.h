/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have what: the one place where that is decided, from facts alone. First the network, then
 * the rate, then the user.
 */
#ifndef HX_WEB_ACCESS_H
#define HX_WEB_ACCESS_H

#include "web/routes.h"

#include <stdbool.h>

enum hx_route_class {
    HX_CLASS_STATUS,  /* a state in a few words; orchestrators ask, and have no password */
    HX_CLASS_READ,    /* for a user, when there are users */
    HX_CLASS_DETAILS, /* for a user; when there are none, for this host */
    HX_CLASS_WRITE /* for a user, when there are users; what it needs besides, its handler says */
};

/* The status page is for all, what is for operators left out; see hx_gate_is_operator(). */
enum hx_route_class hx_route_class(enum hx_route route);

/* What is known of a request's sender. */
struct hx_visitor {
    bool is_in_network; /* of the allowed ones */
    bool is_in_rate;    /* of all clients, and of its own */
    bool is_local;      /* a loopback address or a unix socket */
    bool is_user;       /* it has shown that */
};

enum hx_ruling {
    HX_RULING_ALLOWED,
    HX_RULING_FOREIGN,  /* 403: not from that network */
    HX_RULING_TOO_MANY, /* 429: later */
    HX_RULING_UNKNOWN,  /* 401: who are you? */
    HX_RULING_REMOTE    /* 403: not from another host */
};

enum hx_ruling hx_access_rule(const struct hx_visitor *visitor, enum hx_route_class class,
                              bool has_users);

#endif
