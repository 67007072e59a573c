/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured of a PostgreSQL dependency, and how it is said to libpq. */
#ifndef HX_KINDS_POSTGRES_SETTINGS_H
#define HX_KINDS_POSTGRES_SETTINGS_H

#include "health_exporter/check.h"
#include "kinds/credentials.h"

#define HX_POSTGRES_DEFAULT_PORT 5432

enum hx_postgres_sslmode {
    HX_POSTGRES_SSLMODE_AUTO,
    HX_POSTGRES_SSLMODE_DISABLE,
    HX_POSTGRES_SSLMODE_REQUIRE,
    HX_POSTGRES_SSLMODE_VERIFY_CA,
    HX_POSTGRES_SSLMODE_VERIFY_FULL,
};

struct hx_postgres_settings {
    char *user, *password, *database, *query, *expect; /* options */
    int sslmode;                                       /* enum hx_postgres_sslmode */
    int64_t max_rows;

    struct hx_credentials credentials; /* borrowed from the options or the URL */
    char *socket_directory;            /* NULL: TCP */
    char *application_name;            /* NULL: the default */
    char *limited_query;               /* the query with its time limits in front */
    char startup_limits[80];           /* the same limits as startup options */
    char timeout_ms[24];
    bool has_own_query; /* not the default, which gives one row for sure */
    char port[8];
};

extern const struct hx_option hx_postgres_options[];

/* The kind's prepare and release. */
enum hx_errcode hx_postgres_prepare(struct hx_dependency *dependency,
                                    struct hx_error *err) HX_MUST_CHECK;
void hx_postgres_release(struct hx_dependency *dependency);

/* How one attempt differs from others. */
struct hx_postgres_attempt {
    const char *hostaddr;   /* an IP address; NULL: the unix socket */
    bool is_plain;          /* without TLS, where the mode leaves the choice */
    bool is_without_limits; /* without startup options, which some poolers refuse */
};

#define HX_POSTGRES_MAX_PARAMS 28

/* Keywords and values for PQconnectStartParams(), NULL-terminated, all borrowed, some from here. */
struct hx_postgres_params {
    char host[256];
    const char *keys[HX_POSTGRES_MAX_PARAMS + 1];
    const char *values[HX_POSTGRES_MAX_PARAMS + 1];
    size_t n;
};

void hx_postgres_params(const struct hx_dependency *dependency,
                        const struct hx_postgres_attempt *attempt,
                        struct hx_postgres_params *params);

/* True when a server without TLS may be talked to in plain. */
bool hx_postgres_may_be_plain(const struct hx_dependency *dependency);

#endif
