/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of names: https://prometheus.io/docs/concepts/data_model/ and the lints of promtool. */
#include "metrics/naming.h"

#include <stdbool.h>
#include <string.h>

#define TOTAL      "_total"
#define NAME_RULES "[a-zA-Z_][a-zA-Z0-9_]*"

const char *hx_family_type_text(enum hx_family_type type)
{
    switch (type) {
    case HX_FAMILY_COUNTER:
        return "counter";
    case HX_FAMILY_GAUGE:
        return "gauge";
    case HX_FAMILY_HISTOGRAM:
        return "histogram";
    }
    return "unknown";
}

static bool has_suffix(const char *name, size_t len, const char *suffix)
{
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strncmp(name + len - suffix_len, suffix, suffix_len) == 0;
}

size_t hx_family_base_len(const struct hx_family *family)
{
    size_t len = strlen(family->name);
    bool has_total = family->type == HX_FAMILY_COUNTER && has_suffix(family->name, len, TOTAL);
    return has_total ? len - strlen(TOTAL) : len;
}

const char *hx_family_unit(const struct hx_family *family)
{
    static const char *const units[] = {"seconds", "bytes"};
    size_t base_len = hx_family_base_len(family);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i]);
        if (base_len > len + 1 && family->name[base_len - len - 1] == '_' &&
            strncmp(family->name + base_len - len, units[i], len) == 0) {
            return units[i];
        }
    }
    return NULL;
}

/* Colons would be allowed, but are for recording rules. */
static bool is_name(const char *name)
{
    static const char digits[] = "0123456789";
    static const char chars[] = "0123456789_"
                                "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *name != '\0' && strchr(digits, *name) == NULL && name[strspn(name, chars)] == '\0';
}

/* The suffix that the name by which OpenMetrics knows the family may not have, because samples of
 * another family could be called so: a histogram "x" has an "x_count". NULL: none. */
static const char *foreign_suffix(const struct hx_family *family)
{
    static const char *const suffixes[] = {TOTAL, "_bucket", "_sum", "_count", "_created"};
    size_t base_len = hx_family_base_len(family);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (has_suffix(family->name, base_len, suffixes[i])) {
            return suffixes[i];
        }
    }
    return NULL;
}

/* The name is one; whether it fits its type. */
static enum hx_errcode check_suffix(const struct hx_family *family, struct hx_error *err)
{
    const char *type = hx_family_type_text(family->type);
    bool is_counter = family->type == HX_FAMILY_COUNTER;
    if (is_counter && !has_suffix(family->name, strlen(family->name), TOTAL)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "counter name \"%s\" is not valid, expected one that ends in "
                            "\"" TOTAL "\"",
                            family->name);
    }
    const char *suffix = foreign_suffix(family);
    if (suffix != NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "%s name \"%s\" is not valid, expected one that does not end in "
                            "\"%s%s\"",
                            type, family->name, suffix, is_counter ? TOTAL : "");
    }
    return HX_OK;
}

enum hx_errcode hx_family_check(const struct hx_family *family, struct hx_error *err)
{
    const char *type = hx_family_type_text(family->type);
    if (family->name == NULL || !is_name(family->name)) {
        return hx_error_set(err, HX_ERR_INVALID, "%s name \"%s\" is not valid, expected %s", type,
                            family->name != NULL ? family->name : "", NAME_RULES);
    }
    if (family->help == NULL || *family->help == '\0') {
        return hx_error_set(err, HX_ERR_INVALID,
                            "%s \"%s\" has no help, expected a sentence on what it shows", type,
                            family->name);
    }
    return check_suffix(family, err);
}

static enum hx_errcode check_label_name(const struct hx_family *family, const char *name,
                                        struct hx_error *err)
{
    if (!is_name(name) || strncmp(name, "__", 2) == 0) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "label name \"%s\" of \"%s\" is not valid, expected " NAME_RULES
                            " that does not begin with \"__\"",
                            name, family->name);
    }
    if (family->type == HX_FAMILY_HISTOGRAM && strcmp(name, "le") == 0) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "label name \"le\" of \"%s\" is not valid, expected another: the "
                            "buckets of a histogram bear it",
                            family->name);
    }
    return HX_OK;
}

/* Whether the name is among those of the first n texts, every other of which is a value. */
static bool is_among(const char *name, const char *const *labels, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        if (strcmp(labels[i], name) == 0) {
            return true;
        }
    }
    return false;
}

enum hx_errcode hx_labels_check(const struct hx_family *family, const char *const *labels,
                                struct hx_error *err)
{
    for (size_t i = 0; labels != NULL && labels[i] != NULL; i += 2) {
        enum hx_errcode code = check_label_name(family, labels[i], err);
        if (code != HX_OK) {
            return code;
        }
        if (labels[i + 1] == NULL) {
            return hx_error_set(err, HX_ERR_INVALID, "label \"%s\" of \"%s\" has no value",
                                labels[i], family->name);
        }
        if (is_among(labels[i], labels, i)) {
            return hx_error_set(err, HX_ERR_INVALID,
                                "label \"%s\" of \"%s\" is there twice, expected it once",
                                labels[i], family->name);
        }
    }
    return HX_OK;
}
