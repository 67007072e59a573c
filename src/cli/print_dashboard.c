/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dashboard made to measure. Its text is a template that is written from the same descriptions as
 * dashboards/overview.json and dashboards/dependency.json: the top of the one, and a section as in
 * the other for each dependency, under its name, with a line where it is slow. What is filled in
 * stands between @ signs:
 *
 *     @uid@ @title@       of the dashboard
 *     @names@ @options@   all dependencies, as the variable takes them
 *     @id@                the next number of a panel
 *     @y 5@               a line of the grid, counted from the section's first
 *     @name@              of the section's dependency
 *     @latency_steps@     its thresholds
 *     @begin 21@ ... @end@   the section, below a top of that height
 */
#include "cli/print_dashboard.h"

#include "base/clock.h"
#include "base/hash.h"
#include "cli/packed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UID_PREFIX "health-exporter-of-"
#define UID_SIZE   41 /* Grafana takes 40 characters */
#define FIELD_MAX  20
#define ROW_HEIGHT 1

struct page {
    struct hx_strbuf *out;
    const struct hx_config *config;
    const struct hx_dependency *dependency; /* of the section; NULL outside */
    size_t last_id;
    size_t first_line; /* of the section, in the grid */
};

static void put_uid(struct page *page, size_t number);
static void put_title(struct page *page, size_t number);
static void put_names(struct page *page, size_t number);
static void put_options(struct page *page, size_t number);
static void put_id(struct page *page, size_t number);
static void put_line(struct page *page, size_t number);
static void put_name(struct page *page, size_t number);
static void put_latency_steps(struct page *page, size_t number);

static const struct {
    const char *name;
    void (*put)(struct page *page, size_t number);
} fields[] = {
    {"uid", put_uid},     {"title", put_title},
    {"names", put_names}, {"options", put_options},
    {"id", put_id},       {"y", put_line},
    {"name", put_name},   {"latency_steps", put_latency_steps},
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *service_name(const struct page *page)
{
    const char *name = page->config->service.name;
    return name == NULL || name[0] == '\0' ? "this configuration" : name;
}

/* The same for the same service, so that importing again replaces. Where the name does not fit, or
 * has other characters than a uid may have, a hash tells it from its like. */
static void put_uid(struct page *page, size_t number)
{
    const char *name = service_name(page);
    size_t len = strlen(name);
    char uid[UID_SIZE] = UID_PREFIX;
    size_t at = strlen(uid);
    bool is_lossy = at + len >= sizeof(uid);
    size_t room = is_lossy ? sizeof(uid) - 1 - at : len;
    (void)number;
    for (size_t i = 0; i < room; i++) {
        bool is_plain = isalnum((unsigned char)name[i]) || strchr("-_", name[i]) != NULL;
        uid[at + i] = '-';
        if (is_plain)
            uid[at + i] = name[i];
        is_lossy = is_lossy || !is_plain;
    }
    if (is_lossy) {
        uint32_t hash = (uint32_t)hx_hash(name, len, HX_HASH_BEGIN);
        size_t kept = at + (room < 12 ? room : 12);
        snprintf(uid + kept, sizeof(uid) - kept, "-%08x", hash);
    }
    hx_strbuf_put_json(page->out, uid);
}

static void put_title(struct page *page, size_t number)
{
    char title[128];
    (void)number;
    snprintf(title, sizeof(title), "Health exporter / %s", service_name(page));
    hx_strbuf_put_json(page->out, title);
}

/* Names of dependencies are letters, digits, '_' and '-': nothing that JSON, a list or a regular
 * expression would read as its own. */
static void put_names(struct page *page, size_t number)
{
    (void)number;
    hx_strbuf_putc(page->out, '"');
    for (size_t i = 0; i < page->config->n; i++)
        hx_strbuf_printf(page->out, "%s%s", i == 0 ? "" : ",", page->config->dependencies[i]->name);
    hx_strbuf_putc(page->out, '"');
}

static void put_options(struct page *page, size_t number)
{
    (void)number;
    hx_strbuf_puts(page->out,
                   "[\n          {\"text\": \"All\", \"value\": \"$__all\", \"selected\": true}");
    for (size_t i = 0; i < page->config->n; i++) {
        const char *name = page->config->dependencies[i]->name;
        hx_strbuf_printf(page->out,
                         ",\n          {\"text\": \"%s\", \"value\": \"%s\", \"selected\": false}",
                         name, name);
    }
    hx_strbuf_puts(page->out, "\n        ]");
}

static void put_id(struct page *page, size_t number)
{
    (void)number;
    hx_strbuf_put_u64(page->out, ++page->last_id);
}

static void put_line(struct page *page, size_t number)
{
    hx_strbuf_put_u64(page->out, page->first_line + number);
}

static void put_name(struct page *page, size_t number)
{
    (void)number;
    hx_strbuf_puts(page->out, page->dependency->name);
}

static void put_latency_steps(struct page *page, size_t number)
{
    int64_t degraded_after_ns = page->dependency->policy.degraded_after_ns;
    (void)number;
    hx_strbuf_puts(page->out, "[{\"color\": \"green\", \"value\": null}");
    if (degraded_after_ns > 0)
        hx_strbuf_printf(page->out, ", {\"color\": \"orange\", \"value\": %.9g}",
                         (double)degraded_after_ns / (double)HX_NS_PER_S);
    hx_strbuf_putc(page->out, ']');
}

/* text is what stands between two @ signs. */
static void put_field(struct page *page, const char *text, size_t len)
{
    char name[FIELD_MAX + 1] = "";
    size_t name_len = strcspn(text, " @");
    if (len > FIELD_MAX)
        return;
    memcpy(name, text, name_len);
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0)
            fields[i].put(page, strtoul(text + name_len, NULL, 10));
    }
}

/* Appends the template from `text` to `end` with its fields filled in. */
static void put_part(struct page *page, const char *text, const char *end)
{
    while (text < end) {
        size_t len = strcspn(text, "@");
        if (len >= (size_t)(end - text)) {
            hx_strbuf_append(page->out, text, (size_t)(end - text));
            return;
        }
        hx_strbuf_append(page->out, text, len);
        const char *field = text + len + 1;
        len = strcspn(field, "@");
        put_field(page, field, len);
        text = field + len + 1;
    }
}

/* The template: what stands before the section of a dependency, that section, and what follows. */
static void put_template(struct page *page, const char *template)
{
    const struct hx_config *config = page->config;
    const char *begin = strstr(template, "@begin ");
    const char *end = strstr(template, "@end@\n");
    put_part(page, template, begin);
    page->first_line = strtoul(begin + strlen("@begin "), NULL, 10);
    const char *section = strchr(begin, '\n') + 1;
    for (size_t i = 0; i < config->n; i++) {
        page->dependency = config->dependencies[i];
        put_part(page, section, end);
        page->first_line += ROW_HEIGHT;
    }
    const char *tail = strchr(end, '\n') + 1;
    put_part(page, tail, tail + strlen(tail));
}

void hx_print_dashboard(const struct hx_config *config, struct hx_strbuf *out)
{
    struct page page = {.out = out, .config = config};
    char *template = hx_packed_text(&hx_packed_dashboard);
    if (template == NULL)
        out->is_failed = true;
    else
        put_template(&page, template);
    free(template);
}
