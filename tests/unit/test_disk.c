/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=statvfs,--wrap=statvfs64,--wrap=calloc */
#include "fake_check.h"

#include "base/clock.h"
#include "kinds/kinds.h"
#include "kinds/offload.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/statvfs.h>
#include <time.h>

#include <cmocka.h>

/* ---- a file system that answers as the test wants, when the test wants */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_hung;
    int n_calls, n_running;
    bool takes_signals; /* the thread that asked last */
    int error;
    struct statvfs fs;
    char path[64];
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int __wrap_statvfs(const char *path, struct statvfs *fs);
int __wrap_statvfs(const char *path, struct statvfs *fs)
{
    pthread_mutex_lock(&disk.mutex);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    disk.takes_signals = sigismember(&blocked, SIGTERM) != 1 || sigismember(&blocked, SIGHUP) != 1;
    disk.n_calls++;
    disk.n_running++;
    snprintf(disk.path, sizeof(disk.path), "%s", path);
    pthread_cond_broadcast(&disk.changed);
    while (disk.is_hung) {
        pthread_cond_wait(&disk.changed, &disk.mutex);
    }
    *fs = disk.fs;
    int error = disk.error;
    disk.n_running--;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.mutex);
    errno = error;
    return error == 0 ? 0 : -1;
}

/* With 64-bit file offsets asked for, statvfs() goes by this name. */
int __wrap_statvfs64(const char *path, struct statvfs *fs);
int __wrap_statvfs64(const char *path, struct statvfs *fs)
{
    return __wrap_statvfs(path, fs);
}

static void set_hung(bool is_hung)
{
    pthread_mutex_lock(&disk.mutex);
    disk.is_hung = is_hung;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.mutex);
}

/* Waits until n calls have begun, and those that are not hung have ended. */
static void wait_for_calls(int n)
{
    struct timespec until;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&disk.mutex);
    while ((disk.n_calls < n || (!disk.is_hung && disk.n_running > 0)) && error == 0) {
        error = pthread_cond_timedwait(&disk.changed, &disk.mutex, &until);
    }
    pthread_mutex_unlock(&disk.mutex);
    assert_int_equal(error, 0);
}

/* The n-th allocation from now fails; 0: none. */
static int fail_at;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return fail_at > 0 && --fail_at == 0 ? NULL : __real_calloc(n, size);
}

/* ---- a check of it */

struct fixture {
    uv_loop_t loop;
    struct hx_check check;
    struct hx_amount *min_free, *min_free_inodes; /* the first two fields of the settings */
    char path[32];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    uv_loop_init(&f->loop);
    fake_check_init(&f->check, &hx_kind_disk, &f->loop);
    f->min_free = f->check.dependency.settings;
    f->min_free_inodes = f->min_free + 1;
    *f->min_free = (struct hx_amount){.bytes = -1, .percent = 5};
    *f->min_free_inodes = *f->min_free;
    snprintf(f->path, sizeof(f->path), "/data");
    f->check.dependency.url.path = f->path;
    assert_int_equal(hx_kind_disk.prepare(&f->check.dependency, NULL), HX_OK);
    disk.n_calls = 0;
    disk.error = 0;
    disk.fs = (struct statvfs){.f_frsize = 4096,
                               .f_blocks = 1000,
                               .f_bfree = 600,
                               .f_bavail = 500,
                               .f_files = 100,
                               .f_ffree = 60,
                               .f_favail = 50};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    set_hung(false);
    wait_for_calls(0);
    hx_kind_disk.cancel(&f->check);
    hx_kind_disk.release(&f->check.dependency);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

static void run_check(struct fixture *f)
{
    fake_check_begin(&f->check, HX_NS_PER_S);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->check.n_finished, 1);
}

static void passes_with_room_and_tells_how_much(void **state)
{
    struct fixture *f = *state;

    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    assert_string_equal(disk.path, "/data");
    assert_false(disk.takes_signals); /* they are for the main thread */
    assert_int_equal(f->check.value_set, 7);
    assert_true(f->check.values[0] == 500 * 4096.0);
    assert_true(f->check.values[1] == 1000 * 4096.0);
    assert_true(f->check.values[2] == 50.0);
}

static void fails_below_a_share_of_the_size(void **state)
{
    struct fixture *f = *state;

    disk.fs.f_bavail = 50;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    disk.fs.f_bavail = 49;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_ASSERTION);
    assert_string_equal(f->check.message, "196KiB of 3.9MiB free (4.9%), at least 5% wanted");
}

static void fails_below_a_number_of_bytes(void **state)
{
    struct fixture *f = *state;

    *f->min_free = (struct hx_amount){.bytes = 500 * 4096, .percent = -1};
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    f->min_free->bytes++;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_ASSERTION);
}

static void fails_when_inodes_run_out(void **state)
{
    struct fixture *f = *state;

    disk.fs.f_favail = 4;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_ASSERTION);
    assert_string_equal(f->check.message, "4 of 100 inodes free (4.0%), at least 5% wanted");
    *f->min_free_inodes = (struct hx_amount){.bytes = 5, .percent = -1};
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_ASSERTION);
    assert_string_equal(f->check.message, "4 of 100 inodes free (4.0%), at least 5 wanted");
}

static void a_file_system_without_inodes_passes(void **state)
{
    struct fixture *f = *state;

    disk.fs.f_files = disk.fs.f_favail = 0;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    assert_int_equal(f->check.value_set, 3);
}

static void the_errors_of_the_file_system_are_its_status(void **state)
{
    struct fixture *f = *state;

    disk.error = ENOENT;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_STATUS);
    assert_string_equal(f->check.message, "statvfs /data: No such file or directory");
    disk.error = EIO;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_STATUS);
    disk.error = ENOMEM;
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_INTERNAL);
}

static void a_call_that_hangs_is_joined_and_not_repeated(void **state)
{
    struct fixture *f = *state;

    set_hung(true);
    for (int i = 0; i < 5; i++) {
        fake_check_begin(&f->check, HX_NS_PER_S);
        wait_for_calls(1);
        hx_kind_disk.cancel(&f->check);
        hx_kind_disk.cancel(&f->check);
        uv_run(&f->loop, UV_RUN_DEFAULT); /* nothing is left on the loop */
        assert_int_equal(f->check.n_finished, 0);
    }
    fake_check_begin(&f->check, HX_NS_PER_S);
    set_hung(false);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->check.n_finished, 1);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
    assert_int_equal(disk.n_calls, 1);

    run_check(f);
    assert_int_equal(disk.n_calls, 2);
}

static void a_dependency_may_go_while_its_call_hangs(void **state)
{
    struct fixture *f = *state;

    set_hung(true);
    fake_check_begin(&f->check, HX_NS_PER_S);
    wait_for_calls(1);
    hx_kind_disk.cancel(&f->check);
    hx_kind_disk.release(&f->check.dependency);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->check.n_finished, 0);
    assert_int_equal(hx_kind_disk.prepare(&f->check.dependency, NULL), HX_OK);
}

static void without_a_path_it_is_the_root(void **state)
{
    struct fixture *f = *state;

    hx_kind_disk.release(&f->check.dependency);
    f->check.dependency.url.path = NULL;
    assert_int_equal(hx_kind_disk.prepare(&f->check.dependency, NULL), HX_OK);
    run_check(f);
    assert_string_equal(disk.path, "/");
}

static void refuses_a_host(void **state)
{
    struct fixture *f = *state;
    struct hx_error err;

    f->check.dependency.url.host = f->path;
    assert_int_equal(hx_kind_disk.prepare(&f->check.dependency, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "disk:/var/lib"));
}

static void running_out_of_memory_is_reported_and_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    struct hx_error err;
    enum hx_errcode code = HX_ERR_NOMEM;
    int n = 0;

    hx_kind_disk.release(&f->check.dependency);
    while (code != HX_OK) {
        fail_at = ++n;
        code = hx_kind_disk.prepare(&f->check.dependency, &err);
        fail_at = 0;
        assert_true(code == HX_OK || code == HX_ERR_NOMEM);
    }
    assert_int_equal(n, 3);

    fail_at = 1;
    fake_check_begin(&f->check, HX_NS_PER_S);
    fail_at = 0;
    assert_int_equal(f->check.n_finished, 1);
    assert_int_equal(f->check.reason, HX_REASON_INTERNAL);
    assert_string_equal(f->check.message, "out of memory");
    run_check(f);
    assert_int_equal(f->check.reason, HX_REASON_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(passes_with_room_and_tells_how_much),
        TEST(fails_below_a_share_of_the_size),
        TEST(fails_below_a_number_of_bytes),
        TEST(fails_when_inodes_run_out),
        TEST(a_file_system_without_inodes_passes),
        TEST(the_errors_of_the_file_system_are_its_status),
        TEST(a_call_that_hangs_is_joined_and_not_repeated),
        TEST(a_dependency_may_go_while_its_call_hangs),
        TEST(without_a_path_it_is_the_root),
        TEST(refuses_a_host),
        TEST(running_out_of_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
