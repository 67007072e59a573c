/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of planned maintenance: each is a mapping of texts by a table of its own, and then
 * either two moments or a part of each week.
 */
#include "config/loader.h"

#include "base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a reply shows of it. */
#define MAX_REASON 159

/* A window as it is written. */
struct texts {
    char *from;
    char *to;
    char *weekly;
    char *reason;
};

#define FIELD(member) offsetof(struct texts, member)

const struct hx_option hx_window_options[] = {
    {.name = "from",
     .type = HX_OPTION_STRING,
     .offset = FIELD(from),
     .help = "when it begins, in UTC: 2026-12-24T18:00:00Z"},
    {.name = "to",
     .type = HX_OPTION_STRING,
     .offset = FIELD(to),
     .help = "when it ends, in UTC: 2026-12-26T06:00:00Z"},
    {.name = "weekly",
     .type = HX_OPTION_STRING,
     .offset = FIELD(weekly),
     .help = "instead of from and to, a part of each week in UTC: Sun 02:00-04:00"},
    {.name = "reason",
     .type = HX_OPTION_STRING,
     .offset = FIELD(reason),
     .help = "why, shown by the readiness endpoint to everybody"},
    {.name = NULL},
};

static const char *const no_keys[] = {NULL};

/* An item of the list on its way. */
struct draft {
    struct hx_loader *loader;
    struct hx_node *node;
    struct texts texts;
    struct hx_window window;
};

/* Says what is wrong at an option; the detail may quote the value. */
static void refuse(struct draft *draft, const char *name, const char *expected, const char *detail)
{
    char note[HX_NOTE_SIZE];
    const struct hx_node *node = hx_node_get(draft->node, name);
    struct hx_findings *findings = &draft->loader->findings;
    if (node == NULL || !hx_value_is_quotable(node)) {
        hx_findings_add(findings, node == NULL ? draft->node->span : node->span,
                        "option \"%s\": expected %s%s", name, expected,
                        node == NULL ? "" : hx_value_note(node, note));
    } else {
        hx_findings_add(findings, node->span, "option \"%s\": %s", name, detail);
    }
}

static bool read_moment(struct draft *draft, const char *name, const char *text, int64_t *seconds)
{
    struct hx_error err = {0};
    if (hx_parse_utc(text, seconds, &err) == HX_OK) {
        return true;
    }
    refuse(draft, name, "a moment in UTC such as 2026-12-24T18:00:00Z", err.message);
    return false;
}

static bool read_absolute(struct draft *draft)
{
    struct hx_window *window = &draft->window;
    bool has_begin = read_moment(draft, "from", draft->texts.from, &window->begin);
    bool has_end = read_moment(draft, "to", draft->texts.to, &window->end);
    if (!has_begin || !has_end) {
        return false;
    }
    if (window->end > window->begin) {
        return true;
    }
    refuse(draft, "to", "a moment after \"from\"", "expected a moment after \"from\"");
    return false;
}

static bool read_weekly(struct draft *draft)
{
    struct hx_error err = {0};
    if (hx_parse_weekly(draft->texts.weekly, &draft->window, &err) == HX_OK) {
        return true;
    }
    refuse(draft, "weekly", "a day and times in UTC such as \"Sun 02:00-04:00\"", err.message);
    return false;
}

static bool read_times(struct draft *draft)
{
    const struct texts *texts = &draft->texts;
    bool is_weekly = texts->weekly != NULL && texts->from == NULL && texts->to == NULL;
    bool is_absolute = texts->weekly == NULL && texts->from != NULL && texts->to != NULL;
    if (!is_weekly && !is_absolute) {
        hx_findings_add(&draft->loader->findings, draft->node->span,
                        "a maintenance window has either \"from\" and \"to\", or \"weekly\"");
        return false;
    }
    return is_weekly ? read_weekly(draft) : read_absolute(draft);
}

static bool read_reason(struct draft *draft)
{
    char expected[64];
    if (draft->texts.reason == NULL || strlen(draft->texts.reason) <= MAX_REASON) {
        return true;
    }
    snprintf(expected, sizeof(expected), "at most %d bytes", MAX_REASON);
    hx_findings_add(&draft->loader->findings, hx_node_get(draft->node, "reason")->span,
                    "option \"reason\": expected %s", expected);
    return false;
}

/* Appends the window, which owns its reason then. */
static void keep(struct draft *draft)
{
    struct hx_config *config = draft->loader->config;
    struct hx_window *windows =
        realloc(config->windows, (config->n_windows + 1) * sizeof(*windows));
    if (windows == NULL) {
        draft->loader->findings.is_out_of_memory = true;
        return;
    }
    config->windows = windows;
    draft->window.reason = draft->texts.reason;
    draft->texts.reason = NULL;
    windows[config->n_windows++] = draft->window;
}

static void read_window(struct hx_loader *loader, struct hx_node *node)
{
    struct draft draft = {.loader = loader, .node = node};
    struct hx_scope scope = {
        .loader = loader,
        .type = HX_SCOPE_WINDOW,
        .own_keys = no_keys,
        .targets = {{hx_window_options, &draft.texts}},
    };
    size_t n_errors_before = loader->findings.n_errors;
    if (!hx_mapping_open(loader, node, "maintenance window")) {
        return;
    }
    hx_options_read(&scope, node, "");
    bool is_read =
        loader->findings.n_errors == n_errors_before && !loader->findings.is_out_of_memory;
    if (is_read && read_times(&draft) && read_reason(&draft)) {
        keep(&draft);
    }
    hx_options_fini(hx_window_options, &draft.texts);
}

void hx_windows_read(struct hx_loader *loader, struct hx_node *list)
{
    list->key->is_public = true;
    if (list->type != HX_NODE_LIST) {
        hx_findings_add(&loader->findings, list->span,
                        "option \"maintenance.windows\": expected a list, found %s",
                        hx_node_type_text(list));
        return;
    }
    for (struct hx_node *item = list->children; item != NULL; item = item->next) {
        read_window(loader, item);
    }
}
