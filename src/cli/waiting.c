/* SPDX-License-Identifier: Apache-2.0 */
/* The body is another process's word: every text of it goes through the quoting of foreign texts,
 * without its quotes. */
#include "cli/waiting.h"

#include "base/quote.h"

#include <json-c/json.h>
#include <string.h>

#define MAX_NAMES 5

/* Names, joined by commas; those that are too many are counted. */
struct names {
    struct hx_strbuf *out;
    size_t n;
};

static void put_foreign(struct hx_strbuf *out, const char *text)
{
    char quoted[HX_QUOTE_SIZE];
    hx_quote(text, quoted);
    size_t len = strlen(quoted);
    if (len >= 2)
        hx_strbuf_append(out, quoted + 1, len - 2);
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    bool is_text = json_object_object_get_ex(object, key, &value) &&
                   json_object_is_type(value, json_type_string);
    return is_text ? json_object_get_string(value) : NULL;
}

static void add_name(struct names *names, const char *name, const char *reason)
{
    names->n++;
    if (names->n > MAX_NAMES)
        return;
    hx_strbuf_puts(names->out, names->n == 1 ? ": " : ", ");
    put_foreign(names->out, name);
    if (reason != NULL) {
        hx_strbuf_puts(names->out, " (");
        put_foreign(names->out, reason);
        hx_strbuf_putc(names->out, ')');
    }
}

static void add_checks(struct names *names, struct json_object *checks)
{
    json_object_object_foreach(checks, name, check)
    {
        const char *status = text_of(check, "status");
        struct json_object *critical = NULL;
        bool is_critical = !json_object_object_get_ex(check, "critical", &critical) ||
                           json_object_get_boolean(critical);
        if (status == NULL || !is_critical || strcmp(status, "up") == 0 ||
            strcmp(status, "degraded") == 0)
            continue;
        const char *reason = text_of(check, "reason");
        add_name(names, name, reason != NULL ? reason : status);
    }
}

static void add_awaited(struct names *names, struct json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(list, i));
        if (name != NULL)
            add_name(names, name, NULL);
    }
}

static void describe(struct json_object *root, const char *status, struct hx_strbuf *out)
{
    struct names names = {.out = out};
    struct json_object *part = NULL;
    put_foreign(out, status);
    if (json_object_object_get_ex(root, "checks", &part) &&
        json_object_is_type(part, json_type_object))
        add_checks(&names, part);
    if (json_object_object_get_ex(root, "waiting_for", &part) &&
        json_object_is_type(part, json_type_array))
        add_awaited(&names, part);
    const char *reason = text_of(root, "reason");
    if (reason != NULL)
        add_name(&names, reason, NULL);
    if (names.n > MAX_NAMES)
        hx_strbuf_printf(out, " and %zu more", names.n - MAX_NAMES);
}

void hx_waiting_describe(long status, const char *body, struct hx_strbuf *out)
{
    struct json_object *root = json_tokener_parse(body);
    const char *text = json_object_is_type(root, json_type_object) ? text_of(root, "status") : NULL;
    if (text != NULL)
        describe(root, text, out);
    else
        hx_strbuf_printf(out, "status %ld", status);
    json_object_put(root);
}
