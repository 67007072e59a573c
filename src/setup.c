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

enum hx_errcode hx_exporter_refuse_started(struct hx_error *err)
{
    return hx_error_set(err, HX_ERR_BUSY, "this exporter has been started already");
}

enum hx_errcode hx_exporter_log(struct hx_exporter *exporter, int fd, enum hx_log_level level,
                                enum hx_log_format format, struct hx_error *err)
{
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    struct hx_log *log = fd < 0 ? NULL : hx_log_new(fd, level, format);
    if (fd >= 0 && log == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "cannot start the log writer");
    hx_log_free(exporter->log);
    exporter->log = log;
    return HX_OK;
}

static bool is_whole(const struct hx_kind *kind)
{
    return kind->name != NULL && kind->schemes != NULL && kind->schemes[0] != NULL &&
           kind->options != NULL && kind->reasons != NULL && kind->start != NULL &&
           kind->cancel != NULL;
}

static enum hx_errcode check_kind(const struct hx_exporter *exporter, const struct hx_kind *kind,
                                  struct hx_error *err)
{
    if (!is_whole(kind))
        return hx_error_set(err, HX_ERR_INVALID,
                            "a kind has name, schemes, options, reasons, start and cancel");
    for (size_t i = 0; i < exporter->n_kinds; i++) {
        if (strcmp(exporter->kinds[i]->name, kind->name) == 0)
            return hx_error_set(err, HX_ERR_EXISTS, "there is a kind \"%s\" already", kind->name);
    }
    for (const char *const *scheme = kind->schemes; *scheme != NULL; scheme++) {
        const struct hx_kind *other = hx_kind_by_scheme(exporter->kinds, *scheme);
        if (other != NULL)
            return hx_error_set(err, HX_ERR_EXISTS, "the scheme \"%s\" is that of kind \"%s\"",
                                *scheme, other->name);
    }
    return HX_OK;
}

enum hx_errcode hx_exporter_add_kind(struct hx_exporter *exporter, const struct hx_kind *kind,
                                     struct hx_error *err)
{
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    enum hx_errcode code = check_kind(exporter, kind, err);
    if (code != HX_OK)
        return code;
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

/* Without any, err says already what was wrong. */
static enum hx_errcode report_diagnostics(const struct hx_exporter *exporter, enum hx_errcode code,
                                          struct hx_error *err)
{
    size_t n = exporter->diagnostics.n_errors;
    if (code == HX_OK || n == 0)
        return code;
    return hx_error_set(err, code, "%zu error%s in the configuration", n, n == 1 ? "" : "s");
}

static char *copy_text(const char *text, struct hx_error *err)
{
    char *copy = strdup(text);
    if (copy == NULL)
        (void)hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    return copy;
}

enum hx_errcode hx_exporter_read(const struct hx_exporter *exporter, const char *path,
                                 struct hx_config *config, struct hx_files *files,
                                 struct hx_diagnostics *diagnostics)
{
    enum hx_errcode code = HX_OK;
    if (path != NULL)
        code = hx_config_load(config, path, exporter->kinds, files, diagnostics);
    /* After a failure the configuration holds nothing, and a name is not found to be given twice.
     */
    for (size_t i = 0; code == HX_OK && i < exporter->arguments.n; i++)
        code = hx_config_add(config, exporter->arguments.items[i], exporter->kinds, diagnostics);
    return code;
}

/* Read anew with what was added before, as a reload will read them: so their order does not matter,
 * and a failure changes nothing. */
enum hx_errcode hx_exporter_load(struct hx_exporter *exporter, const char *path,
                                 struct hx_error *err)
{
    struct hx_config config;
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    clear_diagnostics(exporter);
    enum hx_errcode code = hx_config_init(&config, err);
    if (code != HX_OK)
        return code;
    char *kept = copy_text(path, err);
    code = kept == NULL ? HX_ERR_NOMEM
                        : hx_exporter_read(exporter, kept, &config, &exporter->files,
                                           &exporter->diagnostics);
    if (code == HX_OK) {
        hx_config_fini(&exporter->config);
        free(exporter->config_path);
        exporter->config = config;
        exporter->config_path = kept;
        return HX_OK;
    }
    hx_config_fini(&config);
    free(kept);
    return report_diagnostics(exporter, code, err);
}

enum hx_errcode hx_exporter_web_config(struct hx_exporter *exporter, const char *path,
                                       struct hx_error *err)
{
    struct hx_access *access = NULL;
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    clear_diagnostics(exporter);
    char *kept = copy_text(path, err);
    enum hx_errcode code =
        kept == NULL ? HX_ERR_NOMEM
                     : hx_web_config_load(kept, &access, &exporter->files, &exporter->diagnostics);
    if (code != HX_OK) {
        free(kept);
        return report_diagnostics(exporter, code, err);
    }
    hx_access_free(exporter->access);
    free(exporter->web_config_path);
    exporter->access = access;
    exporter->web_config_path = kept;
    return HX_OK;
}

void hx_exporter_enable_native_histograms(struct hx_exporter *exporter, bool is_enabled)
{
    exporter->has_native_histograms = is_enabled;
}

enum hx_errcode hx_exporter_history(struct hx_exporter *exporter, int64_t span_ns,
                                    struct hx_error *err)
{
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
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
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
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
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
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
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
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
    struct hx_listen *listen = exporter->was_started ? NULL : next_listen(exporter);
    if (listen == NULL) {
        close(fd);
        return exporter->was_started ? hx_exporter_refuse_started(err)
                                     : hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    listen->address = NULL;
    listen->fd = fd;
    exporter->n_listens++;
    return HX_OK;
}

enum hx_errcode hx_exporter_telemetry_path(struct hx_exporter *exporter, const char *path,
                                           struct hx_error *err)
{
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    if (path[0] != '/' || strpbrk(path, "?#% \t\r\n") != NULL)
        return hx_error_set(err, HX_ERR_INVALID,
                            "telemetry path \"%s\": expected a path such as /metrics", path);
    char *copy = copy_text(path, err);
    if (copy == NULL)
        return HX_ERR_NOMEM;
    free(exporter->telemetry_path);
    exporter->telemetry_path = copy;
    return HX_OK;
}
