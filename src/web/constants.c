/* SPDX-License-Identifier: Apache-2.0 */
/* Constant replies, each with and without Connection: close. */
#include "web/constants.h"

#include "health_exporter/exporter.h"
#include "web/openapi.h"

static const struct {
    const char *text, *type;
} texts[HX_N_CONSTANTS] = {
    [HX_CONSTANT_LIVE] = {"{\"status\":\"up\"}", HX_TYPE_JSON},
    [HX_CONSTANT_HEALTHY] = {"Healthy", HX_TYPE_TEXT},
    [HX_CONSTANT_NOT_HEALTHY] = {"Not healthy", HX_TYPE_TEXT},
    [HX_CONSTANT_READY] = {"Ready", HX_TYPE_TEXT},
    [HX_CONSTANT_NOT_READY] = {"Not ready", HX_TYPE_TEXT},
    [HX_CONSTANT_NO_CONTENT] = {"", NULL},
    [HX_CONSTANT_NOT_FOUND] = {"{\"error\":\"no such path\"}", HX_TYPE_JSON},
};

static void put_member(struct hx_strbuf *buf, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    hx_strbuf_put_json(buf, key);
    hx_strbuf_putc(buf, ':');
    hx_strbuf_put_json(buf, value);
    hx_strbuf_putc(buf, ',');
}

static struct MHD_Response *make_openapi(struct hx_constants *constants, bool is_closing)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_append(&buf, hx_openapi_text, hx_openapi_len);
    return hx_response_tagged_take(&buf, HX_TYPE_JSON, is_closing, constants->openapi_etag);
}

/* What the service did not tell about itself is left out. */
static struct MHD_Response *make_version(const struct hx_web_options *options, bool is_closing)
{
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_putc(&buf, '{');
    put_member(&buf, "version", options->service_version);
    put_member(&buf, "commit_hash", options->service_commit);
    put_member(&buf, "service", options->service_name);
    hx_strbuf_puts(&buf, "\"exporter\":{\"version\":");
    hx_strbuf_put_json(&buf, hx_version());
    hx_strbuf_puts(&buf, ",\"revision\":");
    hx_strbuf_put_json(&buf, hx_revision());
    hx_strbuf_puts(&buf, "}}");
    return hx_response_take(&buf, HX_TYPE_JSON, is_closing);
}

static struct MHD_Response *make(struct hx_constants *constants, size_t constant,
                                 const struct hx_web_options *options, bool is_closing)
{
    if (constant == HX_CONSTANT_OPENAPI)
        return make_openapi(constants, is_closing);
    if (constant == HX_CONSTANT_VERSION)
        return make_version(options, is_closing);
    struct MHD_Response *response =
        hx_response_constant(texts[constant].text, texts[constant].type, is_closing);
    /* The one of the probe endpoints that is constant has its dialects too. */
    return constant == HX_CONSTANT_LIVE ? hx_response_add(response, "Vary", "Accept") : response;
}

enum hx_errcode hx_constants_init(struct hx_constants *constants,
                                  const struct hx_web_options *options, struct hx_error *err)
{
    bool is_good = true;
    for (size_t i = 0; i < HX_N_CONSTANTS; i++) {
        constants->responses[i][0] = make(constants, i, options, false);
        constants->responses[i][1] = make(constants, i, options, true);
        is_good =
            is_good && constants->responses[i][0] != NULL && constants->responses[i][1] != NULL;
    }
    if (is_good)
        return HX_OK;
    hx_constants_fini(constants);
    return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

void hx_constants_fini(struct hx_constants *constants)
{
    for (size_t i = 0; i < HX_N_CONSTANTS; i++) {
        for (size_t closing = 0; closing < 2; closing++) {
            if (constants->responses[i][closing] != NULL)
                MHD_destroy_response(constants->responses[i][closing]);
        }
    }
    *constants = (struct hx_constants){0};
}
