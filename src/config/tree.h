/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as a tree of texts, lists and mappings that know where they stand. YAML's riskier
 * half (anchors, aliases, merge keys, tags, several documents, keys that are no texts) is refused.
 *
 * All that a tree holds lives in its arena, which is overwritten before it is freed: any text may
 * be a secret.
 */
#ifndef HX_CONFIG_TREE_H
#define HX_CONFIG_TREE_H

#include "config/findings.h"

#include <stdbool.h>
#include <stddef.h>

enum hx_node_type { HX_NODE_TEXT, HX_NODE_LIST, HX_NODE_MAPPING };

struct hx_node {
    enum hx_node_type type;
    bool is_null;              /* nothing was written, or a plain ~ or null */
    bool is_public;            /* its text may stand in a source excerpt; keys and values alike */
    bool is_duplicate;         /* a value whose key stood in the mapping before */
    bool is_resolved;          /* value and origin are set; a NULL value was reported */
    struct hx_span span;       /* of the token; for a list or mapping of its begin */
    const char *text;          /* HX_NODE_TEXT: as written, without quotes and escapes */
    const char *value;         /* HX_NODE_TEXT: after expansion, or what the named file holds */
    const char *origin;        /* where value comes from, when not from this file: "${X}" */
    struct hx_node *key;       /* in a mapping: the key of this value */
    struct hx_node *children;  /* list items, or a mapping's values */
    struct hx_node *next;      /* among its parent's children */
    struct hx_node *following; /* the next node of the file, in the order of their spans */
};

struct hx_tree {
    struct hx_node *root;
    struct hx_node *first; /* of the chain of following nodes */
    struct arena_block *blocks;
};

/* Reads the YAML text (NUL-terminated, checked by hx_syntax_check_bytes) into an empty (zeroed)
 * tree. What is wrong is added to the findings; then the root is NULL. The text is unchanged in the
 * end. */
void hx_tree_parse(struct hx_tree *tree, char *text, size_t len, struct hx_findings *findings);
void hx_tree_fini(struct hx_tree *tree);

/* Zeroed memory that lives as long as the tree; NULL when out of memory. */
void *hx_tree_alloc(struct hx_tree *tree, size_t size);

/* The value of a key in a mapping; NULL when it is not there. */
struct hx_node *hx_node_get(const struct hx_node *mapping, const char *key);

/* "a text", "a list", "a mapping", "nothing". */
const char *hx_node_type_text(const struct hx_node *node);

#endif
