/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the exporter together: families, addresses, engines with their first generation.
 *
 *     configuration ── records ── generation ── engines ── board ── web ── addresses
 *
 * Addresses are bound before the first check runs, so that a port in use starts nothing.
 */
#include "assemble.h"

#include "base/clock.h"

#define HEADER_DEADLINE_NS (10 * HX_NS_PER_S)

static const char *const default_dependencies[] = {"disk=disk:/", "memory=memory:", NULL};

enum hx_errcode hx_config_add_defaults(struct hx_exporter *exporter, struct hx_config *config,
                                       struct hx_diagnostics *diagnostics)
{
    enum hx_errcode code = HX_OK;
    if (config->n > 0 || exporter->config_path != NULL)
        return HX_OK;
    for (size_t i = 0; code == HX_OK && default_dependencies[i] != NULL; i++)
        code = hx_config_add(config, default_dependencies[i], exporter->kinds, diagnostics);
    return code;
}

/* ---------------------------------------------------------------------------------- the web -- */

static enum hx_errcode post_report(void *data, const char *name, const struct hx_report *report,
                                   struct hx_error *err)
{
    struct hx_exporter *exporter = data;
    return hx_engines_report(exporter->engines, name, report, err);
}

static enum hx_errcode ask_reload(void *data, hx_reload_done done, void *done_data,
                                  struct hx_error *err)
{
    return hx_exporter_ask_reload(data, done, done_data, err);
}

static void maintain(void *data, const struct hx_maintenance *maintenance)
{
    hx_maintenance_set(data, maintenance);
}

static enum hx_errcode make_web(struct hx_exporter *exporter,
                                const struct hx_descriptor_shares *shares, struct hx_error *err)
{
    struct hx_web_options options = {
        .board = &exporter->board,
        .registry = exporter->registry,
        .log = exporter->log,
        .actions = {.data = exporter,
                    .report = post_report,
                    .reload = ask_reload,
                    .maintain = maintain},
        .telemetry_path = exporter->telemetry_path,
        .max_connections = shares->max_connections,
        .max_connections_per_ip = shares->max_connections_per_ip,
        .header_deadline_ns = HEADER_DEADLINE_NS,
        .is_lifecycle_enabled = exporter->is_lifecycle_enabled,
        .access = exporter->access,
    };
    exporter->access = NULL;
    return hx_web_new(&options, &exporter->web, err);
}

static enum hx_errcode listen_on(struct hx_exporter *exporter, struct hx_listen *listen,
                                 struct hx_error *err)
{
    if (listen->address != NULL)
        return hx_web_listen(exporter->web, listen->address, err);
    int fd = listen->fd;
    listen->fd = -1;
    return hx_web_adopt(exporter->web, fd, err);
}

static enum hx_errcode bind_addresses(struct hx_exporter *exporter,
                                      const struct hx_descriptor_shares *shares,
                                      struct hx_error *err)
{
    if (exporter->n_listens == 0)
        return HX_OK;
    enum hx_errcode code = make_web(exporter, shares, err);
    for (size_t i = 0; code == HX_OK && i < exporter->n_listens; i++)
        code = listen_on(exporter, &exporter->listens[i], err);
    return code;
}

/* ------------------------------------------------------------------------------ the engines -- */

enum hx_errcode hx_exporter_equip(const struct hx_exporter *exporter, struct hx_diff *diff,
                                  struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    if (exporter->has_native_histograms)
        code = hx_diff_enable_native(diff, err);
    /* Only pages show it. */
    if (code == HX_OK && exporter->history_ns > 0 && exporter->n_listens > 0)
        code = hx_diff_enable_history(diff, &exporter->history_scale, err);
    return code;
}

static enum hx_errcode make_engines(struct hx_exporter *exporter,
                                    const struct hx_descriptor_shares *shares, struct hx_error *err)
{
    struct hx_engine_options options = {
        .board = &exporter->board,
        .registry = exporter->registry,
        .log = exporter->log,
        .n_engines = exporter->n_engines,
        .max_sockets = shares->max_sockets,
        .seed = exporter->seed,
    };
    struct hx_diff diff = {0};
    struct hx_generation *generation = NULL;
    exporter->board.liveness_grace_ns = exporter->config.liveness_grace_ns;
    exporter->history_scale =
        hx_history_scale(exporter->history_ns, hx_clock_wall_ns(), hx_clock_monotonic_ns());
    enum hx_errcode code = hx_engines_new(&options, &exporter->engines, err);
    if (code == HX_OK)
        code = hx_diff_make(NULL, &exporter->config, &diff, err);
    if (code == HX_OK)
        code = hx_exporter_equip(exporter, &diff, err);
    if (code == HX_OK)
        code = hx_diff_generation(&diff, &exporter->config, &generation, err);
    if (code == HX_OK)
        code = hx_engines_apply(exporter->engines, generation, err);
    hx_diff_fini(&diff);
    return code;
}

/* The families that say what this is and which configuration it runs. */
static enum hx_errcode make_families(struct hx_exporter *exporter, struct hx_error *err)
{
    const char *const labels[] = {"version", hx_version(), "revision", hx_revision(), NULL};
    struct hx_gauge *build = hx_registry_gauge(exporter->registry, "health_exporter_build_info",
                                               "What was built; the value is 1.", labels, err);
    exporter->reload_successful =
        hx_registry_gauge(exporter->registry, "health_exporter_config_last_reload_successful",
                          "1 when the configuration was last read without an error.", NULL, err);
    exporter->reload_time = hx_registry_gauge(
        exporter->registry, "health_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last read without an error.", NULL, err);
    if (build == NULL || exporter->reload_successful == NULL || exporter->reload_time == NULL)
        return HX_ERR_NOMEM;
    hx_gauge_set(build, 1);
    hx_gauge_set(exporter->reload_successful, 1);
    hx_gauge_set(exporter->reload_time, (double)hx_clock_wall_ns() / 1e9);
    return HX_OK;
}

/* --------------------------------------------------------------------------------- together -- */

enum hx_errcode hx_exporter_assemble(struct hx_exporter *exporter,
                                     const struct hx_descriptor_shares *shares,
                                     struct hx_error *err)
{
    enum hx_errcode code = make_families(exporter, err);
    if (code == HX_OK)
        code = hx_exporter_add_shard_families(exporter, err);
    if (code == HX_OK)
        code = bind_addresses(exporter, shares, err);
    if (code == HX_OK)
        code = make_engines(exporter, shares, err);
    return code;
}
