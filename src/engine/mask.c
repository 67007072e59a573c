/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masking. Client libraries put what they were given into their error texts; nothing of that may
 * leave. The dependency's own option table tells what is secret, so that a new kind needs no code
 * here.
 */
#include "engine/mask.h"

#include "base/utf8.h"

#include <string.h>

#define MASK "<secret>"

/* As much of a secret is one, too: who quotes a long one, cuts it. */
#define MIN_PART 16

/* How much of the secret text begins with, if it is all of it or a large part, and more than best;
 * else best. */
static size_t longer_match(const char *text, const char *secret, size_t best)
{
    size_t len = 0;
    while (secret != NULL && secret[len] != '\0' && text[len] == secret[len])
        len++;
    bool is_match = len >= MIN_PART || (len > 0 && secret[len] == '\0');
    return is_match && len > best ? len : best;
}

/* The length of the most of a secret that text begins with; 0: none. */
static size_t secret_at(const struct hx_dependency *dependency, const char *text)
{
    size_t len = longer_match(text, dependency->url.password, 0);
    const struct hx_option *option = dependency->kind->options;
    for (; option != NULL && option->name != NULL; option++) {
        const char *field = (const char *)dependency->settings + option->offset;
        if (option->type == HX_OPTION_SECRET) {
            len = longer_match(text, *(const char *const *)(const void *)field, len);
        } else if (option->type == HX_OPTION_MAP && !option->is_public) {
            const struct hx_map *map = (const void *)field;
            for (size_t i = 0; i < map->n; i++)
                len = longer_match(text, map->items[i].value, len);
        }
    }
    return len;
}

/* One step: what stands at *in, as it may be shown, and its length. */
static size_t shown_at(const struct hx_dependency *dependency, const char **in, const char **shown)
{
    size_t secret_len = secret_at(dependency, *in);
    if (secret_len > 0) {
        *in += secret_len;
        *shown = MASK;
        return sizeof(MASK) - 1;
    }
    size_t len = hx_utf8_next(*in, strnlen(*in, 4));
    bool is_text = len > 1 || (len == 1 && (unsigned char)**in >= 0x20 && **in != 0x7f);
    *shown = is_text ? *in : "?";
    *in += len == 0 ? 1 : len;
    return is_text ? len : 1;
}

void hx_mask_message(const struct hx_dependency *dependency, const char *message, char *text,
                     size_t size)
{
    size_t used = 0;
    size_t fits = 0; /* the last cut at which "..." and the NUL still have room */
    memset(text, 0, size);
    for (const char *in = message == NULL ? "" : message; *in != '\0';) {
        const char *shown;
        size_t len = shown_at(dependency, &in, &shown);
        if (used + len >= size) {
            memset(text + fits, 0, size - fits);
            memset(text + fits, '.', 3);
            return;
        }
        memcpy(text + used, shown, len);
        used += len;
        if (used + 4 <= size)
            fits = used;
    }
}
