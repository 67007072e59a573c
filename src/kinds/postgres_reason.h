/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failure that libpq reports means. A SQLSTATE decides where there is one; libpq 15 exports
 * none for a login that fails, but puts it at the end of the text when asked for
 * PQERRORS_SQLSTATE. What is left are libpq's own English sentences, pinned to version 15.
 *
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
#ifndef HX_KINDS_POSTGRES_REASON_H
#define HX_KINDS_POSTGRES_REASON_H

#include "health_exporter/check.h"

struct hx_postgres_failure {
    enum hx_reason reason;
    char sqlstate[6];  /* "" when there is none */
    char message[192]; /* one line for people, without address */
};

/* Explains PQerrorMessage() of a connection that failed. is_talking: the transport stood already,
 * so what is not understood is a matter of the protocol. */
void hx_postgres_explain_text(const char *text, bool is_talking,
                              struct hx_postgres_failure *failure);

/* Explains an error result by its fields; message may be NULL. */
void hx_postgres_explain_result(const char *sqlstate, const char *message,
                                struct hx_postgres_failure *failure);

/* The reason for a SQLSTATE of five characters. */
enum hx_reason hx_postgres_sqlstate_reason(const char *sqlstate);

/* True when libpq gave up because the server answered that it has no TLS. */
bool hx_postgres_lacks_tls(const char *text);

#endif
