/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporter: configuration, engine, registry, board and web wired together.
 *
 *     add, load ─ config ─┐
 *                         ├─ start: records ─ generation ─ engine ─ board ─ web
 *     listen ─────────────┘
 *
 * Addresses are bound before the first check runs, so that a port in use starts nothing. What start
 * made before it failed is undone by hx_exporter_stop(), which takes any half of it.
 */
#include "health_exporter/exporter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "descriptors.h"
#include "engine/engine.h"
#include "engine/scrape.h"
#include "kinds/kinds.h"
#include "snapshot.h"
#include "web/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* How long replies that are under way may take at the end. */
#define STOP_GRACE_NS (2 * HX_NS_PER_S)

#define HEADER_DEADLINE_NS (10 * HX_NS_PER_S)

/* What is checked when nothing is configured: this host. */
static const char *const default_dependencies[] = {"disk=disk:/", "memory=memory:", NULL};

struct hx_exporter {
    struct hx_config config;
    struct hx_diagnostics diagnostics;
    const struct hx_kind **kinds; /* NULL-terminated */
    size_t n_kinds;
    char **addresses;
    size_t n_addresses;
    char *telemetry_path;
    struct hx_log *log;
    struct hx_board board;
    struct hx_registry *registry;
    struct hx_engine *engine;
    struct hx_web *web;
    uint64_t seed;
    bool is_running;
    bool was_started; /* its dependencies have been handed over: it cannot start again */
};

/* ---------------------------------------------------------------------------------- making -- */

static enum hx_errcode take_kinds(struct hx_exporter *exporter)
{
    while (hx_kinds[exporter->n_kinds] != NULL)
        exporter->n_kinds++;
    exporter->kinds = calloc(exporter->n_kinds + 1, sizeof(*exporter->kinds));
    if (exporter->kinds == NULL)
        return HX_ERR_NOMEM;
    memcpy(exporter->kinds, hx_kinds, exporter->n_kinds * sizeof(*exporter->kinds));
    return HX_OK;
}

struct hx_exporter *hx_exporter_new(void)
{
    struct hx_exporter *exporter = calloc(1, sizeof(*exporter));
    if (exporter == NULL)
        return NULL;
    if (hx_board_init(&exporter->board, NULL) != HX_OK) {
        free(exporter);
        return NULL;
    }
    hx_diagnostics_init(&exporter->diagnostics);
    exporter->telemetry_path = strdup("/metrics");
    exporter->registry = hx_registry_new();
    if (hx_config_init(&exporter->config, NULL) != HX_OK || exporter->telemetry_path == NULL ||
        exporter->registry == NULL || take_kinds(exporter) != HX_OK) {
        hx_exporter_free(exporter);
        return NULL;
    }
    /* Two exporters beside each other must not check at the same moments. */
    if (getrandom(&exporter->seed, sizeof(exporter->seed), GRND_NONBLOCK) < 0)
        exporter->seed = (uint64_t)hx_clock_wall_ns();
    return exporter;
}

void hx_exporter_free(struct hx_exporter *exporter)
{
    if (exporter == NULL)
        return;
    hx_exporter_stop(exporter);
    hx_board_fini(&exporter->board);
    hx_config_fini(&exporter->config);
    hx_diagnostics_fini(&exporter->diagnostics);
    hx_registry_free(exporter->registry);
    hx_log_free(exporter->log);
    for (size_t i = 0; i < exporter->n_addresses; i++)
        free(exporter->addresses[i]);
    free(exporter->addresses);
    free(exporter->telemetry_path);
    free(exporter->kinds);
    free(exporter);
}

/* ---------------------------------------------------------------------------- before start -- */

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

enum hx_errcode hx_exporter_load(struct hx_exporter *exporter, const char *path,
                                 struct hx_error *err)
{
    clear_diagnostics(exporter);
    enum hx_errcode code =
        hx_config_load(&exporter->config, path, exporter->kinds, &exporter->diagnostics);
    return report_diagnostics(exporter, code, err);
}

enum hx_errcode hx_exporter_add(struct hx_exporter *exporter, const char *name_url,
                                struct hx_error *err)
{
    clear_diagnostics(exporter);
    enum hx_errcode code =
        hx_config_add(&exporter->config, name_url, exporter->kinds, &exporter->diagnostics);
    return report_diagnostics(exporter, code, err);
}

const char *hx_exporter_diagnostics(const struct hx_exporter *exporter)
{
    return hx_strbuf_text(&exporter->diagnostics.text);
}

enum hx_errcode hx_exporter_listen(struct hx_exporter *exporter, const char *address,
                                   struct hx_error *err)
{
    char **addresses =
        realloc(exporter->addresses, (exporter->n_addresses + 1) * sizeof(*exporter->addresses));
    if (addresses != NULL)
        exporter->addresses = addresses;
    char *copy = addresses == NULL ? NULL : strdup(address);
    if (copy == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    exporter->addresses[exporter->n_addresses++] = copy;
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

/* ----------------------------------------------------------------------------------- start -- */

static enum hx_errcode post_report(void *data, const char *name, const struct hx_report *report,
                                   struct hx_error *err)
{
    struct hx_exporter *exporter = data;
    return hx_engine_report(exporter->engine, name, report, err);
}

static enum hx_errcode add_defaults(struct hx_exporter *exporter, struct hx_error *err)
{
    if (exporter->config.n > 0)
        return HX_OK;
    enum hx_errcode code = HX_OK;
    for (size_t i = 0; code == HX_OK && default_dependencies[i] != NULL; i++)
        code = hx_exporter_add(exporter, default_dependencies[i], err);
    return code;
}

static enum hx_errcode bind_addresses(struct hx_exporter *exporter,
                                      const struct hx_descriptor_shares *shares,
                                      struct hx_error *err)
{
    if (exporter->n_addresses == 0)
        return HX_OK;
    const struct hx_service *service = &exporter->config.service;
    struct hx_web_options options = {
        .board = &exporter->board,
        .registry = exporter->registry,
        .log = exporter->log,
        .actions = {.data = exporter, .report = post_report},
        .telemetry_path = exporter->telemetry_path,
        .service_name = service->name,
        .service_version = service->version,
        .service_commit = service->commit,
        .max_connections = shares->max_connections,
        .max_connections_per_ip = shares->max_connections_per_ip,
        .header_deadline_ns = HEADER_DEADLINE_NS,
    };
    enum hx_errcode code = hx_web_new(&options, &exporter->web, err);
    for (size_t i = 0; code == HX_OK && i < exporter->n_addresses; i++)
        code = hx_web_listen(exporter->web, exporter->addresses[i], err);
    return code;
}

/* The records of the configuration's dependencies, which it hands over. */
static enum hx_errcode make_generation(struct hx_exporter *exporter,
                                       struct hx_generation **generation, struct hx_error *err)
{
    struct hx_config *config = &exporter->config;
    struct hx_record **records = calloc(config->n + 1, sizeof(struct hx_record *));
    if (records == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    enum hx_errcode code = HX_OK;
    size_t n = 0;
    for (size_t i = 0; code == HX_OK && i < config->n; i++) {
        struct hx_dependency *dependency = config->dependencies[i];
        config->dependencies[i] = NULL;
        code = hx_record_new(dependency, &records[n], err);
        n += code == HX_OK;
    }
    if (code == HX_OK) {
        code = hx_generation_new(records, n, &config->startup_requires, generation, err);
    } else {
        while (n > 0)
            hx_record_release(records[--n]);
    }
    free(records);
    return code;
}

static enum hx_errcode make_engine(struct hx_exporter *exporter,
                                   const struct hx_descriptor_shares *shares, struct hx_error *err)
{
    struct hx_engine_options options = {
        .board = &exporter->board,
        .registry = exporter->registry,
        .log = exporter->log,
        .max_in_flight = shares->max_in_flight,
        .seed = exporter->seed,
    };
    struct hx_generation *generation;
    exporter->board.liveness_grace_ns = exporter->config.liveness_grace_ns;
    enum hx_errcode code = hx_engine_new(&options, &exporter->engine, err);
    if (code == HX_OK)
        code = make_generation(exporter, &generation, err);
    if (code == HX_OK)
        code = hx_engine_apply(exporter->engine, generation, err);
    return code;
}

/* The families that say what this is and which configuration it runs. */
static enum hx_errcode make_families(struct hx_exporter *exporter, struct hx_error *err)
{
    const char *const labels[] = {"version", hx_version(), "revision", hx_revision(), NULL};
    struct hx_gauge *build = hx_registry_gauge(exporter->registry, "health_exporter_build_info",
                                               "What was built; the value is 1.", labels, err);
    struct hx_gauge *reload =
        hx_registry_gauge(exporter->registry, "health_exporter_config_last_reload_successful",
                          "1 when the configuration was last read without an error.", NULL, err);
    struct hx_gauge *reload_time = hx_registry_gauge(
        exporter->registry, "health_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last read without an error.", NULL, err);
    if (build == NULL || reload == NULL || reload_time == NULL)
        return HX_ERR_NOMEM;
    hx_gauge_set(build, 1);
    hx_gauge_set(reload, 1);
    hx_gauge_set(reload_time, (double)hx_clock_wall_ns() / 1e9);
    return HX_OK;
}

static void log_start(const struct hx_exporter *exporter, const struct hx_descriptor_shares *shares)
{
    hx_log(exporter->log, HX_LOG_INFO, "started", HX_LOG_STR("version", hx_version()),
           HX_LOG_STR("revision", hx_revision()),
           HX_LOG_INT("dependencies", (int64_t)exporter->config.n),
           HX_LOG_INT("max_checks_in_flight", (int64_t)shares->max_in_flight),
           HX_LOG_INT("max_connections", shares->max_connections));
    for (size_t i = 0; i < exporter->n_addresses; i++)
        hx_log(exporter->log, HX_LOG_INFO, "listening",
               HX_LOG_STR("address", exporter->addresses[i]),
               HX_LOG_INT("port", hx_exporter_port(exporter, i)));
    if (exporter->config.n > shares->max_in_flight)
        hx_log(exporter->log, HX_LOG_WARN,
               "connections are not kept: too few file descriptors for one per dependency",
               HX_LOG_INT("dependencies", (int64_t)exporter->config.n),
               HX_LOG_INT("descriptors", (int64_t)hx_descriptors_limit()));
}

static enum hx_errcode start(struct hx_exporter *exporter, struct hx_error *err)
{
    struct hx_descriptor_shares shares;
    hx_descriptors_share(hx_descriptors_limit(), &shares);
    enum hx_errcode code = add_defaults(exporter, err);
    if (code == HX_OK)
        code = make_families(exporter, err);
    if (code == HX_OK)
        code = bind_addresses(exporter, &shares, err);
    if (code == HX_OK)
        code = make_engine(exporter, &shares, err);
    if (code == HX_OK)
        code = hx_engine_start(exporter->engine, err);
    if (code == HX_OK && exporter->web != NULL)
        code = hx_web_start(exporter->web, err);
    if (code == HX_OK)
        log_start(exporter, &shares);
    return code;
}

enum hx_errcode hx_exporter_start(struct hx_exporter *exporter, struct hx_error *err)
{
    if (exporter->was_started)
        return hx_error_set(err, HX_ERR_BUSY, "this exporter has been started already");
    exporter->was_started = true;
    exporter->is_running = true;
    enum hx_errcode code = start(exporter, err);
    if (code != HX_OK)
        hx_exporter_stop(exporter);
    return code;
}

/* ------------------------------------------------------------------------- while it runs -- */

void hx_exporter_stop(struct hx_exporter *exporter)
{
    if (!exporter->is_running)
        return;
    exporter->is_running = false;
    hx_log(exporter->log, HX_LOG_INFO, "stopping",
           HX_LOG_DOUBLE("uptime_seconds",
                         (double)(hx_clock_wall_ns() - exporter->board.started_wall_ns) / 1e9));
    atomic_store(&exporter->board.is_draining, true);
    hx_board_changed(&exporter->board, true);
    if (exporter->web != NULL)
        hx_web_stop(exporter->web, STOP_GRACE_NS);
    hx_web_free(exporter->web);
    exporter->web = NULL;
    hx_engine_free(exporter->engine);
    exporter->engine = NULL;
}

uint16_t hx_exporter_port(const struct hx_exporter *exporter, size_t i)
{
    return exporter->web == NULL ? 0 : hx_web_port(exporter->web, i);
}

bool hx_exporter_is_live(struct hx_exporter *exporter)
{
    return hx_board_is_live(&exporter->board, hx_clock_monotonic_ns(), NULL);
}

bool hx_exporter_is_ready(struct hx_exporter *exporter)
{
    struct hx_verdict verdict;
    struct hx_generation *generation = hx_board_hold(&exporter->board);
    hx_board_verdict(&exporter->board, generation, hx_clock_monotonic_ns(), &verdict);
    hx_generation_release(generation);
    return hx_readiness_is_ready(verdict.readiness);
}

enum hx_state hx_exporter_state(struct hx_exporter *exporter, const char *name)
{
    enum hx_state state = HX_STATE_UNKNOWN;
    struct hx_generation *generation = hx_board_hold(&exporter->board);
    struct hx_record *record = generation == NULL ? NULL : hx_generation_find(generation, name);
    if (record != NULL)
        state = hx_record_state(record, hx_clock_monotonic_ns());
    hx_generation_release(generation);
    return state;
}

enum hx_errcode hx_exporter_report(struct hx_exporter *exporter, const char *name, bool is_pass,
                                   const char *message, struct hx_error *err)
{
    struct hx_report report = {.is_pass = is_pass, .arrived_ns = hx_clock_monotonic_ns()};
    if (exporter->engine == NULL)
        return hx_error_set(err, HX_ERR_BUSY, "the exporter is not running");
    if (message != NULL)
        snprintf(report.message, sizeof(report.message), "%s", message);
    return hx_engine_report(exporter->engine, name, &report, err);
}

struct hx_board *hx_exporter_board(struct hx_exporter *exporter)
{
    return &exporter->board;
}

struct hx_registry *hx_exporter_registry(struct hx_exporter *exporter)
{
    return exporter->registry;
}

char *hx_exporter_expose(struct hx_exporter *exporter, enum hx_format format, size_t *len)
{
    struct hx_scrape scrape;
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_scrape_begin(&scrape, &exporter->board, exporter->registry, format);
    while (!scrape.page.is_done && !text.is_failed)
        hx_page_write(&scrape.page, &text, 64 * 1024);
    hx_scrape_end(&scrape);
    if (len != NULL)
        *len = text.len;
    char *page = hx_strbuf_take(&text);
    hx_strbuf_fini(&text);
    return page;
}
