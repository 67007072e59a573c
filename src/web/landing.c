/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTML in the manner of Prometheus' exporter-toolkit: no script, nothing loaded. */
#include "web/landing.h"

#include "health_exporter/exporter.h"

#include <string.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<title>health_exporter</title>\n<style>\n"
    "body { font-family: sans-serif; margin: 0; }\n"
    "header { background-color: #e6522c; color: #fff; font-size: 1rem; padding: 1rem; }\n"
    "main { padding: 1rem; }\n"
    "td, th { padding: 0.2rem 1.5rem 0.2rem 0; text-align: left; }\n"
    "</style>\n</head>\n<body>\n<header><h1>health_exporter</h1></header>\n<main>\n";

static const struct {
    const char *path, *text;
} links[] = {
    {"/livez", "Liveness"},          {"/readyz", "Readiness"}, {"/startupz", "Startup"},
    {"/health/detailed", "Details"}, {"/version", "Version"},  {"/openapi.json", "OpenAPI"},
};

static void put_escaped(struct hx_strbuf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            hx_strbuf_puts(buf, "&amp;");
            break;
        case '<':
            hx_strbuf_puts(buf, "&lt;");
            break;
        case '>':
            hx_strbuf_puts(buf, "&gt;");
            break;
        case '"':
            hx_strbuf_puts(buf, "&quot;");
            break;
        case '\'':
            hx_strbuf_puts(buf, "&#39;");
            break;
        default:
            hx_strbuf_putc(buf, *text);
            break;
        }
    }
}

static void put_link(struct hx_strbuf *buf, const char *path, const char *text)
{
    hx_strbuf_puts(buf, "<li><a href=\"");
    put_escaped(buf, path);
    hx_strbuf_puts(buf, "\">");
    put_escaped(buf, text);
    hx_strbuf_puts(buf, "</a></li>\n");
}

static void put_table(struct hx_strbuf *buf, const struct hx_generation *generation, int64_t now_ns)
{
    hx_strbuf_puts(buf, "<table>\n<tr><th>Dependency</th><th>Status</th></tr>\n");
    for (size_t i = 0; i < generation->n; i++) {
        const struct hx_record *record = generation->records[i];
        hx_strbuf_puts(buf, "<tr><td><a href=\"/health/");
        put_escaped(buf, record->dependency->name);
        hx_strbuf_puts(buf, "\">");
        put_escaped(buf, record->dependency->name);
        hx_strbuf_puts(buf, "</a></td><td>");
        hx_strbuf_puts(buf, hx_state_text(hx_record_state(record, now_ns)));
        hx_strbuf_puts(buf, "</td></tr>\n");
    }
    hx_strbuf_puts(buf, "</table>\n");
}

void hx_landing_render(struct hx_strbuf *buf, const struct hx_generation *generation,
                       const struct hx_verdict *verdict, int64_t now_ns, const char *service,
                       const char *telemetry_path)
{
    hx_strbuf_puts(buf, head);
    hx_strbuf_puts(buf, "<h2>");
    put_escaped(buf, service != NULL && service[0] != '\0' ? service : "This service");
    hx_strbuf_puts(buf, " is ");
    hx_strbuf_puts(buf, hx_readiness_text(verdict->readiness));
    hx_strbuf_puts(buf, "</h2>\n<div>Version: ");
    put_escaped(buf, hx_version());
    hx_strbuf_puts(buf, " (revision ");
    put_escaped(buf, hx_revision());
    hx_strbuf_puts(buf, ")</div>\n<ul>\n");
    put_link(buf, telemetry_path, "Metrics");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        put_link(buf, links[i].path, links[i].text);
    hx_strbuf_puts(buf, "</ul>\n");
    if (generation != NULL && generation->n > 0)
        put_table(buf, generation, now_ns);
    hx_strbuf_puts(buf, "</main>\n</body>\n</html>\n");
}
