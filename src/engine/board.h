/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: the border between the engine, which writes, and everything that reads. It holds the
 * current generation (the records of one configuration), the engines' heartbeat, and what the
 * operator wants (draining). Readers hold a generation while they render; it is freed when the last
 * of them lets go.
 */
#ifndef HX_ENGINE_BOARD_H
#define HX_ENGINE_BOARD_H

#include "base/shard.h"
#include "engine/record.h"
#include "health_exporter/exporter.h"
#include "metrics/exposition.h"

#include <pthread.h>
#include <stdatomic.h>

/* The dependencies of one configuration, in its order. Immutable. */
struct hx_generation {
    atomic_int references;
    size_t n;
    struct hx_record **records;          /* each held */
    size_t *by_name;                     /* indexes, sorted by name */
    struct hx_record **startup_requires; /* those that must have passed once; borrowed, or NULL */
    size_t n_startup_requires;
    int64_t loaded_wall_ns;
    char *service_name, *service_version, *service_commit; /* NULL: not told */
};

/* Takes the references in records, also when it fails; the array is copied. startup_requires:
 * names, may be NULL; all must be there. */
enum hx_errcode hx_generation_new(struct hx_record *const *records, size_t n,
                                  const struct hx_strings *startup_requires,
                                  struct hx_generation **generation,
                                  struct hx_error *err) HX_MUST_CHECK;
void hx_generation_release(struct hx_generation *generation);

/* Says what service it is of; the texts are copied and may be NULL. Before it is published. */
enum hx_errcode hx_generation_describe(struct hx_generation *generation, const char *name,
                                       const char *version, const char *commit,
                                       struct hx_error *err) HX_MUST_CHECK;

/* The place of the dependency of that name; SIZE_MAX when there is none. */
size_t hx_generation_index(const struct hx_generation *generation, const char *name);

/* The record of that name, borrowed from the generation; NULL when there is none. */
struct hx_record *hx_generation_find(const struct hx_generation *generation, const char *name);

/* Who wants maintenance; it lasts while any of them does. */
enum hx_maintenance_source {
    HX_MAINTENANCE_MANUAL, /* POST /-/maintenance */
    HX_MAINTENANCE_FILE,   /* a file that is there */
    HX_MAINTENANCE_WINDOW, /* planned in the configuration */
};
#define HX_N_MAINTENANCE_SOURCES (HX_MAINTENANCE_WINDOW + 1)

struct hx_maintenance {
    bool is_on;
    int64_t until_ns;      /* monotonic; INT64_MAX: until it is ended */
    int64_t until_wall_ns; /* the same for people; 0: open */
    char reason[160];      /* UTF-8, public; may be empty */
};

struct hx_board {
    pthread_mutex_t lock; /* guards the next two only; never held while anything is done */
    struct hx_generation *generation;
    struct hx_maintenance maintenance[HX_N_MAINTENANCE_SOURCES];
    _Atomic uint64_t version;         /* grows with each published status */
    _Atomic uint64_t verdict_version; /* grows with each change of a state, start or drain */
    size_t n_engines;                 /* that write here; set before the first of them starts */
    _Atomic int64_t
        beats_ns[HX_MAX_ENGINE_THREADS]; /* the last turn of each, monotonic; 0: none yet */
    _Atomic int64_t heartbeat_ns;        /* the oldest of them; 0: not started */
    _Atomic size_t n_first_rounds;       /* that engines have done */
    _Atomic bool is_first_round_done;    /* by all */
    _Atomic bool is_draining;
    _Atomic int64_t liveness_grace_ns; /* a reload may change it */
    int64_t started_wall_ns;
    struct hx_shard shard; /* what this process is; set before it starts */
};

enum hx_errcode hx_board_init(struct hx_board *board, struct hx_error *err) HX_MUST_CHECK;
void hx_board_fini(struct hx_board *board);

/* An engine has turned. */
void hx_board_beat(struct hx_board *board, size_t engine, int64_t now_ns);

/* An engine has done its first round; once for each. True for the last of them: all have. */
bool hx_board_end_first_round(struct hx_board *board);

/* Publishes a generation (takes the reference); any thread. */
void hx_board_set(struct hx_board *board, struct hx_generation *generation);

/* The current generation, held for the caller; NULL before the first. Any thread. */
struct hx_generation *hx_board_hold(struct hx_board *board);

/* Tells readers that prepared bodies are out of date; is_verdict when a state, the first round or
 * draining changed, so that even a body a moment old would be wrong. Any thread. */
void hx_board_changed(struct hx_board *board, bool is_verdict);

/* Begins (is_on) or ends maintenance for one source; any thread but the engine's. */
void hx_board_set_maintenance(struct hx_board *board, enum hx_maintenance_source source,
                              const struct hx_maintenance *maintenance);

/* What one source wants, or wanted: it may be over. */
struct hx_maintenance hx_board_maintenance_of(struct hx_board *board,
                                              enum hx_maintenance_source source);

/* The maintenance that is on at now_ns, of the source that wants it longest; is_on false: none. */
struct hx_maintenance hx_board_maintenance(struct hx_board *board, int64_t now_ns);

/* ---- the verdicts: pure functions of what is on the board and the moment ---- */

enum hx_readiness {
    HX_READY_UP,
    HX_READY_DEGRADED,
    HX_READY_DOWN,
    HX_READY_STARTING,
    HX_READY_MAINTENANCE,
    HX_READY_DRAINING
};

struct hx_verdict {
    bool is_live;
    int64_t stalled_ns; /* age of the heartbeat */
    bool is_started;
    enum hx_readiness readiness;       /* the later ones of the enum win over the earlier */
    struct hx_maintenance maintenance; /* is_on: also when readiness is draining */
    int64_t valid_until_ns; /* the earliest moment at which time alone changes the verdict */
};

const char *hx_readiness_text(enum hx_readiness readiness); /* "up", "degraded", ... */
bool hx_readiness_is_ready(enum hx_readiness readiness);    /* up or degraded */

void hx_board_verdict(struct hx_board *board, const struct hx_generation *generation,
                      int64_t now_ns, struct hx_verdict *verdict);

/* The same with some dependencies left out of readiness: is_left_out has one element for each of
 * the generation's, or is NULL. What is the service's own stays: its start, maintenance, draining.
 */
void hx_board_verdict_without(struct hx_board *board, const struct hx_generation *generation,
                              const bool *is_left_out, int64_t now_ns, struct hx_verdict *verdict);

/* Liveness alone, without looking at a dependency. */
bool hx_board_is_live(const struct hx_board *board, int64_t now_ns, int64_t *stalled_ns);

/* ---- the families of the dependencies and of the service ---- */

/* One moment's view for the exposition; the generation must be held while it is used. */
struct hx_board_view {
    struct hx_board *board;
    const struct hx_generation *generation;
    int64_t now_ns;
    struct hx_verdict verdict;
};

void hx_board_view_init(struct hx_board_view *view, struct hx_board *board,
                        const struct hx_generation *generation);
struct hx_collector hx_board_collector(const struct hx_board_view *view);

#endif
