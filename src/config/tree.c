/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the tree from libfyaml's events: the only file that knows libfyaml (0.7.12).
 *
 * Events rather than libfyaml's own documents, since a document resolves aliases by copying (eight
 * levels of them need more than 4 GB), compares every key of a mapping with every other, and drops
 * a second document without a word. Here each of these is an error at its place or is not done.
 *
 * The nodes' memory is one arena; what libfyaml copied of a text is overwritten before its event is
 * freed.
 */
#include "config/tree.h"

#include "config/syntax.h"

#include <libfyaml.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The options nest three deep; more than this is an accident or an attack. */
#define MAX_DEPTH 16
/* Ten thousand dependencies need 200,000; a file of 8 MiB could hold some millions of 120 bytes. */
#define MAX_NODES 1000000

#define BLOCK_SIZE ((size_t)64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

struct frame {
    struct hx_node *node;
    struct hx_node **tail; /* where the next child is linked */
    struct hx_node *key;   /* of a mapping: the key whose value comes next */
};

struct builder {
    struct hx_tree *tree;
    struct hx_findings *findings;
    struct hx_node **tail; /* of the chain of following nodes */
    struct hx_span last;   /* the span of the last token seen, for nodes that have none */
    struct frame frames[MAX_DEPTH];
    size_t depth;
    size_t n_nodes;
    size_t n_documents;
    const char *text;
    size_t text_len;
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (block != NULL) {
        block->size = size;
    }
    return block;
}

void *hx_tree_alloc(struct hx_tree *tree, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size_t rounded = (size + align - 1) / align * align;
    struct arena_block *block = tree->blocks;
    if (block == NULL || block->size - block->used < rounded) {
        block = block_new(rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
        if (block == NULL) {
            return NULL;
        }
        block->next = tree->blocks;
        tree->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

void hx_tree_fini(struct hx_tree *tree)
{
    while (tree->blocks != NULL) {
        struct arena_block *block = tree->blocks;
        tree->blocks = block->next;
        explicit_bzero(block->data, block->used);
        free(block);
    }
    *tree = (struct hx_tree){0};
}

struct hx_node *hx_node_get(const struct hx_node *mapping, const char *key)
{
    for (struct hx_node *value = mapping->children; value != NULL; value = value->next) {
        if (strcmp(value->key->text, key) == 0) {
            return value;
        }
    }
    return NULL;
}

const char *hx_node_type_text(const struct hx_node *node)
{
    switch (node->type) {
    case HX_NODE_TEXT:
        return node->is_null ? "nothing" : "a text";
    case HX_NODE_LIST:
        return "a list";
    case HX_NODE_MAPPING:
        return "a mapping";
    }
    return "";
}

static bool refuse(struct builder *builder, struct hx_span span, const char *message)
{
    hx_findings_add(builder->findings, span, "%s", message);
    return false;
}

static bool out_of_memory(struct builder *builder)
{
    builder->findings->is_out_of_memory = true;
    return false;
}

static struct hx_span event_span(struct builder *builder, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event);
    const struct fy_mark *end = fy_event_end_mark(event);
    if (start != NULL && end != NULL) {
        builder->last = (struct hx_span){start->input_pos, end->input_pos};
    }
    return builder->last;
}

/* An empty list item has no token either: its dash is the next one that begins a line. */
static struct hx_span empty_item_span(const struct builder *builder)
{
    const char *at = builder->text + builder->last.end;
    while ((at = strchr(at, '\n')) != NULL) {
        at++;
        at += strspn(at, " ");
        if (*at == '-') {
            size_t start = (size_t)(at - builder->text);
            return (struct hx_span){start, start + 1};
        }
    }
    return builder->last;
}

static bool is_in_list(const struct builder *builder)
{
    return builder->depth > 0 && builder->frames[builder->depth - 1].node->type == HX_NODE_LIST;
}

/* An empty value has no token and stands where its key does. */
static struct hx_node *node_new(struct builder *builder, enum hx_node_type type,
                                struct fy_event *event)
{
    struct hx_node *node = hx_tree_alloc(builder->tree, sizeof *node);
    if (node != NULL) {
        node->type = type;
        bool is_empty_item = fy_event_start_mark(event) == NULL && is_in_list(builder);
        if (is_empty_item) {
            builder->last = empty_item_span(builder);
        }
        node->span = event_span(builder, event);
        *builder->tail = node;
        builder->tail = &node->following;
    }
    return node;
}

static bool is_input(const struct builder *builder, const char *text)
{
    uintptr_t at = (uintptr_t)text;
    uintptr_t begin = (uintptr_t)builder->text;
    return at >= begin && at < begin + builder->text_len;
}

/* YAML's ways to write that there is no value. */
static bool is_null_word(const char *text)
{
    return strcmp(text, "") == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

/* Keeps a copy of the event's text in the arena. A text without an escape or line fold points into
 * the input, everything else is a copy on the heap that dies with the event. */
static bool copy_text(struct builder *builder, struct hx_node *node, struct fy_event *event)
{
    struct fy_token *token = fy_event_get_token(event);
    size_t len = 0;
    const char *text = token == NULL ? "" : fy_token_get_text(token, &len);
    char *copy = text == NULL ? NULL : hx_tree_alloc(builder->tree, len + 1);
    if (copy == NULL) {
        return out_of_memory(builder);
    }
    memcpy(copy, text, len);
    hx_syntax_restore_colons(copy, len);
    if (len > 0 && !is_input(builder, text)) {
        void *heap = NULL;
        memcpy(&heap, &text, sizeof heap); /* the token's own, given as const */
        explicit_bzero(heap, len);
    }
    node->text = copy;
    bool is_plain = token == NULL || fy_token_scalar_style(token) == FYSS_PLAIN;
    node->is_null = is_plain && is_null_word(copy);
    if (strlen(copy) != len) {
        return refuse(builder, node->span, "a text must not hold a NUL character");
    }
    return true;
}

static bool take_key(struct builder *builder, struct frame *frame, struct hx_node *node)
{
    if (node->type != HX_NODE_TEXT || node->is_null) {
        return refuse(builder, node->span, "expected an option's name as the key");
    }
    if (strcmp(node->text, "<<") == 0) {
        return refuse(builder, node->span, "merge keys (<<) are not supported");
    }
    frame->key = node;
    return true;
}

/* Links a new node into the list or mapping that is open. */
static bool attach(struct builder *builder, struct hx_node *node)
{
    if (builder->depth == 0) {
        builder->tree->root = node;
        return true;
    }
    struct frame *frame = &builder->frames[builder->depth - 1];
    if (frame->node->type == HX_NODE_MAPPING && frame->key == NULL) {
        return take_key(builder, frame, node);
    }
    node->key = frame->key;
    frame->key = NULL;
    *frame->tail = node;
    frame->tail = &node->next;
    return true;
}

static bool on_text(struct builder *builder, struct fy_event *event)
{
    struct hx_node *node = node_new(builder, HX_NODE_TEXT, event);
    if (node == NULL) {
        return out_of_memory(builder);
    }
    return copy_text(builder, node, event) && attach(builder, node);
}

static bool on_begin(struct builder *builder, struct fy_event *event, enum hx_node_type type)
{
    struct hx_node *node = node_new(builder, type, event);
    if (node == NULL) {
        return out_of_memory(builder);
    }
    if (!attach(builder, node)) {
        return false;
    }
    if (builder->depth == MAX_DEPTH) {
        return refuse(builder, node->span, "lists and mappings are nested too deeply");
    }
    builder->frames[builder->depth++] = (struct frame){.node = node, .tail = &node->children};
    return true;
}

static bool on_document(struct builder *builder, struct fy_event *event)
{
    if (builder->n_documents++ > 0) {
        return refuse(builder, event_span(builder, event),
                      "a second document begins here; one file holds one configuration");
    }
    return true;
}

/* False: parsing ends, and why is among the findings. */
static bool on_event(struct builder *builder, struct fy_event *event)
{
    if (event->type == FYET_ALIAS || fy_event_get_anchor_token(event) != NULL) {
        return refuse(builder, event_span(builder, event), "anchors and aliases are not supported");
    }
    if (fy_event_get_tag_token(event) != NULL) {
        return refuse(builder, event_span(builder, event), "tags are not supported");
    }
    if (builder->n_nodes++ == MAX_NODES) {
        return refuse(builder, event_span(builder, event), "the file has too many values");
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return on_document(builder, event);
    case FYET_SCALAR:
        return on_text(builder, event);
    case FYET_SEQUENCE_START:
        return on_begin(builder, event, HX_NODE_LIST);
    case FYET_MAPPING_START:
        return on_begin(builder, event, HX_NODE_MAPPING);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        builder->depth--;
        return true;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
    case FYET_ALIAS:
        return true;
    }
    return true;
}

static struct fy_diag *collecting_diag(void)
{
    struct fy_diag_cfg config;
    fy_diag_cfg_default(&config);
    config.fp = NULL;
    config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&config);
    if (diag != NULL) {
        fy_diag_set_collect_errors(diag, true);
    }
    return diag;
}

/* The parser has stopped before the end of the stream; its first error tells the cause. */
static void report_syntax(struct builder *builder, struct fy_diag *diag)
{
    void *cursor = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &cursor);
    if (error == NULL || error->msg == NULL || error->line < 1 || error->column < 1) {
        refuse(builder, HX_SPAN_FILE, "is not valid YAML");
        return;
    }
    hx_syntax_report(builder->findings, builder->text, builder->text_len, error->msg,
                     (size_t)error->line, (size_t)error->column);
}

/* True when the whole stream was read. */
static bool build(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
    bool is_at_end = false;
    bool is_going = true;
    while (is_going && !is_at_end) {
        struct fy_event *event = fy_parser_parse(parser);
        if (event == NULL) {
            report_syntax(builder, diag);
            return false;
        }
        is_at_end = event->type == FYET_STREAM_END;
        is_going = on_event(builder, event);
        fy_parser_event_free(parser, event);
    }
    return is_going;
}

void hx_tree_parse(struct hx_tree *tree, char *text, size_t len, struct hx_findings *findings)
{
    struct builder builder = {
        .tree = tree,
        .findings = findings,
        .tail = &tree->first,
        .text = text,
        .text_len = len,
    };
    hx_syntax_hide_colons(text, len);
    struct fy_diag *diag = collecting_diag();
    struct fy_parse_cfg config = {.flags = FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = diag == NULL ? NULL : fy_parser_create(&config);
    if (parser == NULL || fy_parser_set_string(parser, text, len) != 0) {
        out_of_memory(&builder);
    } else if (!build(&builder, parser, diag)) {
        tree->root = NULL;
    }
    if (parser != NULL) {
        fy_parser_destroy(parser);
    }
    if (diag != NULL) {
        fy_diag_destroy(diag);
    }
    hx_syntax_restore_colons(text, len);
}
