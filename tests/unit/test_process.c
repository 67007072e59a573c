/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=stat64,--wrap=open64,--wrap=opendir,--wrap=fopen64 */
#include "metrics/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "page_text.h"

/* A kernel before 6.2, which does not say the number of descriptors as a size. */
static bool is_kernel_old;
/* A sandbox without /proc. */
static bool is_proc_hidden;

/* The names that these functions have with _FILE_OFFSET_BITS=64, which hiredis asks for. */
int __real_stat64(const char *path, struct stat *result);
int __real_open64(const char *path, int flags, ...);
DIR *__real_opendir(const char *path);
FILE *__real_fopen64(const char *path, const char *mode);

static bool is_hidden(const char *path)
{
    errno = ENOENT;
    return is_proc_hidden && strncmp(path, "/proc/", 6) == 0;
}

int __wrap_stat64(const char *path, struct stat *result)
{
    if (is_hidden(path)) {
        return -1;
    }
    int rc = __real_stat64(path, result);
    if (is_kernel_old) {
        result->st_size = 0;
    }
    return rc;
}

int __wrap_open64(const char *path, int flags, ...)
{
    return is_hidden(path) ? -1 : __real_open64(path, flags);
}

DIR *__wrap_opendir(const char *path)
{
    return is_hidden(path) ? NULL : __real_opendir(path);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    return is_hidden(path) ? NULL : __real_fopen64(path, mode);
}

static void assert_between(double value, double min, double max)
{
    if (!(value >= min && value <= max)) {
        fail_msg("%g is not between %g and %g", value, min, max);
    }
}

static void values_are_those_of_this_process(void **state)
{
    (void)state;
    struct hx_process process;
    struct rlimit fds;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &fds), 0);
    hx_process_read(&process);
    assert_between(process.cpu_seconds, 1e-6, 60);
    assert_between(process.open_fds, 3, 1000);
    assert_between(process.max_fds, (double)fds.rlim_cur, (double)fds.rlim_cur);
    assert_between(process.virtual_memory_bytes, 1 << 20, 1e15);
    assert_between(process.virtual_memory_max_bytes, process.virtual_memory_bytes, 2e19);
    assert_between(process.resident_memory_bytes, 100 << 10, process.virtual_memory_bytes);
    double now = (double)hx_clock_wall_ns() / 1e9;
    assert_between(process.start_time_seconds, now - 300, now + 2);
    assert_between(process.threads, 1, 2); /* a sanitizer may have one of its own */
}

static void the_heap_grows_with_brk(void **state)
{
    (void)state;
    struct hx_process before, after;
    hx_process_read(&before);
    assert_ptr_not_equal(sbrk(1 << 20), (void *)-1);
    hx_process_read(&after);
    assert_between(after.heap_bytes - before.heap_bytes, 1 << 20, 1 << 20);
}

static void open_descriptors_are_counted_alike_on_old_kernels(void **state)
{
    (void)state;
    struct hx_process process;
    hx_process_read(&process);
    double before = process.open_fds;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    hx_process_read(&process);
    assert_true(process.open_fds == before + 1);
    is_kernel_old = true;
    hx_process_read(&process);
    is_kernel_old = false;
    assert_true(process.open_fds == before + 1);
    close(fd);
}

static void a_command_name_with_parentheses_misleads_nobody(void **state)
{
    (void)state;
    struct hx_process plain, odd;
    char name[16];
    hx_process_read(&plain);
    assert_int_equal(prctl(PR_GET_NAME, name), 0);
    assert_int_equal(prctl(PR_SET_NAME, "x) S 1 2 (3 4"), 0);
    hx_process_read(&odd);
    assert_int_equal(prctl(PR_SET_NAME, name), 0);
    assert_true(odd.start_time_seconds == plain.start_time_seconds);
    assert_true(odd.threads == plain.threads);
}

static void what_cannot_be_read_is_absent_and_not_zero(void **state)
{
    (void)state;
    struct hx_process process;
    is_proc_hidden = true;
    hx_process_read(&process);
    is_proc_hidden = false;
    struct hx_collector collector = hx_process_collector(&process);
    char *text = page_text(HX_FORMAT_TEXT, &collector);
    assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
    assert_non_null(strstr(text, "\nprocess_max_fds "));
    assert_null(strstr(text, "process_open_fds"));
    assert_null(strstr(text, "process_resident_memory_bytes"));
    assert_null(strstr(text, "process_virtual_memory_bytes"));
    assert_null(strstr(text, "process_start_time_seconds"));
    assert_null(strstr(text, "process_threads"));
    free(text);
}

static void the_families_are_those_of_prometheus_client_libraries(void **state)
{
    (void)state;
    const struct hx_process process = {.cpu_seconds = 1.5,
                                       .open_fds = 7,
                                       .max_fds = 1024,
                                       .virtual_memory_bytes = 1e9,
                                       .virtual_memory_max_bytes = 18446744073709551615.0,
                                       .resident_memory_bytes = 8388608,
                                       .heap_bytes = 123456,
                                       .start_time_seconds = 1763635800.25,
                                       .threads = 4};
    struct hx_collector collector = hx_process_collector(&process);
    char *text = page_text(HX_FORMAT_TEXT, &collector);
    assert_golden(text, "tests/golden/process.metrics.txt");
    free(text);
    text = page_text(HX_FORMAT_OPENMETRICS, &collector);
    assert_golden(text, "tests/golden/process.openmetrics.txt");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_this_process),
        cmocka_unit_test(the_heap_grows_with_brk),
        cmocka_unit_test(open_descriptors_are_counted_alike_on_old_kernels),
        cmocka_unit_test(a_command_name_with_parentheses_misleads_nobody),
        cmocka_unit_test(what_cannot_be_read_is_absent_and_not_zero),
        cmocka_unit_test(the_families_are_those_of_prometheus_client_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
