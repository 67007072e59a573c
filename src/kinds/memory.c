/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind memory: is enough memory left, on the host and below the limit of the control group that
 * the exporter is in? The threshold is held against each by itself, so the tighter one decides. A
 * check is over when start returns.
 */
#include "base/units.h"
#include "kinds/kinds.h"
#include "kinds/memory_reading.h"
#include "kinds/threshold.h"

struct settings {
    struct hx_amount min_available;
};

enum value { VALUE_AVAILABLE, VALUE_TOTAL, VALUE_CGROUP_AVAILABLE };

static const struct hx_option options[] = {
    {.name = "min_available",
     .type = HX_OPTION_AMOUNT,
     .offset = offsetof(struct settings, min_available),
     .fallback = "5%",
     .help = "bytes, or a share of the total, below which the check fails; held against the host's "
             "memory and against the limit of the exporter's own control group"},
    {.name = NULL},
};

static const enum hx_reason reasons[] = {HX_REASON_ASSERTION, HX_REASON_NONE};

static const char *const values[] = {
    [VALUE_AVAILABLE] = "available_bytes",
    [VALUE_TOTAL] = "total_bytes",
    [VALUE_CGROUP_AVAILABLE] = "cgroup_available_bytes",
    NULL,
};

static enum hx_errcode prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_url *url = &dependency->url;

    if (url->host != NULL || url->query != NULL || (url->path != NULL && url->path[0] != '\0')) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "memory has no address: expected the URL \"memory:\"");
    }
    return HX_OK;
}

/* True, and the check failed, when less than the threshold is left. */
static bool fails(struct hx_check *check, const char *whose, const struct hx_memory *memory)
{
    const struct settings *settings = hx_check_settings(check);
    const struct hx_amount *min = &settings->min_available;
    double left = (double)memory->available_bytes;
    double total = (double)memory->total_bytes;
    char left_text[32], total_text[32], wanted[HX_THRESHOLD_TEXT_SIZE];

    if (!hx_threshold_is_missed(min, left, total)) {
        return false;
    }
    hx_check_fail(check, HX_REASON_ASSERTION, "%s: %s of %s available (%.1f%%), at least %s wanted",
                  whose, hx_format_size(memory->available_bytes, left_text, sizeof(left_text)),
                  hx_format_size(memory->total_bytes, total_text, sizeof(total_text)),
                  hx_threshold_share(left, total), hx_threshold_text(min, "B", wanted));
    return true;
}

static void start(struct hx_check *check)
{
    struct hx_memory host, group;
    struct hx_error err;

    if (hx_memory_read("", &host, &group, &err) != HX_OK) {
        hx_check_finish(check, HX_REASON_INTERNAL, err.message);
        return;
    }
    hx_check_value(check, VALUE_AVAILABLE, (double)host.available_bytes);
    hx_check_value(check, VALUE_TOTAL, (double)host.total_bytes);
    if (group.total_bytes > 0) {
        hx_check_value(check, VALUE_CGROUP_AVAILABLE, (double)group.available_bytes);
    }
    if (!fails(check, "host", &host) &&
        (group.total_bytes == 0 || !fails(check, "control group", &group))) {
        hx_check_pass(check);
    }
}

static void cancel(struct hx_check *check)
{
    (void)check;
}

const struct hx_kind hx_kind_memory = {
    .name = "memory",
    .summary = "available memory of this host and below the limit of the own control group",
    .schemes = (const char *const[]){"memory", NULL},
    .examples = (const char *const[]){"memory:", NULL},
    .options = options,
    .reasons = reasons,
    .values = values,
    .settings_size = sizeof(struct settings),
    .prepare = prepare,
    .start = start,
    .cancel = cancel,
};
