/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind tcp: does something accept connections there, and, if asked, does it say what it should?
 *
 * A bare connect is over when the peer's SYN-ACK has come; how it ends makes no difference to the
 * answer, but to the service. By default it is reset before the handshake is over, as HAProxy does:
 * the application does not hear of it and logs nothing, a process that has stopped accepting does
 * not get its queue filled by us, and no TIME_WAIT is left, which at many checks a second would use
 * up the ports of this host. What stands between may take that for the scan of a port, so a full
 * handshake can be had, with either end.
 */
#include "kinds/dialogue.h"
#include "kinds/kinds.h"

#include <string.h>

enum ending { END_AUTO, END_UNSEEN, END_RESET, END_ORDERLY };

struct settings {
    struct hx_dialogue_settings dialogue;
    int close; /* enum ending */
};

static const char *const endings[] = {[END_AUTO] = "auto",
                                      [END_UNSEEN] = "unseen",
                                      [END_RESET] = "reset",
                                      [END_ORDERLY] = "orderly",
                                      NULL};

static const struct hx_option options[] = {
    {.name = "close",
     .type = HX_OPTION_CHOICE,
     .offset = offsetof(struct settings, close),
     .fallback = "auto",
     .choices = endings,
     .help = "how a bare connect ends: by RST before the application hears of it (unseen: no "
             "QUICKACK; auto takes it), by RST after, or by FIN"},
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

/* Over TCP, and done when it is connected. */
static bool is_bare(const struct hx_dependency *dependency)
{
    const struct settings *settings = dependency->settings;
    return settings->dialogue.send == NULL && settings->dialogue.expect == NULL &&
           !is_unix(&dependency->url);
}

static enum ending ending_of(const struct hx_dependency *dependency)
{
    const struct settings *settings = dependency->settings;
    if (settings->close != END_AUTO) {
        return (enum ending)settings->close;
    }
    return is_bare(dependency) ? END_UNSEEN : END_ORDERLY;
}

static enum hx_errcode tcp_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    struct settings *settings = dependency->settings;
    enum hx_errcode code = check_url(&dependency->url, err);
    if (code != HX_OK) {
        return code;
    }
    if (settings->close != END_AUTO && !is_bare(dependency)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "close: only for tcp:// without send and expect; other checks close in "
                            "order");
    }
    return hx_dialogue_prepare(&settings->dialogue, err);
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
    if (ending_of(hx_check_dependency(check)) == END_ORDERLY) {
        hx_dial_cancel(&dialogue->dial);
    } else {
        hx_dial_reset(&dialogue->dial);
    }
    hx_check_pass(check);
}

static void tcp_start(struct hx_check *check)
{
    const struct hx_dependency *dependency = hx_check_dependency(check);
    const struct hx_url *url = &dependency->url;
    bool is_unseen = ending_of(dependency) == END_UNSEEN;
    struct hx_dialogue *dialogue = hx_check_run(check);
    hx_dial_start(&dialogue->dial, check,
                  &(struct hx_dial_plan){.host = is_unix(url) ? url->path : url->host,
                                         .port = url->port,
                                         .use = is_unseen ? HX_STREAM_KNOCK : HX_STREAM_TALK,
                                         .on_ready = on_ready,
                                         .on_data = hx_dialogue_on_data,
                                         .on_end = hx_dialogue_on_end});
}

const struct hx_kind hx_kind_tcp = {
    .name = "tcp",
    .summary = "connects; can send a text and expect one",
    .schemes = schemes,
    .has_connections = true,
    .examples = examples,
    .options = options,
    .reasons = reasons,
    .settings_size = sizeof(struct settings),
    .run_size = sizeof(struct hx_dialogue),
    .prepare = tcp_prepare,
    .attach = hx_dial_attach,
    .detach = hx_dial_detach,
    .start = tcp_start,
    .cancel = hx_dialogue_cancel,
    .release = tcp_release,
};
