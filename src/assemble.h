/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporter's inside: what it is made of, and how its parts are put together. For the files of
 * this folder and the program; the library's users see health_exporter/exporter.h.
 */
#ifndef HX_ASSEMBLE_H
#define HX_ASSEMBLE_H

#include "config/config.h"
#include "descriptors.h"
#include "diff.h"
#include "engine/engines.h"
#include "health_exporter/exporter.h"
#include "keeper.h"
#include "web/server.h"

#include <pthread.h>
#include <stdatomic.h>

/* Where to listen: an address, or a socket that does already. */
struct hx_listen {
    char *address; /* NULL: fd */
    int fd;        /* owned until the web adopts it; -1 */
};

struct hx_exporter {
    /* Set before start, constant from then on. */
    const struct hx_kind **kinds; /* NULL-terminated */
    size_t n_kinds;
    char *config_path;           /* NULL: none */
    char *web_config_path;       /* NULL: none */
    struct hx_strings arguments; /* NAME=URL; secret */
    struct hx_listen *listens;
    size_t n_listens;
    char *telemetry_path;
    bool is_lifecycle_enabled;
    bool has_native_histograms;
    int64_t history_ns; /* how far back; 0: no history is kept */
    size_t n_engines;
    struct hx_log *log;
    uint64_t seed;
    struct hx_diagnostics diagnostics; /* of the last load or add */
    struct hx_access *access;          /* read, until start gives it to the web */

    pthread_mutex_t lock; /* held by a reload from its begin to its end; guards the next ones */
    bool is_running;
    bool was_started;        /* it cannot start again */
    struct hx_config config; /* from start on without its dependencies */
    struct hx_files files;   /* that it was read from last; none without reload_on_change */
    bool is_file_unreadable; /* that of maintenance; has been told */

    struct hx_history_scale history_scale; /* from start on, the same after each reload */

    _Atomic int64_t manual_until_ns; /* maintenance that ends by itself; 0: none */
    struct hx_board board;
    struct hx_registry *registry;
    struct hx_gauge *reload_successful, *reload_time;
    struct hx_keeper *keeper;
    struct hx_engines *engines;
    struct hx_web *web;
};

/* ---- setup.c ---- */

/* For what can be set before start alone: what runs has it in its hands. Returns HX_ERR_BUSY. */
enum hx_errcode hx_exporter_refuse_started(struct hx_error *err);

/* Reads the file (path may be NULL) and what hx_exporter_add() was given into an empty
 * configuration; what it is on failure is the caller's to end. */
enum hx_errcode hx_exporter_read(const struct hx_exporter *exporter, const char *path,
                                 struct hx_config *config, struct hx_files *files,
                                 struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* ---- assemble.c ---- */

/* Adds what is checked when nothing is configured: this host. */
enum hx_errcode hx_config_add_defaults(struct hx_exporter *exporter, struct hx_config *config,
                                       struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* Makes families, listeners and engine from what was set before start; nothing runs yet. What is
 * made when it fails is hx_exporter_stop()'s to end. */
enum hx_errcode hx_exporter_assemble(struct hx_exporter *exporter,
                                     const struct hx_descriptor_shares *shares,
                                     struct hx_error *err) HX_MUST_CHECK;

/* Gives the records of the next generation all that they keep beside what they must. */
enum hx_errcode hx_exporter_equip(const struct hx_exporter *exporter, struct hx_diff *diff,
                                  struct hx_error *err) HX_MUST_CHECK;

/* ---- share.c ---- */

/* Makes of what was read what this process runs: with the defaults, without the dependencies that
 * other shards check. */
enum hx_errcode hx_exporter_take_share(struct hx_exporter *exporter, struct hx_config *config,
                                       struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* Says on the metrics page which shard this is. */
enum hx_errcode hx_exporter_add_shard_families(struct hx_exporter *exporter,
                                               struct hx_error *err) HX_MUST_CHECK;

/* ---- maintenance.c ---- */

/* Looks whether planned maintenance has begun or ended; the lock is held. */
void hx_maintenance_poll(struct hx_exporter *exporter);

/* Begins or ends what an operator asked for. */
void hx_maintenance_set(struct hx_exporter *exporter, const struct hx_maintenance *maintenance);

/* ---- reload.c ---- */

/* As hx_exporter_reload(), later, by the keeper; done may be NULL. Several that wait are served by
 * one. */
enum hx_errcode hx_exporter_ask_reload(struct hx_exporter *exporter, hx_reload_done done,
                                       void *done_data, struct hx_error *err) HX_MUST_CHECK;

/* Says what the keeper has to look at from now on; the lock is held. */
void hx_exporter_update_polls(struct hx_exporter *exporter);

/* For the keeper: a reload, and what is looked at each second. */
void hx_exporter_keep_reload(void *data, struct hx_reload *reload);
void hx_exporter_keep_poll(void *data);

#endif
