/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maintenance from its three sources: an operator's word, a file that is there, the windows of the
 * configuration. Each has its place on the board, which shows the one that lasts longest.
 */
#include "assemble.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "config/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of the file; only its first line is read. */
#define MAX_FILE ((size_t)64 * 1024)

/* The end of a window is planned by the wall clock and kept by the monotonic one: a step of the
 * wall clock that is larger than this moves it. */
#define CLOCK_STEP_NS HX_NS_PER_S

static const char *const source_names[HX_N_MAINTENANCE_SOURCES] = {
    [HX_MAINTENANCE_MANUAL] = "request",
    [HX_MAINTENANCE_FILE] = "file",
    [HX_MAINTENANCE_WINDOW] = "window",
};

static void put_reason(struct hx_maintenance *maintenance, const char *text, size_t len)
{
    hx_utf8_copy(maintenance->reason, sizeof(maintenance->reason), text, len);
}

static void log_change(const struct hx_exporter *exporter, enum hx_maintenance_source source,
                       const struct hx_maintenance *maintenance)
{
    char until[HX_RFC3339_SIZE];
    bool has_end = maintenance->is_on && maintenance->until_wall_ns != 0;
    bool has_reason = maintenance->is_on && maintenance->reason[0] != '\0';
    if (has_end)
        hx_clock_rfc3339(maintenance->until_wall_ns, until);
    hx_log(exporter->log, HX_LOG_INFO,
           maintenance->is_on ? "maintenance begins" : "maintenance ends",
           HX_LOG_STR("source", source_names[source]), HX_LOG_STR("until", has_end ? until : NULL),
           HX_LOG_STR("reason", has_reason ? maintenance->reason : NULL));
}

static bool is_same(const struct hx_maintenance *a, const struct hx_maintenance *b)
{
    int64_t moved_ns = a->until_ns - b->until_ns;
    return a->is_on == b->is_on && a->until_wall_ns == b->until_wall_ns &&
           moved_ns < CLOCK_STEP_NS && moved_ns > -CLOCK_STEP_NS &&
           strcmp(a->reason, b->reason) == 0;
}

/* Puts it on the board when it is another than what stands there. */
static void show(struct hx_exporter *exporter, enum hx_maintenance_source source,
                 const struct hx_maintenance *maintenance)
{
    struct hx_maintenance shown = hx_board_maintenance_of(&exporter->board, source);
    if (is_same(&shown, maintenance))
        return;
    hx_board_set_maintenance(&exporter->board, source, maintenance);
    if (shown.is_on || maintenance->is_on)
        log_change(exporter, source, maintenance);
}

/* --------------------------------------------------------------------------------- the file -- */

static void read_reason(const char *path, struct hx_maintenance *maintenance)
{
    char *data = NULL;
    size_t len = 0;
    if (hx_file_read(path, MAX_FILE, &data, &len, NULL) != HX_OK)
        return;
    size_t line_len = strcspn(data, "\r\n");
    if (hx_utf8_is_valid(data, line_len))
        put_reason(maintenance, data, line_len);
    hx_file_free(data, len);
}

static void poll_file(struct hx_exporter *exporter)
{
    const char *path = exporter->config.maintenance_file;
    struct hx_maintenance maintenance = {0};
    struct stat status;
    int error = path == NULL || stat(path, &status) == 0 ? 0 : errno;
    bool is_known = error == 0 || error == ENOENT || error == ENOTDIR;
    if (!is_known && !exporter->is_file_unreadable)
        hx_log(exporter->log, HX_LOG_WARN, "cannot tell whether the maintenance file is there",
               HX_LOG_STR("file", path), HX_LOG_STR("error", strerrordesc_np(error)));
    exporter->is_file_unreadable = !is_known;
    if (!is_known)
        return;
    if (path != NULL && error == 0) {
        maintenance.is_on = true;
        maintenance.until_ns = INT64_MAX;
        read_reason(path, &maintenance);
    }
    show(exporter, HX_MAINTENANCE_FILE, &maintenance);
}

/* ------------------------------------------------------------------------------ the windows -- */

static void poll_windows(struct hx_exporter *exporter)
{
    const struct hx_config *config = &exporter->config;
    struct hx_maintenance maintenance = {0};
    int64_t wall = hx_clock_wall_ns();
    for (size_t i = 0; i < config->n_windows; i++) {
        const struct hx_window *window = &config->windows[i];
        int64_t until;
        bool is_open = hx_window_is_open(window, wall / HX_NS_PER_S, &until);
        if (!is_open || until * HX_NS_PER_S <= maintenance.until_wall_ns)
            continue;
        maintenance = (struct hx_maintenance){.is_on = true, .until_wall_ns = until * HX_NS_PER_S};
        maintenance.until_ns = hx_clock_monotonic_ns() + maintenance.until_wall_ns - wall;
        if (window->reason != NULL)
            put_reason(&maintenance, window->reason, strlen(window->reason));
    }
    show(exporter, HX_MAINTENANCE_WINDOW, &maintenance);
}

/* ----------------------------------------------------------------------- an operator's word -- */

/* The board forgets it by itself; this says so in the log. */
static void poll_manual(struct hx_exporter *exporter)
{
    int64_t until = atomic_load(&exporter->manual_until_ns);
    struct hx_maintenance none = {0};
    bool is_over = until != 0 && hx_clock_monotonic_ns() >= until;
    if (!is_over || !atomic_compare_exchange_strong(&exporter->manual_until_ns, &until, 0))
        return;
    hx_keeper_poll(exporter->keeper, HX_POLL_MANUAL, false);
    show(exporter, HX_MAINTENANCE_MANUAL, &none);
}

void hx_maintenance_set(struct hx_exporter *exporter, const struct hx_maintenance *maintenance)
{
    bool has_end = maintenance->is_on && maintenance->until_ns != INT64_MAX;
    atomic_store(&exporter->manual_until_ns, has_end ? maintenance->until_ns : 0);
    show(exporter, HX_MAINTENANCE_MANUAL, maintenance);
    if (exporter->keeper != NULL)
        hx_keeper_poll(exporter->keeper, HX_POLL_MANUAL, has_end);
}

enum hx_errcode hx_exporter_maintenance_begin(struct hx_exporter *exporter, int64_t duration_ns,
                                              const char *reason, struct hx_error *err)
{
    struct hx_maintenance maintenance = {.is_on = true, .until_ns = INT64_MAX};
    int64_t now = hx_clock_monotonic_ns();
    if (duration_ns < 0 || duration_ns > INT64_MAX / 4)
        return hx_error_set(err, HX_ERR_INVALID, "a maintenance lasts for a positive time, or 0");
    if (reason != NULL && !hx_utf8_is_valid(reason, strlen(reason)))
        return hx_error_set(err, HX_ERR_INVALID, "the reason is not UTF-8");
    if (duration_ns > 0) {
        maintenance.until_ns = now + duration_ns;
        maintenance.until_wall_ns = hx_clock_wall_ns() + duration_ns;
    }
    if (reason != NULL)
        put_reason(&maintenance, reason, strlen(reason));
    hx_maintenance_set(exporter, &maintenance);
    return HX_OK;
}

void hx_exporter_maintenance_end(struct hx_exporter *exporter)
{
    struct hx_maintenance none = {0};
    hx_maintenance_set(exporter, &none);
}

/* ------------------------------------------------------------------------------ all of them -- */

void hx_maintenance_poll(struct hx_exporter *exporter)
{
    poll_file(exporter);
    poll_windows(exporter);
    poll_manual(exporter);
}
