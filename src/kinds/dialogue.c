/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: begin → the text is sent → on_data, until the expected text is among the bytes → the
 * connection is closed and the check passes.
 *
 * Failure modes: the peer ends before (assertion when it has said something else, closed when it
 * has said nothing), or talks on without it (limit). Silence is the engine's deadline.
 *
 * Who frees what: what was received is kept in the run memory during a check and goes with its end,
 * or with cancel.
 */
#include "kinds/dialogue.h"

#include "base/mem.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads the escape at *text, behind its backslash, and moves *text past it; -1 when it is none. */
static int unescape_one(const char **text)
{
    const char *escape = *text;
    *text += 1;
    switch (*escape) {
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '0':
        return '\0';
    case '\\':
        return '\\';
    case 'x': {
        int high = hex_value(escape[1]);
        int low = high >= 0 ? hex_value(escape[2]) : -1;
        *text = escape + 3;
        return low >= 0 ? high * 16 + low : -1;
    }
    default:
        return -1;
    }
}

/* The bytes that the option's text means; no text gives none. */
static enum hx_errcode unescape(const char *option, const char *text, char **bytes, size_t *len,
                                struct hx_error *err)
{
    *bytes = NULL;
    *len = 0;
    if (text == NULL) {
        return HX_OK;
    }
    char *result = malloc(strlen(text) + 1);
    if (result == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "%s: out of memory", option);
    }
    while (*text != '\0') {
        int byte = (unsigned char)*text++;
        if (byte == '\\') {
            byte = unescape_one(&text);
        }
        if (byte < 0) {
            free(result);
            return hx_error_set(err, HX_ERR_INVALID,
                                "%s: unknown escape, expected \\r \\n \\t \\0 \\\\ or \\xNN",
                                option);
        }
        result[(*len)++] = (char)byte;
    }
    *bytes = result;
    return HX_OK;
}

enum hx_errcode hx_dialogue_check_url(const struct hx_url *url, struct hx_error *err)
{
    bool has_path = url->path != NULL && url->path[0] != '\0' && strcmp(url->path, "/") != 0;
    if (url->user != NULL || url->password != NULL || url->query != NULL || has_path ||
        url->host == NULL || url->port == 0) {
        return hx_error_set(err, HX_ERR_INVALID, "expected %s://host:port and no more",
                            url->scheme);
    }
    return HX_OK;
}

enum hx_errcode hx_dialogue_prepare(struct hx_dialogue_settings *settings, struct hx_error *err)
{
    enum hx_errcode code =
        unescape("send", settings->send, &settings->send_bytes, &settings->send_len, err);
    if (code == HX_OK) {
        code = unescape("expect", settings->expect, &settings->expect_bytes, &settings->expect_len,
                        err);
    }
    if (code == HX_OK && settings->expect_bytes != NULL && settings->expect_len == 0) {
        code = hx_error_set(err, HX_ERR_INVALID, "expect: expected a text that is not empty");
    }
    if (code == HX_OK && (int64_t)settings->expect_len > settings->max_bytes) {
        code = hx_error_set(err, HX_ERR_INVALID, "expect: expected a text within max_bytes");
    }
    if (code != HX_OK) {
        hx_dialogue_release(settings);
    }
    return code;
}

void hx_dialogue_release(struct hx_dialogue_settings *settings)
{
    free(settings->send_bytes);
    free(settings->expect_bytes);
    settings->send_bytes = settings->expect_bytes = NULL;
}

bool hx_dialogue_is_wanted(const struct hx_dialogue_settings *settings)
{
    return settings->send_len > 0 || settings->expect_len > 0;
}

void hx_dialogue_cancel(struct hx_check *check)
{
    struct hx_dialogue *dialogue = hx_check_run(check);
    hx_dial_cancel(&dialogue->dial);
    hx_strbuf_fini(&dialogue->received);
    dialogue->settings = NULL;
}

static void pass(struct hx_check *check)
{
    hx_dialogue_cancel(check);
    hx_check_pass(check);
}

void hx_dialogue_begin(struct hx_check *check, const struct hx_dialogue_settings *settings)
{
    struct hx_dialogue *dialogue = hx_check_run(check);
    dialogue->settings = settings;
    if (settings->send_len > 0) {
        hx_check_enter(check, HX_PHASE_SEND);
        hx_stream_write(dialogue->dial.stream, settings->send_bytes, settings->send_len);
    }
    if (settings->expect_len == 0) {
        pass(check);
        return;
    }
    hx_check_enter(check, HX_PHASE_RECEIVE);
}

static bool has_text(const struct hx_dialogue_settings *settings, const char *bytes, size_t len)
{
    return memmem(bytes, len, settings->expect_bytes, settings->expect_len) != NULL;
}

/* Appends the bytes as far as max_bytes goes; true when the expected text is among what came. Only
 * the new bytes, and those before them that may begin the text, are searched. The text is mostly in
 * the first that come, and then nothing is kept. */
static bool is_met(struct hx_dialogue *dialogue, const char *bytes, size_t len)
{
    const struct hx_dialogue_settings *settings = dialogue->settings;
    struct hx_strbuf *received = &dialogue->received;
    size_t room = (size_t)settings->max_bytes - received->len;
    size_t overlap = settings->expect_len - 1;
    size_t from = received->len > overlap ? received->len - overlap : 0;
    size_t n_new = len < room ? len : room;
    if (received->len == 0 && has_text(settings, bytes, n_new)) {
        return true;
    }
    hx_strbuf_append(received, bytes, n_new);
    return received->len > 0 && has_text(settings, received->data + from, received->len - from);
}

void hx_dialogue_on_data(struct hx_check *check, const char *bytes, size_t len)
{
    struct hx_dialogue *dialogue = hx_check_run(check);
    const struct hx_dialogue_settings *settings = dialogue->settings;
    bool is_over = len > (size_t)settings->max_bytes - dialogue->received.len;
    bool has_met = is_met(dialogue, bytes, len);
    bool is_failed = dialogue->received.is_failed;
    char size[32];
    if (has_met) {
        pass(check);
    } else if (is_failed) {
        hx_dialogue_cancel(check);
        hx_check_fail(check, HX_REASON_INTERNAL, "receive: out of memory");
    } else if (is_over) {
        hx_dialogue_cancel(check);
        hx_check_fail(check, HX_REASON_LIMIT, "expected text not within the first %s",
                      hx_format_size(settings->max_bytes, size, sizeof size));
    }
}

void hx_dialogue_on_end(struct hx_check *check, enum hx_reason reason, const char *message)
{
    struct hx_dialogue *dialogue = hx_check_run(check);
    size_t n_received = dialogue->received.len;
    hx_dialogue_cancel(check);
    if (reason == HX_REASON_CLOSED && n_received > 0) {
        hx_check_fail(check, HX_REASON_ASSERTION,
                      "expected text not received: the peer closed after %zu bytes", n_received);
        return;
    }
    hx_check_fail(check, reason, "%s", message);
}
