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
#include "base/window.h"
#include "config/files.h"
#include "health_exporter/check.h"
#include "health_exporter/exporter.h"

struct hx_service {
    char *name;
    char *version;
    char *commit;
};

struct hx_config {
    struct hx_service service;
    int64_t liveness_grace_ns;
    struct hx_strings startup_requires;
    bool reload_on_change;
    char *maintenance_file;    /* NULL: none */
    struct hx_window *windows; /* of planned maintenance */
    size_t n_windows;
    struct hx_dependency **dependencies; /* prepared; owned until taken */
    size_t n;
    size_t size;
};

/* What went wrong: ready to be printed, each error a line with its source excerpt, and as items
 * for programs. Whoever writes an error writes both. */
struct hx_diagnostics {
    struct hx_strbuf text;
    struct hx_reload_error *items;
    size_t n_items;
    size_t n_errors; /* may be more than there are items */
};

void hx_diagnostics_init(struct hx_diagnostics *diagnostics);
void hx_diagnostics_fini(struct hx_diagnostics *diagnostics);

/* Counts an error and adds its item (left out when memory is out). file: NULL when it stands in
 * none; line and column: 0 when it has no place. The text is the caller's to write. */
void hx_diagnostics_add(struct hx_diagnostics *diagnostics, const char *file, size_t line,
                        size_t column, const char *message);

/* An empty configuration with the defaults. */
enum hx_errcode hx_config_init(struct hx_config *config, struct hx_error *err) HX_MUST_CHECK;
/* Frees it, with the dependencies that were not taken. */
void hx_config_fini(struct hx_config *config);

/* Reads a YAML file into an empty configuration. kinds: NULL-terminated. files (may be NULL) has
 * all that were read for it, also on failure. On failure the diagnostics say all, and config holds
 * nothing. */
enum hx_errcode hx_config_load(struct hx_config *config, const char *path,
                               const struct hx_kind *const *kinds, struct hx_files *files,
                               struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* Adds "NAME=URL" with default options; the message has no file but quotes NAME. */
enum hx_errcode hx_config_add(struct hx_config *config, const char *name_url,
                              const struct hx_kind *const *kinds,
                              struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* The kind that has this scheme; NULL when none. */
const struct hx_kind *hx_kind_by_scheme(const struct hx_kind *const *kinds, const char *scheme);

#endif
