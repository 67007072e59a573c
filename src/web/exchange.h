/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its reply. libmicrohttpd tells of a request in steps, all on the web thread:
 *
 *     started ─ target ─ request (head) ─ request (data)* ─ request (end) ─ completed ─ closed
 *                  ▲                                                            │
 *                  └────────────────────────────────────────────────────────────┘
 *
 * A request that is refused is answered at its head, which makes libmicrohttpd close the connection
 * after the reply; all others at their end.
 */
#ifndef HX_WEB_EXCHANGE_H
#define HX_WEB_EXCHANGE_H

#include "web/web.h"

struct hx_exchange {
    struct hx_web *web;
    struct MHD_Connection *mhd;
    struct hx_client *connection;
    enum hx_route route;
    const char *name; /* that the path ends in, or NULL */
    enum hx_method method;
    bool is_closing; /* the reply has to say Connection: close */
};

typedef enum MHD_Result (*hx_handler)(struct hx_exchange *exchange);

/* The value of a header field of the request, the first of that name; NULL: there is none. */
const char *hx_exchange_field(const struct hx_exchange *exchange, const char *name);
/* Is the key in the query, with any value or none? */
bool hx_exchange_asks_for(const struct hx_exchange *exchange, const char *key);
/* Does the client have what has that tag already (If-None-Match)? */
bool hx_exchange_knows(const struct hx_exchange *exchange, const char *etag);

/* Queues the reply and counts it; the response stays the caller's. NULL: out of memory, the
 * connection ends without a reply. */
enum MHD_Result hx_exchange_send(struct hx_exchange *exchange, unsigned status,
                                 struct MHD_Response *response);
/* The same, and takes the response. */
enum MHD_Result hx_exchange_send_take(struct hx_exchange *exchange, unsigned status,
                                      struct MHD_Response *response);
enum MHD_Result hx_exchange_send_constant(struct hx_exchange *exchange, unsigned status,
                                          enum hx_constant constant);
enum MHD_Result hx_exchange_send_error(struct hx_exchange *exchange, unsigned status,
                                       const char *sentence);
/* The same, and takes the sentence. */
enum MHD_Result hx_exchange_send_error_take(struct hx_exchange *exchange, unsigned status,
                                            struct hx_strbuf *sentence);
/* An error with one more header field. */
enum MHD_Result hx_exchange_send_error_with(struct hx_exchange *exchange, unsigned status,
                                            const char *sentence, const char *name,
                                            const char *value);
/* 503 for something that will pass: {"error":sentence} with Retry-After: 1. */
enum MHD_Result hx_exchange_send_later(struct hx_exchange *exchange, const char *sentence);
/* 404: no dependency of that name. */
enum MHD_Result hx_exchange_send_unknown(struct hx_exchange *exchange);

/* libmicrohttpd's callbacks; cls is the web. */
void hx_on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_ConnectionNotificationCode code);
void *hx_on_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result hx_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **context);
void hx_on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                     enum MHD_RequestTerminationCode code);

#endif
