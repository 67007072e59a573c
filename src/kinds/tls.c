/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind tls: connects, shakes hands, verifies the peer's certificate and tells when it expires; can
 * fail some days ahead of that, and can send a text and expect one. It never resumes a session:
 * each check is about the certificate that the peer has now.
 */
#include "net/tls.h"
#include "base/clock.h"
#include "kinds/dialogue.h"
#include "kinds/kinds.h"

#include <inttypes.h>

#define SECONDS_PER_DAY 86400

struct settings {
    struct hx_dialogue_settings dialogue;
    int64_t min_days;
    SSL_CTX *context;
};

static const struct hx_option options[] = {
    {.name = "min_days",
     .type = HX_OPTION_INT,
     .offset = offsetof(struct settings, min_days),
     .fallback = "0",
     .help = "fail when a certificate of the chain expires in fewer days; 0: only when expired",
     .min = 0,
     .max = 3650},
    HX_DIALOGUE_OPTIONS(struct settings),
    {.name = NULL},
};

static const char *const schemes[] = {"tls", NULL};
static const char *const examples[] = {"tls://www.example.com:443", NULL};
static const enum hx_reason reasons[] = {
    HX_REASON_DNS,   HX_REASON_REFUSED,   HX_REASON_UNREACHABLE, HX_REASON_CLOSED, HX_REASON_TLS,
    HX_REASON_LIMIT, HX_REASON_ASSERTION, HX_REASON_PROTOCOL,    HX_REASON_NONE};

static void tls_release(struct hx_dependency *dependency)
{
    struct settings *settings = dependency->settings;
    hx_dialogue_release(&settings->dialogue);
    SSL_CTX_free(settings->context);
    settings->context = NULL;
}

static enum hx_errcode tls_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    struct settings *settings = dependency->settings;
    enum hx_errcode code = hx_dialogue_check_url(&dependency->url, err);
    if (code == HX_OK) {
        code = hx_dialogue_prepare(&settings->dialogue, err);
    }
    if (code == HX_OK) {
        code = hx_tls_context_new(&dependency->policy.tls, &settings->context, err);
    }
    if (code != HX_OK) {
        tls_release(dependency);
    }
    return code;
}

/* Days until the first certificate of the chain expires, rounded down. */
static int64_t days_left(const struct hx_stream *stream)
{
    int64_t expiry = hx_tls_certificate_expiry(hx_stream_ssl(stream));
    return (expiry - hx_clock_wall_ns() / HX_NS_PER_S) / SECONDS_PER_DAY;
}

static void on_ready(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    struct hx_dialogue *dialogue = hx_check_run(check);
    int64_t days = settings->min_days > 0 ? days_left(dialogue->dial.stream) : 0;
    if (days < settings->min_days) {
        hx_dialogue_cancel(check);
        hx_check_fail(check, HX_REASON_ASSERTION,
                      "certificate expires in %" PRId64 " days, expected at least %" PRId64, days,
                      settings->min_days);
        return;
    }
    hx_dialogue_begin(check, &settings->dialogue);
}

static void tls_start(struct hx_check *check)
{
    const struct hx_dependency *dependency = hx_check_dependency(check);
    const struct settings *settings = hx_check_settings(check);
    struct hx_dialogue *dialogue = hx_check_run(check);
    hx_dial_start(&dialogue->dial, check,
                  &(struct hx_dial_plan){.host = dependency->url.host,
                                         .port = dependency->url.port,
                                         .context = settings->context,
                                         .on_ready = on_ready,
                                         .on_data = hx_dialogue_on_data,
                                         .on_end = hx_dialogue_on_end});
}

const struct hx_kind hx_kind_tls = {
    .name = "tls",
    .summary = "shakes hands, verifies the certificate and tells when it expires",
    .schemes = schemes,
    .tls_schemes = schemes,
    .has_connections = true,
    .examples = examples,
    .options = options,
    .reasons = reasons,
    .settings_size = sizeof(struct settings),
    .run_size = sizeof(struct hx_dialogue),
    .prepare = tls_prepare,
    .attach = hx_dial_attach,
    .detach = hx_dial_detach,
    .start = tls_start,
    .cancel = hx_dialogue_cancel,
    .release = tls_release,
};
