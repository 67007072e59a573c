/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds tcp and tls do with a connection that stands: send a text, expect a text. Its
 * options, its part of a check, and the ends.
 */
#ifndef HX_KINDS_DIALOGUE_H
#define HX_KINDS_DIALOGUE_H

#include "base/strbuf.h"
#include "kinds/dial.h"

/* Embedded in the kind's settings, as the member named dialogue. */
struct hx_dialogue_settings {
    char *send, *expect; /* as written */
    int64_t max_bytes;
    char *send_bytes, *expect_bytes; /* unescaped; NULL when not given */
    size_t send_len, expect_len;
};

/* The options, as rows of the kind's table; settings_type is the kind's settings. */
#define HX_DIALOGUE_OPTIONS(settings_type)                                          \
    {.name = "send",                                                                \
     .type = HX_OPTION_STRING,                                                      \
     .offset = offsetof(settings_type, dialogue.send),                              \
     .help = "text to send; \\r \\n \\t \\0 \\\\ and \\xNN are escapes"},           \
        {.name = "expect",                                                          \
         .type = HX_OPTION_STRING,                                                  \
         .offset = offsetof(settings_type, dialogue.expect),                        \
         .help = "text that the bytes received must contain; escapes as in send"},  \
    {                                                                               \
        .name = "max_bytes", .type = HX_OPTION_SIZE,                                \
        .offset = offsetof(settings_type, dialogue.max_bytes), .fallback = "64KiB", \
        .help = "most bytes to look through for the expected text", .min = 1,       \
        .max = INT64_C(16) << 20                                                    \
    }

/* The whole run memory of these kinds. */
struct hx_dialogue {
    struct hx_dial dial;
    const struct hx_dialogue_settings *settings;
    struct hx_strbuf received;
};

/* A URL of these kinds is scheme://host:port and no more. */
enum hx_errcode hx_dialogue_check_url(const struct hx_url *url, struct hx_error *err) HX_MUST_CHECK;

/* Unescapes the texts. On failure nothing is left to release. */
enum hx_errcode hx_dialogue_prepare(struct hx_dialogue_settings *settings,
                                    struct hx_error *err) HX_MUST_CHECK;
void hx_dialogue_release(struct hx_dialogue_settings *settings);

/* True when there is a text to send or to expect. */
bool hx_dialogue_is_wanted(const struct hx_dialogue_settings *settings);

/* Begins on the connection of the check's dialogue, which is ready. It ends the check. */
void hx_dialogue_begin(struct hx_check *check, const struct hx_dialogue_settings *settings);

/* For the dial's plan. */
void hx_dialogue_on_data(struct hx_check *check, const char *bytes, size_t len);
void hx_dialogue_on_end(struct hx_check *check, enum hx_reason reason, const char *message);

/* The kind's cancel. */
void hx_dialogue_cancel(struct hx_check *check);

#endif
