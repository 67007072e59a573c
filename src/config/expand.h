/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME} and ${NAME:-default} in the texts of a configuration. */
#ifndef HX_CONFIG_EXPAND_H
#define HX_CONFIG_EXPAND_H

#include "config/tree.h"

/* The variables that a text names must be short enough to be told in a message. */
#define HX_VARIABLE_SIZE 128

struct hx_expansion {
    const char *text;                /* in the tree's arena, or the given text when it has no $ */
    char variable[HX_VARIABLE_SIZE]; /* the first variable named; "" when none is */
};

/* Replaces ${NAME} by the environment's value (an error when it is not set), ${NAME:-default} by
 * the default when it is not set or empty, and $$ by $. A $ before anything else is itself. The
 * message names variables, never values. */
enum hx_errcode hx_expand(struct hx_tree *tree, const char *text, struct hx_expansion *expansion,
                          struct hx_error *err) HX_MUST_CHECK;

#endif
