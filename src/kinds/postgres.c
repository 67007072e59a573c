/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind postgres: logs in, runs a query, looks at what it gives.
 *
 *     open the link ─ on_ready: send the query ─ on_event: results … ─ judge ─ pass, stay connected
 *     kept connection: send the query ─ on_event …
 *
 * Failure modes: the link ends the check itself while it connects (kinds/postgres_link.h). After
 * that an error result, a result that is none (COPY), too many rows or bytes, or the end of the
 * connection end it here, and the connection is finished at once: PQfinish() never waits,
 * PQcancel() would. What still runs on the server is ended by the server, through
 * statement_timeout.
 *
 * A kept connection that breaks before the server has said a word about the query tells nothing
 * about the server: it is replaced once, within the same check. What the server says between checks
 * is read and dropped; when the connection ends there, the next check makes a new one.
 */
#include "kinds/kinds.h"
#include "kinds/postgres_link.h"
#include "kinds/postgres_reason.h"
#include "kinds/postgres_settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a query may give, in bytes of its values. */
#define MAX_VALUE_BYTES INT64_C(1048576)

/* The types whose text is a number (pg_type.dat): oid, int2, int4, int8, float4, float8, numeric.
 */
static const Oid number_types[] = {26, 21, 23, 20, 700, 701, 1700};

/* What has been seen of the rows. */
struct rows {
    int64_t n;
    int64_t n_bytes;
    bool is_as_expected;
    bool is_number;
    double number;
    char first[64]; /* the first value, cut, for the message; when one is expected */
};

enum step { STEP_IDLE, STEP_CONNECT, STEP_QUERY };

struct run {
    enum step step;
    bool is_reused; /* the connection was there before this check */
    bool has_reply; /* the server has said something about the query */
    struct rows rows;
    struct hx_postgres_link link;
};

enum value { VALUE_SERVER_VERSION, VALUE_QUERY_RESULT };

static const char *const values[] = {
    [VALUE_SERVER_VERSION] = "server_version",
    [VALUE_QUERY_RESULT] = "query_result",
    NULL,
};

static const enum hx_reason reasons[] = {
    HX_REASON_DNS,       HX_REASON_REFUSED, HX_REASON_UNREACHABLE, HX_REASON_CLOSED,
    HX_REASON_TLS,       HX_REASON_AUTH,    HX_REASON_PROTOCOL,    HX_REASON_LIMIT,
    HX_REASON_ASSERTION, HX_REASON_STATUS,  HX_REASON_UNAVAILABLE, HX_REASON_NONE,
};

static void on_ready(struct hx_check *check);
static void on_event(struct hx_check *check);

/* Ends the check; the connection goes at once. */
static void fail(struct hx_check *check, enum hx_reason reason, const char *message)
{
    struct run *run = hx_check_run(check);

    run->step = STEP_IDLE;
    hx_postgres_link_close(&run->link);
    hx_check_finish(check, reason, message);
}

static void open_link(struct hx_check *check)
{
    struct run *run = hx_check_run(check);

    run->step = STEP_CONNECT;
    run->is_reused = false;
    run->link.on_ready = on_ready;
    run->link.on_event = on_event;
    hx_postgres_link_open(&run->link, check);
}

/* The connection broke and the server gave no reason of its own. */
static void broke(struct hx_check *check, const char *message)
{
    struct run *run = hx_check_run(check);
    struct hx_postgres_failure failure;

    if (run->is_reused && !run->has_reply) {
        hx_postgres_link_close(&run->link);
        open_link(check);
        return;
    }
    hx_postgres_explain_text(message, true, &failure);
    fail(check, failure.reason, failure.message);
}

/* ---- rows */

static bool is_number_type(Oid type)
{
    for (size_t i = 0; i < sizeof(number_types) / sizeof(number_types[0]); i++) {
        if (number_types[i] == type) {
            return true;
        }
    }
    return false;
}

static void note_first(struct rows *rows, const PGresult *result, const char *expect)
{
    bool has_value = PQnfields(result) > 0 && !PQgetisnull(result, 0, 0);
    const char *text = has_value ? PQgetvalue(result, 0, 0) : "";

    rows->is_as_expected = has_value && expect != NULL && strcmp(text, expect) == 0;
    if (expect != NULL) {
        snprintf(rows->first, sizeof(rows->first), "%s", has_value ? text : "NULL");
    }
    if (has_value && PQnfields(result) == 1 && is_number_type(PQftype(result, 0))) {
        rows->number = strtod(text, NULL);
        rows->is_number = isfinite(rows->number);
    }
}

static int64_t bytes_of_row(const PGresult *result, int row)
{
    int64_t n_bytes = 0;

    for (int i = 0; i < PQnfields(result); i++) {
        n_bytes += PQgetlength(result, row, i);
    }
    return n_bytes;
}

/* Takes the rows of a result, which in single-row mode is one; false, and the check ended, when it
 * is one too many. */
static bool take_rows(struct hx_check *check, const PGresult *result)
{
    const struct hx_postgres_settings *settings = hx_check_settings(check);
    struct rows *rows = &((struct run *)hx_check_run(check))->rows;
    int n = PQntuples(result);
    char message[64];

    if (rows->n == 0 && n > 0) {
        note_first(rows, result, settings->expect);
    }
    for (int row = 0; row < n; row++) {
        rows->n_bytes += bytes_of_row(result, row);
    }
    rows->n += n;
    if (rows->n_bytes > MAX_VALUE_BYTES) {
        fail(check, HX_REASON_LIMIT, "the query gives more than 1 MiB");
        return false;
    }
    if (rows->n > settings->max_rows) {
        snprintf(message, sizeof(message), "the query gives more than %lld rows",
                 (long long)settings->max_rows);
        fail(check, HX_REASON_LIMIT, message);
        return false;
    }
    return true;
}

/* ---- results */

static void take_error(struct hx_check *check, const PGresult *result)
{
    struct run *run = hx_check_run(check);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct hx_postgres_failure failure;

    if (sqlstate == NULL && PQstatus(run->link.conn) == CONNECTION_BAD) {
        broke(check, PQresultErrorMessage(result));
        return;
    }
    hx_postgres_explain_result(sqlstate,
                               sqlstate != NULL
                                   ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)
                                   : PQresultErrorMessage(result),
                               &failure);
    fail(check, failure.reason, failure.message);
}

/* Takes one result; false when the query is over for this check. */
static bool take_result(struct hx_check *check, const PGresult *result)
{
    struct run *run = hx_check_run(check);

    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        run->has_reply = true;
        return take_rows(check, result);
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        fail(check, HX_REASON_STATUS, "the query is a COPY, which gives no rows");
        return false;
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
        take_error(check, result);
        return false;
    case PGRES_BAD_RESPONSE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        break;
    }
    fail(check, HX_REASON_PROTOCOL, "a response that was not understood");
    return false;
}

/* All results are there: what do they say? */
static void judge(struct hx_check *check)
{
    const struct hx_postgres_settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);
    const struct rows *rows = &run->rows;

    run->step = STEP_IDLE;
    hx_check_value(check, VALUE_SERVER_VERSION, PQserverVersion(run->link.conn));
    if (rows->is_number) {
        hx_check_value(check, VALUE_QUERY_RESULT, rows->number);
    }
    if (settings->expect == NULL || rows->is_as_expected) {
        hx_check_pass(check);
    } else if (rows->n == 0) {
        hx_check_fail(check, HX_REASON_ASSERTION, "expected \"%.64s\", the query gives no row",
                      settings->expect);
    } else {
        hx_check_fail(check, HX_REASON_ASSERTION, "expected \"%.64s\", the query gives \"%s\"",
                      settings->expect, rows->first);
    }
}

/* Takes what is complete; false when the check has ended with it. */
static bool take_results(struct hx_check *check)
{
    PGconn *conn = ((struct run *)hx_check_run(check))->link.conn;

    while (!PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        if (result == NULL) {
            judge(check);
            return false;
        }
        bool goes_on = take_result(check, result);
        PQclear(result);
        if (!goes_on) {
            return false;
        }
    }
    return true;
}

/* ---- the conversation */

/* Writes what libpq has buffered; false when the check has ended. */
static bool flush(struct hx_check *check)
{
    struct hx_postgres_link *link = &((struct run *)hx_check_run(check))->link;
    int pending = PQflush(link->conn);

    if (pending < 0) {
        broke(check, PQerrorMessage(link->conn));
        return false;
    }
    return hx_postgres_link_watch(link, pending > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void send_query(struct hx_check *check)
{
    const struct hx_postgres_settings *settings = hx_check_settings(check);
    struct run *run = hx_check_run(check);
    struct hx_postgres_link *link = &run->link;

    run->step = STEP_QUERY;
    run->has_reply = false;
    run->rows = (struct rows){0};
    hx_postgres_link_count(link);
    hx_check_enter(check, HX_PHASE_SEND);
    if (PQsendQuery(link->conn,
                    link->is_without_limits ? settings->limited_query : settings->query) != 1) {
        broke(check, PQerrorMessage(link->conn));
        return;
    }
    if (settings->has_own_query) {
        /* Costs two allocations a row, and lets us end what would give too many of them. */
        PQsetSingleRowMode(link->conn);
    }
    if (flush(check)) {
        hx_check_enter(check, HX_PHASE_RECEIVE);
    }
}

static void on_ready(struct hx_check *check)
{
    send_query(check);
}

static void read_results(struct hx_check *check)
{
    struct hx_postgres_link *link = &((struct run *)hx_check_run(check))->link;
    bool is_read = PQconsumeInput(link->conn) == 1;

    /* What the server said before it left is worth more than that it left. */
    if (!take_results(check)) {
        return;
    }
    if (!is_read) {
        broke(check, PQerrorMessage(link->conn));
    } else if (hx_postgres_link_is_flooded(link)) {
        fail(check, HX_REASON_LIMIT, "the query gives more than 1 MiB");
    } else {
        flush(check);
    }
}

/* Between checks: notices, changed parameters, or the end. */
static void read_idle(struct hx_postgres_link *link)
{
    bool is_read = PQconsumeInput(link->conn) == 1;

    if (!is_read || PQisBusy(link->conn) || PQstatus(link->conn) != CONNECTION_OK) {
        hx_postgres_link_close(link);
    } else {
        hx_postgres_link_watch(link, UV_READABLE);
    }
}

static void on_event(struct hx_check *check)
{
    struct run *run = hx_check_run(check);

    if (run->step == STEP_QUERY) {
        read_results(check);
    } else {
        read_idle(&run->link);
    }
}

static void start(struct hx_check *check)
{
    struct run *run = hx_check_run(check);

    run->is_reused = run->link.is_ready;
    if (run->is_reused) {
        send_query(check);
    } else {
        open_link(check);
    }
}

static void cancel(struct hx_check *check)
{
    struct run *run = hx_check_run(check);

    run->step = STEP_IDLE;
    hx_postgres_link_close(&run->link);
}

const struct hx_kind hx_kind_postgres = {
    .name = "postgres",
    .summary = "PostgreSQL: logs in, runs a query, looks at its first value",
    .schemes = (const char *const[]){"postgresql", "postgres", NULL},
    .tls_schemes = (const char *const[]){"postgresql", "postgres", NULL},
    .is_connection_kept = true,
    .has_connections = true,
    .examples = (const char *const[]){"postgresql://health@db.internal:5432/app",
                                      "postgresql://health@db/app?sslmode=verify-full",
                                      "postgresql://health@/app?host=/run/postgresql", NULL},
    .options = hx_postgres_options,
    .reasons = reasons,
    .values = values,
    .settings_size = sizeof(struct hx_postgres_settings),
    .run_size = sizeof(struct run),
    .prepare = hx_postgres_prepare,
    .start = start,
    .cancel = cancel,
    .release = hx_postgres_release,
};
