/* SPDX-License-Identifier: Apache-2.0 */
/* SQLSTATEs and libpq's sentences, as tables. */
#include "kinds/postgres_reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct state {
    const char *prefix;
    enum hx_reason reason;
    const char *text; /* for people, where the server's own words are not at hand */
};

/* Whole codes before their classes (the first two characters): the first match counts. */
static const struct state states[] = {
    {"28P01", HX_REASON_AUTH, "password refused"},
    {"28", HX_REASON_AUTH, "login refused"},
    {"42501", HX_REASON_AUTH, "insufficient privilege"},
    {"0L", HX_REASON_AUTH, "invalid grantor"},
    {"0P", HX_REASON_AUTH, "invalid role"},
    {"53300", HX_REASON_UNAVAILABLE, "too many connections"},
    {"53100", HX_REASON_UNAVAILABLE, "disk full"},
    {"53", HX_REASON_UNAVAILABLE, "insufficient resources"},
    {"57014", HX_REASON_TIMEOUT, "query cancelled"},
    {"57P01", HX_REASON_UNAVAILABLE, "shut down by an administrator"},
    {"57P02", HX_REASON_UNAVAILABLE, "crash shutdown"},
    {"57P03", HX_REASON_UNAVAILABLE,
     "cannot connect now: starting up, recovering or shutting down"},
    {"57P05", HX_REASON_UNAVAILABLE, "idle session timeout"},
    {"57P06", HX_REASON_TIMEOUT, "transaction timeout"},
    {"25P03", HX_REASON_TIMEOUT, "idle in transaction timeout"},
    {"55P03", HX_REASON_TIMEOUT, "lock not available"},
    {"55006", HX_REASON_UNAVAILABLE, "object in use"},
    {"08P01", HX_REASON_PROTOCOL, "protocol violation"},
    {"08000", HX_REASON_PROTOCOL, "connection exception"},
    {"08004", HX_REASON_UNAVAILABLE, "connection rejected"},
    {"08001", HX_REASON_CLOSED, "connection not established"},
    {"08003", HX_REASON_CLOSED, "connection does not exist"},
    {"08006", HX_REASON_CLOSED, "connection failure"},
    {"08007", HX_REASON_CLOSED, "transaction resolution unknown"},
    {"58", HX_REASON_UNAVAILABLE, "system error of the server"},
    {"25006", HX_REASON_ASSERTION, "read only"},
    {"3D000", HX_REASON_STATUS, "no such database"},
};

/* Parts of libpq's sentences; the first match counts, so files and TLS stand before errno's texts,
 * which end such sentences. */
static const struct {
    const char *part;
    enum hx_reason reason;
} sentences[] = {
    {"out of memory", HX_REASON_INTERNAL},
    {"cannot allocate memory", HX_REASON_INTERNAL},
    {"could not translate host name", HX_REASON_DNS},
    {"does not support SSL", HX_REASON_TLS},
    {"response to SSL negotiation", HX_REASON_PROTOCOL},
    {"unencrypted data after SSL response", HX_REASON_PROTOCOL},
    {"expected authentication request from server", HX_REASON_PROTOCOL},
    {"server closed the connection unexpectedly", HX_REASON_CLOSED},
    {"SSL connection has been closed unexpectedly", HX_REASON_CLOSED},
    {"EOF detected", HX_REASON_CLOSED},
    {"SSL error", HX_REASON_TLS},
    {"SSL context", HX_REASON_TLS},
    {"SSL connection", HX_REASON_TLS},
    {"SSL protocol version", HX_REASON_TLS},
    {"SSL certificate", HX_REASON_TLS},
    {"certificate", HX_REASON_TLS},
    {"private key file", HX_REASON_TLS},
    {"no password supplied", HX_REASON_AUTH},
    {"authentication", HX_REASON_AUTH},
    {"channel binding", HX_REASON_AUTH},
    {"SASL", HX_REASON_AUTH},
    {"SCRAM", HX_REASON_AUTH},
    {"timeout expired", HX_REASON_TIMEOUT},
};

static const struct state *find_state(const char *sqlstate)
{
    static const struct state other = {"", HX_REASON_STATUS, "refused by the server"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) == 0) {
            return &states[i];
        }
    }
    return &other;
}

enum hx_reason hx_postgres_sqlstate_reason(const char *sqlstate)
{
    return find_state(sqlstate)->reason;
}

bool hx_postgres_lacks_tls(const char *text)
{
    return strstr(text, "server does not support SSL") != NULL;
}

static bool is_sqlstate(const char *text)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return strspn(text, characters) == 5;
}

/* libpq repeats the system's text of an errno: strerror() in the C locale, which is never left. */
static enum hx_reason errno_text_reason(const char *text)
{
    for (int error = 1; error <= EHWPOISON; error++) {
        const char *description = strerrordesc_np(error);
        if (description != NULL && strstr(text, description) != NULL) {
            return hx_reason_from_errno(error);
        }
    }
    return HX_REASON_NONE;
}

static enum hx_reason sentence_reason(const char *text, bool is_talking)
{
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strstr(text, sentences[i].part) != NULL) {
            return sentences[i].reason;
        }
    }
    enum hx_reason reason = errno_text_reason(text);
    if (reason != HX_REASON_NONE) {
        return reason;
    }
    return is_talking ? HX_REASON_PROTOCOL : HX_REASON_CLOSED;
}

/* Where the sentence begins behind `connection to server at "...", port 5432 failed: `. */
static const char *skip_prefix(const char *text)
{
    static const char start[] = "connection to server ";
    static const char end[] = " failed: ";
    const char *found;

    if (strncmp(text, start, sizeof(start) - 1) != 0) {
        return text;
    }
    found = strstr(text, end);
    return found == NULL ? text : found + sizeof(end) - 1;
}

/* The SQLSTATE of "FATAL:  28P01"; NULL when the line has none at its end. */
static const char *find_sqlstate(const char *line, size_t len)
{
    if (len < 8 || strncmp(line + len - 8, ":  ", 3) != 0 || !is_sqlstate(line + len - 5)) {
        return NULL;
    }
    return line + len - 5;
}

void hx_postgres_explain_text(const char *text, bool is_talking,
                              struct hx_postgres_failure *failure)
{
    const char *line = skip_prefix(text);
    size_t len = strcspn(line, "\n");
    const char *sqlstate = find_sqlstate(line, len);

    *failure = (struct hx_postgres_failure){0};
    if (sqlstate != NULL) {
        memcpy(failure->sqlstate, sqlstate, 5);
        failure->reason = hx_postgres_sqlstate_reason(failure->sqlstate);
        snprintf(failure->message, sizeof(failure->message), "%s (SQLSTATE %s)",
                 find_state(failure->sqlstate)->text, failure->sqlstate);
        return;
    }
    failure->reason = sentence_reason(text, is_talking);
    if (len == 0) {
        line = "connection failed";
        len = strlen(line);
    }
    snprintf(failure->message, sizeof(failure->message), "%.*s", (int)(len > 180 ? 180 : len),
             line);
}

void hx_postgres_explain_result(const char *sqlstate, const char *message,
                                struct hx_postgres_failure *failure)
{
    if (sqlstate == NULL || !is_sqlstate(sqlstate)) {
        hx_postgres_explain_text(message == NULL ? "" : message, true, failure);
        return;
    }
    *failure = (struct hx_postgres_failure){0};
    memcpy(failure->sqlstate, sqlstate, 5);
    failure->reason = hx_postgres_sqlstate_reason(failure->sqlstate);
    snprintf(failure->message, sizeof(failure->message), "%.160s (SQLSTATE %s)",
             message == NULL ? find_state(failure->sqlstate)->text : message, failure->sqlstate);
}
