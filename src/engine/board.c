/* SPDX-License-Identifier: Apache-2.0 */
/* Generations and the board that shows the current one. */
#include "engine/board.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b, void *records)
{
    struct hx_record *const *all = records;
    const size_t *left = a, *right = b;
    return strcmp(all[*left]->dependency->name, all[*right]->dependency->name);
}

static enum hx_errcode find_required(struct hx_generation *generation,
                                     const struct hx_strings *names, struct hx_error *err)
{
    if (names == NULL || names->n == 0)
        return HX_OK;
    generation->startup_requires = calloc(names->n, sizeof(*generation->startup_requires));
    if (generation->startup_requires == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < names->n; i++) {
        generation->startup_requires[i] = hx_generation_find(generation, names->items[i]);
        if (generation->startup_requires[i] == NULL)
            return hx_error_set(err, HX_ERR_NOTFOUND,
                                "startup_requires: no dependency named \"%s\"", names->items[i]);
    }
    generation->n_startup_requires = names->n;
    return HX_OK;
}

static enum hx_errcode fill(struct hx_generation *generation, const struct hx_strings *required,
                            struct hx_error *err)
{
    generation->by_name = calloc(generation->n + 1, sizeof(*generation->by_name));
    if (generation->by_name == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < generation->n; i++)
        generation->by_name[i] = i;
    qsort_r(generation->by_name, generation->n, sizeof(*generation->by_name), compare_names,
            generation->records);
    return find_required(generation, required, err);
}

enum hx_errcode hx_generation_new(struct hx_record *const *records, size_t n,
                                  const struct hx_strings *startup_requires,
                                  struct hx_generation **generation, struct hx_error *err)
{
    struct hx_generation *g = calloc(1, sizeof(*g));
    struct hx_record **copy = calloc(n + 1, sizeof(struct hx_record *));
    if (g == NULL || copy == NULL) {
        free(g);
        free(copy);
        for (size_t i = 0; i < n; i++)
            hx_record_release(records[i]);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    if (n > 0)
        memcpy(copy, records, n * sizeof(struct hx_record *));
    atomic_init(&g->references, 1);
    g->records = copy;
    g->n = n;
    g->loaded_wall_ns = hx_clock_wall_ns();
    enum hx_errcode code = fill(g, startup_requires, err);
    if (code != HX_OK) {
        hx_generation_release(g);
        return code;
    }
    *generation = g;
    return HX_OK;
}

void hx_generation_release(struct hx_generation *generation)
{
    if (generation == NULL ||
        atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < generation->n; i++)
        hx_record_release(generation->records[i]);
    free(generation->records);
    free(generation->by_name);
    free(generation->startup_requires);
    free(generation->service_name);
    free(generation->service_version);
    free(generation->service_commit);
    free(generation);
}

static bool copy_text(char **copy, const char *text)
{
    *copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *copy != NULL;
}

enum hx_errcode hx_generation_describe(struct hx_generation *generation, const char *name,
                                       const char *version, const char *commit,
                                       struct hx_error *err)
{
    bool is_copied = copy_text(&generation->service_name, name) &&
                     copy_text(&generation->service_version, version) &&
                     copy_text(&generation->service_commit, commit);
    return is_copied ? HX_OK : hx_error_set(err, HX_ERR_NOMEM, "out of memory");
}

size_t hx_generation_index(const struct hx_generation *generation, const char *name)
{
    size_t low = 0, high = generation->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t index = generation->by_name[middle];
        int order = strcmp(name, generation->records[index]->dependency->name);
        if (order == 0)
            return index;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

struct hx_record *hx_generation_find(const struct hx_generation *generation, const char *name)
{
    size_t index = hx_generation_index(generation, name);
    return index == SIZE_MAX ? NULL : generation->records[index];
}

enum hx_errcode hx_board_init(struct hx_board *board, struct hx_error *err)
{
    *board = (struct hx_board){.n_engines = 1,
                               .liveness_grace_ns = 15 * HX_NS_PER_S,
                               .started_wall_ns = hx_clock_wall_ns(),
                               .shard = {.ordinal = 0, .total = 1}};
    int error = pthread_mutex_init(&board->lock, NULL);
    if (error != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock: %s", strerror(error));
    return HX_OK;
}

void hx_board_fini(struct hx_board *board)
{
    hx_generation_release(board->generation);
    pthread_mutex_destroy(&board->lock);
    *board = (struct hx_board){0};
}

/* Of two engines at once the later may store the older moment: it stands until the next beat. It is
 * never too young, so that one engine cannot speak for another that is stuck. */
void hx_board_beat(struct hx_board *board, size_t engine, int64_t now_ns)
{
    int64_t oldest = now_ns;
    atomic_store_explicit(&board->beats_ns[engine], now_ns, memory_order_release);
    for (size_t i = 0; i < board->n_engines; i++) {
        int64_t beat = atomic_load_explicit(&board->beats_ns[i], memory_order_acquire);
        if (beat != 0 && beat < oldest)
            oldest = beat;
    }
    atomic_store_explicit(&board->heartbeat_ns, oldest, memory_order_release);
}

bool hx_board_end_first_round(struct hx_board *board)
{
    size_t before = atomic_fetch_add_explicit(&board->n_first_rounds, 1, memory_order_acq_rel);
    if (before + 1 < board->n_engines)
        return false;
    atomic_store_explicit(&board->is_first_round_done, true, memory_order_release);
    hx_board_changed(board, true);
    return true;
}

void hx_board_set(struct hx_board *board, struct hx_generation *generation)
{
    pthread_mutex_lock(&board->lock);
    struct hx_generation *old = board->generation;
    board->generation = generation;
    pthread_mutex_unlock(&board->lock);
    hx_generation_release(old);
    hx_board_changed(board, true);
}

struct hx_generation *hx_board_hold(struct hx_board *board)
{
    pthread_mutex_lock(&board->lock);
    struct hx_generation *generation = board->generation;
    if (generation != NULL)
        atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&board->lock);
    return generation;
}

void hx_board_set_maintenance(struct hx_board *board, enum hx_maintenance_source source,
                              const struct hx_maintenance *maintenance)
{
    pthread_mutex_lock(&board->lock);
    board->maintenance[source] = *maintenance;
    pthread_mutex_unlock(&board->lock);
    hx_board_changed(board, true);
}

struct hx_maintenance hx_board_maintenance_of(struct hx_board *board,
                                              enum hx_maintenance_source source)
{
    pthread_mutex_lock(&board->lock);
    struct hx_maintenance maintenance = board->maintenance[source];
    pthread_mutex_unlock(&board->lock);
    return maintenance;
}

struct hx_maintenance hx_board_maintenance(struct hx_board *board, int64_t now_ns)
{
    struct hx_maintenance longest = {0};
    pthread_mutex_lock(&board->lock);
    for (size_t source = 0; source < HX_N_MAINTENANCE_SOURCES; source++) {
        const struct hx_maintenance *wanted = &board->maintenance[source];
        bool is_on = wanted->is_on && wanted->until_ns > now_ns;
        if (is_on && (!longest.is_on || wanted->until_ns > longest.until_ns))
            longest = *wanted;
    }
    pthread_mutex_unlock(&board->lock);
    return longest;
}

void hx_board_changed(struct hx_board *board, bool is_verdict)
{
    if (is_verdict)
        atomic_fetch_add_explicit(&board->verdict_version, 1, memory_order_release);
    atomic_fetch_add_explicit(&board->version, 1, memory_order_release);
}
