/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind tcp: does something accept connections there, and, if asked, does it say what it should?
 *
 * A bare connect check closes by RST, so that it leaves no TIME_WAIT behind: at many checks a
 * second the ports of this host would run out. The listening application may then see an accepted
 * connection that was reset.
 */
#include "kinds/dialogue.h"
#include "kinds/kinds.h"

#include <string.h>

struct settings {
    struct hx_dialogue_settings dialogue;
};

static const struct hx_option options[] = {
    HX_DIALOGUE_OPTIONS(struct settings),
    {.name = NULL},
};

static const char *const schemes[] = {"tcp", "tcp+unix", NULL};
static const char *const examples[] = {"tcp://mail.internal:25", "tcp+unix:/run/app.sock", NULL};
static const enum hx_reason reasons[] = {
    HX_REASON_DNS,   HX_REASON_REFUSED,   HX_REASON_UNREACHABLE, HX_REASON_CLOSED,
    HX_REASON_LIMIT, HX_REASON_ASSERTION, HX_REASON_PROTOCOL,    HX_REASON_NONE};

static bool is_unix(const struct hx_url *url)
{
    return strcmp(url->scheme, "tcp+unix") == 0;
}

static enum hx_errcode check_url(const struct hx_url *url, struct hx_error *err)
{
    struct hx_address address;
    if (!is_unix(url)) {
        return hx_dialogue_check_url(url, err);
    }
    if (url->host != NULL || url->query != NULL || url->path == NULL ||
        !hx_address_unix(url->path, &address)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected tcp+unix:/path with a path of at most 107 bytes");
    }
    return HX_OK;
}

static enum hx_errcode tcp_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    struct settings *settings = dependency->settings;
    enum hx_errcode code = check_url(&dependency->url, err);
    return code != HX_OK ? code : hx_dialogue_prepare(&settings->dialogue, err);
}

static void tcp_release(struct hx_dependency *dependency)
{
    struct settings *settings = dependency->settings;
    hx_dialogue_release(&settings->dialogue);
}

static void on_ready(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    struct hx_dialogue *dialogue = hx_check_run(check);
    if (hx_dialogue_is_wanted(&settings->dialogue)) {
        hx_dialogue_begin(check, &settings->dialogue);
        return;
    }
    hx_dial_reset(&dialogue->dial);
    hx_check_pass(check);
}

static void tcp_start(struct hx_check *check)
{
    const struct hx_url *url = &hx_check_dependency(check)->url;
    struct hx_dialogue *dialogue = hx_check_run(check);
    hx_dial_start(&dialogue->dial, check,
                  &(struct hx_dial_plan){.host = is_unix(url) ? url->path : url->host,
                                         .port = url->port,
                                         .on_ready = on_ready,
                                         .on_data = hx_dialogue_on_data,
                                         .on_end = hx_dialogue_on_end});
}

const struct hx_kind hx_kind_tcp = {
    .name = "tcp",
    .summary = "connects; can send a text and expect one; a bare connect ends by RST",
    .schemes = schemes,
    .examples = examples,
    .options = options,
    .reasons = reasons,
    .settings_size = sizeof(struct settings),
    .run_size = sizeof(struct hx_dialogue),
    .prepare = tcp_prepare,
    .start = tcp_start,
    .cancel = hx_dialogue_cancel,
    .release = tcp_release,
};
