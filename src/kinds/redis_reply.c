/* SPDX-License-Identifier: Apache-2.0 */
/* One-line replies, byte by byte, and the table of error replies. */
#include "kinds/redis_reply.h"

#include <ctype.h>
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

static void begin_reply(struct hx_redis_input *input, char type)
{
    input->reply.is_error = type == '-';
    input->len = 0;
    input->is_in_reply = true;
    input->has_cr = false;
}

static void put(struct hx_redis_input *input, char byte)
{
    if (byte == '\0') {
        byte = '?';
    }
    if (input->len < sizeof(input->reply.text) - 1) {
        input->reply.text[input->len++] = byte;
    }
}

/* Takes a byte of the reply's text; true when the reply ends with it, which only CR LF does. */
static bool take_byte(struct hx_redis_input *input, char byte)
{
    if (input->has_cr && byte == '\n') {
        input->reply.text[input->len] = '\0';
        input->is_in_reply = false;
        return true;
    }
    if (input->has_cr) {
        put(input, '\r');
    }
    input->has_cr = byte == '\r';
    if (!input->has_cr) {
        put(input, byte);
    }
    return false;
}

enum hx_redis_read hx_redis_read(struct hx_redis_input *input, const char **bytes, size_t *len,
                                 struct hx_redis_reply *reply, enum hx_reason *reason)
{
    while (*len > 0) {
        char byte = **bytes;
        if (!input->is_in_reply && byte != '+' && byte != '-') {
            return fail_type(reply, reason, byte);
        }
        *bytes += 1;
        *len -= 1;
        if (++input->n_bytes > HX_REDIS_MAX_BYTES) {
            return fail(reply, reason, HX_REASON_LIMIT, "a reply of more than 64 KiB");
        }
        if (!input->is_in_reply) {
            begin_reply(input, byte);
        } else if (take_byte(input, byte)) {
            reply->is_error = input->reply.is_error;
            memcpy(reply->text, input->reply.text, input->len + 1);
            return HX_REDIS_READ_REPLY;
        }
    }
    return HX_REDIS_READ_MORE;
}

void hx_redis_input_clear(struct hx_redis_input *input)
{
    input->len = input->n_bytes = 0;
    input->is_in_reply = input->has_cr = false;
}
