/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equality by the option tables. Secrets are compared too, so a text is compared as a whole, and
 * nothing is left out because something before it differs: the time this takes tells nobody where
 * two passwords part.
 */
#include "base/equal.h"

#include "base/option.h"

#include <string.h>

static bool texts_equal(const char *a, const char *b)
{
    size_t a_len = a == NULL ? 0 : strlen(a);
    size_t b_len = b == NULL ? 0 : strlen(b);
    unsigned char difference = (a == NULL) != (b == NULL) || a_len != b_len;
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

static bool strings_equal(const struct hx_strings *a, const struct hx_strings *b)
{
    bool is_equal = a->n == b->n;
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        is_equal &= texts_equal(a->items[i], b->items[i]);
    }
    return is_equal;
}

static bool maps_equal(const struct hx_map *a, const struct hx_map *b)
{
    bool is_equal = a->n == b->n;
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        is_equal &= texts_equal(a->items[i].name, b->items[i].name);
        is_equal &= texts_equal(a->items[i].value, b->items[i].value);
    }
    return is_equal;
}

static bool amounts_equal(const struct hx_amount *a, const struct hx_amount *b)
{
    return a->bytes == b->bytes && a->percent == b->percent;
}

static bool durations_equal(const struct hx_durations *a, const struct hx_durations *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof *a->items) == 0);
}

static bool fields_equal(enum hx_option_type type, const void *a, const void *b)
{
    switch (type) {
    case HX_OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case HX_OPTION_INT:
    case HX_OPTION_DURATION:
    case HX_OPTION_SIZE:
        return *(const int64_t *)a == *(const int64_t *)b;
    case HX_OPTION_AMOUNT:
        return amounts_equal(a, b);
    case HX_OPTION_STRING:
    case HX_OPTION_SECRET:
        return texts_equal(*(char *const *)a, *(char *const *)b);
    case HX_OPTION_CHOICE:
        return *(const int *)a == *(const int *)b;
    case HX_OPTION_STRINGS:
        return strings_equal(a, b);
    case HX_OPTION_STATUSES:
        return memcmp(a, b, sizeof(struct hx_status_set)) == 0;
    case HX_OPTION_MAP:
        return maps_equal(a, b);
    case HX_OPTION_DURATIONS:
        return durations_equal(a, b);
    }
    return false;
}

bool hx_options_equal(const struct hx_option *options, const void *a, const void *b)
{
    bool is_equal = true;
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        is_equal &= fields_equal(option->type, (const char *)a + option->offset,
                                 (const char *)b + option->offset);
    }
    return is_equal;
}

static bool urls_equal(const struct hx_url *a, const struct hx_url *b)
{
    bool is_equal = a->port == b->port;
    is_equal &= texts_equal(a->text, b->text);
    is_equal &= texts_equal(a->scheme, b->scheme);
    is_equal &= texts_equal(a->user, b->user);
    is_equal &= texts_equal(a->password, b->password);
    is_equal &= texts_equal(a->host, b->host);
    is_equal &= texts_equal(a->path, b->path);
    is_equal &= texts_equal(a->raw_path, b->raw_path);
    is_equal &= texts_equal(a->query, b->query);
    return is_equal;
}

bool hx_dependency_equal(const struct hx_dependency *a, const struct hx_dependency *b)
{
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0) {
        return false;
    }
    bool is_equal = a->files_hash == b->files_hash;
    is_equal &= urls_equal(&a->url, &b->url);
    is_equal &= hx_options_equal(hx_policy_options, &a->policy, &b->policy);
    is_equal &= hx_options_equal(a->kind->options, a->settings, b->settings);
    return is_equal;
}
