/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted array with a hash of what each file held. The hash is of the bytes that were used, not
 * of a second look at them, so a change while the configuration is read is one that is seen later.
 *
 * Looking: first the inode, size and times; the content when they are others than before, and were
 * the same at two looks. So a file that is being written in its place is not read half.
 */
#include "config/files.h"

#include "base/hash.h"
#include "config/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIN_CAPACITY 8

enum look {
    LOOK_NEVER,
    LOOK_UNSETTLED, /* it was another before */
    LOOK_SETTLED,   /* it holds what the hash says */
};

struct hx_known_file {
    char *path;
    size_t max_bytes; /* that were to be read of it */
    uint64_t hash;
    enum look look;
    struct stat seen; /* at the last look; zeroed: there was none */
};

/* ---- what a file holds ---- */

static struct stat look_at(const char *path)
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

/* Reads the file; *hash is of the content, or of why there is none. */
static enum hx_errcode read_hashed(const char *path, size_t max_bytes, char **data, size_t *len,
                                   uint64_t *hash, struct hx_error *err)
{
    struct hx_error why = {0};
    enum hx_errcode code = hx_file_read(path, max_bytes, data, len, &why);
    if (code == HX_OK) {
        *hash = hx_hash(*data, *len, HX_HASH_BEGIN);
        return code;
    }
    *hash = hx_hash(why.message, strlen(why.message), ~HX_HASH_BEGIN);
    return hx_error_set(err, code, "%s", why.message);
}

static bool has_changed(struct hx_known_file *file)
{
    char *data = NULL;
    size_t len = 0;
    uint64_t hash;
    struct stat now = look_at(file->path);
    if (file->look == LOOK_NEVER || !looks_the_same(&now, &file->seen)) {
        file->seen = now;
        file->look = LOOK_UNSETTLED;
        return false;
    }
    if (file->look == LOOK_SETTLED)
        return false;
    if (read_hashed(file->path, file->max_bytes, &data, &len, &hash, NULL) == HX_OK)
        hx_file_free(data, len);
    if (hash != file->hash)
        return true;
    file->look = LOOK_SETTLED;
    return false;
}

/* ---- the list ---- */

/* The place of the first path that is not below this one. */
static size_t find_place(const struct hx_files *files, const char *path)
{
    size_t low = 0, high = files->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(files->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool reserve(struct hx_files *files)
{
    if (files->n < files->capacity)
        return true;
    size_t capacity = files->capacity == 0 ? MIN_CAPACITY : 2 * files->capacity;
    struct hx_known_file *items = realloc(files->items, capacity * sizeof(*items));
    if (items == NULL)
        return false;
    files->items = items;
    files->capacity = capacity;
    return true;
}

/* One that is read again stays as it was read first. */
static enum hx_errcode remember(struct hx_files *files, const char *path, size_t max_bytes,
                                uint64_t hash, struct hx_error *err)
{
    size_t place = find_place(files, path);
    if (place < files->n && strcmp(files->items[place].path, path) == 0)
        return HX_OK;
    char *copy = strdup(path);
    if (copy == NULL || !reserve(files)) {
        free(copy);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    struct hx_known_file *at = files->items + place;
    memmove(at + 1, at, (files->n - place) * sizeof(*at));
    *at = (struct hx_known_file){.path = copy, .max_bytes = max_bytes, .hash = hash};
    files->n++;
    return HX_OK;
}

enum hx_errcode hx_files_read(struct hx_files *files, const char *path, size_t max_bytes,
                              char **data, size_t *len, struct hx_error *err)
{
    uint64_t hash;
    enum hx_errcode code = read_hashed(path, max_bytes, data, len, &hash, err);
    if (files == NULL || remember(files, path, max_bytes, hash, err) == HX_OK)
        return code;
    if (code == HX_OK) {
        hx_file_free(*data, *len);
        *data = NULL;
    }
    return HX_ERR_NOMEM;
}

const char *hx_files_changed(struct hx_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        if (has_changed(&files->items[i]))
            return files->items[i].path;
    }
    return NULL;
}

void hx_files_fini(struct hx_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->items[i].path);
    free(files->items);
    *files = (struct hx_files){0};
}
