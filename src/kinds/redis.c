/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind redis: does the server answer PING, to this user, in this database?
 *
 *     dial ─ on_ready: AUTH, SELECT, PING in one write ─ one reply each ─ pass
 *     kept connection: PING ─ its reply ─ pass
 *
 * The first thing that goes wrong decides: an error reply (also one that nobody asked for, as "max
 * number of clients reached" is), a reply that is not the expected one, the end of the connection.
 * A kept connection that ends before it gave a byte of reply says nothing about the server, only
 * about the connection: it is replaced once, within the same check. Bytes or the end on a kept
 * connection between checks drop it.
 *
 * hiredis formats the commands, once per configuration; replies are single lines
 * (kinds/redis_reply.h); the connection is the dial's, and lives from the connect to cancel.
 */
#include "base/strbuf.h"
#include "base/units.h"
#include "base/url.h"
#include "kinds/credentials.h"
#include "kinds/dial.h"
#include "kinds/kinds.h"
#include "kinds/redis_reply.h"
#include "net/tls_resume.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 6379
#define MAX_DATABASE 1024

struct settings {
    char *user;
    char *password;
    int64_t database;

    SSL_CTX *context; /* NULL: no TLS */
    bool has_auth;
    char *commands; /* AUTH and SELECT where needed, then PING; secret */
    size_t commands_len;
    size_t ping_at; /* where PING begins in it */
};

/* Whose reply is awaited. */
enum step { STEP_IDLE, STEP_DIAL, STEP_AUTH, STEP_SELECT, STEP_PING };

struct run {
    enum step step;
    bool is_reused; /* the connection was there before this check */
    struct hx_dial dial;
    struct hx_redis_input input;
};

static void on_ready(struct hx_check *check);
static void on_data(struct hx_check *check, const char *bytes, size_t len);
static void on_end(struct hx_check *check, enum hx_reason reason, const char *message);

static const struct hx_option options[] = {
    {.name = "user",
     .type = HX_OPTION_STRING,
     .offset = offsetof(struct settings, user),
     .help = "the ACL user to authenticate as; without one the password alone is sent"},
    {.name = "password",
     .type = HX_OPTION_SECRET,
     .offset = offsetof(struct settings, password),
     .help = "the password for AUTH; without one no AUTH is sent"},
    {.name = "database",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct settings, database),
     .fallback = "0",
     .help = "number of the database to SELECT, also as the URL's path; 0: no SELECT is sent",
     .min = 0,
     .max = MAX_DATABASE},
    {.name = NULL},
};

static const enum hx_reason reasons[] = {
    HX_REASON_DNS,       HX_REASON_REFUSED, HX_REASON_UNREACHABLE, HX_REASON_CLOSED,
    HX_REASON_TLS,       HX_REASON_AUTH,    HX_REASON_PROTOCOL,    HX_REASON_LIMIT,
    HX_REASON_ASSERTION, HX_REASON_STATUS,  HX_REASON_UNAVAILABLE, HX_REASON_NONE,
};

/* ---- settings */

static bool is_unix(const struct hx_url *url)
{
    return strcmp(url->scheme, "redis+unix") == 0;
}

/* The path of redis://host/3 is the database, that of redis+unix:/path the socket. */
static enum hx_errcode read_path(const struct hx_url *url, struct settings *settings,
                                 struct hx_error *err)
{
    const char *path = url->path;
    struct hx_address address;
    int64_t database = 0;

    if (is_unix(url)) {
        return url->host == NULL && path != NULL && hx_address_unix(path, &address)
                   ? HX_OK
                   : hx_error_set(err, HX_ERR_INVALID,
                                  "expected redis+unix:/path with a path of at most 107 bytes");
    }
    if (url->host == NULL) {
        return hx_error_set(err, HX_ERR_INVALID, "expected a host, as in redis://host:6379");
    }
    if (path == NULL || strcmp(path, "/") == 0) {
        return HX_OK;
    }
    if (hx_parse_int(path + 1, 0, MAX_DATABASE, &database, NULL) != HX_OK) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "the URL's path is not the number of a database: expected 0 to %d",
                            MAX_DATABASE);
    }
    if (settings->database != 0 && settings->database != database) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "the URL and the option database name different databases");
    }
    settings->database = database;
    return HX_OK;
}

/* Appends a command of up to three words; NULL words at the end are left out. */
static void put_command(struct hx_strbuf *buf, const char *verb, const char *first,
                        const char *second)
{
    const char *words[] = {verb, first, second};
    size_t lens[] = {strlen(verb), first == NULL ? 0 : strlen(first),
                     second == NULL ? 0 : strlen(second)};
    char *text = NULL;
    int n = first == NULL ? 1 : second == NULL ? 2 : 3;
    int len = redisFormatCommandArgv(&text, n, words, lens);

    if (len < 0) {
        buf->is_failed = true;
        return;
    }
    hx_strbuf_append(buf, text, (size_t)len);
    explicit_bzero(text, (size_t)len);
    redisFreeCommand(text);
}

/* Bytes of protocol around the words of all three commands: more than there ever are. */
#define COMMANDS_OVERHEAD 256

static enum hx_errcode format_commands(struct settings *settings,
                                       const struct hx_credentials *credentials,
                                       struct hx_error *err)
{
    struct hx_strbuf buf;
    char number[24];
    size_t user_len = credentials->user == NULL ? 0 : strlen(credentials->user);
    size_t password_len = credentials->password == NULL ? 0 : strlen(credentials->password);

    /* All at once: a buffer that grows would leave copies of the password behind. */
    hx_strbuf_init(&buf);
    hx_strbuf_reserve(&buf, user_len + password_len + COMMANDS_OVERHEAD);
    if (credentials->user != NULL) {
        put_command(&buf, "AUTH", credentials->user, credentials->password);
    } else if (credentials->password != NULL) {
        put_command(&buf, "AUTH", credentials->password, NULL);
    }
    if (settings->database != 0) {
        snprintf(number, sizeof(number), "%lld", (long long)settings->database);
        put_command(&buf, "SELECT", number, NULL);
    }
    settings->has_auth = credentials->password != NULL;
    settings->ping_at = buf.len;
    put_command(&buf, "PING", NULL, NULL);
    settings->commands_len = buf.len;
    if (buf.is_failed) {
        if (buf.data != NULL) {
            explicit_bzero(buf.data, buf.len);
        }
        hx_strbuf_fini(&buf);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    settings->commands = hx_strbuf_take(&buf);
    return HX_OK;
}

static enum hx_errcode prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    static const char *const no_parameters[] = {NULL};
    const struct hx_url *url = &dependency->url;
    struct settings *settings = dependency->settings;
    struct hx_credentials credentials;
    enum hx_errcode code = hx_url_query_allow(url, no_parameters, err);

    if (code == HX_OK) {
        code = read_path(url, settings, err);
    }
    if (code == HX_OK) {
        code = hx_credentials_pick(url, settings->user, settings->password, &credentials, err);
    }
    if (code == HX_OK && credentials.user != NULL && credentials.password == NULL) {
        code = hx_error_set(err, HX_ERR_INVALID, "a user needs a password");
    }
    if (code == HX_OK && strcmp(url->scheme, "rediss") == 0) {
        code = hx_tls_resuming_context_new(&dependency->policy, &settings->context, err);
    }
    if (code != HX_OK) {
        return code;
    }
    code = format_commands(settings, &credentials, err);
    if (code != HX_OK) {
        SSL_CTX_free(settings->context);
        settings->context = NULL;
    }
    return code;
}

static void release(struct hx_dependency *dependency)
{
    struct settings *settings = dependency->settings;

    SSL_CTX_free(settings->context);
    settings->context = NULL;
    if (settings->commands != NULL) {
        explicit_bzero(settings->commands, settings->commands_len);
        free(settings->commands);
        settings->commands = NULL;
    }
}

/* ---- a check */

static void finish(struct hx_check *check, enum hx_reason reason, const char *message)
{
    struct run *run = hx_check_run(check);

    run->step = STEP_IDLE;
    hx_redis_input_clear(&run->input);
    hx_check_finish(check, reason, message);
}

static void dial_up(struct hx_check *check)
{
    const struct hx_dependency *dependency = hx_check_dependency(check);
    const struct settings *settings = hx_check_settings(check);
    const struct hx_url *url = &dependency->url;
    struct run *run = hx_check_run(check);

    run->step = STEP_DIAL;
    run->is_reused = false;
    hx_dial_start(&run->dial, check,
                  &(struct hx_dial_plan){
                      .host = is_unix(url) ? url->path : url->host,
                      .port = url->port != 0 ? url->port : DEFAULT_PORT,
                      .context = settings->context,
                      .on_ready = on_ready,
                      .on_data = on_data,
                      .on_end = on_end,
                  });
}

static void send_from(struct hx_check *check, size_t offset)
{
    const struct settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);

    hx_check_enter(check, HX_PHASE_SEND);
    hx_stream_write(run->dial.stream, settings->commands + offset, settings->commands_len - offset);
    hx_check_enter(check, run->step == STEP_AUTH ? HX_PHASE_AUTH : HX_PHASE_RECEIVE);
}

static void on_ready(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);

    run->step = settings->has_auth ? STEP_AUTH : settings->database != 0 ? STEP_SELECT : STEP_PING;
    send_from(check, 0);
}

static const char *verb_of(enum step step)
{
    return step == STEP_AUTH ? "AUTH" : step == STEP_SELECT ? "SELECT" : "PING";
}

/* Takes the reply to the command of this step; false when the check has ended with it. */
static bool take_reply(struct hx_check *check, const struct hx_redis_reply *reply)
{
    const struct settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);
    const char *expected = run->step == STEP_PING ? "PONG" : "OK";
    char message[256];

    if (reply->is_error || strcmp(reply->text, expected) != 0) {
        snprintf(message, sizeof(message), "%s: %s%s", verb_of(run->step),
                 reply->is_error ? "" : "unexpected reply: ", reply->text);
        finish(check, reply->is_error ? hx_redis_error_reason(reply->text) : HX_REASON_PROTOCOL,
               message);
        return false;
    }
    if (run->step == STEP_AUTH) {
        hx_check_enter(check, HX_PHASE_RECEIVE);
        run->step = settings->database != 0 ? STEP_SELECT : STEP_PING;
    } else {
        run->step = run->step == STEP_SELECT ? STEP_PING : STEP_IDLE;
    }
    return true;
}

static void on_data(struct hx_check *check, const char *bytes, size_t len)
{
    struct run *run = hx_check_run(check);
    struct hx_redis_reply reply;
    enum hx_reason reason = HX_REASON_NONE;
    enum hx_redis_read read = HX_REDIS_READ_REPLY;

    if (run->step == STEP_IDLE) {
        hx_dial_cancel(&run->dial);
        return;
    }
    while (run->step != STEP_IDLE && read == HX_REDIS_READ_REPLY) {
        read = hx_redis_read(&run->input, &bytes, &len, &reply, &reason);
        if (read == HX_REDIS_READ_REPLY && !take_reply(check, &reply)) {
            return;
        }
    }
    if (read == HX_REDIS_READ_FAILED) {
        finish(check, reason, reply.text);
    } else if (run->step == STEP_IDLE && len > 0) {
        finish(check, HX_REASON_PROTOCOL, "more replies than commands");
    } else if (run->step == STEP_IDLE) {
        finish(check, HX_REASON_NONE, NULL);
    }
}

static void on_end(struct hx_check *check, enum hx_reason reason, const char *message)
{
    struct run *run = hx_check_run(check);
    bool is_silent = run->input.n_bytes == 0;

    if (run->step == STEP_IDLE) {
        hx_dial_cancel(&run->dial);
    } else if (run->is_reused && is_silent) {
        hx_dial_cancel(&run->dial);
        dial_up(check);
    } else {
        finish(check, reason, message);
    }
}

static void start(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);

    run->is_reused = run->dial.is_ready;
    if (run->is_reused) {
        run->step = STEP_PING;
        send_from(check, settings->ping_at);
    } else {
        dial_up(check);
    }
}

static void cancel(struct hx_check *check)
{
    struct run *run = hx_check_run(check);

    run->step = STEP_IDLE;
    hx_redis_input_clear(&run->input);
    hx_dial_cancel(&run->dial);
}

const struct hx_kind hx_kind_redis = {
    .name = "redis",
    .summary = "Redis and what speaks its protocol: authenticates, selects the database, pings",
    .schemes = (const char *const[]){"redis", "rediss", "redis+unix", NULL},
    .tls_schemes = (const char *const[]){"rediss", NULL},
    .is_connection_kept = true,
    .has_connections = true,
    .examples = (const char *const[]){"redis://cache:6379", "rediss://health@cache.internal/2",
                                      "redis+unix:/run/redis/redis.sock", NULL},
    .options = options,
    .reasons = reasons,
    .settings_size = sizeof(struct settings),
    .run_size = sizeof(struct run),
    .prepare = prepare,
    .attach = hx_dial_attach,
    .detach = hx_dial_detach,
    .start = start,
    .cancel = cancel,
    .release = release,
};
