/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record: what the world may know of one dependency. The engine is its only writer; web threads
 * read it without ever making the engine wait.
 *
 * Two parts: counters and the histogram are atomics of their own; the status is a block that is
 * written as a whole under a sequence counter, so that a reader sees the result of one check and
 * not of two. Each field of the block is one 64-bit atomic word, so that the exposition can also
 * read a single field of ten thousand records without copying them.
 */
#ifndef HX_ENGINE_RECORD_H
#define HX_ENGINE_RECORD_H

#include "engine/bounds.h"
#include "engine/history.h"
#include "health_exporter/check.h"
#include "metrics/histogram.h"

#include <stdatomic.h>
#include <stddef.h>

#define HX_MAX_VALUES 8

/* All fields are 8 bytes wide. Times: *_ns monotonic, *_wall_ns since 1970; 0: never. */
struct hx_status {
    int64_t state;  /* enum hx_state, as the engine saw it; see hx_status_state() */
    int64_t reason; /* enum hx_reason of the last failed check while not up */
    int64_t has_result;
    int64_t fresh_until_ns; /* after this the result counts for nothing */
    int64_t is_last_pass;
    int64_t duration_ns; /* of the last check */
    int64_t since_wall_ns;
    int64_t last_run_wall_ns;
    int64_t last_success_wall_ns;
    int64_t next_run_wall_ns;
    int64_t failures_in_row;
    int64_t has_ever_passed;
    int64_t is_breaker_open;
    int64_t certificate_expiry; /* Unix seconds, 0: none seen */
    int64_t check_id;
    int64_t phase_set;              /* bit per enum hx_phase that was reached */
    int64_t phases_ns[HX_N_PHASES]; /* of the last check */
    int64_t value_set;              /* bit per value known */
    double values[HX_MAX_VALUES];
    char message[208]; /* of the last failed check while it is the last; a multiple of 8 */
};

enum hx_skip_cause { HX_SKIP_BUSY, HX_SKIP_CAPACITY, HX_SKIP_LATE, HX_SKIP_BREAKER };
#define HX_N_SKIP_CAUSES (HX_SKIP_BREAKER + 1)

struct hx_record {
    atomic_int references;
    char *labels;      /* dependency="name", escaped */
    char *info_labels; /* kind="...",critical="..." and so on, escaped */
    size_t labels_len, info_labels_len;
    _Atomic uint64_t transitions;
    _Atomic uint64_t skipped[HX_N_SKIP_CAUSES];
    _Atomic uint64_t failures[HX_N_REASONS];
    int64_t added_ns;         /* monotonic: when it was made */
    uint32_t reason_set;      /* the reasons whose series this record shows */
    struct hx_bounds *bounds; /* of the durations, when the configuration says which; shared */

    /* What the engine needs at each result stands together. */
    struct hx_dependency *dependency; /* owned by the record */
    struct hx_history *history;       /* NULL: not kept */
    struct hx_histogram durations;    /* of its own; observed by the engine */
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[sizeof(struct hx_status) / 8];
};

/* Takes the dependency: it is freed with the record, also when this fails. */
enum hx_errcode hx_record_new(struct hx_dependency *dependency, struct hx_record **record,
                              struct hx_error *err) HX_MUST_CHECK;
/* The same with the table of buckets of its twin, whose dependency has the same buckets; NULL: a
 * table of its own. */
enum hx_errcode hx_record_new_beside(const struct hx_record *twin, struct hx_dependency *dependency,
                                     struct hx_record **record, struct hx_error *err) HX_MUST_CHECK;
/* Keeps native buckets of the durations too, 1.3 kB. Before the record is published; does nothing
 * when it has them. */
enum hx_errcode hx_record_enable_native(struct hx_record *record,
                                        struct hx_error *err) HX_MUST_CHECK;
/* Keeps a history too, 0.9 kB, under the same conditions. */
enum hx_errcode hx_record_enable_history(struct hx_record *record,
                                         const struct hx_history_scale *scale,
                                         struct hx_error *err) HX_MUST_CHECK;
struct hx_record *hx_record_hold(struct hx_record *record);
void hx_record_release(struct hx_record *record);

/* Engine thread only. */
void hx_record_publish(struct hx_record *record, const struct hx_status *status);

/* A consistent copy; any thread. */
void hx_record_read(const struct hx_record *record, struct hx_status *status);

/* Some words of it that belong together, consistently: those of fields first to last. Cheaper than
 * the whole when a page asks ten thousand records for a little. */
void hx_record_read_part(const struct hx_record *record, size_t offset, size_t size, void *part);
#define HX_RECORD_READ_PART(record, first, last, status)                            \
    hx_record_read_part((record), offsetof(struct hx_status, first),                \
                        offsetof(struct hx_status, last) + sizeof((status)->last) - \
                            offsetof(struct hx_status, first),                      \
                        &(status)->first)

/* What is to be believed at the moment now_ns (monotonic): the state, or unknown with reason stale
 * when the result has outlived its time, whatever the engine is doing. */
enum hx_state hx_status_state(const struct hx_status *status, int64_t now_ns,
                              enum hx_reason *reason);
enum hx_state hx_record_state(const struct hx_record *record, int64_t now_ns);

/* One field of the status by itself: HX_RECORD_FIELD(record, duration_ns). */
int64_t hx_record_word(const struct hx_record *record, size_t offset);
#define HX_RECORD_FIELD(record, field) hx_record_word((record), offsetof(struct hx_status, field))

#endif
