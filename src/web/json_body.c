/* SPDX-License-Identifier: Apache-2.0 */
/* json-c reads, strictly; what the texts mean is each route's own. */
#include "web/json_body.h"

#include "web/reply.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

/* The object, and values that are refused by their type. */
#define MAX_DEPTH 2

const struct hx_fault *hx_json_body_check(struct hx_exchange *exchange)
{
    static const struct hx_fault bad_type = {
        MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
        "the body must be JSON: send the header Content-Type: application/json"};
    const char *type = hx_exchange_field(exchange, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (type == NULL)
        return NULL;
    size_t len = strcspn(type, "; \t");
    bool is_json = len == strlen(HX_TYPE_JSON) && strncasecmp(type, HX_TYPE_JSON, len) == 0;
    return is_json ? NULL : &bad_type;
}

static enum hx_errcode take_text(const struct hx_json_key *key, struct json_object *value,
                                 void *into, struct hx_error *err)
{
    if (!json_object_is_type(value, json_type_string))
        return hx_error_set(err, HX_ERR_INVALID, "\"%s\" must be a string", key->name);
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value))
        return hx_error_set(err, HX_ERR_INVALID, "\"%s\" may not hold a NUL", key->name);
    return key->take(text, into, err);
}

static enum hx_errcode take_object(struct json_object *object, const struct hx_json_key *keys,
                                   void *into, struct hx_error *err)
{
    json_object_object_foreach(object, name, value)
    {
        const struct hx_json_key *key = keys;
        while (key->name != NULL && strcmp(name, key->name) != 0)
            key++;
        if (key->name == NULL)
            return hx_error_set(err, HX_ERR_INVALID, "unknown key: \"%s\" and \"%s\" are taken",
                                keys[0].name, keys[1].name);
        enum hx_errcode code = take_text(key, value, into, err);
        if (code != HX_OK)
            return code;
    }
    return HX_OK;
}

/* NOLINTNEXTLINE(readability-function-size): a parser needs its table, its text and its place */
enum hx_errcode hx_json_body_read(const char *body, size_t len, const struct hx_json_key *keys,
                                  const char *example, void *into, struct hx_error *err)
{
    if (len == 0)
        return HX_OK;
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    if (tokener == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, body, (int)len);
    enum hx_errcode code = HX_ERR_INVALID;
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        !json_object_is_type(object, json_type_object))
        hx_error_set(err, code, "the body must be a JSON object such as %s, or empty", example);
    else
        code = take_object(object, keys, into, err);
    json_object_put(object);
    json_tokener_free(tokener);
    return code;
}
