/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes that are given the same configuration share the work: each reads and judges all
 * of it, and keeps the dependencies whose names are its own (base/shard.h). So no process needs to
 * know of another, and a wrong configuration is wrong everywhere.
 *
 * This is the one place where dependencies are left to others; past it a configuration looks like
 * that of a process by itself.
 */
#include "assemble.h"

#include "base/option.h"
#include "base/units.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A StatefulSet names its pods NAME-0, NAME-1, ..., and each host like its pod. */
static enum hx_errcode read_host_ordinal(int64_t *ordinal, struct hx_error *err)
{
    char host[HOST_NAME_MAX + 1];
    if (gethostname(host, sizeof(host)) != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "shard: this host's name cannot be read");
    host[sizeof(host) - 1] = '\0';
    const char *dash = strrchr(host, '-');
    if (dash == NULL || strspn(dash + 1, "0123456789") != strlen(dash + 1) ||
        hx_parse_int(dash + 1, 0, INT_MAX, ordinal, NULL) != HX_OK)
        return hx_error_set(err, HX_ERR_INVALID,
                            "shard: this host's name, \"%s\", does not end in a number as those "
                            "of a StatefulSet do (\"name-0\")",
                            host);
    return HX_OK;
}

enum hx_errcode hx_exporter_shard(struct hx_exporter *exporter, int ordinal, int total,
                                  struct hx_error *err)
{
    int64_t own = ordinal;
    enum hx_errcode code = HX_OK;
    if (exporter->was_started)
        return hx_exporter_refuse_started(err);
    if (total < 1 || total > HX_MAX_SHARDS)
        return hx_error_set(err, HX_ERR_INVALID, "%d shards: expected 1 to %d", total,
                            HX_MAX_SHARDS);
    if (ordinal == HX_SHARD_AUTO)
        code = read_host_ordinal(&own, err);
    if (code == HX_OK && (own < 0 || own >= total))
        code = hx_error_set(err, HX_ERR_INVALID, "shard %lld%s: expected 0 to %d, with %d in total",
                            (long long)own, ordinal == HX_SHARD_AUTO ? ", by this host's name" : "",
                            total - 1, total);
    if (code == HX_OK)
        exporter->board.shard = (struct hx_shard){(size_t)own, (size_t)total};
    return code;
}

static void keep_dependencies(const struct hx_shard *shard, struct hx_config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n; i++) {
        struct hx_dependency *dependency = config->dependencies[i];
        if (hx_shard_has(shard, dependency->name))
            config->dependencies[n++] = dependency;
        else
            hx_dependency_free(dependency);
    }
    config->n = n;
}

static void keep_names(const struct hx_shard *shard, struct hx_strings *names)
{
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (hx_shard_has(shard, names->items[i]))
            names->items[n++] = names->items[i];
        else
            free(names->items[i]);
    }
    names->n = n;
}

enum hx_errcode hx_exporter_take_share(struct hx_exporter *exporter, struct hx_config *config,
                                       struct hx_diagnostics *diagnostics)
{
    enum hx_errcode code = hx_config_add_defaults(exporter, config, diagnostics);
    if (code != HX_OK)
        return code;
    keep_dependencies(&exporter->board.shard, config);
    keep_names(&exporter->board.shard, &config->startup_requires);
    return HX_OK;
}

enum hx_errcode hx_exporter_add_shard_families(struct hx_exporter *exporter, struct hx_error *err)
{
    struct hx_gauge *ordinal = hx_registry_gauge(
        exporter->registry, "health_exporter_shard_ordinal",
        "Which of the processes that share the configuration this is, from 0.", NULL, err);
    struct hx_gauge *total =
        hx_registry_gauge(exporter->registry, "health_exporter_total_shards",
                          "How many processes share the configuration.", NULL, err);
    if (ordinal == NULL || total == NULL)
        return HX_ERR_NOMEM;
    hx_gauge_set(ordinal, (double)exporter->board.shard.ordinal);
    hx_gauge_set(total, (double)exporter->board.shard.total);
    return HX_OK;
}
