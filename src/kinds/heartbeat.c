/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind heartbeat: nothing is asked, the service itself reports, and a check looks at the last
 * report. It passes while that report is good and younger than the ttl.
 *
 * The report lies in the run memory. cancel leaves it there: a check never waits, so there is
 * nothing to drop, and a report must outlive the failed check that it caused.
 */
#include "base/clock.h"
#include "base/units.h"
#include "kinds/kinds.h"

#include <uv.h>

#define SECONDS_PER_DAY INT64_C(86400)

struct settings {
    int64_t ttl_ns;
};

struct run {
    bool has_report;
    struct hx_report report;
};

static const struct hx_option options[] = {
    {.name = "ttl",
     .type = HX_OPTION_DURATION,
     .offset = offsetof(struct settings, ttl_ns),
     .fallback = "30s",
     .help = "how long a report holds, a duration; the check fails when the last one is older",
     .min = HX_NS_PER_S,
     .max = 7 * SECONDS_PER_DAY * HX_NS_PER_S},
    {.name = NULL},
};

static const enum hx_reason reasons[] = {HX_REASON_UNAVAILABLE, HX_REASON_STATUS, HX_REASON_NONE};

static enum hx_errcode prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_url *url = &dependency->url;

    if (url->host != NULL || url->query != NULL || (url->path != NULL && url->path[0] != '\0')) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "a heartbeat has no address: expected the URL \"heartbeat:\"");
    }
    return HX_OK;
}

/* An age for people: whole seconds from ten on, milliseconds below. */
static char *age_text(int64_t age_ns, char *text, size_t size)
{
    int64_t unit = age_ns >= 10 * HX_NS_PER_S ? HX_NS_PER_S : HX_NS_PER_MS;

    return hx_format_duration(age_ns / unit * unit, text, size);
}

static void start(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    const struct run *run = hx_check_run(check);
    int64_t age_ns = (int64_t)uv_hrtime() - run->report.arrived_ns;
    char age[32];
    char ttl[32];

    if (!run->has_report) {
        hx_check_fail(check, HX_REASON_UNAVAILABLE, "no heartbeat received yet");
    } else if (age_ns > settings->ttl_ns) {
        hx_check_fail(check, HX_REASON_TIMEOUT, "last heartbeat %s ago, ttl %s",
                      age_text(age_ns, age, sizeof(age)),
                      hx_format_duration(settings->ttl_ns, ttl, sizeof(ttl)));
    } else if (!run->report.is_pass) {
        const char *message = run->report.message;
        hx_check_fail(check, HX_REASON_STATUS, "%s",
                      message[0] != '\0' ? message : "reported as failed");
    } else {
        hx_check_pass(check);
    }
}

static void cancel(struct hx_check *check)
{
    (void)check;
}

static void report(struct hx_check *check, const struct hx_report *received)
{
    struct run *run = hx_check_run(check);

    run->has_report = true;
    run->report = *received;
}

const struct hx_kind hx_kind_heartbeat = {
    .name = "heartbeat",
    .summary = "the service itself reports; fails when its last report is bad or too old",
    .schemes = (const char *const[]){"heartbeat", NULL},
    .examples = (const char *const[]){"heartbeat:", NULL},
    .options = options,
    .reasons = reasons,
    .settings_size = sizeof(struct settings),
    .run_size = sizeof(struct run),
    .prepare = prepare,
    .start = start,
    .cancel = cancel,
    .report = report,
};
