/* SPDX-License-Identifier: Apache-2.0 */
/* Constant replies, each with and without Connection: close. */
#include "web/constants.h"

#include "web/openapi.h"
#include "web/page_files.h"

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

struct file {
    const void *text;
    size_t len;
    const char *type;
};

/* Those of the page are kept, and asked about again: a new version shows with the next page. */
static struct MHD_Response *make_file(struct hx_constants *constants, size_t constant,
                                      bool is_closing)
{
    const struct file file = constant == HX_CONSTANT_STYLE
                                 ? (struct file){hx_page_css, hx_page_css_len, HX_TYPE_CSS}
                             : constant == HX_CONSTANT_SCRIPT
                                 ? (struct file){hx_page_js, hx_page_js_len, HX_TYPE_JS}
                                 : (struct file){hx_openapi_text, hx_openapi_len, HX_TYPE_JSON};
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    hx_strbuf_append(&buf, file.text, file.len);
    struct MHD_Response *response =
        hx_response_tagged_take(&buf, file.type, is_closing, constants->etags[constant]);
    return constant == HX_CONSTANT_OPENAPI ? response : hx_response_keep(response);
}

static struct MHD_Response *make(struct hx_constants *constants, size_t constant, bool is_closing)
{
    if (constant >= HX_CONSTANT_OPENAPI)
        return make_file(constants, constant, is_closing);
    struct MHD_Response *response =
        hx_response_constant(texts[constant].text, texts[constant].type, is_closing);
    /* The one of the probe endpoints that is constant has its dialects too. */
    return constant == HX_CONSTANT_LIVE ? hx_response_add(response, "Vary", "Accept") : response;
}

enum hx_errcode hx_constants_init(struct hx_constants *constants, struct hx_error *err)
{
    bool is_good = true;
    for (size_t i = 0; i < HX_N_CONSTANTS; i++) {
        constants->responses[i][0] = make(constants, i, false);
        constants->responses[i][1] = make(constants, i, true);
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
