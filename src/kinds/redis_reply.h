/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replies of a Redis server to AUTH, SELECT and PING, read with hiredis' reader behind a guard,
 * and what an error reply means.
 *
 * The guard is there because the reader of hiredis 0.14 believes every length it is told: the
 * thirteen bytes "*2147483647\r\n" keep it busy for seconds. The three commands are answered in one
 * line ("+..." or "-..."), so nothing else ever reaches it.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
#ifndef HX_KINDS_REDIS_REPLY_H
#define HX_KINDS_REDIS_REPLY_H

#include "health_exporter/check.h"

struct redisReader;

/* All that a check reads; more ends it. */
#define HX_REDIS_MAX_BYTES 65536

/* One line, as text for people: what is not printable ASCII is shown as "?", and it is cut. */
struct hx_redis_reply {
    bool is_error;
    char text[160]; /* without the first "+" or "-" */
};

/* Zeroed is ready for use. */
struct hx_redis_input {
    struct redisReader *reader; /* made when the first byte comes */
    size_t n_bytes;
    bool is_in_reply; /* the last byte that was read did not end a reply */
};

enum hx_redis_read {
    HX_REDIS_READ_MORE,   /* all bytes are used up, and no reply has ended with them */
    HX_REDIS_READ_REPLY,  /* *reply is filled; *bytes and *len stand behind it */
    HX_REDIS_READ_FAILED, /* *reason says why, reply->text too */
};

/* Reads up to the end of one reply. */
enum hx_redis_read hx_redis_read(struct hx_redis_input *input, const char **bytes, size_t *len,
                                 struct hx_redis_reply *reply, enum hx_reason *reason);

/* Frees what it holds; it is ready for use again. Idempotent. */
void hx_redis_input_fini(struct hx_redis_input *input);

/* What an error reply means, by its text without the "-". */
enum hx_reason hx_redis_error_reason(const char *text);

#endif
