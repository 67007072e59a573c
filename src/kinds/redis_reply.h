/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replies of a Redis server to AUTH, SELECT and PING, and what an error reply means.
 *
 * The three commands are answered in one line ("+..." or "-..."), so nothing else is read: there is
 * no length that a broken server could lie about (hiredis 0.14 believes it: the thirteen bytes
 * "*2147483647\r\n" keep its reader busy for seconds), and nothing to allocate.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
#ifndef HX_KINDS_REDIS_REPLY_H
#define HX_KINDS_REDIS_REPLY_H

#include "health_exporter/check.h"

/* All that a check reads; more ends it. */
#define HX_REDIS_MAX_BYTES 65536

/* One line, cut. It is as it came, but for zero bytes: a secret that is quoted in it must be known
 * again. */
struct hx_redis_reply {
    bool is_error;
    char text[160]; /* without the first "+" or "-" */
};

/* Zeroed is ready for use. */
struct hx_redis_input {
    size_t len;                  /* of the reply's text */
    size_t n_bytes;              /* of all replies so far */
    bool is_in_reply;            /* its first byte has come, and not its last */
    bool has_cr;                 /* the last byte may begin its end */
    struct hx_redis_reply reply; /* as far as it has come */
};

enum hx_redis_read {
    HX_REDIS_READ_MORE,   /* all bytes are used up, and no reply has ended with them */
    HX_REDIS_READ_REPLY,  /* *reply is filled; *bytes and *len stand behind it */
    HX_REDIS_READ_FAILED, /* *reason says why, reply->text too */
};

/* Reads up to the end of one reply. */
enum hx_redis_read hx_redis_read(struct hx_redis_input *input, const char **bytes, size_t *len,
                                 struct hx_redis_reply *reply, enum hx_reason *reason);

/* Forgets what has been read; it is ready for use again. */
void hx_redis_input_clear(struct hx_redis_input *input);

/* What an error reply means, by its text without the "-". */
enum hx_reason hx_redis_error_reason(const char *text);

#endif
