/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads /proc/meminfo and the limits of the own control group. These files are made by the kernel
 * from its own counters: reading them waits for no device, so it is done on the loop.
 *
 * A group's limit also binds what is below it, so every level from the own group to the top counts,
 * and the one that leaves least is taken. Pages on the inactive file list are given back when they
 * are wanted; as kubelet does, they are not counted as used.
 */
#include "kinds/memory_reading.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Limits from here on mean none: v1 writes the largest multiple of a page that fits. */
#define NO_LIMIT (INT64_MAX / 2)

#define FILE_TEXT_SIZE 8192

/* The names that differ between the versions. */
struct group_files {
    const char *mounts[3]; /* where the tree may be mounted, NULL-terminated */
    const char *limit, *usage;
    const char *inactive; /* key of memory.stat */
};

static const struct group_files files_v1 = {
    .mounts = {"/sys/fs/cgroup/memory", NULL},
    .limit = "memory.limit_in_bytes",
    .usage = "memory.usage_in_bytes",
    .inactive = "total_inactive_file",
};

static const struct group_files files_v2 = {
    .mounts = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL},
    .limit = "memory.max",
    .usage = "memory.current",
    .inactive = "inactive_file",
};

/* A number at the start of the text; -1 when there is none or it does not fit. */
static int64_t parse_number(const char *text)
{
    char *end = NULL;
    long long number;

    if (*text < '0' || *text > '9') {
        return -1;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    return errno == 0 ? (int64_t)number : -1;
}

/* What stands behind key in a text of lines that begin with their key; NULL when there is none. */
static const char *line_value(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, len) == 0 && (line[len] == ' ' || line[len] == ':')) {
            return line + len + 1 + strspn(line + len + 1, " ");
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return NULL;
}

/* A line of /proc/meminfo, in kB there, as bytes; -1 when it is not there. */
static int64_t meminfo_bytes(const char *text, const char *key)
{
    const char *value = line_value(text, key);
    int64_t kib = value == NULL ? -1 : parse_number(value);

    return kib < 0 || kib > INT64_MAX / 1024 ? -1 : kib * 1024;
}

bool hx_memory_parse_meminfo(const char *text, struct hx_memory *host)
{
    host->available_bytes = meminfo_bytes(text, "MemAvailable");
    host->total_bytes = meminfo_bytes(text, "MemTotal");
    return host->available_bytes >= 0 && host->total_bytes > 0;
}

/* True when the list "cpu,memory,..." of len bytes has the memory controller. */
static bool has_memory(const char *list, size_t len)
{
    static const char name[] = "memory";
    const char *end = list + len;

    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        size_t item = (size_t)((comma == NULL ? end : comma) - list);

        if (item == sizeof(name) - 1 && memcmp(list, name, item) == 0) {
            return true;
        }
        list += item + 1;
    }
    return false;
}

/* Takes a line "number:controllers:path"; true when it is one of the memory controller's. */
static bool take_cgroup_line(const char *line, size_t len, struct hx_memory_group *group)
{
    const char *controllers = memchr(line, ':', len);
    const char *path;
    size_t path_len;
    bool is_unified;

    if (controllers == NULL) {
        return false;
    }
    controllers++;
    path = memchr(controllers, ':', len - (size_t)(controllers - line));
    if (path == NULL) {
        return false;
    }
    is_unified = path == controllers && strncmp(line, "0:", 2) == 0;
    if (!is_unified && !has_memory(controllers, (size_t)(path - controllers))) {
        return false;
    }
    path++;
    path_len = len - (size_t)(path - line);
    if (path_len == 0 || path[0] != '/' || path_len >= sizeof(group->path)) {
        return false;
    }
    group->is_v1 = !is_unified;
    memcpy(group->path, path, path_len);
    group->path[path_len] = '\0';
    return true;
}

bool hx_memory_parse_cgroup(const char *text, struct hx_memory_group *group)
{
    bool is_found = false;

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        struct hx_memory_group found;

        if (take_cgroup_line(line, len, &found) && (!is_found || found.is_v1)) {
            *group = found;
            is_found = true;
        }
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    return is_found;
}

int64_t hx_memory_parse_limit(const char *text)
{
    int64_t limit = parse_number(text);

    return limit >= NO_LIMIT ? -1 : limit;
}

int64_t hx_memory_parse_stat(const char *text, const char *key)
{
    const char *value = line_value(text, key);
    int64_t bytes = value == NULL ? 0 : parse_number(value);

    return bytes < 0 ? 0 : bytes;
}

/* Reads a small file whole; 0 or a positive errno. What does not fit is left away. */
static int read_text(const char *path, char text[FILE_TEXT_SIZE])
{
    size_t len = 0;
    ssize_t n = 0;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    memset(text, 0, FILE_TEXT_SIZE);
    if (fd < 0) {
        return errno;
    }
    do {
        n = read(fd, text + len, FILE_TEXT_SIZE - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && len < FILE_TEXT_SIZE - 1);
    if (n < 0) {
        error = errno;
    }
    close(fd);
    return error;
}

/* Reads root + directory + "/" + name; false when that is not possible. */
static bool read_group_file(const char *directory, const char *name, char text[FILE_TEXT_SIZE])
{
    char path[1024];
    int len = snprintf(path, sizeof(path), "%s/%s", directory, name);

    return len > 0 && (size_t)len < sizeof(path) && read_text(path, text) == 0;
}

/* Takes the limit of one directory into *group when it leaves less than what is there. */
static void apply_level(const char *directory, const struct group_files *files,
                        struct hx_memory *group)
{
    char text[FILE_TEXT_SIZE];
    int64_t limit, usage, inactive, available;

    if (!read_group_file(directory, files->limit, text)) {
        return;
    }
    limit = hx_memory_parse_limit(text);
    if (limit <= 0 || !read_group_file(directory, files->usage, text)) {
        return;
    }
    usage = parse_number(text);
    if (usage < 0) {
        return;
    }
    inactive = read_group_file(directory, "memory.stat", text)
                   ? hx_memory_parse_stat(text, files->inactive)
                   : 0;
    usage = usage > inactive ? usage - inactive : 0;
    available = limit > usage ? limit - usage : 0;
    if (group->total_bytes == 0 || available < group->available_bytes) {
        *group = (struct hx_memory){.available_bytes = available, .total_bytes = limit};
    }
}

/* All levels from mount + path up to the mount. Without a namespace of its own a container sees a
 * path that is not below its mount: then the levels that are missing are passed over. */
static void apply_levels(const char *mount, const char *path, const struct group_files *files,
                         struct hx_memory *group)
{
    char directory[1024];
    size_t mount_len = strlen(mount);
    int len = snprintf(directory, sizeof(directory), "%s%s", mount, path);

    if (len < 0 || (size_t)len >= sizeof(directory) || strstr(path, "/..") != NULL) {
        apply_level(mount, files, group);
        return;
    }
    while (strlen(directory) > mount_len) {
        char *slash = strrchr(directory, '/');

        if (slash[1] != '\0') {
            apply_level(directory, files, group);
        }
        *slash = '\0';
    }
    apply_level(mount, files, group);
}

enum hx_errcode hx_memory_read(const char *root, struct hx_memory *host, struct hx_memory *group,
                               struct hx_error *err)
{
    char path[512];
    char text[FILE_TEXT_SIZE];
    struct hx_memory_group own;
    const struct group_files *files;
    int error;

    *group = (struct hx_memory){0};
    snprintf(path, sizeof(path), "%s/proc/meminfo", root);
    error = read_text(path, text);
    if (error != 0) {
        return hx_error_set(err, HX_ERR_SYSTEM, "%s: %s", path, strerrordesc_np(error));
    }
    if (!hx_memory_parse_meminfo(text, host)) {
        return hx_error_set(err, HX_ERR_INVALID, "%s: no MemAvailable or no MemTotal in it", path);
    }
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    if (read_text(path, text) != 0 || !hx_memory_parse_cgroup(text, &own)) {
        return HX_OK;
    }
    files = own.is_v1 ? &files_v1 : &files_v2;
    for (size_t i = 0; files->mounts[i] != NULL; i++) {
        snprintf(path, sizeof(path), "%s%s", root, files->mounts[i]);
        apply_levels(path, own.path, files, group);
    }
    return HX_OK;
}
