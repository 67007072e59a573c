/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between those who log and the one thread that writes.
 *
 * Happy path: hx_log_write() makes the line on its own stack, takes the lock to copy it into a
 * slot, and wakes the writer. The writer copies lines out under the lock until a chunk is full, and
 * writes the chunk outside of it.
 *
 * Failure modes: the ring is full: the line is dropped and counted, and the count goes into the
 * next slot that is filled, so that the notice stands where the lines are missing; when no line
 * follows, the writer says it after the last one. The reader is gone: what was meant for it is
 * counted as dropped. The reader is stuck when the log ends: after 500 ms the rest is left.
 *
 * Memory: hx_log_new() allocates, hx_log_free() joins the writer and frees.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_sink.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_SLOTS         512
#define FLUSH_NS        (500 * HX_NS_PER_MS)
#define POLL_MS         50 /* how soon a writer with a stuck reader sees that the log ends */
#define NOTICE_MAX_SIZE 128

struct slot {
    uint64_t lost_before; /* lines dropped between the slot before and this one */
    size_t len;
    char text[HX_LOG_LINE_SIZE];
};

struct hx_log {
    enum hx_log_level level;
    enum hx_log_format format;
    struct hx_log_sink sink;
    pthread_t writer;
    _Atomic uint64_t dropped;
    _Atomic int64_t give_up_ns; /* on the monotonic clock; 0: the log goes on */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    size_t first;
    size_t n;
    uint64_t lost;  /* dropped since the last slot was filled */
    bool is_broken; /* the last chunk could not be written */
    struct slot slots[N_SLOTS];
};

/* What the writer took out of the ring. */
struct chunk {
    size_t len;
    uint64_t n_lines;
    uint64_t n_lost; /* told of in its notices */
    char bytes[HX_LOG_SINK_CHUNK];
};

static void put_notice(const struct hx_log *log, struct chunk *chunk, uint64_t n_lost)
{
    char line[HX_LOG_LINE_SIZE];
    const struct hx_log_field lines = HX_LOG_INT("lines", (int64_t)n_lost);
    const struct hx_log_entry entry = {.level = HX_LOG_WARN,
                                       .wall_ns = hx_clock_wall_ns(),
                                       .message = "log lines dropped",
                                       .fields = &lines,
                                       .n_fields = 1};
    size_t len = hx_log_line(line, log->format, &entry);
    memcpy(chunk->bytes + chunk->len, line, len);
    chunk->len += len;
    chunk->n_lost += n_lost;
}

static void take_slot(struct hx_log *log, struct chunk *chunk)
{
    const struct slot *slot = &log->slots[log->first];
    if (slot->lost_before > 0) {
        put_notice(log, chunk, slot->lost_before);
    }
    memcpy(chunk->bytes + chunk->len, slot->text, slot->len);
    chunk->len += slot->len;
    chunk->n_lines++;
    log->first = (log->first + 1) % N_SLOTS;
    log->n--;
}

/* Something to say although no line is left: not to a reader that is gone, or it would never end.
 */
static bool has_last_word(const struct hx_log *log)
{
    return log->n == 0 && log->lost > 0 && !log->is_broken;
}

/* Fills the chunk, waiting for a line; false when the log has ended and nothing is left. */
static bool take_chunk(struct hx_log *log, struct chunk *chunk)
{
    chunk->len = 0;
    chunk->n_lines = 0;
    chunk->n_lost = 0;
    pthread_mutex_lock(&log->lock);
    while (log->n == 0 && !has_last_word(log) && atomic_load(&log->give_up_ns) == 0) {
        pthread_cond_wait(&log->wake, &log->lock);
    }
    while (log->n > 0 &&
           chunk->len + NOTICE_MAX_SIZE + log->slots[log->first].len <= sizeof chunk->bytes) {
        take_slot(log, chunk);
    }
    if (has_last_word(log) && chunk->len + NOTICE_MAX_SIZE <= sizeof chunk->bytes) {
        put_notice(log, chunk, log->lost);
        log->lost = 0;
    }
    pthread_mutex_unlock(&log->lock);
    return chunk->len > 0;
}

static bool is_time_up(const struct hx_log *log)
{
    int64_t give_up_ns = atomic_load(&log->give_up_ns);
    return give_up_ns != 0 && hx_clock_monotonic_ns() >= give_up_ns;
}

static bool write_chunk(const struct hx_log *log, const struct chunk *chunk)
{
    size_t written = 0;
    while (written < chunk->len) {
        ssize_t n =
            hx_log_sink_write(&log->sink, chunk->bytes + written, chunk->len - written, POLL_MS);
        if (n < 0) {
            return false;
        }
        written += (size_t)n;
        if (written < chunk->len && is_time_up(log)) {
            return false;
        }
    }
    return true;
}

static void *run_writer(void *argument)
{
    struct hx_log *log = argument;
    struct chunk chunk;
    while (take_chunk(log, &chunk)) {
        bool is_written = write_chunk(log, &chunk);
        pthread_mutex_lock(&log->lock);
        log->is_broken = !is_written;
        if (!is_written) {
            log->lost += chunk.n_lines + chunk.n_lost;
            atomic_fetch_add(&log->dropped, chunk.n_lines);
        }
        pthread_mutex_unlock(&log->lock);
        if (is_time_up(log)) {
            break;
        }
    }
    return NULL;
}

/* The writer takes no signals: they are the program's, and SIGPIPE must not end it. */
static int start_writer(struct hx_log *log)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&log->writer, NULL, run_writer, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

struct hx_log *hx_log_new(int fd, enum hx_log_level level, enum hx_log_format format)
{
    struct hx_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    log->level = level;
    log->format = format;
    /* With default attributes these two cannot fail on Linux. */
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, NULL);
    hx_log_sink_init(&log->sink, fd);
    if (start_writer(log) != 0) {
        hx_log_sink_fini(&log->sink);
        pthread_cond_destroy(&log->wake);
        pthread_mutex_destroy(&log->lock);
        free(log);
        return NULL;
    }
    return log;
}

void hx_log_free(struct hx_log *log)
{
    if (log == NULL) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    atomic_store(&log->give_up_ns, hx_clock_monotonic_ns() + FLUSH_NS);
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->writer, NULL);
    hx_log_sink_fini(&log->sink);
    pthread_cond_destroy(&log->wake);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

bool hx_log_enabled(const struct hx_log *log, enum hx_log_level level)
{
    return log != NULL && level >= log->level;
}

void hx_log_write(struct hx_log *log, enum hx_log_level level, const char *message,
                  const struct hx_log_field *fields, size_t n_fields)
{
    if (!hx_log_enabled(log, level)) {
        return;
    }
    char line[HX_LOG_LINE_SIZE];
    const struct hx_log_entry entry = {.level = level,
                                       .wall_ns = hx_clock_wall_ns(),
                                       .message = message,
                                       .fields = fields,
                                       .n_fields = n_fields};
    size_t len = hx_log_line(line, log->format, &entry);
    pthread_mutex_lock(&log->lock);
    if (log->n == N_SLOTS) {
        log->lost++;
        atomic_fetch_add(&log->dropped, 1);
    } else {
        struct slot *slot = &log->slots[(log->first + log->n) % N_SLOTS];
        memcpy(slot->text, line, len);
        slot->len = len;
        slot->lost_before = log->lost;
        log->lost = 0;
        log->n++;
        pthread_cond_signal(&log->wake);
    }
    pthread_mutex_unlock(&log->lock);
}

uint64_t hx_log_dropped(const struct hx_log *log)
{
    return log != NULL ? atomic_load(&log->dropped) : 0;
}
