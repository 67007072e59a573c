/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options, their preparation, and the parameters for libpq.
 *
 * libpq takes what it is not told from the environment, from files in the home directory, from a
 * service file or a directory service. So everything is told, and files are told to be where none
 * are: an empty value would count as not told.
 */
#include "kinds/postgres_settings.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "base/url.h"
#include "net/tls.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_FILE       "/nonexistent/postgresql"
#define SYSTEM_CA     "/etc/ssl/certs/ca-certificates.crt"
#define DEFAULT_NAME  "health_exporter"
#define DEFAULT_QUERY "SELECT 1"

static const char *const sslmodes[] = {
    [HX_POSTGRES_SSLMODE_AUTO] = "auto",
    [HX_POSTGRES_SSLMODE_DISABLE] = "disable",
    [HX_POSTGRES_SSLMODE_REQUIRE] = "require",
    [HX_POSTGRES_SSLMODE_VERIFY_CA] = "verify-ca",
    [HX_POSTGRES_SSLMODE_VERIFY_FULL] = "verify-full",
    NULL,
};

static const char *const parameters[] = {"sslmode", "host", "port", "application_name", NULL};

const struct hx_option hx_postgres_options[] = {
    {.name = "user",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct hx_postgres_settings, user),
     .help = "the role to log in as; here or in the URL"},
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = offsetof(struct hx_postgres_settings, password),
     .help = "the password; a server that asks for it in clear gets it, so over untrusted networks "
             "use sslmode verify-full"},
    {.name = "database",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct hx_postgres_settings, database),
     .help = "the database, also as the URL's path; without one that of the role's name"},
    {.name = "sslmode",
     .type = HX_OPTION_CHOICE,
     .offset = offsetof(struct hx_postgres_settings, sslmode),
     .fallback = "auto",
     .help = "auto: TLS if the server has it, else plain, and verify-full when tls.ca_file is "
             "given; verify-* without tls.ca_file reads the system's store at each connect, 40 ms",
     .choices = sslmodes},
    {.name = "query",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct hx_postgres_settings, query),
     .fallback = DEFAULT_QUERY,
     .help = "SQL to run; the server cancels it shortly before the timeout"},
    {.name = "expect",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct hx_postgres_settings, expect),
     .help = "text that the first column of the first row must equal, as psql shows it: t, f, 42"},
    {.name = "max_rows",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct hx_postgres_settings, max_rows),
     .fallback = "1000",
     .help = "most rows the query may give; more fail the check",
     .min = 1,
     .max = 1000000},
    {.name = NULL},
};

/* ---- preparing */

static enum hx_errcode out_of_memory(struct hx_error *err)
{
    return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

static enum hx_errcode read_sslmode(const struct hx_url *url, struct hx_postgres_settings *settings,
                                    struct hx_error *err)
{
    char *text = NULL;
    int mode = 0;
    enum hx_errcode code = hx_url_query_get(url, "sslmode", &text, err);

    if (text == NULL) {
        return code;
    }
    while (sslmodes[mode] != NULL && strcmp(sslmodes[mode], text) != 0) {
        mode++;
    }
    free(text);
    if (sslmodes[mode] == NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "unknown sslmode in the URL: expected auto, disable, require, "
                            "verify-ca or verify-full");
    }
    if (settings->sslmode != HX_POSTGRES_SSLMODE_AUTO && settings->sslmode != mode) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "the URL and the option sslmode say different things");
    }
    settings->sslmode = mode;
    return HX_OK;
}

/* A URL has no place for the port of a unix socket (the end of its name): a parameter has. */
static enum hx_errcode read_port(const struct hx_url *url, struct hx_postgres_settings *settings,
                                 struct hx_error *err)
{
    char *text = NULL;
    int64_t port = url->port != 0 ? url->port : HX_POSTGRES_DEFAULT_PORT;
    enum hx_errcode code = hx_url_query_get(url, "port", &text, err);

    if (code != HX_OK) {
        return code;
    }
    if (text != NULL) {
        bool is_good = url->host == NULL && hx_parse_int(text, 1, UINT16_MAX, &port, NULL) == HX_OK;
        free(text);
        if (!is_good) {
            return hx_error_set(err, HX_ERR_INVALID,
                                "the parameter port is for unix sockets: expected 1 to 65535 and "
                                "no host in the URL");
        }
    }
    snprintf(settings->port, sizeof(settings->port), "%u", (unsigned)(uint16_t)port);
    return HX_OK;
}

static enum hx_errcode read_host(const struct hx_url *url, struct hx_postgres_settings *settings,
                                 struct hx_error *err)
{
    enum hx_errcode code = hx_url_query_get(url, "host", &settings->socket_directory, err);

    if (code != HX_OK) {
        return code;
    }
    if (settings->socket_directory != NULL) {
        return settings->socket_directory[0] == '/' && url->host == NULL
                   ? HX_OK
                   : hx_error_set(err, HX_ERR_INVALID,
                                  "the parameter host names the directory of a unix socket: "
                                  "expected postgresql://USER@/DATABASE?host=/DIRECTORY");
    }
    return url->host != NULL ? HX_OK
                             : hx_error_set(err, HX_ERR_INVALID,
                                            "expected a host, as in postgresql://USER@HOST/"
                                            "DATABASE, or ?host=/DIRECTORY of a unix socket");
}

static enum hx_errcode read_database(const struct hx_url *url,
                                     struct hx_postgres_settings *settings, struct hx_error *err)
{
    bool has_path = url->path != NULL && strcmp(url->path, "/") != 0 && url->path[0] != '\0';

    if (!has_path) {
        return HX_OK;
    }
    if (settings->database != NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "the database is given both in the URL and as an option: expected one "
                            "of them");
    }
    settings->database = hx_strndup(url->path + 1, strlen(url->path + 1));
    return settings->database == NULL ? out_of_memory(err) : HX_OK;
}

static enum hx_errcode read_user(const struct hx_url *url, struct hx_postgres_settings *settings,
                                 struct hx_error *err)
{
    enum hx_errcode code =
        hx_credentials_pick(url, settings->user, settings->password, &settings->credentials, err);

    if (code == HX_OK && settings->credentials.user == NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "a user is required, as in postgresql://USER@HOST/DATABASE");
    }
    return code;
}

/* Files that cannot be read, and pairs that do not match, are told now and not at each check. */
static enum hx_errcode check_tls(const struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_postgres_settings *settings = dependency->settings;
    const struct hx_tls_options *tls = &dependency->policy.tls;
    bool is_verifying = settings->sslmode >= HX_POSTGRES_SSLMODE_VERIFY_CA;
    SSL_CTX *context = NULL;

    if (is_verifying && tls->insecure_skip_verify) {
        return hx_error_set(err, HX_ERR_INVALID, "sslmode %s contradicts tls.insecure_skip_verify",
                            sslmodes[settings->sslmode]);
    }
    if (settings->sslmode == HX_POSTGRES_SSLMODE_DISABLE ||
        (tls->ca_file == NULL && tls->cert_file == NULL && tls->key_file == NULL)) {
        return HX_OK;
    }
    enum hx_errcode code = hx_tls_context_new(tls, &context, err);
    SSL_CTX_free(context);
    return code;
}

/* The server gives up a tenth of the timeout before the check does (200 ms at most), so that
 * nothing is left running there; a wait for a lock a little earlier still, so that it is told
 * apart. */
static enum hx_errcode make_limits(const struct hx_policy *policy,
                                   struct hx_postgres_settings *settings, struct hx_error *err)
{
    int64_t timeout_ms = policy->timeout_ns / HX_NS_PER_MS;
    int64_t margin_ms = timeout_ms / 10 < 200 ? timeout_ms / 10 : 200;
    int64_t statement_ms = timeout_ms - margin_ms > 1 ? timeout_ms - margin_ms : 1;
    int64_t lock_ms = statement_ms - statement_ms / 20;
    static const char format[] =
        "SET LOCAL statement_timeout = %" PRId64 "; SET LOCAL lock_timeout = %" PRId64 "; %s";
    char *text = NULL;

    snprintf(settings->timeout_ms, sizeof(settings->timeout_ms), "%" PRId64,
             timeout_ms > 1 ? timeout_ms : 1);
    snprintf(settings->startup_limits, sizeof(settings->startup_limits),
             "-c statement_timeout=%" PRId64 " -c lock_timeout=%" PRId64, statement_ms, lock_ms);
    if (asprintf(&text, format, statement_ms, lock_ms, settings->query) < 0) {
        return out_of_memory(err);
    }
    settings->limited_query = text;
    settings->has_own_query = strcmp(settings->query, DEFAULT_QUERY) != 0;
    return HX_OK;
}

void hx_postgres_release(struct hx_dependency *dependency)
{
    struct hx_postgres_settings *settings = dependency->settings;

    free(settings->socket_directory);
    free(settings->application_name);
    free(settings->limited_query);
    settings->socket_directory = settings->application_name = settings->limited_query = NULL;
}

enum hx_errcode hx_postgres_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_url *url = &dependency->url;
    struct hx_postgres_settings *settings = dependency->settings;
    enum hx_errcode code = hx_url_query_allow(url, parameters, err);

    if (code == HX_OK) {
        code = read_sslmode(url, settings, err);
    }
    if (code == HX_OK) {
        code = read_host(url, settings, err);
    }
    if (code == HX_OK) {
        code = read_port(url, settings, err);
    }
    if (code == HX_OK) {
        code = read_database(url, settings, err);
    }
    if (code == HX_OK) {
        code = read_user(url, settings, err);
    }
    if (code == HX_OK) {
        code = check_tls(dependency, err);
    }
    if (code == HX_OK) {
        code = make_limits(&dependency->policy, settings, err);
    }
    if (code == HX_OK) {
        code = hx_url_query_get(url, "application_name", &settings->application_name, err);
    }
    if (code != HX_OK) {
        hx_postgres_release(dependency);
    }
    return code;
}

/* ---- for libpq */

/* With a CA to verify against, verification is what is wanted. */
static enum hx_postgres_sslmode effective_sslmode(const struct hx_dependency *dependency)
{
    const struct hx_postgres_settings *settings = dependency->settings;
    const struct hx_tls_options *tls = &dependency->policy.tls;

    if (settings->sslmode == HX_POSTGRES_SSLMODE_AUTO && tls->ca_file != NULL &&
        !tls->insecure_skip_verify) {
        return HX_POSTGRES_SSLMODE_VERIFY_FULL;
    }
    return (enum hx_postgres_sslmode)settings->sslmode;
}

bool hx_postgres_may_be_plain(const struct hx_dependency *dependency)
{
    return effective_sslmode(dependency) == HX_POSTGRES_SSLMODE_AUTO;
}

static void put(struct hx_postgres_params *params, const char *key, const char *value)
{
    assert(params->n < HX_POSTGRES_MAX_PARAMS);
    if (value != NULL) {
        params->keys[params->n] = key;
        params->values[params->n] = value;
        params->n++;
    }
}

/* libpq connects to hostaddr; host is the name that it asks for by TLS and that a certificate must
 * have. There it has no last dot. */
static void put_host(struct hx_postgres_params *params, const struct hx_dependency *dependency)
{
    const char *name = dependency->policy.tls.server_name != NULL
                           ? dependency->policy.tls.server_name
                           : dependency->url.host;
    size_t len = strlen(name);

    len -= len > 1 && name[len - 1] == '.';
    snprintf(params->host, sizeof(params->host), "%.*s", (int)len, name);
    put(params, "host", params->host);
}

/* sslrootcert that exists makes libpq verify also in mode require. */
static void put_tls(struct hx_postgres_params *params, const struct hx_dependency *dependency,
                    bool is_plain)
{
    const struct hx_tls_options *tls = &dependency->policy.tls;
    enum hx_postgres_sslmode mode = effective_sslmode(dependency);
    const char *root = tls->ca_file;

    if (mode == HX_POSTGRES_SSLMODE_AUTO) {
        mode = is_plain ? HX_POSTGRES_SSLMODE_DISABLE : HX_POSTGRES_SSLMODE_REQUIRE;
    }
    if (mode >= HX_POSTGRES_SSLMODE_VERIFY_CA && root == NULL) {
        root = SYSTEM_CA;
    }
    if (root == NULL || tls->insecure_skip_verify) {
        root = NO_FILE;
    }
    put(params, "sslmode", sslmodes[mode]);
    put(params, "sslrootcert", root);
    put(params, "sslcert", tls->cert_file != NULL ? tls->cert_file : NO_FILE);
    put(params, "sslkey", tls->key_file != NULL ? tls->key_file : NO_FILE);
    put(params, "sslcrl", NO_FILE);
    put(params, "ssl_min_protocol_version", tls->min_version == HX_TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
}

void hx_postgres_params(const struct hx_dependency *dependency,
                        const struct hx_postgres_attempt *attempt,
                        struct hx_postgres_params *params)
{
    const struct hx_postgres_settings *settings = dependency->settings;

    params->n = 0;
    if (attempt->hostaddr != NULL) {
        put_host(params, dependency);
        put(params, "hostaddr", attempt->hostaddr);
    } else {
        put(params, "host", settings->socket_directory);
    }
    put(params, "port", settings->port);
    put(params, "user", settings->credentials.user);
    put(params, "password", settings->credentials.password);
    put(params, "dbname",
        settings->database != NULL ? settings->database : settings->credentials.user);
    put(params, "application_name",
        settings->application_name != NULL ? settings->application_name : DEFAULT_NAME);
    put(params, "options", attempt->is_without_limits ? NULL : settings->startup_limits);
    put_tls(params, dependency, attempt->is_plain);
    put(params, "gssencmode", "disable");
    put(params, "passfile", NO_FILE);
    put(params, "client_encoding", "UTF8");
    put(params, "target_session_attrs", "any");
    put(params, "tcp_user_timeout", settings->timeout_ms);
    put(params, "keepalives", "0");
    params->keys[params->n] = NULL;
    params->values[params->n] = NULL;
}
