/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds for the tests of the configuration: all types of options, and nothing that checks. */
#ifndef CONFIG_KINDS_H
#define CONFIG_KINDS_H

#include "health_exporter/check.h"

#include <string.h>

struct database_settings {
    char *query;
    char *password;
    int sslmode;
};

struct cache_settings {
    char *username;
    char *password;
    int64_t database;
};

struct web_settings {
    int method;
    struct hx_map headers;
    struct hx_status_set statuses;
    char *body_contains;
    struct hx_map json;
    int64_t max_body;
};

struct host_settings {
    struct hx_amount min_free;
};

struct beat_settings {
    int64_t ttl_ns;
};

static const char *const sslmodes[] = {"disable", "prefer", "verify-full", NULL};
static const char *const methods[] = {"GET", "HEAD", "POST", NULL};

static const struct hx_option database_options[] = {
    {.name = "query",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct database_settings, query),
     .fallback = "SELECT 1",
     .help = "statement that must succeed"},
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = offsetof(struct database_settings, password),
     .help = "password; the one in the URL is used otherwise"},
    {.name = "sslmode",
     .type = HX_OPTION_CHOICE,
     .offset = offsetof(struct database_settings, sslmode),
     .fallback = "prefer",
     .help = "whether TLS is used",
     .choices = sslmodes},
    {.name = NULL},
};

static const struct hx_option cache_options[] = {
    {.name = "username",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct cache_settings, username),
     .help = "user of AUTH"},
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = offsetof(struct cache_settings, password),
     .help = "password of AUTH"},
    {.name = "database",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct cache_settings, database),
     .fallback = "0",
     .help = "number of the database to SELECT",
     .min = 0,
     .max = 15},
    {.name = NULL},
};

static const struct hx_option web_options[] = {
    {.name = "method",
     .type = HX_OPTION_CHOICE,
     .offset = offsetof(struct web_settings, method),
     .fallback = "GET",
     .help = "request method",
     .choices = methods},
    {.name = "headers",
     .type = HX_OPTION_MAP,
     .offset = offsetof(struct web_settings, headers),
     .help = "request headers"},
    {.name = "expect.status",
     .type = HX_OPTION_STATUSES,
     .offset = offsetof(struct web_settings, statuses),
     .fallback = "2xx",
     .help = "statuses that pass"},
    {.name = "expect.body_contains",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct web_settings, body_contains),
     .help = "text that the body must hold"},
    {.name = "expect.json",
     .type = HX_OPTION_MAP,
     .offset = offsetof(struct web_settings, json),
     .help = "JSON pointers and the values they must have"},
    {.name = "max_body",
     .type = HX_OPTION_SIZE,
     .offset = offsetof(struct web_settings, max_body),
     .fallback = "1MiB",
     .help = "a longer body fails with reason limit",
     .min = 1,
     .max = 64 * 1024 * 1024},
    {.name = NULL},
};

static const struct hx_option host_options[] = {
    {.name = "min_free",
     .type = HX_OPTION_AMOUNT,
     .offset = offsetof(struct host_settings, min_free),
     .fallback = "5%",
     .help = "free space below this fails; a share of the whole, or bytes, whichever the operator "
             "finds easier to say for a disk of this size"},
    {.name = NULL},
};

static const struct hx_option beat_options[] = {
    {.name = "ttl",
     .type = HX_OPTION_DURATION,
     .offset = offsetof(struct beat_settings, ttl_ns),
     .help = "a report older than this fails",
     .required = true},
    {.name = NULL},
};

static const char *const database_schemes[] = {"postgresql", "postgres", NULL};
static const char *const cache_schemes[] = {"redis", "rediss", NULL};
static const char *const web_schemes[] = {"http", "https", NULL};
static const char *const host_schemes[] = {"disk", NULL};
static const char *const beat_schemes[] = {"heartbeat", NULL};
static const char *const database_examples[] = {"postgresql://health@db.internal:5432/app", NULL};
static const char *const cache_examples[] = {"redis://cache:6379", "rediss://cache:6380/2", NULL};
static const char *const web_examples[] = {"https://api.example.com/health", NULL};
static const char *const host_examples[] = {"disk:/var", NULL};
static const char *const beat_examples[] = {"heartbeat:", NULL};
static const enum hx_reason database_reasons[] = {HX_REASON_DNS, HX_REASON_REFUSED, HX_REASON_AUTH,
                                                  HX_REASON_NONE};
static const enum hx_reason no_reasons[] = {HX_REASON_NONE};
static const char *const host_values[] = {"free_bytes", "free_ratio", NULL};

/* Refuses one query, and some URLs, so that a prepare that fails can be seen. */
static enum hx_errcode prepare_database(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct database_settings *settings = dependency->settings;
    if (settings->query != NULL && strstr(settings->query, "DELETE") != NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "query must not change anything");
    }
    if (dependency->url.host == NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "expected a host, as in postgresql://HOST");
    }
    if (dependency->url.query != NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "the URL's parameter query is not known");
    }
    if (strcmp(dependency->url.path, "/authority") == 0) {
        return hx_error_set(err, HX_ERR_INVALID, "ca_file %s holds no certificate",
                            dependency->policy.tls.ca_file);
    }
    return HX_OK;
}

static const struct hx_kind kind_database = {
    .name = "postgres",
    .summary = "logs in to PostgreSQL and runs a query",
    .schemes = database_schemes,
    .tls_schemes = database_schemes,
    .is_connection_kept = true,
    .examples = database_examples,
    .options = database_options,
    .reasons = database_reasons,
    .settings_size = sizeof(struct database_settings),
    .prepare = prepare_database,
};

static const struct hx_kind kind_cache = {
    .name = "redis",
    .summary = "sends PING to Redis",
    .schemes = cache_schemes,
    .tls_schemes = (const char *const[]){"rediss", NULL},
    .is_connection_kept = true,
    .examples = cache_examples,
    .options = cache_options,
    .reasons = database_reasons,
    .settings_size = sizeof(struct cache_settings),
};

static const struct hx_kind kind_web = {
    .name = "http",
    .summary = "sends a request and judges the response",
    .schemes = web_schemes,
    .tls_schemes = (const char *const[]){"https", NULL},
    .is_connection_kept = true,
    .examples = web_examples,
    .options = web_options,
    .reasons = database_reasons,
    .settings_size = sizeof(struct web_settings),
};

static const struct hx_kind kind_host = {
    .name = "disk",
    .summary = "reads the free space of a file system",
    .schemes = host_schemes,
    .examples = host_examples,
    .options = host_options,
    .reasons = no_reasons,
    .values = host_values,
    .settings_size = sizeof(struct host_settings),
};

static const struct hx_kind kind_beat = {
    .name = "heartbeat",
    .summary = "waits for the service's own reports",
    .schemes = beat_schemes,
    .examples = beat_examples,
    .options = beat_options,
    .reasons = no_reasons,
    .settings_size = sizeof(struct beat_settings),
};

static const struct hx_kind *const test_kinds[] = {&kind_host,     &kind_beat,  &kind_web,
                                                   &kind_database, &kind_cache, NULL};

#endif
