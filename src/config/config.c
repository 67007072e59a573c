/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as an object: its begin and end, what of it are options, and the way from
 * "NAME=URL" to a dependency. Reading a file is load.c.
 */
#include "config/config.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "config/loader.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(struct hx_config, member)

const struct hx_option hx_config_options[] = {
    {.name = "service.name",
     .type = HX_OPTION_STRING,
     .offset = FIELD(service.name),
     .help = "the service whose dependencies these are"},
    {.name = "service.version",
     .type = HX_OPTION_STRING,
     .offset = FIELD(service.version),
     .help = "the service's version, shown by /version"},
    {.name = "service.commit",
     .type = HX_OPTION_STRING,
     .offset = FIELD(service.commit),
     .help = "the revision it was built from, shown by /version"},
    {.name = "liveness_grace",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(liveness_grace_ns),
     .fallback = "15s",
     .help = "the exporter is not live when its engine has been stuck for longer",
     .min = HX_NS_PER_S,
     .max = 3600 * HX_NS_PER_S},
    {.name = "startup_requires",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(startup_requires),
     .help = "dependencies that must have passed once until the service counts as started"},
    {.name = "reload_on_change",
     .type = HX_OPTION_BOOL,
     .offset = FIELD(reload_on_change),
     .fallback = "false",
     .help = "true: reload when a file of the configuration changes, looked at each second"},
    {.name = "maintenance.file",
     .type = HX_OPTION_STRING,
     .offset = FIELD(maintenance_file),
     .help =
         "while this file is there, the service is under maintenance; its first line tells why"},
    {.name = NULL},
};

enum hx_errcode hx_config_init(struct hx_config *config, struct hx_error *err)
{
    *config = (struct hx_config){0};
    return hx_options_default(hx_config_options, config, err);
}

void hx_config_fini(struct hx_config *config)
{
    for (size_t i = 0; i < config->n; i++) {
        hx_dependency_free(config->dependencies[i]);
    }
    free(config->dependencies);
    hx_windows_free(config->windows, config->n_windows);
    hx_options_fini(hx_config_options, config);
    *config = (struct hx_config){0};
}

static bool has_scheme(const struct hx_kind *kind, const char *scheme)
{
    for (const char *const *known = kind->schemes; *known != NULL; known++) {
        if (strcmp(*known, scheme) == 0) {
            return true;
        }
    }
    return false;
}

const struct hx_kind *hx_kind_by_scheme(const struct hx_kind *const *kinds, const char *scheme)
{
    for (; *kinds != NULL; kinds++) {
        if (has_scheme(*kinds, scheme)) {
            return *kinds;
        }
    }
    return NULL;
}

struct hx_dependency *hx_dependency_new(const char *name, const struct hx_kind *kind,
                                        struct hx_url *url_take, struct hx_error *err)
{
    struct hx_dependency *dependency = calloc(1, sizeof *dependency);
    if (dependency == NULL) {
        hx_url_fini(url_take);
        (void)hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    dependency->kind = kind;
    dependency->url = *url_take;
    *url_take = (struct hx_url){0};
    dependency->name = strdup(name);
    dependency->settings = calloc(1, kind->settings_size + 1); /* a kind may have no settings */
    enum hx_errcode code = HX_OK;
    if (dependency->name == NULL || dependency->settings == NULL) {
        code = hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    } else {
        code = hx_options_default(hx_policy_options, &dependency->policy, err);
    }
    if (code == HX_OK) {
        code = hx_options_default(kind->options, dependency->settings, err);
    }
    if (code != HX_OK) {
        hx_dependency_free(dependency);
        return NULL;
    }
    return dependency;
}

enum hx_errcode hx_config_append(struct hx_config *config, struct hx_dependency *dependency_take,
                                 struct hx_error *err)
{
    if (config->n == config->size) {
        size_t size = config->size == 0 ? 16 : config->size * 2;
        struct hx_dependency **grown =
            realloc(config->dependencies, size * sizeof *config->dependencies);
        if (grown == NULL) {
            return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        }
        config->dependencies = grown;
        config->size = size;
    }
    config->dependencies[config->n++] = dependency_take;
    return HX_OK;
}
