/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor over a page: collector, family, member. It stops after any member and goes on there,
 * so that a page of any size goes out in chunks, and what was not asked for costs nothing.
 */
#include "metrics/naming.h"
#include "metrics/protobuf.h"

#include <string.h>

void hx_page_init(struct hx_page *page, enum hx_format format,
                  const struct hx_collector *collectors, size_t n_collectors)
{
    *page = (struct hx_page){
        .collectors = collectors,
        .n_collectors = n_collectors,
        .format = format,
    };
}

static bool is_full(const struct hx_strbuf *out, size_t end)
{
    return out->is_failed || out->len >= end;
}

static bool is_same_name(const char *name, const struct hx_family *family)
{
    size_t base_len = hx_family_base_len(family);
    return strcmp(name, family->name) == 0 ||
           (strncmp(name, family->name, base_len) == 0 && name[base_len] == '\0');
}

/* Either name of a counter is its name: that of the text format and that of OpenMetrics. */
static bool is_wanted(const struct hx_page *page, const struct hx_family *family)
{
    const char *const *name = page->names;
    while (name != NULL && *name != NULL && !is_same_name(*name, family)) {
        name++;
    }
    return name == NULL || *name != NULL;
}

/* Writes members from the cursor on; moves on to the next family when the last one is done. */
static void write_family(struct hx_page *page, const struct hx_collector *collector,
                         struct hx_strbuf *out, size_t end)
{
    struct hx_samples samples;
    const struct hx_family *family = collector->family(collector->source, page->family);
    bool is_delimited = page->format == HX_FORMAT_PROTOBUF;
    size_t start = out->len;
    size_t n = is_wanted(page, family) ? collector->n_members(collector->source, page->family) : 0;
    hx_samples_init(&samples, page, out, family);
    end = is_delimited ? start + HX_MAX_MESSAGE : end;
    while (page->member < n && !is_full(out, end)) {
        collector->collect(collector->source, page->family, page->member, &samples);
        page->member++;
    }
    if (is_delimited && page->is_header_written) {
        hx_protobuf_end(out, start);
        page->is_header_written = false;
    }
    if (page->member >= n) {
        page->family++;
        page->member = 0;
        page->is_header_written = false;
    }
}

void hx_page_write(struct hx_page *page, struct hx_strbuf *out, size_t want)
{
    size_t end = want < SIZE_MAX - out->len ? out->len + want : SIZE_MAX;
    while (!page->is_done && !is_full(out, end)) {
        if (page->collector == page->n_collectors) {
            hx_strbuf_puts(out, page->format == HX_FORMAT_OPENMETRICS ? "# EOF\n" : "");
            page->is_done = true;
            continue;
        }
        const struct hx_collector *collector = &page->collectors[page->collector];
        if (page->family < collector->n_families(collector->source)) {
            write_family(page, collector, out, end);
        } else {
            page->collector++;
            page->family = 0;
        }
    }
}

const char *hx_format_content_type(enum hx_format format)
{
    switch (format) {
    case HX_FORMAT_TEXT:
        return "text/plain; version=0.0.4; charset=utf-8";
    case HX_FORMAT_OPENMETRICS:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case HX_FORMAT_PROTOBUF:
        return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
               "encoding=delimited";
    }
    return "application/octet-stream";
}
