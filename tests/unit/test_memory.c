/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_check.h"

#include "base/clock.h"
#include "kinds/kinds.h"
#include "kinds/memory_reading.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB INT64_C(1048576)

static const char MEMINFO[] = "MemTotal:        1000000 kB\n"
                              "MemFree:          100000 kB\n"
                              "MemAvailable:     400000 kB\n"
                              "SwapTotal:             0 kB\n";

/* ---- texts */

static void reads_available_and_total_of_meminfo(void **state)
{
    (void)state;
    struct hx_memory host;

    assert_true(hx_memory_parse_meminfo(MEMINFO, &host));
    assert_int_equal(host.available_bytes, 400000 * 1024);
    assert_int_equal(host.total_bytes, 1000000 * 1024);
}

static void refuses_a_meminfo_that_lacks_a_line(void **state)
{
    (void)state;
    struct hx_memory host;

    assert_false(hx_memory_parse_meminfo("", &host));
    assert_false(hx_memory_parse_meminfo("MemTotal: 12 kB\n", &host));
    assert_false(hx_memory_parse_meminfo("MemAvailable: 12 kB\n", &host));
    assert_false(hx_memory_parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n", &host));
    assert_false(hx_memory_parse_meminfo("MemTotal: x kB\nMemAvailable: 1 kB\n", &host));
    assert_false(
        hx_memory_parse_meminfo("MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n", &host));
    assert_false(hx_memory_parse_meminfo(
        "MemTotal: 9007199254740993 kB\nMemAvailable: 9223372036854775807 kB\n", &host));
}

static void finds_the_group_of_the_unified_tree(void **state)
{
    (void)state;
    struct hx_memory_group group;

    assert_true(hx_memory_parse_cgroup("0::/system.slice/x.service\n", &group));
    assert_false(group.is_v1);
    assert_string_equal(group.path, "/system.slice/x.service");
}

static void the_v1_memory_controller_wins(void **state)
{
    (void)state;
    struct hx_memory_group group;
    const char *text = "12:cpu,cpuacct:/a\n11:memory:/docker/abc:def\n1:name=systemd:/b\n0::/c\n";

    assert_true(hx_memory_parse_cgroup(text, &group));
    assert_true(group.is_v1);
    assert_string_equal(group.path, "/docker/abc:def");
    assert_true(hx_memory_parse_cgroup("0::/c\n3:cpu,memory:/d", &group));
    assert_true(group.is_v1);
    assert_string_equal(group.path, "/d");
}

static void passes_over_lines_that_are_no_groups(void **state)
{
    (void)state;
    struct hx_memory_group group;
    char deep[700];

    assert_false(hx_memory_parse_cgroup("", &group));
    assert_false(hx_memory_parse_cgroup("12:cpu:/a\n1:name=memory:/b\n7:memoryx:/c\n", &group));
    assert_false(hx_memory_parse_cgroup("0:\n:\n0::\n0::relative\n3:memory\n", &group));
    snprintf(deep, sizeof(deep), "0::/%0600d\n", 0);
    assert_false(hx_memory_parse_cgroup(deep, &group));
}

static void reads_limits(void **state)
{
    (void)state;

    assert_int_equal(hx_memory_parse_limit("268435456\n"), 256 * MIB);
    assert_int_equal(hx_memory_parse_limit("max\n"), -1);
    assert_int_equal(hx_memory_parse_limit("9223372036854771712\n"), -1);
    assert_int_equal(hx_memory_parse_limit(""), -1);
    assert_int_equal(hx_memory_parse_limit("-5"), -1);
    assert_int_equal(hx_memory_parse_limit("99999999999999999999"), -1);
}

static void reads_whole_keys_of_memory_stat(void **state)
{
    (void)state;
    const char *text = "inactive_file_x 1\ntotal_inactive_file 2\ninactive_file 3\n";

    assert_int_equal(hx_memory_parse_stat(text, "inactive_file"), 3);
    assert_int_equal(hx_memory_parse_stat(text, "total_inactive_file"), 2);
    assert_int_equal(hx_memory_parse_stat(text, "file"), 0);
    assert_int_equal(hx_memory_parse_stat("inactive_file x\n", "inactive_file"), 0);
}

/* ---- a tree of files in a directory of its own */

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static int setup(void **state)
{
    char *root = strdup("/tmp/hx-memory-XXXXXX");

    *state = root;
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static void put(const char *root, const char *path, const char *text)
{
    char full[512];
    FILE *file;

    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_group(const char *root, const char *directory, const char *limit, const char *usage,
                      const char *stat)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/memory.max", directory);
    put(root, path, limit);
    snprintf(path, sizeof(path), "%s/memory.current", directory);
    put(root, path, usage);
    snprintf(path, sizeof(path), "%s/memory.stat", directory);
    put(root, path, stat);
}

static void says_which_file_is_missing_or_broken(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;
    struct hx_error err;

    assert_int_equal(hx_memory_read(root, &host, &group, &err), HX_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "/proc/meminfo: No such file or directory"));
    put(root, "/proc/meminfo", "MemTotal: 1 kB\n");
    assert_int_equal(hx_memory_read(root, &host, &group, &err), HX_ERR_INVALID);
    assert_non_null(strstr(err.message, "no MemAvailable"));
}

static void no_group_is_no_limit(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 0);

    put(root, "/proc/self/cgroup", "0::/a\n");
    put_group(root, "/sys/fs/cgroup/a", "max\n", "5\n", "");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 0);
}

static void inactive_file_pages_are_not_used(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    put(root, "/proc/self/cgroup", "0::/a\n");
    put_group(root, "/sys/fs/cgroup/a", "1000\n", "900\n", "anon 700\ninactive_file 200\n");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 1000);
    assert_int_equal(group.available_bytes, 300);
}

static void the_level_that_leaves_least_counts(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    put(root, "/proc/self/cgroup", "0::/pod/container\n");
    put_group(root, "/sys/fs/cgroup/pod/container", "1000\n", "100\n", "");
    put_group(root, "/sys/fs/cgroup/pod", "2000\n", "1950\n", "");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 2000);
    assert_int_equal(group.available_bytes, 50);
    put_group(root, "/sys/fs/cgroup/pod/container", "1000\n", "980\n", "");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 1000);
    assert_int_equal(group.available_bytes, 20);
}

static void a_group_over_its_limit_leaves_nothing(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    put(root, "/proc/self/cgroup", "0::/\n");
    put_group(root, "/sys/fs/cgroup", "1000\n", "1200\n", "");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.available_bytes, 0);
}

static void a_path_outside_the_mount_means_its_top(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    put_group(root, "/sys/fs/cgroup", "1000\n", "400\n", "");
    put(root, "/proc/self/cgroup", "0::/docker/not/here\n");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.available_bytes, 600);
    put(root, "/proc/self/cgroup", "0::/../elsewhere\n");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.available_bytes, 600);
}

static void reads_the_v1_files(void **state)
{
    const char *root = *state;
    struct hx_memory host, group;

    put(root, "/proc/meminfo", MEMINFO);
    put(root, "/proc/self/cgroup", "4:memory:/x\n0::/\n");
    put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put(root, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "5000\n");
    put(root, "/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "4000\n");
    put(root, "/sys/fs/cgroup/memory/x/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n");
    assert_int_equal(hx_memory_read(root, &host, &group, NULL), HX_OK);
    assert_int_equal(group.total_bytes, 5000);
    assert_int_equal(group.available_bytes, 1500);
}

/* ---- the kind, on this machine */

static void holds_the_threshold_against_this_host(void **state)
{
    (void)state;
    struct hx_check check;

    fake_check_init(&check, &hx_kind_memory, NULL);
    struct hx_amount *min_available = check.dependency.settings;

    *min_available = (struct hx_amount){.bytes = 0, .percent = -1};
    fake_check_begin(&check, HX_NS_PER_S);
    assert_int_equal(check.n_finished, 1);
    assert_int_equal(check.reason, HX_REASON_NONE);
    assert_int_equal(check.value_set & 3, 3);
    assert_true(check.values[0] > 0 && check.values[0] <= check.values[1]);

    *min_available = (struct hx_amount){.bytes = -1, .percent = 100};
    fake_check_begin(&check, HX_NS_PER_S);
    assert_int_equal(check.reason, HX_REASON_ASSERTION);
    assert_non_null(strstr(check.message, "at least 100% wanted"));

    *min_available = (struct hx_amount){.bytes = INT64_MAX, .percent = -1};
    fake_check_begin(&check, HX_NS_PER_S);
    assert_int_equal(check.n_finished, 1);
    assert_int_equal(check.reason, HX_REASON_ASSERTION);
    fake_check_fini(&check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_available_and_total_of_meminfo),
        cmocka_unit_test(refuses_a_meminfo_that_lacks_a_line),
        cmocka_unit_test(finds_the_group_of_the_unified_tree),
        cmocka_unit_test(the_v1_memory_controller_wins),
        cmocka_unit_test(passes_over_lines_that_are_no_groups),
        cmocka_unit_test(reads_limits),
        cmocka_unit_test(reads_whole_keys_of_memory_stat),
        cmocka_unit_test_setup_teardown(says_which_file_is_missing_or_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(no_group_is_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(inactive_file_pages_are_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(the_level_that_leaves_least_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_over_its_limit_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_outside_the_mount_means_its_top, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_the_v1_files, setup, teardown),
        cmocka_unit_test(holds_the_threshold_against_this_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
