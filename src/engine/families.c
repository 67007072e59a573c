/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of the service and of its dependencies, read from the board when a page is written.
 * One table says name, help, type and how a record's sample is made; the order of the table is the
 * order of the page.
 */
#include "engine/board.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* How many members ahead a record is fetched, and then what it points to. */
#define FAR  8
#define NEAR 4

typedef void (*sample_fn)(const struct hx_board_view *view, const struct hx_record *record,
                          struct hx_samples *out);

/* ---- the service: record is NULL ---- */

static void sample_live(const struct hx_board_view *view, const struct hx_record *record,
                        struct hx_samples *out)
{
    (void)record;
    hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS, view->verdict.is_live);
}

static void sample_ready(const struct hx_board_view *view, const struct hx_record *record,
                         struct hx_samples *out)
{
    (void)record;
    hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS,
                     hx_readiness_is_ready(view->verdict.readiness));
}

static void sample_started(const struct hx_board_view *view, const struct hx_record *record,
                           struct hx_samples *out)
{
    (void)record;
    hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS, view->verdict.is_started);
}

static void sample_service_degraded(const struct hx_board_view *view,
                                    const struct hx_record *record, struct hx_samples *out)
{
    (void)record;
    hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS, view->verdict.readiness == HX_READY_DEGRADED);
}

static void sample_maintenance(const struct hx_board_view *view, const struct hx_record *record,
                               struct hx_samples *out)
{
    (void)record;
    hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS, view->verdict.maintenance.is_on);
}

/* ---- a dependency ---- */

static struct hx_labels labels_of(const struct hx_record *record)
{
    return (struct hx_labels){record->labels, record->labels_len};
}

static void sample_status(const struct hx_board_view *view, const struct hx_record *record,
                          struct hx_samples *out)
{
    enum hx_state state = hx_record_state(record, view->now_ns);
    hx_samples_gauge(out, labels_of(record), HX_NO_LABELS,
                     state == HX_STATE_UP || state == HX_STATE_DEGRADED);
}

static void sample_degraded(const struct hx_board_view *view, const struct hx_record *record,
                            struct hx_samples *out)
{
    enum hx_state state = hx_record_state(record, view->now_ns);
    hx_samples_gauge(out, labels_of(record), HX_NO_LABELS, state == HX_STATE_DEGRADED);
}

static void sample_stale(const struct hx_board_view *view, const struct hx_record *record,
                         struct hx_samples *out)
{
    struct hx_status status;
    enum hx_reason reason;
    HX_RECORD_READ_PART(record, state, fresh_until_ns, &status);
    hx_status_state(&status, view->now_ns, &reason);
    hx_samples_gauge(out, labels_of(record), HX_NO_LABELS, reason == HX_REASON_STALE);
}

static void sample_last_result(const struct hx_board_view *view, const struct hx_record *record,
                               struct hx_samples *out)
{
    (void)view;
    if (HX_RECORD_FIELD(record, has_result))
        hx_samples_gauge(out, labels_of(record), HX_NO_LABELS,
                         (double)HX_RECORD_FIELD(record, is_last_pass));
}

static void sample_duration(const struct hx_board_view *view, const struct hx_record *record,
                            struct hx_samples *out)
{
    (void)view;
    hx_samples_histogram(out, labels_of(record), &record->durations);
}

static void sample_failures(const struct hx_board_view *view, const struct hx_record *record,
                            struct hx_samples *out)
{
    (void)view;
    static const struct hx_labels labels[HX_N_REASONS] = {
#define X(name, text) \
    [HX_REASON_##name] = {"reason=\"" text "\"", sizeof("reason=\"" text "\"") - 1},
        HX_REASON_MAP(X)
#undef X
    };
    for (size_t reason = HX_REASON_NONE + 1; reason < HX_N_REASONS; reason++) {
        uint64_t count = atomic_load_explicit(&record->failures[reason], memory_order_relaxed);
        if ((record->reason_set & 1U << reason) != 0 || count > 0)
            hx_samples_counter(out, labels_of(record), labels[reason], count);
    }
}

static void sample_phases(const struct hx_board_view *view, const struct hx_record *record,
                          struct hx_samples *out)
{
    (void)view;
    static const struct hx_labels labels[HX_N_PHASES] = {
#define X(name, text) [HX_PHASE_##name] = {"phase=\"" text "\"", sizeof("phase=\"" text "\"") - 1},
        HX_PHASE_MAP(X)
#undef X
    };
    struct hx_status status;
    HX_RECORD_READ_PART(record, phase_set, phases_ns, &status);
    for (size_t phase = 0; phase < HX_N_PHASES; phase++) {
        if ((status.phase_set & INT64_C(1) << phase) != 0)
            hx_samples_gauge_nano(out, labels_of(record), labels[phase], status.phases_ns[phase]);
    }
}

static void sample_consecutive_failures(const struct hx_board_view *view,
                                        const struct hx_record *record, struct hx_samples *out)
{
    (void)view;
    hx_samples_gauge(out, labels_of(record), HX_NO_LABELS,
                     (double)HX_RECORD_FIELD(record, failures_in_row));
}

static void sample_transitions(const struct hx_board_view *view, const struct hx_record *record,
                               struct hx_samples *out)
{
    (void)view;
    hx_samples_counter(out, labels_of(record), HX_NO_LABELS,
                       atomic_load_explicit(&record->transitions, memory_order_relaxed));
}

static void sample_skipped(const struct hx_board_view *view, const struct hx_record *record,
                           struct hx_samples *out)
{
    (void)view;
    static const struct hx_labels labels[HX_N_SKIP_CAUSES] = {
        [HX_SKIP_BUSY] = {"cause=\"busy\"", sizeof("cause=\"busy\"") - 1},
        [HX_SKIP_CAPACITY] = {"cause=\"capacity\"", sizeof("cause=\"capacity\"") - 1},
        [HX_SKIP_LATE] = {"cause=\"late\"", sizeof("cause=\"late\"") - 1},
        [HX_SKIP_BREAKER] = {"cause=\"breaker\"", sizeof("cause=\"breaker\"") - 1},
    };
    for (size_t cause = 0; cause < HX_N_SKIP_CAUSES; cause++)
        hx_samples_counter(out, labels_of(record), labels[cause],
                           atomic_load_explicit(&record->skipped[cause], memory_order_relaxed));
}

static void sample_last_run(const struct hx_board_view *view, const struct hx_record *record,
                            struct hx_samples *out)
{
    (void)view;
    int64_t at = HX_RECORD_FIELD(record, last_run_wall_ns);
    if (at != 0)
        hx_samples_gauge_nano(out, labels_of(record), HX_NO_LABELS, at);
}

static void sample_last_success(const struct hx_board_view *view, const struct hx_record *record,
                                struct hx_samples *out)
{
    (void)view;
    int64_t at = HX_RECORD_FIELD(record, last_success_wall_ns);
    if (at != 0)
        hx_samples_gauge_nano(out, labels_of(record), HX_NO_LABELS, at);
}

static void sample_breaker(const struct hx_board_view *view, const struct hx_record *record,
                           struct hx_samples *out)
{
    (void)view;
    hx_samples_gauge(out, labels_of(record), HX_NO_LABELS,
                     (double)HX_RECORD_FIELD(record, is_breaker_open));
}

static void sample_certificate(const struct hx_board_view *view, const struct hx_record *record,
                               struct hx_samples *out)
{
    (void)view;
    int64_t expiry = HX_RECORD_FIELD(record, certificate_expiry);
    if (expiry != 0)
        hx_samples_gauge(out, labels_of(record), HX_NO_LABELS, (double)expiry);
}

static void sample_values(const struct hx_board_view *view, const struct hx_record *record,
                          struct hx_samples *out)
{
    (void)view;
    const char *const *names = record->dependency->kind->values;
    struct hx_status status;
    if (names == NULL)
        return;
    HX_RECORD_READ_PART(record, value_set, values, &status);
    for (size_t i = 0; i < HX_MAX_VALUES && names[i] != NULL; i++) {
        char label[64];
        if ((status.value_set & INT64_C(1) << i) == 0)
            continue;
        snprintf(label, sizeof(label), "value=\"%s\"", names[i]);
        hx_samples_gauge(out, labels_of(record), hx_labels_of(label), status.values[i]);
    }
}

static void sample_info(const struct hx_board_view *view, const struct hx_record *record,
                        struct hx_samples *out)
{
    (void)view;
    struct hx_labels info = {record->info_labels, record->info_labels_len};
    hx_samples_gauge(out, labels_of(record), info, 1);
}

static void sample_interval(const struct hx_board_view *view, const struct hx_record *record,
                            struct hx_samples *out)
{
    (void)view;
    hx_samples_gauge_nano(out, labels_of(record), HX_NO_LABELS,
                          record->dependency->policy.interval_ns);
}

static void sample_timeout(const struct hx_board_view *view, const struct hx_record *record,
                           struct hx_samples *out)
{
    (void)view;
    hx_samples_gauge_nano(out, labels_of(record), HX_NO_LABELS,
                          record->dependency->policy.timeout_ns);
}

struct board_family {
    struct hx_family family;
    sample_fn sample;
    bool is_service; /* one sample, no dependency */
};

#define SERVICE(name, help, fn)                 \
    {                                           \
        {name, help, HX_FAMILY_GAUGE}, fn, true \
    }
#define GAUGE(name, help, fn)                    \
    {                                            \
        {name, help, HX_FAMILY_GAUGE}, fn, false \
    }
#define COUNTER(name, help, fn)                    \
    {                                              \
        {name, help, HX_FAMILY_COUNTER}, fn, false \
    }
#define HISTOGRAM(name, help, fn)                    \
    {                                                \
        {name, help, HX_FAMILY_HISTOGRAM}, fn, false \
    }

static const struct board_family families[] = {
    SERVICE("health_service_live", "1 while the engine turns: what /livez answers.", sample_live),
    SERVICE("health_service_ready", "1 while the service is ready: what /readyz answers.",
            sample_ready),
    SERVICE("health_service_started",
            "1 once the first round of checks is done and what startup requires has passed.",
            sample_started),
    SERVICE("health_service_degraded", "1 while the service is ready but degraded.",
            sample_service_degraded),
    SERVICE("health_service_maintenance", "1 while the service is under maintenance.",
            sample_maintenance),
    GAUGE("health_check_status",
          "State of the dependency after thresholds: 1 up or degraded, 0 down or unknown.",
          sample_status),
    GAUGE("health_check_degraded", "1 while the dependency is degraded: it passes, but slowly.",
          sample_degraded),
    GAUGE("health_check_stale",
          "1 while the last result is too old to count; checks are run by the exporter's own "
          "schedule, not by the scrape.",
          sample_stale),
    GAUGE("health_check_last_result", "Outcome of the last check: 1 pass, 0 fail.",
          sample_last_result),
    HISTOGRAM("health_check_duration_seconds", "Duration of every check, failed ones too.",
              sample_duration),
    COUNTER("dependency_check_failures_total", "Failed checks by reason.", sample_failures),
    GAUGE("health_check_phase_duration_seconds",
          "Duration of the phases that the last check reached.", sample_phases),
    GAUGE("health_check_consecutive_failures", "Failed checks in a row.",
          sample_consecutive_failures),
    COUNTER("health_check_transitions_total", "Changes of the state since the first result.",
            sample_transitions),
    COUNTER("health_check_skipped_total", "Planned checks that were not run, by cause.",
            sample_skipped),
    GAUGE("health_check_last_run_timestamp_seconds", "When the last check ended.", sample_last_run),
    GAUGE("health_check_last_success_timestamp_seconds", "When the last check that passed ended.",
          sample_last_success),
    GAUGE("health_check_breaker_open",
          "1 while the dependency has failed so often that it is checked less and less.",
          sample_breaker),
    GAUGE("health_check_tls_certificate_expiry_timestamp_seconds",
          "Earliest expiry in the certificate chain that the dependency showed.",
          sample_certificate),
    GAUGE("health_check_value", "What the check read, by name; units stand in the name.",
          sample_values),
    GAUGE("health_check_info", "Configuration of the dependency.", sample_info),
    GAUGE("health_check_interval_seconds", "Configured time from check to check.", sample_interval),
    GAUGE("health_check_timeout_seconds", "Configured deadline of a check.", sample_timeout),
};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

static size_t n_families(const void *source)
{
    (void)source;
    return N_FAMILIES;
}

static const struct hx_family *family_at(const void *source, size_t family)
{
    (void)source;
    return &families[family].family;
}

static size_t n_members(const void *source, size_t family)
{
    const struct hx_board_view *view = source;
    if (families[family].is_service)
        return 1;
    return view->generation == NULL ? 0 : view->generation->n;
}

/* Ten thousand records do not stay in the processor's caches from family to family: those that come
 * next are asked for while this one is written. */
static const struct hx_record *record_at(const struct hx_generation *generation, size_t member)
{
    if (member + FAR < generation->n) {
        const struct hx_record *far = generation->records[member + FAR];
        __builtin_prefetch(&far->labels);
        __builtin_prefetch(&far->words);
        __builtin_prefetch(generation->records[member + NEAR]->labels);
    }
    return generation->records[member];
}

static void collect(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    const struct hx_board_view *view = source;
    const struct hx_record *record =
        families[family].is_service ? NULL : record_at(view->generation, member);
    families[family].sample(view, record, out);
}

void hx_board_view_init(struct hx_board_view *view, struct hx_board *board,
                        const struct hx_generation *generation)
{
    *view = (struct hx_board_view){
        .board = board, .generation = generation, .now_ns = hx_clock_monotonic_ns()};
    hx_board_verdict(board, generation, view->now_ns, &view->verdict);
}

struct hx_collector hx_board_collector(const struct hx_board_view *view)
{
    return (struct hx_collector){.source = view,
                                 .n_families = n_families,
                                 .family = family_at,
                                 .n_members = n_members,
                                 .collect = collect};
}
