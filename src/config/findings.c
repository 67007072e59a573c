/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects errors, sorted by their place in the file. Only the first fifty are kept, so that a file
 * in which everything is wrong costs no memory; the others are counted.
 */
#include "config/findings.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hx_findings_init(struct hx_findings *findings)
{
    findings->n_items = 0;
    findings->n_errors = 0;
    findings->is_out_of_memory = false;
}

void hx_findings_fini(struct hx_findings *findings)
{
    for (size_t i = 0; i < findings->n_items; i++) {
        free(findings->items[i].message);
    }
    hx_findings_init(findings);
}

bool hx_findings_wants(const struct hx_findings *findings, struct hx_span span)
{
    return findings->n_items < HX_FINDINGS_MAX ||
           span.start < findings->items[HX_FINDINGS_MAX - 1].span.start;
}

/* A text from the file may hold escape sequences that a terminal would obey, and line ends. The C1
 * control characters are 0xC2 0x80 to 0xC2 0x9F in UTF-8. */
static void clear_controls(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool is_c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F;
        if (*c < 0x20 || *c == 0x7F || is_c1) {
            *c = '?';
        }
        if (is_c1) {
            c[1] = '?';
        }
    }
}

/* Puts the item behind those that begin no later than it. */
static void insert(struct hx_findings *findings, struct hx_finding item)
{
    if (findings->n_items == HX_FINDINGS_MAX) {
        free(findings->items[--findings->n_items].message);
    }
    size_t i = findings->n_items++;
    while (i > 0 && findings->items[i - 1].span.start > item.span.start) {
        findings->items[i] = findings->items[i - 1];
        i--;
    }
    findings->items[i] = item;
}

void hx_findings_add(struct hx_findings *findings, struct hx_span span, const char *format, ...)
{
    findings->n_errors++;
    if (!hx_findings_wants(findings, span)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char *message = NULL;
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0) {
        findings->is_out_of_memory = true;
        return;
    }
    clear_controls(message);
    insert(findings, (struct hx_finding){.span = span, .message = message});
}

bool hx_looks_private(const char *text)
{
    const char *variable = strstr(text, "${");
    return strstr(text, "://") != NULL || strchr(text, '@') != NULL ||
           (variable != NULL && strstr(variable, ":-") != NULL);
}
