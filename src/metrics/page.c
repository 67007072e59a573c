/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor over a page: collector, family, member. It stops after any member and goes on there,
 * so that a page of any size goes out in chunks, and what was not asked for costs nothing.
 */
#include "metrics/samples.h"

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

/* Writes members from the cursor on; moves on to the next family when the last one is done. */
static void write_family(struct hx_page *page, const struct hx_collector *collector,
                         struct hx_strbuf *out, size_t end)
{
    struct hx_samples samples;
    hx_samples_init(&samples, page, out, collector->family(collector->source, page->family));
    size_t n = collector->n_members(collector->source, page->family);
    while (page->member < n && !is_full(out, end)) {
        collector->collect(collector->source, page->family, page->member, &samples);
        page->member++;
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
    }
    return "application/octet-stream";
}
