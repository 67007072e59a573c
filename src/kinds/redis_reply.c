/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-line replies through the guard, and the table of error replies.
 *
 * The reader is fed line by line. It alone decides where a reply ends (CR LF), and only when it has
 * given one is the next byte taken for the type of another.
 */
#include "kinds/redis_reply.h"

#include <assert.h>
#include <ctype.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* An error reply that begins like this; the first match counts. What ends in a letter must be
 * followed by a blank or the end: "BUSY" is not "BUSYGROUP". */
static const struct {
    const char *prefix;
    enum hx_reason reason;
} errors[] = {
    {"NOAUTH", HX_REASON_AUTH},
    {"WRONGPASS", HX_REASON_AUTH},
    {"NOPERM", HX_REASON_AUTH},
    {"DENIED", HX_REASON_AUTH},
    {"ERR invalid password", HX_REASON_AUTH},
    {"ERR AUTH", HX_REASON_AUTH},
    {"ERR Client sent AUTH", HX_REASON_AUTH},
    {"ERR wrong number of arguments for 'auth'", HX_REASON_AUTH},
    {"ERR operation not permitted", HX_REASON_AUTH},
    {"LOADING", HX_REASON_UNAVAILABLE},
    {"BUSY", HX_REASON_UNAVAILABLE},
    {"MASTERDOWN", HX_REASON_UNAVAILABLE},
    {"MISCONF", HX_REASON_UNAVAILABLE},
    {"OOM", HX_REASON_UNAVAILABLE},
    {"CLUSTERDOWN", HX_REASON_UNAVAILABLE},
    {"TRYAGAIN", HX_REASON_UNAVAILABLE},
    {"NOREPLICAS", HX_REASON_UNAVAILABLE},
    {"ERR max number of clients", HX_REASON_UNAVAILABLE},
    {"READONLY", HX_REASON_ASSERTION},
    {"ERR Protocol error", HX_REASON_PROTOCOL},
};

enum hx_reason hx_redis_error_reason(const char *text)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        size_t len = strlen(errors[i].prefix);
        if (strncmp(text, errors[i].prefix, len) == 0 && !isalnum((unsigned char)text[len])) {
            return errors[i].reason;
        }
    }
    return HX_REASON_STATUS;
}

static void copy_printable(char *to, size_t size, const char *from, size_t len)
{
    size_t n = len < size - 1 ? len : size - 1;

    for (size_t i = 0; i < n; i++) {
        if (from[i] >= ' ' && from[i] <= '~') {
            to[i] = from[i];
        } else {
            to[i] = '?';
        }
    }
    to[n] = '\0';
}

static enum hx_redis_read fail(struct hx_redis_reply *reply, enum hx_reason *reason,
                               enum hx_reason why, const char *text)
{
    *reason = why;
    snprintf(reply->text, sizeof(reply->text), "%s", text);
    return HX_REDIS_READ_FAILED;
}

/* The first byte of a reply tells its type. */
static enum hx_redis_read fail_type(struct hx_redis_reply *reply, enum hx_reason *reason, char type)
{
    char text[64];

    if (type >= ' ' && type <= '~') {
        snprintf(text, sizeof(text), "a reply that begins with \"%c\"", type);
    } else {
        snprintf(text, sizeof(text), "a reply that begins with byte 0x%02x", (unsigned char)type);
    }
    return fail(reply, reason, HX_REASON_PROTOCOL, text);
}

/* Feeds one line, or the rest of the bytes when no line ends in them. */
static bool feed_line(struct hx_redis_input *input, const char **bytes, size_t *len)
{
    const char *end = memchr(*bytes, '\n', *len);
    size_t n = end == NULL ? *len : (size_t)(end - *bytes) + 1;

    if (redisReaderFeed(input->reader, *bytes, n) != REDIS_OK) {
        return false;
    }
    *bytes += n;
    *len -= n;
    return true;
}

/* Takes a reply from the reader, if one is complete. */
static enum hx_redis_read take_reply(struct hx_redis_input *input, struct hx_redis_reply *reply,
                                     enum hx_reason *reason)
{
    void *taken = NULL;

    if (redisReaderGetReply(input->reader, &taken) != REDIS_OK) {
        bool is_ours = input->reader->err == REDIS_ERR_OOM;
        return fail(reply, reason, is_ours ? HX_REASON_INTERNAL : HX_REASON_PROTOCOL,
                    is_ours ? "out of memory" : "a reply that is not of the Redis protocol");
    }
    if (taken == NULL) {
        return HX_REDIS_READ_MORE;
    }
    const redisReply *line = taken;
    assert(line->type == REDIS_REPLY_STATUS || line->type == REDIS_REPLY_ERROR);
    reply->is_error = line->type == REDIS_REPLY_ERROR;
    copy_printable(reply->text, sizeof(reply->text), line->str, line->len);
    freeReplyObject(taken);
    input->is_in_reply = false;
    return HX_REDIS_READ_REPLY;
}

enum hx_redis_read hx_redis_read(struct hx_redis_input *input, const char **bytes, size_t *len,
                                 struct hx_redis_reply *reply, enum hx_reason *reason)
{
    enum hx_redis_read result = HX_REDIS_READ_MORE;

    if (input->reader == NULL) {
        input->reader = redisReaderCreate();
    }
    if (input->reader == NULL) {
        return fail(reply, reason, HX_REASON_INTERNAL, "out of memory");
    }
    while (*len > 0 && result == HX_REDIS_READ_MORE) {
        const char *from = *bytes;
        if (!input->is_in_reply && *from != '+' && *from != '-') {
            return fail_type(reply, reason, *from);
        }
        input->is_in_reply = true;
        if (!feed_line(input, bytes, len)) {
            return fail(reply, reason, HX_REASON_INTERNAL, "out of memory");
        }
        input->n_bytes += (size_t)(*bytes - from);
        if (input->n_bytes > HX_REDIS_MAX_BYTES) {
            return fail(reply, reason, HX_REASON_LIMIT, "a reply of more than 64 KiB");
        }
        result = take_reply(input, reply, reason);
    }
    return result;
}

void hx_redis_input_fini(struct hx_redis_input *input)
{
    if (input->reader != NULL) {
        redisReaderFree(input->reader);
    }
    *input = (struct hx_redis_input){0};
}
