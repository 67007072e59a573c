/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of counters; counting is an index and an atomic addition. */
#include "web/counts.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The closed list of statuses, and which of them any route can answer. */
static const struct {
    unsigned code;
    uint32_t routes; /* a bit per route */
} statuses[] = {
#define R(name) (1U << HX_ROUTE_##name)
#define ALL     ((1U << HX_N_ROUTES) - 1)
#define PROBES  (R(LIVEZ) | R(READYZ) | R(STARTUPZ) | R(DEPENDENCY) | R(HEALTHY) | R(READY))
#define WRITING (R(HEARTBEAT) | R(RELOAD) | R(MAINTENANCE))
#define FILES   (R(STYLE) | R(SCRIPT) | R(OPENAPI))
#define BADGES  (R(BADGE) | R(DEPENDENCY_BADGE))
/* May ask for a user. */
#define GUARDED (R(PAGE) | R(DETAILED) | R(METRICS) | R(OPENAPI) | WRITING)
    {200, ALL & ~(R(OTHER) | R(HEARTBEAT))},
    {204, R(HEARTBEAT)},
    {304, R(PAGE) | FILES | BADGES},
    {400, ALL},
    {401, GUARDED},
    {403, ALL},
    {404, R(OTHER) | R(READYZ) | R(DEPENDENCY) | R(DEPENDENCY_BADGE) | R(DETAILED) | R(HEARTBEAT)},
    {405, ALL & ~R(OTHER)},
    {409, R(HEARTBEAT)},
    {411, WRITING},
    {413, WRITING},
    {414, R(OTHER)}, /* said before the route is known */
    {415, R(HEARTBEAT) | R(MAINTENANCE)},
    {429, ALL},
    {500, R(RELOAD)},
    {503, PROBES | GUARDED},
    {505, ALL},
#undef R
#undef ALL
#undef PROBES
#undef WRITING
#undef FILES
#undef BADGES
#undef GUARDED
};

_Static_assert(sizeof(statuses) / sizeof(statuses[0]) == HX_N_STATUSES, "one cell each");

static enum hx_errcode make_gauges(struct hx_counts *counts, struct hx_registry *registry,
                                   struct hx_error *err)
{
    counts->connections = hx_registry_gauge(registry, "health_exporter_http_connections",
                                            "Connections of clients that are open.", NULL, err);
    counts->scrape_seconds = hx_registry_gauge(
        registry, "health_exporter_scrape_duration_seconds",
        "How long the last scrape took, from its request to its last byte.", NULL, err);
    counts->scrape_bytes =
        hx_registry_gauge(registry, "health_exporter_scrape_bytes",
                          "Size of the page of the last scrape, before compression.", NULL, err);
    counts->scrape_sent_bytes = hx_registry_gauge(
        registry, "health_exporter_scrape_sent_bytes",
        "Size of the page of the last scrape as it was sent: compressed, where that was asked for.",
        NULL, err);
    bool is_made = counts->connections != NULL && counts->scrape_seconds != NULL &&
                   counts->scrape_bytes != NULL && counts->scrape_sent_bytes != NULL;
    return is_made ? HX_OK : err != NULL ? err->code : HX_ERR_NOMEM;
}

enum hx_errcode hx_counts_init(struct hx_counts *counts, struct hx_registry *registry,
                               struct hx_error *err)
{
    *counts = (struct hx_counts){0};
    for (unsigned route = 0; route < HX_N_ROUTES; route++) {
        for (size_t i = 0; i < HX_N_STATUSES; i++) {
            if ((statuses[i].routes >> route & 1) == 0)
                continue;
            char code[8];
            snprintf(code, sizeof(code), "%u", statuses[i].code);
            const char *labels[] = {"route", hx_route_text((enum hx_route)route), "code", code,
                                    NULL};
            counts->cells[route][i] = hx_registry_counter(
                registry, "health_exporter_http_requests_total",
                "HTTP requests answered, by route and status code.", labels, err);
            if (counts->cells[route][i] == NULL)
                return err != NULL ? err->code : HX_ERR_NOMEM;
        }
    }
    return make_gauges(counts, registry, err);
}

void hx_counts_add(const struct hx_counts *counts, enum hx_route route, unsigned status)
{
    for (size_t i = 0; i < HX_N_STATUSES; i++) {
        if (statuses[i].code == status) {
            assert(counts->cells[route][i] != NULL);
            hx_counter_add(counts->cells[route][i], 1);
            return;
        }
    }
}
