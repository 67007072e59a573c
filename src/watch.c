/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a file: first its inode, size and times, and only when one differs its content. */
#include "watch.h"

#include "base/hash.h"
#include "config/file.h"

#include <stddef.h>

/* A configuration has 8 MiB at most. */
#define MAX_WATCHED ((size_t)8 * 1024 * 1024)

static struct stat look(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct stat){0};
    return status;
}

static bool times_equal(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool looks_the_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && times_equal(&a->st_mtim, &b->st_mtim) &&
           times_equal(&a->st_ctim, &b->st_ctim);
}

/* Of the content, or of why there is none. */
static uint64_t hash_of(const char *path)
{
    char *data = NULL;
    size_t len = 0;
    struct hx_error err = {0};
    enum hx_errcode code = hx_file_read(path, MAX_WATCHED, &data, &len, &err);
    if (code != HX_OK)
        return hx_hash(err.message, sizeof(err.message), ~HX_HASH_BEGIN);
    uint64_t hash = hx_hash(data, len, HX_HASH_BEGIN);
    hx_file_free(data, len);
    return hash;
}

void hx_watch_mark(struct hx_watch *watch, const char *path)
{
    *watch = (struct hx_watch){.path = path};
    if (path == NULL)
        return;
    watch->seen = look(path);
    watch->hash = hash_of(path);
}

bool hx_watch_has_changed(struct hx_watch *watch)
{
    if (watch->path == NULL)
        return false;
    struct stat now = look(watch->path);
    if (looks_the_same(&now, &watch->seen))
        return false;
    uint64_t hash = hash_of(watch->path);
    bool has_changed = hash != watch->hash;
    watch->seen = now;
    watch->hash = hash;
    return has_changed;
}
