/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records. The status is guarded by a sequence counter: the writer makes it odd, writes the words,
 * makes it even; a reader that saw it odd, or changed, reads again. The writer never waits, and a
 * reader waits at most for a few hundred nanoseconds of writing. Every word is an atomic of its
 * own, so there is no data race in the sense of C11 (Boehm, "Can seqlocks get along with
 * programming language memory models?", 2012).
 */
#include "engine/record.h"

#include "base/clock.h"
#include "base/option.h"
#include "metrics/exposition.h"
#include "metrics/native.h"

#include <stdlib.h>
#include <string.h>

#define N_WORDS (sizeof(struct hx_status) / 8)

_Static_assert(sizeof(struct hx_status) % 8 == 0, "the status is whole words");

static uint32_t reasons_of(const struct hx_kind *kind)
{
    uint32_t set = 1U << HX_REASON_TIMEOUT | 1U << HX_REASON_INTERNAL;
    for (const enum hx_reason *r = kind->reasons; r != NULL && *r != HX_REASON_NONE; r++)
        set |= 1U << *r;
    return set;
}

static char *info_labels_of(const struct hx_dependency *dependency)
{
    struct hx_strbuf tags;
    hx_strbuf_init(&tags);
    for (size_t i = 0; i < dependency->policy.tags.n; i++) {
        if (i > 0)
            hx_strbuf_putc(&tags, ',');
        hx_strbuf_puts(&tags, dependency->policy.tags.items[i]);
    }
    const char *labels[] = {
        "kind", dependency->kind->name, "critical", dependency->policy.critical ? "true" : "false",
        "tags", hx_strbuf_text(&tags),  NULL};
    char *text = tags.is_failed ? NULL : hx_labels_format(labels);
    hx_strbuf_fini(&tags);
    return text;
}

/* The histogram of durations, over the usual buckets or those of the configuration. */
static bool make_durations(struct hx_record *record, const struct hx_record *twin)
{
    const struct hx_durations *buckets = &record->dependency->policy.buckets;
    record->durations.buckets = &hx_duration_buckets;
    if (buckets->n > 0) {
        record->bounds = twin != NULL ? hx_bounds_hold(twin->bounds) : hx_bounds_new(buckets);
        if (record->bounds == NULL)
            return false;
        record->durations.buckets = record->bounds->buckets;
    }
    record->durations.cells = calloc(1, hx_cells_size(record->durations.buckets));
    return record->durations.cells != NULL;
}

enum hx_errcode hx_record_new(struct hx_dependency *dependency, struct hx_record **record,
                              struct hx_error *err)
{
    return hx_record_new_beside(NULL, dependency, record, err);
}

enum hx_errcode hx_record_new_beside(const struct hx_record *twin, struct hx_dependency *dependency,
                                     struct hx_record **record, struct hx_error *err)
{
    struct hx_record *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        hx_dependency_free(dependency);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    atomic_init(&r->references, 1);
    r->dependency = dependency;
    r->added_ns = hx_clock_monotonic_ns();
    r->reason_set = reasons_of(dependency->kind);
    r->labels = hx_labels_format((const char *const[]){"dependency", dependency->name, NULL});
    r->info_labels = info_labels_of(dependency);
    if (r->labels == NULL || r->info_labels == NULL || !make_durations(r, twin)) {
        hx_record_release(r);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    r->labels_len = strlen(r->labels);
    r->info_labels_len = strlen(r->info_labels);
    *record = r;
    return HX_OK;
}

enum hx_errcode hx_record_enable_native(struct hx_record *record, struct hx_error *err)
{
    if (record->durations.native == NULL)
        record->durations.native = hx_native_new();
    return record->durations.native != NULL ? HX_OK
                                            : hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

enum hx_errcode hx_record_enable_history(struct hx_record *record,
                                         const struct hx_history_scale *scale, struct hx_error *err)
{
    if (record->history == NULL)
        record->history = hx_history_new(scale);
    return record->history != NULL ? HX_OK : hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

struct hx_record *hx_record_hold(struct hx_record *record)
{
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void hx_record_release(struct hx_record *record)
{
    if (record == NULL ||
        atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) != 1)
        return;
    hx_dependency_free(record->dependency);
    free(record->labels);
    free(record->info_labels);
    free(record->durations.cells);
    free(record->durations.native);
    hx_bounds_release(record->bounds);
    hx_history_free(record->history);
    free(record);
}

/* How many words are to be written: those of the message, the last, only when it says something or
 * did so before. */
static size_t n_to_write(const struct hx_record *record, const struct hx_status *status)
{
    size_t n = offsetof(struct hx_status, message) / 8;
    bool has_had_message = atomic_load_explicit(&record->words[n], memory_order_relaxed) != 0;
    return has_had_message || status->message[0] != '\0' ? N_WORDS : n;
}

void hx_record_publish(struct hx_record *record, const struct hx_status *status)
{
    uint64_t words[N_WORDS];
    size_t n = n_to_write(record, status);
    memcpy(words, status, n * sizeof(words[0]));
    uint64_t sequence = atomic_load_explicit(&record->sequence, memory_order_relaxed);
    atomic_store_explicit(&record->sequence, sequence + 1, memory_order_relaxed);
    /* Each word is stored with release, which keeps it behind the odd sequence number; on x86 that
     * costs nothing, and ThreadSanitizer understands it, which it does not of fences. */
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&record->words[i], words[i], memory_order_release);
    atomic_store_explicit(&record->sequence, sequence + 2, memory_order_release);
}

void hx_record_read_part(const struct hx_record *record, size_t offset, size_t size, void *part)
{
    uint64_t words[N_WORDS];
    size_t first = offset / 8, n = size / 8;
    uint64_t before, after;
    do {
        before = atomic_load_explicit(&record->sequence, memory_order_acquire);
        for (size_t i = 0; i < n; i++)
            words[i] = atomic_load_explicit(&record->words[first + i], memory_order_acquire);
        after = atomic_load_explicit(&record->sequence, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
    memcpy(part, words, size);
}

void hx_record_read(const struct hx_record *record, struct hx_status *status)
{
    hx_record_read_part(record, 0, sizeof(*status), status);
}

static enum hx_state state_at(int64_t state, int64_t has_result, int64_t fresh_until_ns,
                              int64_t now_ns, bool *is_stale)
{
    *is_stale = has_result != 0 && now_ns > fresh_until_ns;
    return *is_stale ? HX_STATE_UNKNOWN : (enum hx_state)state;
}

enum hx_state hx_status_state(const struct hx_status *status, int64_t now_ns,
                              enum hx_reason *reason)
{
    bool is_stale;
    enum hx_state state =
        state_at(status->state, status->has_result, status->fresh_until_ns, now_ns, &is_stale);
    if (reason != NULL)
        *reason = is_stale ? HX_REASON_STALE : (enum hx_reason)status->reason;
    return state;
}

int64_t hx_record_word(const struct hx_record *record, size_t offset)
{
    return (int64_t)atomic_load_explicit(&record->words[offset / 8], memory_order_relaxed);
}

enum hx_state hx_record_state(const struct hx_record *record, int64_t now_ns)
{
    struct hx_status status;
    HX_RECORD_READ_PART(record, state, fresh_until_ns, &status);
    return hx_status_state(&status, now_ns, NULL);
}
