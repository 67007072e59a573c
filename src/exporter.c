/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporter's life, and what may be asked of it while it runs.
 *
 *     new ─ load, add, listen (setup.c) ─ start: assemble, keeper, engines, web ─ stop ─ free
 *
 * What start made before it failed is undone by hx_exporter_stop(), which takes any half of it. The
 * end goes the other way round: first the keeper, so that no reload is under way; then the web,
 * whose replies ask the engines; then those.
 */
#include "assemble.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/scrape.h"
#include "engine/slots.h"
#include "kinds/kinds.h"
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* How long replies that are under way may take at the end. */
#define STOP_GRACE_NS (2 * HX_NS_PER_S)

#define POLL_PERIOD_NS HX_NS_PER_S

/* Between two reloads that were asked for: a storm of signals is no load. */
#define RELOAD_GAP_NS (300 * HX_NS_PER_MS)

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
    if (pthread_mutex_init(&exporter->lock, NULL) != 0) {
        free(exporter);
        return NULL;
    }
    if (hx_board_init(&exporter->board, NULL) != HX_OK) {
        pthread_mutex_destroy(&exporter->lock);
        free(exporter);
        return NULL;
    }
    hx_diagnostics_init(&exporter->diagnostics);
    exporter->history_ns = HX_HISTORY_DEFAULT_NS;
    exporter->n_engines = 1;
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

static void free_listens(struct hx_exporter *exporter)
{
    for (size_t i = 0; i < exporter->n_listens; i++) {
        free(exporter->listens[i].address);
        if (exporter->listens[i].fd >= 0)
            close(exporter->listens[i].fd);
    }
    free(exporter->listens);
}

static void free_arguments(struct hx_exporter *exporter)
{
    for (size_t i = 0; i < exporter->arguments.n; i++)
        hx_secret_free(exporter->arguments.items[i]);
    free(exporter->arguments.items);
}

void hx_exporter_free(struct hx_exporter *exporter)
{
    if (exporter == NULL)
        return;
    hx_exporter_stop(exporter);
    hx_board_fini(&exporter->board);
    hx_config_fini(&exporter->config);
    hx_diagnostics_fini(&exporter->diagnostics);
    hx_access_free(exporter->access);
    hx_files_fini(&exporter->files);
    hx_registry_free(exporter->registry);
    hx_log_free(exporter->log);
    free_listens(exporter);
    free_arguments(exporter);
    free(exporter->config_path);
    free(exporter->web_config_path);
    free(exporter->telemetry_path);
    free(exporter->kinds);
    pthread_mutex_destroy(&exporter->lock);
    free(exporter);
}

/* --------------------------------------------------------------------------- start and stop -- */

static void log_start(const struct hx_exporter *exporter, const struct hx_descriptor_shares *shares)
{
    size_t n = exporter->config.n;
    struct hx_slots slots = hx_slots_of(shares->max_sockets, n);
    hx_log(exporter->log, HX_LOG_INFO, "started", HX_LOG_STR("version", hx_version()),
           HX_LOG_STR("revision", hx_revision()), HX_LOG_INT("dependencies", (int64_t)n),
           HX_LOG_INT("engine_threads", (int64_t)exporter->n_engines),
           HX_LOG_INT("max_checks_in_flight", (int64_t)slots.n),
           HX_LOG_INT("max_connections", shares->max_connections));
    for (size_t i = 0; i < exporter->n_listens; i++) {
        const char *address = exporter->listens[i].address;
        hx_log(exporter->log, HX_LOG_INFO, "listening",
               HX_LOG_STR("address", address == NULL ? "(socket given)" : address),
               HX_LOG_INT("port", hx_exporter_port(exporter, i)));
    }
    if (exporter->board.shard.total > 1)
        hx_log(exporter->log, HX_LOG_INFO, "checking one shard of the configuration",
               HX_LOG_INT("shard", (int64_t)exporter->board.shard.ordinal),
               HX_LOG_INT("total_shards", (int64_t)exporter->board.shard.total));
    if (!slots.is_kept)
        hx_log(exporter->log, HX_LOG_WARN,
               "connections are not kept: too few file descriptors for one per dependency",
               HX_LOG_INT("dependencies", (int64_t)n),
               HX_LOG_INT("descriptors", (int64_t)hx_descriptors_limit()));
}

static enum hx_errcode make_keeper(struct hx_exporter *exporter, struct hx_error *err)
{
    struct hx_keeper_options options = {.data = exporter,
                                        .reload = hx_exporter_keep_reload,
                                        .poll = hx_exporter_keep_poll,
                                        .period_ns = POLL_PERIOD_NS,
                                        .gap_ns = RELOAD_GAP_NS};
    enum hx_errcode code = hx_keeper_new(&options, &exporter->keeper, err);
    if (code == HX_OK) {
        hx_exporter_update_polls(exporter);
        /* A file that is there already counts before the first answer is given. */
        hx_maintenance_poll(exporter);
    }
    return code;
}

static enum hx_errcode start(struct hx_exporter *exporter, struct hx_error *err)
{
    struct hx_descriptor_shares shares;
    hx_descriptors_share(hx_descriptors_limit(), exporter->n_engines, &shares);
    enum hx_errcode code =
        hx_exporter_take_share(exporter, &exporter->config, &exporter->diagnostics);
    if (code != HX_OK)
        return hx_error_set(err, code, "cannot check this host");
    code = hx_exporter_assemble(exporter, &shares, err);
    if (code == HX_OK)
        code = make_keeper(exporter, err);
    if (code == HX_OK)
        code = hx_engines_start(exporter->engines, err);
    if (code == HX_OK && exporter->web != NULL)
        code = hx_web_start(exporter->web, err);
    if (code == HX_OK)
        log_start(exporter, &shares);
    return code;
}

enum hx_errcode hx_exporter_start(struct hx_exporter *exporter, struct hx_error *err)
{
    pthread_mutex_lock(&exporter->lock);
    bool was_started = exporter->was_started;
    exporter->was_started = true;
    enum hx_errcode code = HX_OK;
    if (was_started) {
        code = hx_error_set(err, HX_ERR_BUSY, "this exporter has been started already");
    } else {
        exporter->is_running = true;
        code = start(exporter, err);
    }
    pthread_mutex_unlock(&exporter->lock);
    if (code != HX_OK && !was_started)
        hx_exporter_stop(exporter);
    return code;
}

void hx_exporter_drain(struct hx_exporter *exporter)
{
    if (!atomic_exchange(&exporter->board.is_draining, true))
        hx_log(exporter->log, HX_LOG_INFO, "draining: no longer ready",
               HX_LOG_DOUBLE("uptime_seconds",
                             (double)(hx_clock_wall_ns() - exporter->board.started_wall_ns) / 1e9));
    hx_board_changed(&exporter->board, true);
}

void hx_exporter_stop(struct hx_exporter *exporter)
{
    if (exporter->keeper != NULL)
        hx_keeper_stop(exporter->keeper);
    pthread_mutex_lock(&exporter->lock);
    bool was_running = exporter->is_running;
    exporter->is_running = false;
    pthread_mutex_unlock(&exporter->lock);
    if (!was_running)
        return;
    hx_log(exporter->log, HX_LOG_INFO, "stopping",
           HX_LOG_DOUBLE("uptime_seconds",
                         (double)(hx_clock_wall_ns() - exporter->board.started_wall_ns) / 1e9));
    atomic_store(&exporter->board.is_draining, true);
    hx_board_changed(&exporter->board, true);
    if (exporter->web != NULL)
        hx_web_stop(exporter->web, STOP_GRACE_NS);
    hx_web_free(exporter->web);
    exporter->web = NULL;
    hx_engines_free(exporter->engines);
    exporter->engines = NULL;
    hx_keeper_free(exporter->keeper);
    exporter->keeper = NULL;
}

/* ------------------------------------------------------------------------- while it runs -- */

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

/* The engine knows of no other shards. */
static enum hx_errcode refuse_unknown(const struct hx_exporter *exporter, const char *name,
                                      struct hx_error *err)
{
    struct hx_strbuf sentence;
    hx_strbuf_init(&sentence);
    hx_shard_write_unknown(&exporter->board.shard, name, &sentence);
    enum hx_errcode code = hx_error_set(err, HX_ERR_NOTFOUND, "%s", hx_strbuf_text(&sentence));
    hx_strbuf_fini(&sentence);
    return code;
}

enum hx_errcode hx_exporter_report(struct hx_exporter *exporter, const char *name, bool is_pass,
                                   const char *message, struct hx_error *err)
{
    struct hx_report report = {.is_pass = is_pass, .arrived_ns = hx_clock_monotonic_ns()};
    if (exporter->engines == NULL)
        return hx_error_set(err, HX_ERR_BUSY, "the exporter is not running");
    if (message != NULL)
        hx_utf8_copy(report.message, sizeof(report.message), message, strlen(message));
    enum hx_errcode code = hx_engines_report(exporter->engines, name, &report, err);
    return code == HX_ERR_NOTFOUND ? refuse_unknown(exporter, name, err) : code;
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
