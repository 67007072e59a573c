/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind disk: is enough room, and are enough inodes, left on a file system?
 *
 * statvfs() of a dead file server hangs, so it is called in a thread (kinds/offload.h). The offload
 * belongs to the settings: it lives as long as the dependency, and with it the rule of one thread
 * that hangs per dependency, whatever becomes of single checks.
 *
 *     start ─ thread: statvfs ─ on_read ─ thresholds ─ finish
 *         └─ deadline: cancel; the thread is left to end by itself, the next check waits on it
 */
#include "base/units.h"
#include "kinds/kinds.h"
#include "kinds/offload.h"
#include "kinds/threshold.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct settings {
    struct hx_amount min_free;
    struct hx_amount min_free_inodes;
    struct hx_offload *offload; /* of struct reading */
};

/* What the thread works on: it must not look at the dependency, which may be gone when it wakes. */
struct reading {
    int error;
    struct statvfs fs;
    char path[];
};

enum value { VALUE_FREE, VALUE_SIZE, VALUE_FREE_INODES };

static const struct hx_option options[] = {
    {.name = "min_free",
     .type = HX_OPTION_AMOUNT,
     .offset = offsetof(struct settings, min_free),
     .fallback = "5%",
     .help =
         "bytes, or a share of the size, below which the check fails; what is reserved for root "
         "is not free"},
    {.name = "min_free_inodes",
     .type = HX_OPTION_AMOUNT,
     .offset = offsetof(struct settings, min_free_inodes),
     .fallback = "5%",
     .help = "inodes, or a share of all, below which the check fails; file systems that do not "
             "count inodes pass"},
    {.name = NULL},
};

static const enum hx_reason reasons[] = {HX_REASON_STATUS, HX_REASON_ASSERTION, HX_REASON_NONE};

static const char *const values[] = {
    [VALUE_FREE] = "free_bytes",
    [VALUE_SIZE] = "size_bytes",
    [VALUE_FREE_INODES] = "free_inodes",
    NULL,
};

static void read_fs(void *data)
{
    struct reading *reading = data;

    reading->error = statvfs(reading->path, &reading->fs) == 0 ? 0 : errno;
}

static const char *path_of(const struct hx_dependency *dependency)
{
    const char *path = dependency->url.path;

    return path == NULL || path[0] == '\0' ? "/" : path;
}

static enum hx_errcode prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_url *url = &dependency->url;
    struct settings *settings = dependency->settings;

    if (url->host != NULL || url->query != NULL) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "a disk has a path and nothing else: expected a URL such as "
                            "\"disk:/var/lib\"");
    }
    const char *path = path_of(dependency);
    size_t size = sizeof(struct reading) + strlen(path) + 1;
    struct reading *reading = calloc(1, size);
    if (reading == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    memcpy(reading->path, path, strlen(path) + 1);
    enum hx_errcode code = hx_offload_new(read_fs, reading, size, &settings->offload, err);
    free(reading);
    return code;
}

static void release(struct hx_dependency *dependency)
{
    struct settings *settings = dependency->settings;

    hx_offload_free(settings->offload);
    settings->offload = NULL;
}

/* Bytes for people; more than fits a size does not exist. */
static char *bytes_text(double bytes, char text[32])
{
    return hx_format_size((int64_t)fmin(bytes, 9e18), text, 32);
}

static void check_room(struct hx_check *check, const struct statvfs *fs)
{
    const struct settings *settings = hx_check_settings(check);
    double free_bytes = (double)fs->f_bavail * (double)fs->f_frsize;
    double size_bytes = (double)fs->f_blocks * (double)fs->f_frsize;
    double free_inodes = (double)fs->f_favail;
    double all_inodes = (double)fs->f_files;
    bool has_inodes = fs->f_files > 0;
    char left[32], size[32], wanted[HX_THRESHOLD_TEXT_SIZE];

    hx_check_value(check, VALUE_FREE, free_bytes);
    hx_check_value(check, VALUE_SIZE, size_bytes);
    if (has_inodes) {
        hx_check_value(check, VALUE_FREE_INODES, free_inodes);
    }
    if (hx_threshold_is_missed(&settings->min_free, free_bytes, size_bytes)) {
        hx_check_fail(check, HX_REASON_ASSERTION, "%s of %s free (%.1f%%), at least %s wanted",
                      bytes_text(free_bytes, left), bytes_text(size_bytes, size),
                      hx_threshold_share(free_bytes, size_bytes),
                      hx_threshold_text(&settings->min_free, "B", wanted));
    } else if (has_inodes &&
               hx_threshold_is_missed(&settings->min_free_inodes, free_inodes, all_inodes)) {
        hx_check_fail(check, HX_REASON_ASSERTION,
                      "%.0f of %.0f inodes free (%.1f%%), at least %s wanted", free_inodes,
                      all_inodes, hx_threshold_share(free_inodes, all_inodes),
                      hx_threshold_text(&settings->min_free_inodes, "", wanted));
    } else {
        hx_check_pass(check);
    }
}

/* Only a lack of our own memory is our trouble. A missing path, missing rights, an I/O error are
 * the answer of the file system, and none that any time of waiting would mend: status. */
static void on_read(void *owner, const void *data)
{
    struct hx_check *check = owner;
    const struct reading *reading = data;

    if (reading->error == 0) {
        check_room(check, &reading->fs);
        return;
    }
    const char *description = strerrordesc_np(reading->error);
    hx_check_fail(check, reading->error == ENOMEM ? HX_REASON_INTERNAL : HX_REASON_STATUS,
                  "statvfs %s: %s", reading->path, description != NULL ? description : "unknown");
}

static void start(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);
    struct hx_error err;

    if (hx_offload_run(settings->offload, hx_check_loop(check), on_read, check, &err) != HX_OK) {
        hx_check_finish(check, HX_REASON_INTERNAL, err.message);
    }
}

static void cancel(struct hx_check *check)
{
    const struct settings *settings = hx_check_settings(check);

    hx_offload_cancel(settings->offload);
}

const struct hx_kind hx_kind_disk = {
    .name = "disk",
    .summary = "free room and free inodes of a file system",
    .schemes = (const char *const[]){"disk", NULL},
    .examples = (const char *const[]){"disk:/", "disk:/var/lib/postgresql", NULL},
    .options = options,
    .reasons = reasons,
    .values = values,
    .settings_size = sizeof(struct settings),
    .prepare = prepare,
    .start = start,
    .cancel = cancel,
    .release = release,
};
