/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reload: everything is read and made anew beside what runs, and then exchanged, or not at all.
 *
 *     read all files ─ diff ─ engines prepare ─ web takes its access ─ engines commit ─ the rest
 *          │            │           │                   │
 *          └────────────┴───────────┴───────────────────┴── fails: nothing has changed
 *
 * Each step that can fail comes before the first that cannot be undone: taking the access over is
 * the only one that changes something and may fail, and it does all or nothing itself.
 *
 * The exporter's lock is held from begin to end, so one reload runs at a time. The keeper runs
 * those that were asked for by a signal or over HTTP, and those that a changed file causes.
 */
#include "assemble.h"

#include "base/clock.h"
#include "config/web_config.h"
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errors that are logged one by one; the reply has all. */
#define MAX_LOGGED_ERRORS 20

/* Names that are logged, in bytes. */
#define NAMES_SIZE 512

/* One that is under way. */
struct reload {
    struct hx_exporter *exporter;
    struct hx_config config; /* read; without its dependencies once the diff is made */
    struct hx_access *access;
    struct hx_files files; /* read; then those that were before */
    struct hx_diagnostics diagnostics;
    struct hx_diff diff;
};

/* --------------------------------------------------------------------------------- reading -- */

static enum hx_errcode first_error(enum hx_errcode before, enum hx_errcode code)
{
    return before != HX_OK ? before : code;
}

/* All that is wrong is told, as far as it can be read. */
static enum hx_errcode read_config(struct reload *reload)
{
    struct hx_exporter *exporter = reload->exporter;
    enum hx_errcode code = hx_exporter_read(exporter, exporter->config_path, &reload->config,
                                            &reload->files, &reload->diagnostics);
    if (code == HX_OK)
        code = hx_exporter_take_share(exporter, &reload->config, &reload->diagnostics);
    return code;
}

static enum hx_errcode read_web_config(struct reload *reload)
{
    const char *path = reload->exporter->web_config_path;
    if (path == NULL)
        return HX_OK;
    return hx_web_config_load(path, &reload->access, &reload->files, &reload->diagnostics);
}

/* Also after an error: only another change is a reason to read them again. */
static void remember_files(struct reload *reload)
{
    struct hx_files old = reload->exporter->files;
    reload->exporter->files = reload->files;
    reload->files = old;
}

static enum hx_errcode read_all(struct reload *reload, struct hx_error *err)
{
    enum hx_errcode code = hx_config_init(&reload->config, err);
    if (code != HX_OK)
        return code;
    code = read_config(reload);
    code = first_error(code, read_web_config(reload));
    remember_files(reload);
    if (code != HX_OK)
        return hx_error_set(err, code, "%zu error%s in the configuration",
                            reload->diagnostics.n_errors,
                            reload->diagnostics.n_errors == 1 ? "" : "s");
    return HX_OK;
}

/* ------------------------------------------------------------------------------- exchanging -- */

static enum hx_errcode prepare(struct reload *reload, struct hx_error *err)
{
    struct hx_exporter *exporter = reload->exporter;
    struct hx_generation *next = NULL;
    struct hx_generation *current = hx_board_hold(&exporter->board);
    enum hx_errcode code = hx_diff_make(current, &reload->config, &reload->diff, err);
    hx_generation_release(current);
    if (code == HX_OK)
        code = hx_exporter_equip(exporter, &reload->diff, err);
    if (code == HX_OK)
        code = hx_diff_generation(&reload->diff, &reload->config, &next, err);
    if (code == HX_OK)
        code = hx_engines_prepare(exporter->engines, next, err);
    return code;
}

/* The engines have prepared; the access is the last that may fail. */
static enum hx_errcode agree(struct reload *reload, struct hx_error *err)
{
    struct hx_exporter *exporter = reload->exporter;
    if (exporter->web == NULL || exporter->web_config_path == NULL)
        return HX_OK;
    struct hx_access *access = reload->access;
    reload->access = NULL;
    enum hx_errcode code = hx_web_set_access(exporter->web, access, err);
    if (code == HX_OK)
        return HX_OK;
    hx_engines_abandon(exporter->engines);
    return hx_error_wrap(err, code, "%s", exporter->web_config_path);
}

static void commit(struct reload *reload)
{
    struct hx_exporter *exporter = reload->exporter;
    struct hx_config old = exporter->config;
    hx_engines_commit(exporter->engines);
    exporter->board.liveness_grace_ns = reload->config.liveness_grace_ns;
    exporter->config = reload->config;
    reload->config = old;
    hx_exporter_update_polls(exporter);
    hx_maintenance_poll(exporter);
    hx_gauge_set(exporter->reload_time, (double)hx_clock_wall_ns() / 1e9);
}

static enum hx_errcode run(struct reload *reload, struct hx_error *err)
{
    enum hx_errcode code = read_all(reload, err);
    if (code == HX_OK)
        code = prepare(reload, err);
    if (code == HX_OK)
        code = agree(reload, err);
    if (code == HX_OK)
        commit(reload);
    hx_gauge_set(reload->exporter->reload_successful, code == HX_OK);
    return code;
}

/* ----------------------------------------------------------------------------------- telling -- */

/* "a,b,c", or as many as go in and how many more there are. NULL when there is none. */
static const char *join(const struct hx_strings *names, char text[NAMES_SIZE])
{
    size_t len = 0;
    for (size_t i = 0; i < names->n; i++) {
        size_t room = NAMES_SIZE - len - sizeof(",... (18446744073709551615 more)");
        if (strlen(names->items[i]) > room) {
            snprintf(text + len, NAMES_SIZE - len, ",... (%zu more)", names->n - i);
            break;
        }
        len += (size_t)snprintf(text + len, NAMES_SIZE - len, "%s%s", i == 0 ? "" : ",",
                                names->items[i]);
    }
    return names->n == 0 ? NULL : text;
}

static void log_success(const struct hx_exporter *exporter, const struct hx_diff *diff)
{
    char added[NAMES_SIZE], changed[NAMES_SIZE], removed[NAMES_SIZE];
    hx_log(exporter->log, HX_LOG_INFO, "configuration reloaded",
           HX_LOG_STR("added", join(&diff->added, added)),
           HX_LOG_STR("changed", join(&diff->changed, changed)),
           HX_LOG_STR("removed", join(&diff->removed, removed)),
           HX_LOG_INT("unchanged", (int64_t)diff->n_unchanged));
}

static void log_failure(const struct hx_exporter *exporter,
                        const struct hx_diagnostics *diagnostics, const char *message)
{
    for (size_t i = 0; i < diagnostics->n_items && i < MAX_LOGGED_ERRORS; i++) {
        const struct hx_reload_error *item = &diagnostics->items[i];
        hx_log(exporter->log, HX_LOG_ERROR, "error in the configuration",
               HX_LOG_STR("file", item->file), HX_LOG_INT("line", item->line),
               HX_LOG_INT("column", item->column), HX_LOG_STR("error", item->message));
    }
    hx_log(exporter->log, HX_LOG_ERROR, "configuration not reloaded: the one before stays",
           HX_LOG_STR("error", message));
}

static void fill_success(struct hx_reload *out, struct hx_diff *diff)
{
    out->is_successful = true;
    out->added = diff->added;
    out->changed = diff->changed;
    out->removed = diff->removed;
    out->n_unchanged = diff->n_unchanged;
    diff->added = diff->changed = diff->removed = (struct hx_strings){0};
}

/* What is wrong with files; else the one error that is not of a file. */
static void fill_failure(struct hx_reload *out, struct hx_diagnostics *diagnostics,
                         const char *message)
{
    if (diagnostics->n_items == 0)
        hx_diagnostics_add(diagnostics, NULL, 0, 0, message);
    out->errors = diagnostics->items;
    out->n_errors = diagnostics->n_items;
    diagnostics->items = NULL;
    diagnostics->n_items = 0;
}

static enum hx_errcode reload_locked(struct hx_exporter *exporter, struct hx_reload *out,
                                     struct hx_error *err)
{
    struct reload reload = {.exporter = exporter};
    struct hx_error problem = {0};
    hx_diagnostics_init(&reload.diagnostics);
    enum hx_errcode code = exporter->is_running
                               ? run(&reload, &problem)
                               : hx_error_set(&problem, HX_ERR_BUSY, "the exporter is not running");
    if (code == HX_OK) {
        log_success(exporter, &reload.diff);
        fill_success(out, &reload.diff);
    } else {
        log_failure(exporter, &reload.diagnostics, problem.message);
        fill_failure(out, &reload.diagnostics, problem.message);
        (void)hx_error_set(err, code, "%s", problem.message);
    }
    hx_diff_fini(&reload.diff);
    hx_config_fini(&reload.config);
    hx_access_free(reload.access);
    hx_files_fini(&reload.files);
    hx_diagnostics_fini(&reload.diagnostics);
    return code;
}

enum hx_errcode hx_exporter_reload(struct hx_exporter *exporter, struct hx_reload *reload,
                                   struct hx_error *err)
{
    *reload = (struct hx_reload){0};
    pthread_mutex_lock(&exporter->lock);
    enum hx_errcode code = reload_locked(exporter, reload, err);
    pthread_mutex_unlock(&exporter->lock);
    return code;
}

void hx_reload_fini(struct hx_reload *reload)
{
    hx_strings_fini(&reload->added);
    hx_strings_fini(&reload->changed);
    hx_strings_fini(&reload->removed);
    for (size_t i = 0; i < reload->n_errors; i++) {
        free(reload->errors[i].file);
        free(reload->errors[i].message);
    }
    free(reload->errors);
    *reload = (struct hx_reload){0};
}

/* -------------------------------------------------------------------------------- the keeper -- */

enum hx_errcode hx_exporter_ask_reload(struct hx_exporter *exporter, hx_reload_done done,
                                       void *done_data, struct hx_error *err)
{
    return hx_keeper_reload(exporter->keeper, done, done_data, err);
}

void hx_exporter_update_polls(struct hx_exporter *exporter)
{
    const struct hx_config *config = &exporter->config;
    hx_keeper_poll(exporter->keeper, HX_POLL_CONFIGURED,
                   config->reload_on_change || config->maintenance_file != NULL ||
                       config->n_windows > 0);
    if (!config->reload_on_change)
        hx_files_fini(&exporter->files);
}

void hx_exporter_keep_reload(void *data, struct hx_reload *reload)
{
    struct hx_exporter *exporter = data;
    pthread_mutex_lock(&exporter->lock);
    (void)reload_locked(exporter, reload, NULL);
    pthread_mutex_unlock(&exporter->lock);
}

static bool has_changed_file(struct hx_exporter *exporter)
{
    if (!exporter->config.reload_on_change)
        return false;
    const char *path = hx_files_changed(&exporter->files);
    if (path != NULL)
        hx_log(exporter->log, HX_LOG_INFO, "a file of the configuration has changed",
               HX_LOG_STR("file", path));
    return path != NULL;
}

void hx_exporter_keep_poll(void *data)
{
    struct hx_exporter *exporter = data;
    struct hx_reload reload = {0};
    pthread_mutex_lock(&exporter->lock);
    hx_maintenance_poll(exporter);
    if (has_changed_file(exporter))
        (void)reload_locked(exporter, &reload, NULL);
    pthread_mutex_unlock(&exporter->lock);
    hx_reload_fini(&reload);
}
