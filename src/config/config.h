/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: YAML or NAME=URL to plain structs, by the kinds' option tables. Everything
 * that is wrong is reported, all at once, compiler style:
 *
 *     checks.yml:12:5: error: unknown option "intervall" (did you mean "interval"?)
 *         intervall: 10s
 *         ^~~~~~~~~
 *
 * Reading may block (files): never on the loop.
 */
#ifndef HX_CONFIG_CONFIG_H
#define HX_CONFIG_CONFIG_H

#include "base/strbuf.h"
#include "health_exporter/check.h"

struct hx_service {
    char *name;
    char *version;
    char *commit;
};

struct hx_config {
    struct hx_service service;
    int64_t liveness_grace_ns;
    struct hx_strings startup_requires;
    struct hx_dependency **dependencies; /* prepared; owned until taken */
    size_t n;
    size_t size;
};

/* What went wrong, ready to be printed: diagnostics of one line and their source excerpts. */
struct hx_diagnostics {
    struct hx_strbuf text;
    size_t n_errors;
};

void hx_diagnostics_init(struct hx_diagnostics *diagnostics);
void hx_diagnostics_fini(struct hx_diagnostics *diagnostics);

/* An empty configuration with the defaults. */
enum hx_errcode hx_config_init(struct hx_config *config, struct hx_error *err) HX_MUST_CHECK;
/* Frees it, with the dependencies that were not taken. */
void hx_config_fini(struct hx_config *config);

/* Reads a YAML file into an empty configuration. kinds: NULL-terminated. On failure the diagnostics
 * say all, and config holds nothing. */
enum hx_errcode hx_config_load(struct hx_config *config, const char *path,
                               const struct hx_kind *const *kinds,
                               struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* Adds "NAME=URL" with default options; the message has no file but quotes NAME. */
enum hx_errcode hx_config_add(struct hx_config *config, const char *name_url,
                              const struct hx_kind *const *kinds,
                              struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* The kind that has this scheme; NULL when none. */
const struct hx_kind *hx_kind_by_scheme(const struct hx_kind *const *kinds, const char *scheme);

#endif
