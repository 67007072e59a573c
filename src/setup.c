/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is set before start. Each call reads at once what it is given, so that everything wrong is
 * told before anything runs, and remembers what a reload will read again.
 */
#include "assemble.h"

#include "base/mem.h"
#include "config/web_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum hx_errcode hx_exporter_log(struct hx_exporter *exporter, int fd, enum hx_log_level level,
                                enum hx_log_format format, struct hx_error *err)
{
    struct hx_log *log = fd < 0 ? NULL : hx_log_new(fd, level, format);
    if (fd >= 0 && log == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "cannot start the log writer");
    hx_log_free(exporter->log);
    exporter->log = log;
    return HX_OK;
}

enum hx_errcode hx_exporter_add_kind(struct hx_exporter *exporter, const struct hx_kind *kind,
                                     struct hx_error *err)
{
    for (size_t i = 0; i < exporter->n_kinds; i++) {
        if (strcmp(exporter->kinds[i]->name, kind->name) == 0)
            return hx_error_set(err, HX_ERR_EXISTS, "there is a kind \"%s\" already", kind->name);
    }
    const struct hx_kind **kinds =
        realloc(exporter->kinds, (exporter->n_kinds + 2) * sizeof(*exporter->kinds));
    if (kinds == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    kinds[exporter->n_kinds++] = kind;
    kinds[exporter->n_kinds] = NULL;
    exporter->kinds = kinds;
    return HX_OK;
}

static void clear_diagnostics(struct hx_exporter *exporter)
{
    hx_diagnostics_fini(&exporter->diagnostics);
    hx_diagnostics_init(&exporter->diagnostics);
}

static enum hx_errcode report_diagnostics(const struct hx_exporter *exporter, enum hx_errcode code,
                                          struct hx_error *err)
{
    if (code == HX_OK)
        return code;
    return hx_error_set(err, code, "%zu error%s in the configuration",
                        exporter->diagnostics.n_errors,
                        exporter->diagnostics.n_errors == 1 ? "" : "s");
}

static enum hx_errcode keep_path(char **kept, const char *path, struct hx_error *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    free(*kept);
    *kept = copy;
    return HX_OK;
}

enum hx_errcode hx_exporter_load(struct hx_exporter *exporter, const char *path,
                                 struct hx_error *err)
{
    clear_diagnostics(exporter);
    enum hx_errcode code = keep_path(&exporter->config_path, path, err);
    if (code != HX_OK)
        return code;
    hx_watch_mark(&exporter->watches[0], exporter->config_path);
    code = hx_config_load(&exporter->config, path, exporter->kinds, &exporter->diagnostics);
    return report_diagnostics(exporter, code, err);
}

enum hx_errcode hx_exporter_web_config(struct hx_exporter *exporter, const char *path,
                                       struct hx_error *err)
{
    struct hx_access *access = NULL;
    clear_diagnostics(exporter);
    enum hx_errcode code = keep_path(&exporter->web_config_path, path, err);
    if (code != HX_OK)
        return code;
    hx_watch_mark(&exporter->watches[1], exporter->web_config_path);
    code = hx_web_config_load(path, &access, &exporter->diagnostics);
    if (code == HX_OK) {
        hx_access_free(exporter->access);
        exporter->access = access;
    }
    return report_diagnostics(exporter, code, err);
}

void hx_exporter_enable_native_histograms(struct hx_exporter *exporter, bool is_enabled)
{
    exporter->has_native_histograms = is_enabled;
}

enum hx_errcode hx_exporter_history(struct hx_exporter *exporter, int64_t span_ns,
                                    struct hx_error *err)
{
    bool is_span = span_ns >= HX_HISTORY_MIN_NS && span_ns <= HX_HISTORY_MAX_NS;
    if (span_ns != 0 && !is_span)
        return hx_error_set(err, HX_ERR_INVALID, "expected a history of 1h to 30d, or 0 for none");
    exporter->history_ns = span_ns;
    return HX_OK;
}

void hx_exporter_enable_lifecycle(struct hx_exporter *exporter, bool is_enabled)
{
    exporter->is_lifecycle_enabled = is_enabled;
}

enum hx_errcode hx_exporter_engine_threads(struct hx_exporter *exporter, size_t n,
                                           struct hx_error *err)
{
    if (n < 1 || n > HX_MAX_ENGINE_THREADS)
        return hx_error_set(err, HX_ERR_INVALID, "%zu engine threads: expected 1 to %d", n,
                            HX_MAX_ENGINE_THREADS);
    exporter->n_engines = n;
    return HX_OK;
}

/* The text may hold a password; it is wiped with the exporter. */
static enum hx_errcode keep_argument(struct hx_exporter *exporter, const char *name_url,
                                     struct hx_error *err)
{
    struct hx_strings *arguments = &exporter->arguments;
    char **items = realloc(arguments->items, (arguments->n + 1) * sizeof(*items));
    if (items != NULL)
        arguments->items = items;
    char *copy = items == NULL ? NULL : strdup(name_url);
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    items[arguments->n++] = copy;
    return HX_OK;
}

enum hx_errcode hx_exporter_add(struct hx_exporter *exporter, const char *name_url,
                                struct hx_error *err)
{
    clear_diagnostics(exporter);
    enum hx_errcode code = keep_argument(exporter, name_url, err);
    if (code != HX_OK)
        return code;
    code = hx_config_add(&exporter->config, name_url, exporter->kinds, &exporter->diagnostics);
    if (code != HX_OK)
        hx_secret_free(exporter->arguments.items[--exporter->arguments.n]);
    return report_diagnostics(exporter, code, err);
}

const char *hx_exporter_diagnostics(const struct hx_exporter *exporter)
{
    return hx_strbuf_text(&exporter->diagnostics.text);
}

/* Room for one more; NULL when out of memory. */
static struct hx_listen *next_listen(struct hx_exporter *exporter)
{
    struct hx_listen *listens =
        realloc(exporter->listens, (exporter->n_listens + 1) * sizeof(*listens));
    if (listens == NULL)
        return NULL;
    exporter->listens = listens;
    return &listens[exporter->n_listens];
}

enum hx_errcode hx_exporter_listen(struct hx_exporter *exporter, const char *address,
                                   struct hx_error *err)
{
    struct hx_listen *listen = next_listen(exporter);
    char *copy = listen == NULL ? NULL : strdup(address);
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    listen->address = copy;
    listen->fd = -1;
    exporter->n_listens++;
    return HX_OK;
}

enum hx_errcode hx_exporter_adopt(struct hx_exporter *exporter, int fd, struct hx_error *err)
{
    struct hx_listen *listen = next_listen(exporter);
    if (listen == NULL) {
        close(fd);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    listen->address = NULL;
    listen->fd = fd;
    exporter->n_listens++;
    return HX_OK;
}

enum hx_errcode hx_exporter_telemetry_path(struct hx_exporter *exporter, const char *path,
                                           struct hx_error *err)
{
    if (path[0] != '/' || strpbrk(path, "?#% \t\r\n") != NULL)
        return hx_error_set(err, HX_ERR_INVALID,
                            "telemetry path \"%s\": expected a path such as /metrics", path);
    char *copy = strdup(path);
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    free(exporter->telemetry_path);
    exporter->telemetry_path = copy;
    return HX_OK;
}
