/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole exporter as an object, for a service that wants its dependencies checked from inside:
 * an engine thread that checks, and optionally listeners that serve /metrics and the probe
 * endpoints. The program health_exporter is a thin shell around this.
 *
 *     struct hx_error err;
 *     struct hx_exporter *exporter = hx_exporter_new();
 *     if (hx_exporter_add(exporter, "cache=redis://cache:6379", &err) != HX_OK ||
 *         hx_exporter_listen(exporter, ":10119", &err) != HX_OK ||
 *         hx_exporter_start(exporter, &err) != HX_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     ...
 *     hx_exporter_free(exporter);
 *
 * Functions may be called from any thread, but not two at once on one exporter, except those that
 * say so. The library never prints, exits, or handles signals; the process should ignore SIGPIPE.
 * Threads do not survive fork(): an exporter is started after it, in each process that wants one.
 * What has been started before is the parent's alone, and the child must not even free it.
 */
#ifndef HEALTH_EXPORTER_EXPORTER_H
#define HEALTH_EXPORTER_EXPORTER_H

#include "health_exporter/check.h"
#include "health_exporter/error.h"
#include "health_exporter/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hx_exporter;

enum hx_log_level { HX_LOG_DEBUG, HX_LOG_INFO, HX_LOG_WARN, HX_LOG_ERROR };
enum hx_log_format { HX_LOG_LOGFMT, HX_LOG_JSON };

/* "0.1.0", and the revision it was built from. */
HX_API const char *hx_version(void);
HX_API const char *hx_revision(void);

/* An exporter with no dependency and no listener; NULL when out of memory. */
HX_API struct hx_exporter *hx_exporter_new(void);

/* Stops it if it runs, and frees all. Takes NULL. */
HX_API void hx_exporter_free(struct hx_exporter *exporter);

/* ---- before start; from then on HX_ERR_BUSY, and nothing changes ---- */

/* Where log lines go: a file descriptor (borrowed; -1: nowhere, the default). A slow reader of it
 * costs lines, never a check. */
HX_API enum hx_errcode hx_exporter_log(struct hx_exporter *exporter, int fd,
                                       enum hx_log_level level, enum hx_log_format format,
                                       struct hx_error *err) HX_MUST_CHECK;

/* Adds a kind of the service's own; the table must outlive the exporter. Name and schemes must be
 * its alone; it has these, options, reasons, start and cancel, and may do without the rest. Before
 * the dependencies that are of it. */
HX_API enum hx_errcode hx_exporter_add_kind(struct hx_exporter *exporter,
                                            const struct hx_kind *kind,
                                            struct hx_error *err) HX_MUST_CHECK;

/* Takes the configuration file (YAML), beside what is added and in the place of one that was taken
 * before. All that is wrong in it is in the diagnostics, compiler style, one per line; err has
 * their number, and nothing has changed. */
HX_API enum hx_errcode hx_exporter_load(struct hx_exporter *exporter, const char *path,
                                        struct hx_error *err) HX_MUST_CHECK;

/* Adds one dependency, written NAME=URL. */
HX_API enum hx_errcode hx_exporter_add(struct hx_exporter *exporter, const char *name_url,
                                       struct hx_error *err) HX_MUST_CHECK;

/* The complete diagnostics of the last load or add that failed; "" when there were none. Valid
 * until the next call. */
HX_API const char *hx_exporter_diagnostics(const struct hx_exporter *exporter);

/* Adds a listener: "host:port", ":port", "[::1]:port" (port 0: any free), or "unix:/path". Without
 * one, nothing is served and the functions below are the way to read. */
HX_API enum hx_errcode hx_exporter_listen(struct hx_exporter *exporter, const char *address,
                                          struct hx_error *err) HX_MUST_CHECK;

/* Adds a listener over a socket that listens already, as systemd hands over; taken, also when this
 * fails. */
HX_API enum hx_errcode hx_exporter_adopt(struct hx_exporter *exporter, int fd,
                                         struct hx_error *err) HX_MUST_CHECK;

/* The path of the metrics page, "/metrics" unless set; begins with "/". */
HX_API enum hx_errcode hx_exporter_telemetry_path(struct hx_exporter *exporter, const char *path,
                                                  struct hx_error *err) HX_MUST_CHECK;

/* Keeps native histograms of the durations of checks beside the classic ones, for scrapers that ask
 * for protobuf: 1.3 kB a dependency. Off unless set. */
HX_API void hx_exporter_enable_native_histograms(struct hx_exporter *exporter, bool is_enabled);

/* How far back the status page shows each dependency, in nanoseconds: an hour to 30 days, in 48
 * steps, kept in memory, 0.9 kB a dependency whatever the span; 0: nothing is kept. 24 hours unless
 * set. Without a listener nothing is kept either. */
HX_API enum hx_errcode hx_exporter_history(struct hx_exporter *exporter, int64_t span_ns,
                                           struct hx_error *err) HX_MUST_CHECK;

/* Users, TLS, networks, limits of the listeners: a file in the format of Prometheus'
 * exporter-toolkit (docs/web-configuration.md there), read at start and at each reload. */
HX_API enum hx_errcode hx_exporter_web_config(struct hx_exporter *exporter, const char *path,
                                              struct hx_error *err) HX_MUST_CHECK;

/* Allows POST /-/reload and /-/maintenance. Off unless set. */
HX_API void hx_exporter_enable_lifecycle(struct hx_exporter *exporter, bool is_enabled);

/*
 * Shares the configuration with other processes that are given the same one: each reads all of it,
 * and checks the dependencies whose names a stable hash gives to its ordinal, 0 <= ordinal < total.
 * HX_SHARD_AUTO: the number after the last '-' of this host's name, as a StatefulSet gives it.
 * total: 1 to HX_MAX_SHARDS, the same in all of them. Unless called, this process checks all.
 */
#define HX_SHARD_AUTO (-1)
#define HX_MAX_SHARDS 1024
HX_API enum hx_errcode hx_exporter_shard(struct hx_exporter *exporter, int ordinal, int total,
                                         struct hx_error *err) HX_MUST_CHECK;

/* Shares the checks among n threads, 1 to HX_MAX_ENGINE_THREADS: for those who need more than one
 * core for them. A dependency stays with one, chosen by a stable hash of its name. 1 unless set. */
#define HX_MAX_ENGINE_THREADS 64
HX_API enum hx_errcode hx_exporter_engine_threads(struct hx_exporter *exporter, size_t n,
                                                  struct hx_error *err) HX_MUST_CHECK;

/* Starts checking and listening. With neither file nor dependency it checks this host's disk and
 * memory. On failure nothing runs. */
HX_API enum hx_errcode hx_exporter_start(struct hx_exporter *exporter,
                                         struct hx_error *err) HX_MUST_CHECK;

/* ---- while it runs; all of these from any thread, but for hx_exporter_stop() ---- */

/* Readiness turns to draining at once; everything goes on being served. For the time between the
 * wish to stop and hx_exporter_stop(), in which load balancers look elsewhere. */
HX_API void hx_exporter_drain(struct hx_exporter *exporter);

/* One error of a configuration: line and column are 0 when it has no place in a file. */
struct hx_reload_error {
    char *file; /* NULL: it stands in no file, but was given to hx_exporter_add() */
    int line;
    int column;
    char *message;
};

/* What a reload did. */
struct hx_reload {
    bool is_successful;
    struct hx_strings added, changed, removed; /* names, in the configuration's order */
    size_t n_unchanged;
    struct hx_reload_error *errors; /* when it failed */
    size_t n_errors;
};

/*
 * Reads the configuration file, the web configuration and all files they name again. All or
 * nothing: with any error everything stays as it was. A dependency that did not change keeps its
 * state, counters, histogram, phase and connection. Blocks while files are read; one at a time,
 * others wait. Dependencies that were added by hx_exporter_add() stay. The caller ends `reload`
 * with hx_reload_fini().
 */
HX_API enum hx_errcode hx_exporter_reload(struct hx_exporter *exporter, struct hx_reload *reload,
                                          struct hx_error *err) HX_MUST_CHECK;
HX_API void hx_reload_fini(struct hx_reload *reload);

/* Maintenance: readiness is 503 with the reason until it ends, checks and metrics go on.
 * duration_ns 0: until hx_exporter_maintenance_end(). reason: UTF-8, may be NULL, shown publicly.
 */
HX_API enum hx_errcode hx_exporter_maintenance_begin(struct hx_exporter *exporter,
                                                     int64_t duration_ns, const char *reason,
                                                     struct hx_error *err) HX_MUST_CHECK;
HX_API void hx_exporter_maintenance_end(struct hx_exporter *exporter);

/* Ends listeners and checks and joins the threads; idempotent. When no other call is under way. */
HX_API void hx_exporter_stop(struct hx_exporter *exporter);

/* The port of listener i (in the order of listen), 0 for a unix socket or none. */
HX_API uint16_t hx_exporter_port(const struct hx_exporter *exporter, size_t i);

HX_API bool hx_exporter_is_live(struct hx_exporter *exporter);
HX_API bool hx_exporter_is_ready(struct hx_exporter *exporter);

/* What is believed of a dependency now; HX_STATE_UNKNOWN also when there is none of that name. */
HX_API enum hx_state hx_exporter_state(struct hx_exporter *exporter, const char *name);

/* One dependency at one moment, a copy. Times in nanoseconds. */
struct hx_snapshot {
    char name[65];
    const char *kind; /* the kind's own text */
    bool is_critical;
    bool is_reported; /* the service reports about it itself; nothing is checked */
    bool has_result;  /* the first check is over, and what follows is its or a later one's word */
    enum hx_state state;
    enum hx_reason reason;
    char message[208]; /* UTF-8, of the last check when it failed, else empty; for people only */
    int64_t timeout_ns;
    int64_t duration_ns;
    int64_t phases_ns[HX_N_PHASES]; /* -1: not reached */
};

/* Dependency i in the order of the configuration; false when there are not so many. */
HX_API bool hx_exporter_dependency(struct hx_exporter *exporter, size_t i,
                                   struct hx_snapshot *snapshot);

/* The service reports about a heartbeat dependency. message may be NULL. */
HX_API enum hx_errcode hx_exporter_report(struct hx_exporter *exporter, const char *name,
                                          bool is_pass, const char *message,
                                          struct hx_error *err) HX_MUST_CHECK;

/* The registry whose series stand on /metrics beside the exporter's: the service may add its own,
 * by names that do not begin with dependency_, health_ or process_. Borrowed, lives as long as the
 * exporter. */
HX_API struct hx_registry *hx_exporter_registry(struct hx_exporter *exporter);

/* The whole metrics page; as hx_registry_expose. */
HX_API char *hx_exporter_expose(struct hx_exporter *exporter, enum hx_format format, size_t *len);

#endif
