/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the engine and a kind: what a dependency is, how one check of it begins and
 * ends, and the closed lists (states, reasons, phases) that metrics, JSON and logs share.
 *
 * A check runs on the engine's loop thread. The engine owns the deadline, the timing, the
 * thresholds, metrics and logs; a kind only speaks the protocol. A kind may never block.
 *
 * There may be several engines, each with a loop and a thread of its own. All checks of a
 * dependency run in one of them, so its settings and its run memory need no lock; those of two
 * dependencies of a kind may run at once. What they share is what attach has made, which belongs to
 * one loop; anything else must be constant or locked.
 */
#ifndef HEALTH_EXPORTER_CHECK_H
#define HEALTH_EXPORTER_CHECK_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct hx_check;
struct hx_resolver;

/* ------------------------------------------------------------------------ the closed lists -- */

/* Why a check failed. The last three tell of the exporter, not of the dependency: they make the
 * state unknown instead of down. The text is the label value of
 * dependency_check_failures_total{reason}. */
#define HX_REASON_MAP(X)                                                                \
    X(NONE, "")                                                                         \
    X(DNS, "dns")                 /* the resolver gave a negative or broken answer */   \
    X(REFUSED, "refused")         /* nobody listens */                                  \
    X(UNREACHABLE, "unreachable") /* no route, host or network down */                  \
    X(TIMEOUT, "timeout")         /* the deadline, in any phase */                      \
    X(CLOSED, "closed")           /* the peer closed or reset before a full reply */    \
    X(TLS, "tls")                 /* handshake, chain, name, version */                 \
    X(AUTH, "auth")               /* the dependency rejected our identity or rights */  \
    X(PROTOCOL, "protocol")       /* the bytes are not the protocol */                  \
    X(LIMIT, "limit")             /* one of our own caps was hit */                     \
    X(STATUS, "status")           /* a valid reply with the wrong outcome */            \
    X(ASSERTION, "assertion")     /* a good reply that does not meet the expectation */ \
    X(UNAVAILABLE, "unavailable") /* the dependency itself says: not now */             \
    X(BLOCKED, "blocked")         /* our own policy refused the target */               \
    X(STALE, "stale")             /* no finished check within stale_after */            \
    X(INTERNAL, "internal")       /* the exporter's own trouble: EMFILE, ENOMEM, no port */

enum hx_reason {
#define X(name, text) HX_REASON_##name,
    HX_REASON_MAP(X)
#undef X
};
#define HX_N_REASONS (HX_REASON_INTERNAL + 1)

#define HX_STATE_MAP(X)     \
    X(UNKNOWN, "unknown")   \
    X(UP, "up")             \
    X(DEGRADED, "degraded") \
    X(DOWN, "down")

/* What is believed of a dependency after thresholds. */
enum hx_state {
#define X(name, text) HX_STATE_##name,
    HX_STATE_MAP(X)
#undef X
};

#define HX_PHASE_MAP(X)   \
    X(RESOLVE, "resolve") \
    X(CONNECT, "connect") \
    X(TLS, "tls")         \
    X(AUTH, "auth")       \
    X(SEND, "send")       \
    X(RECEIVE, "receive")

enum hx_phase {
#define X(name, text) HX_PHASE_##name,
    HX_PHASE_MAP(X)
#undef X
};
#define HX_N_PHASES (HX_PHASE_RECEIVE + 1)

/* The texts of the lists above; constant, any thread. */
HX_API const char *hx_reason_text(enum hx_reason reason);
HX_API const char *hx_state_text(enum hx_state state);
HX_API const char *hx_phase_text(enum hx_phase phase);

/* True for the reasons that mean unknown rather than down: blocked, stale, internal. */
HX_API bool hx_reason_is_ours(enum hx_reason reason);

/* The reason for a positive errno of connect, read or write; ENOENT (a missing unix socket) is
 * refused; what is not the peer's doing (EMFILE, ENOMEM, EADDRNOTAVAIL ...) is internal. */
HX_API enum hx_reason hx_reason_from_errno(int error);

/* ------------------------------------------------------------------------ options, settings -- */

/* How an option is written in YAML, and the C type of the field that its offset names. */
enum hx_option_type {
    HX_OPTION_BOOL,     /* true|false                          bool */
    HX_OPTION_INT,      /* 12                                  int64_t */
    HX_OPTION_DURATION, /* 250ms, 10s, 1m30s                   int64_t, nanoseconds */
    HX_OPTION_SIZE,     /* 512, 64KiB, 1MB                     int64_t, bytes */
    HX_OPTION_AMOUNT,   /* a size, or a share: 5%              struct hx_amount */
    HX_OPTION_STRING,   /* text                                char *, NULL when not given */
    HX_OPTION_SECRET,   /* text that is never printed          char *, wiped before it is freed */
    HX_OPTION_CHOICE,   /* one of choices                      int, its index */
    HX_OPTION_STRINGS,  /* a list of texts                     struct hx_strings */
    HX_OPTION_STATUSES, /* a list of 200, 2xx, 200-299         struct hx_status_set */
    HX_OPTION_MAP,      /* a mapping of texts, values secret   struct hx_map */
    HX_OPTION_DURATIONS /* a list, rising: 5ms, 0.25 (s), 1m   struct hx_durations */
};

struct hx_amount {
    int64_t bytes;  /* meaningful when percent is negative; -1 when not given */
    double percent; /* 0 to 100, or negative when bytes are meant */
};

struct hx_strings {
    char **items;
    size_t n;
};

#define HX_MAX_DURATIONS 30

struct hx_durations {
    int64_t *items; /* nanoseconds, each above the one before it */
    size_t n;       /* at most HX_MAX_DURATIONS */
};

struct hx_status_set {
    uint8_t bits[64]; /* bit s - 100 for the statuses 100 to 599; all zero: not given */
};

struct hx_map_item {
    char *name;
    char *value;
};

struct hx_map {
    struct hx_map_item *items;
    size_t n;
};

/* One option of a kind (or one of the options that all have): written down once, and the source of
 * parsing, bounds, defaults, `health_exporter kinds`, the JSON Schema and the manual. A dot in the
 * name is a nested mapping: "expect.status" is `expect: {status: ...}`. A table ends with a NULL
 * name. */
struct hx_option {
    const char *name;
    enum hx_option_type type;
    size_t offset;              /* of the field in the settings */
    const char *fallback;       /* the default, as it would be written; NULL: none */
    const char *help;           /* one line, says the unit and what happens */
    const char *const *choices; /* HX_OPTION_CHOICE: NULL-terminated */
    int64_t min, max;           /* inclusive bounds of the number types, and of each item of
                                   DURATIONS; 0, 0: the type's own */
    bool required;
    bool is_public; /* HX_OPTION_MAP: its values are no secrets (expectations, not headers) */
    bool is_file;   /* HX_OPTION_STRING: the path of a file that prepare reads: when its content
                       changes, the dependency has changed */
};

/* A parsed URL. Owned by its dependency; absent parts are NULL, port 0 means the scheme's own.
 * User, password, host, path are percent-decoded; query is as written. */
struct hx_url {
    char *text;   /* as written, without user and password: fit for people */
    char *scheme; /* lower case */
    char *user;
    char *password; /* secret */
    char *host;     /* lower case, without the brackets of IPv6 */
    uint16_t port;
    char *path;     /* starts with "/" when the URL has an authority; raw for http is in raw_path */
    char *raw_path; /* still percent-encoded */
    char *query;    /* behind "?", still encoded */
};

enum hx_tls_version { HX_TLS_1_2, HX_TLS_1_3 };

/* The `tls` mapping that all kinds with TLS share. */
struct hx_tls_options {
    char *ca_file;     /* PEM; NULL: the system's store */
    char *cert_file;   /* PEM client certificate chain */
    char *key_file;    /* PEM key of cert_file */
    char *server_name; /* for SNI and verification; NULL: the URL's host */
    bool insecure_skip_verify;
    int min_version; /* enum hx_tls_version */
};

enum hx_connection { HX_CONNECTION_KEEP, HX_CONNECTION_FRESH };

/* The options that every dependency has. Times in nanoseconds. */
struct hx_policy {
    int64_t interval_ns;
    int64_t timeout_ns; /* < interval_ns */
    bool critical;
    int64_t degraded_after_ns; /* 0: never */
    int64_t failure_threshold; /* >= 1, failed checks in a row until down */
    int64_t success_threshold; /* >= 1, passed checks in a row until up */
    int64_t retry_interval_ns; /* between checks while a change is being confirmed */
    int64_t stale_after_ns;    /* a result older than this counts for nothing */
    int64_t breaker_failures;  /* failed checks in a row that open the breaker; 0: it never opens */
    int64_t breaker_max_interval_ns;
    int connection; /* enum hx_connection */
    int64_t max_connection_age_ns;
    struct hx_strings tags;
    struct hx_durations buckets; /* of its histogram; none: .001 to 10 seconds */
    struct hx_tls_options tls;
};

struct hx_kind;

/* What a service needs, as configured. Immutable once prepared; shared by all threads. */
struct hx_dependency {
    char *name;
    const struct hx_kind *kind;
    void *settings; /* kind->settings_size bytes, filled by the kind's option table */
    struct hx_policy policy;
    struct hx_url url;
    uint64_t files_hash; /* of what the files of its options (is_file) held before prepare */
};

/* ------------------------------------------------------------------------------- the kind -- */

/* A service's own word about a dependency that reports (kind heartbeat). */
struct hx_report {
    bool is_pass;
    int64_t arrived_ns; /* uv_hrtime() of its arrival: lateness is judged by this */
    char message[160];  /* UTF-8, may be empty */
};

struct hx_kind {
    const char *name;               /* "postgres" */
    const char *summary;            /* one line: what a check does */
    const char *const *schemes;     /* NULL-terminated: "postgresql", "postgres" */
    const char *const *tls_schemes; /* those of them with TLS, for which the options tls.* mean
                                       something; NULL: none */
    bool is_connection_kept;     /* the options connection and max_connection_age mean something */
    bool has_connections;        /* it tells of them: hx_check_connection_opened() */
    const char *const *examples; /* NULL-terminated example URLs, for help and documentation */
    const struct hx_option *options; /* ends with a NULL name */
    const enum hx_reason *reasons;   /* that a check can end with; ends with HX_REASON_NONE. timeout
                                        and internal are implied */
    const char *const *values;       /* NULL-terminated names for hx_check_value(), or NULL */
    size_t settings_size;            /* the configuration allocates it, zeroed */
    size_t run_size;                 /* the engine allocates it, zeroed, once per dependency: it
                                        lives from check to check, a kept connection lies in it */

    /* Once per configuration, any thread: validate, read files, build contexts into the settings.
     * May block. On failure it leaves nothing that release would have to undo. NULL: nothing. */
    enum hx_errcode (*prepare)(struct hx_dependency *dependency, struct hx_error *err);

    /* Once per engine, before its first check: makes what all checks of this kind share on that
     * loop (a curl multi handle). NULL: nothing. detach is called when no check is left. */
    enum hx_errcode (*attach)(struct uv_loop_s *loop, void **shared, struct hx_error *err);
    void (*detach)(void *shared);

    /* Begins a check. It ends with exactly one hx_check_finish(), here or later. */
    void (*start)(struct hx_check *check);

    /* Drops everything at once, the kept connection too: after it returns no callback of this
     * check comes any more. Called when the deadline has passed, after a check that failed, when
     * the policy wants a fresh connection and when the dependency goes; never from within start or
     * hx_check_finish(), and always before the next start. Idempotent. */
    void (*cancel)(struct hx_check *check);

    /* The service reports. NULL: this kind takes no reports. The engine checks at once after it. */
    void (*report)(struct hx_check *check, const struct hx_report *report);

    /* Undoes prepare; any thread. NULL: nothing. */
    void (*release)(struct hx_dependency *dependency);
};

/* ------------------------------------------------- what a kind may ask and tell of a check -- */
/* All on the loop thread. */

HX_API const struct hx_dependency *hx_check_dependency(const struct hx_check *check);
HX_API const void *hx_check_settings(const struct hx_check *check);
HX_API void *hx_check_run(const struct hx_check *check);
HX_API void *hx_check_shared(const struct hx_check *check);
HX_API struct uv_loop_s *hx_check_loop(const struct hx_check *check);
HX_API struct hx_resolver *hx_check_resolver(const struct hx_check *check);

/* The moment (uv_hrtime) at which the engine will call cancel; for server-side limits. */
HX_API int64_t hx_check_deadline_ns(const struct hx_check *check);

/* A phase begins now, the first one with the check; the one before it ends. A phase entered again
 * adds up. */
HX_API void hx_check_enter(struct hx_check *check, enum hx_phase phase);

/* A phase took this long, for libraries that measure themselves. Nanoseconds, >= 0. */
HX_API void hx_check_phase_took(struct hx_check *check, enum hx_phase phase, int64_t took_ns);

/* What the check read; index into kind->values. Kept until the next check sets it again. */
HX_API void hx_check_value(struct hx_check *check, size_t index, double value);

/* The earliest notAfter in the peer's chain, Unix seconds; also when it was refused. */
HX_API void hx_check_certificate_expiry(struct hx_check *check, int64_t unix_seconds);

/* A socket to the dependency has been opened, to connect it; it is closed. For kinds that have
 * connections; also between checks. Counted in health_exporter_dependency_connections. */
HX_API void hx_check_connection_opened(struct hx_check *check);
HX_API void hx_check_connection_closed(struct hx_check *check);

/* The check is over: reason NONE is a pass. The message is for people only (JSON, log); the engine
 * cuts it, masks the dependency's secrets and control characters. Allowed from within start. The
 * first end counts: after a deadline it is ignored. */
HX_API void hx_check_finish(struct hx_check *check, enum hx_reason reason, const char *message);
HX_API void hx_check_pass(struct hx_check *check);
HX_API void hx_check_fail(struct hx_check *check, enum hx_reason reason, const char *format, ...)
    HX_PRINTF(3, 4);

#endif
