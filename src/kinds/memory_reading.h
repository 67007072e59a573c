/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory is left: of the host, from /proc/meminfo, and below the limits of the control
 * group (v1 and v2) that this process is in, which usually means its container.
 *
 * https://docs.kernel.org/filesystems/proc.html#meminfo
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#memory
 */
#ifndef HX_KINDS_MEMORY_READING_H
#define HX_KINDS_MEMORY_READING_H

#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hx_memory {
    int64_t available_bytes; /* what can be had without swapping */
    int64_t total_bytes;
};

/* Where a process stands in the tree of control groups. */
struct hx_memory_group {
    bool is_v1;     /* of the v1 memory controller */
    char path[512]; /* below the mount, begins with "/" */
};

/* MemAvailable and MemTotal of /proc/meminfo's text; false when one of them is missing. */
bool hx_memory_parse_meminfo(const char *text, struct hx_memory *host);

/* The group that accounts the memory, from /proc/self/cgroup's text; the v1 memory controller wins,
 * because the unified tree has no memory controller then. False when there is none. */
bool hx_memory_parse_cgroup(const char *text, struct hx_memory_group *group);

/* A limit file's text: bytes, or -1 for no limit ("max", or v1's huge number) and for no number. */
int64_t hx_memory_parse_limit(const char *text);

/* The value of one key of memory.stat's text; 0 when it is not there. */
int64_t hx_memory_parse_stat(const char *text, const char *key);

/*
 * Reads all of it below root ("" for the real system). *group gets the tightest of the limits from
 * the process's own group up to the root of the mount; its total_bytes is 0 when nothing limits.
 */
enum hx_errcode hx_memory_read(const char *root, struct hx_memory *host, struct hx_memory *group,
                               struct hx_error *err) HX_MUST_CHECK;

#endif
