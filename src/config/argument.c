/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "NAME=URL", as it is given on the command line: one dependency with default options. Its message
 * names the argument by NAME only; the URL may hold a password, and NAME too when the "=" is part
 * of a URL.
 */
#include "config/loader.h"

#include "base/mem.h"
#include "base/option.h"
#include "base/quote.h"
#include "base/url.h"

#include <stdio.h>
#include <string.h>

static enum hx_errcode find_kind(const struct hx_kind *const *kinds, const struct hx_url *url,
                                 const struct hx_kind **kind, struct hx_error *err)
{
    *kind = hx_kind_by_scheme(kinds, url->scheme);
    if (*kind != NULL) {
        return HX_OK;
    }
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_scheme_unknown(kinds, url->scheme, &text);
    enum hx_errcode code = hx_error_set(err, HX_ERR_INVALID, "%s", hx_strbuf_text(&text));
    hx_strbuf_fini(&text);
    return code;
}

static enum hx_errcode finish(struct hx_config *config, struct hx_dependency *dependency,
                              struct hx_error *err)
{
    for (const struct hx_option *option = dependency->kind->options; option->name != NULL;
         option++) {
        if (option->required) {
            return hx_error_set(err, HX_ERR_INVALID,
                                "kind %s needs the option \"%s\", which only a file can give",
                                dependency->kind->name, option->name);
        }
    }
    enum hx_errcode code = hx_policy_complete(&dependency->policy, err);
    if (code == HX_OK) {
        code = hx_dependency_prepare(dependency, NULL, err);
    }
    return code == HX_OK ? hx_config_append(config, dependency, err) : code;
}

static enum hx_errcode add(struct hx_config *config, const char *name, const char *url_text,
                           const struct hx_kind *const *kinds, struct hx_error *err)
{
    enum hx_errcode code = hx_dependency_name_check(name, err);
    if (code != HX_OK) {
        return code;
    }
    for (size_t i = 0; i < config->n; i++) {
        if (strcmp(config->dependencies[i]->name, name) == 0) {
            return hx_error_set(err, HX_ERR_EXISTS, "a dependency of this name exists already");
        }
    }
    if (url_text[0] == '\0') {
        return hx_error_set(err, HX_ERR_INVALID, "the URL behind \"=\" is missing");
    }
    struct hx_url url = {0};
    const struct hx_kind *kind = NULL;
    code = hx_url_parse(url_text, &url, err);
    if (code != HX_OK) {
        return code;
    }
    code = find_kind(kinds, &url, &kind, err);
    if (code != HX_OK) {
        hx_url_fini(&url);
        return code;
    }
    struct hx_dependency *dependency = hx_dependency_new(name, kind, &url, err);
    if (dependency == NULL) {
        return err->code;
    }
    code = finish(config, dependency, err);
    if (code != HX_OK) {
        hx_dependency_free(dependency);
    }
    return code;
}

static enum hx_errcode report(struct hx_diagnostics *diagnostics, const char *name,
                              const struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE] = "";
    char message[sizeof err->message + HX_QUOTE_SIZE + sizeof "argument : "];
    bool is_shown = name[0] != '\0' && !hx_looks_private(name);
    snprintf(message, sizeof message, "argument%s%s: %s", is_shown ? " " : "",
             is_shown ? hx_quote(name, quoted) : "", err->message);
    hx_strbuf_printf(&diagnostics->text, "error: %s\n", message);
    hx_diagnostics_add(diagnostics, NULL, 0, 0, message);
    return err->code;
}

enum hx_errcode hx_config_add(struct hx_config *config, const char *name_url,
                              const struct hx_kind *const *kinds,
                              struct hx_diagnostics *diagnostics)
{
    struct hx_error err = {0};
    const char *equals = strchr(name_url, '=');
    if (equals == NULL) {
        (void)hx_error_set(&err, HX_ERR_INVALID,
                           "expected NAME=URL, such as cache=redis://cache:6379");
        return report(diagnostics, name_url, &err);
    }
    char *name = hx_strndup(name_url, (size_t)(equals - name_url));
    if (name == NULL) {
        (void)hx_error_set(&err, HX_ERR_NOMEM, "out of memory");
        return report(diagnostics, "", &err);
    }
    enum hx_errcode code = HX_OK;
    if (name[0] == '\0' || hx_looks_private(name)) {
        code = hx_error_set(&err, HX_ERR_INVALID, "the name is missing, expected NAME=URL");
    } else {
        code = add(config, name, equals + 1, kinds, &err);
    }
    if (code != HX_OK) {
        code = report(diagnostics, name, &err);
    }
    hx_secret_free(name);
    return code;
}
