/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process_* families. Each value comes from where it is cheapest to have; one that is not to be
 * had (a /proc that hides it, a sandbox) is absent from the page.
 */
#include "metrics/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/self/stat by their numbers in proc(5). */
enum stat_field {
    STAT_STATE = 3,
    STAT_NUM_THREADS = 20,
    STAT_STARTTIME = 22,
    STAT_VSIZE = 23,
    STAT_RSS = 24,
    STAT_START_BRK = 47
};

#define UNKNOWN ((double)NAN)

struct process_family {
    struct hx_family shape;
    size_t offset; /* of the value in struct hx_process */
};

#define VALUE(member) offsetof(struct hx_process, member)

static const struct process_family families[] = {
    {{"process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
      HX_FAMILY_COUNTER},
     VALUE(cpu_seconds)},
    {{"process_open_fds", "Number of open file descriptors.", HX_FAMILY_GAUGE}, VALUE(open_fds)},
    {{"process_max_fds", "Maximum number of open file descriptors.", HX_FAMILY_GAUGE},
     VALUE(max_fds)},
    {{"process_virtual_memory_bytes", "Virtual memory size in bytes.", HX_FAMILY_GAUGE},
     VALUE(virtual_memory_bytes)},
    {{"process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
      HX_FAMILY_GAUGE},
     VALUE(virtual_memory_max_bytes)},
    {{"process_resident_memory_bytes", "Resident memory size in bytes.", HX_FAMILY_GAUGE},
     VALUE(resident_memory_bytes)},
    {{"process_heap_bytes", "Process heap size in bytes.", HX_FAMILY_GAUGE}, VALUE(heap_bytes)},
    {{"process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
      HX_FAMILY_GAUGE},
     VALUE(start_time_seconds)},
    {{"process_threads", "Number of OS threads in the process.", HX_FAMILY_GAUGE}, VALUE(threads)},
};

/* ---- reading ---- */

/* The whole of /proc/self/stat; "" when it cannot be read. */
static void read_stat(char *text, size_t size)
{
    size_t len = 0;
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, size - 1);
        len = n > 0 ? (size_t)n : 0;
        close(fd);
    }
    text[len] = '\0';
}

static double parse_number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    return end != text ? (double)value : UNKNOWN;
}

/* The second field, the command's name in parentheses, may itself hold spaces and parentheses. */
static double stat_number(const char *stat, enum stat_field number)
{
    const char *at = strrchr(stat, ')');
    for (int field = STAT_STATE; at != NULL && field <= (int)number; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? parse_number(at + 1) : UNKNOWN;
}

static double cpu_seconds(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) {
        return UNKNOWN;
    }
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double limit(__rlimit_resource_t resource)
{
    struct rlimit value;
    return getrlimit(resource, &value) == 0 ? (double)value.rlim_cur : UNKNOWN;
}

/* Counts the entries but ".", ".." and the one of the directory that is being read. */
static double count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return UNKNOWN;
    }
    double n = -3;
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Linux 6.2 and later say the number as the size of the directory; reading ten thousand entries
 * costs more than the rest of a page. */
static double open_fds(void)
{
    struct stat fds;
    if (stat("/proc/self/fd", &fds) == 0 && fds.st_size > 0) {
        return (double)fds.st_size;
    }
    return count_fds();
}

/* What brk(2) has given. mallinfo2() would tell more, but walks all free blocks under the
 * allocator's lock, a millisecond where ten thousand dependencies are, and a check may be waiting
 * for it. */
static double heap_bytes(const char *stat)
{
    double start = stat_number(stat, STAT_START_BRK);
    return start > 0 ? (double)(uintptr_t)sbrk(0) - start : UNKNOWN;
}

/* When the system started, in Unix seconds. */
static double boot_time(void)
{
    double seconds = UNKNOWN;
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return seconds;
    }
    while (isnan(seconds) && getline(&line, &size, file) > 0) {
        if (strncmp(line, "btime ", 6) == 0) {
            seconds = parse_number(line + 6);
        }
    }
    free(line);
    fclose(file);
    return seconds;
}

void hx_process_read(struct hx_process *process)
{
    char stat[2048];
    read_stat(stat, sizeof stat);
    *process = (struct hx_process){
        .cpu_seconds = cpu_seconds(),
        .open_fds = open_fds(),
        .max_fds = limit(RLIMIT_NOFILE),
        .virtual_memory_bytes = stat_number(stat, STAT_VSIZE),
        .virtual_memory_max_bytes = limit(RLIMIT_AS),
        .resident_memory_bytes = stat_number(stat, STAT_RSS) * (double)sysconf(_SC_PAGESIZE),
        .heap_bytes = heap_bytes(stat),
        .start_time_seconds =
            boot_time() + stat_number(stat, STAT_STARTTIME) / (double)sysconf(_SC_CLK_TCK),
        .threads = stat_number(stat, STAT_NUM_THREADS),
    };
}

/* ---- as a collector ---- */

static size_t count_families(const void *source)
{
    (void)source;
    return sizeof families / sizeof *families;
}

static const struct hx_family *family_shape(const void *source, size_t family)
{
    (void)source;
    return &families[family].shape;
}

static size_t count_members(const void *source, size_t family)
{
    (void)source;
    (void)family;
    return 1;
}

static void collect_value(const void *source, size_t family, size_t member, struct hx_samples *out)
{
    (void)member;
    double value;
    memcpy(&value, (const char *)source + families[family].offset, sizeof value);
    if (isnan(value)) {
        return;
    }
    if (families[family].shape.type == HX_FAMILY_COUNTER) {
        hx_samples_counter_double(out, HX_NO_LABELS, HX_NO_LABELS, value);
    } else {
        hx_samples_gauge(out, HX_NO_LABELS, HX_NO_LABELS, value);
    }
}

struct hx_collector hx_process_collector(const struct hx_process *process)
{
    return (struct hx_collector){
        .source = process,
        .n_families = count_families,
        .family = family_shape,
        .n_members = count_members,
        .collect = collect_value,
    };
}
