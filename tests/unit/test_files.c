/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The list of the files that were read, in a directory where they change. */
#include "config/files.h"

#include "config/file.h"
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_BYTES 64
#define N_MANY    30

struct fixture {
    struct hx_files files;
    char directory[64];
    char a[80], b[80], link[80], next[80];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->directory, sizeof(f->directory), "/tmp/test_files.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->a, sizeof(f->a), "%s/a", f->directory);
    snprintf(f->b, sizeof(f->b), "%s/b", f->directory);
    snprintf(f->link, sizeof(f->link), "%s/link", f->directory);
    snprintf(f->next, sizeof(f->next), "%s/next", f->directory);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_files_fini(&f->files);
    unlink(f->a);
    unlink(f->b);
    unlink(f->link);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum hx_errcode read_file(struct hx_files *files, const char *path)
{
    struct hx_error err;
    char *data = NULL;
    size_t len = 0;
    enum hx_errcode code = hx_files_read(files, path, MAX_BYTES, &data, &len, &err);
    hx_file_free(data, len);
    return code;
}

/* What the second look finds: the first may have come while it was written. */
static const char *look_twice(struct hx_files *files)
{
    assert_null(hx_files_changed(files));
    return hx_files_changed(files);
}

/* Reads it as a reload does, with a list of its own. */
static void read_anew(struct fixture *f, const char *path)
{
    hx_files_fini(&f->files);
    (void)!read_file(&f->files, path);
    assert_null(look_twice(&f->files));
}

static void swap_link(struct fixture *f, const char *target)
{
    assert_int_equal(symlink(target, f->next), 0);
    assert_int_equal(rename(f->next, f->link), 0);
}

static void what_a_link_leads_to_counts_and_not_its_inode(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    write_file(f->b, "two");
    swap_link(f, f->a);
    read_anew(f, f->link);
    /* Written in place, as through Docker's bind mount of a file. */
    write_file(f->a, "three");
    assert_string_equal(look_twice(&f->files), f->link);
    read_anew(f, f->link);
    /* The symbolic link is swapped, as Kubernetes does. */
    swap_link(f, f->b);
    assert_string_equal(look_twice(&f->files), f->link);
    read_anew(f, f->link);
    /* Another inode of the same content. */
    write_file(f->a, "two");
    swap_link(f, f->a);
    assert_null(look_twice(&f->files));
}

static void a_file_that_goes_and_one_that_comes_have_changed(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    read_anew(f, f->a);
    unlink(f->a);
    assert_string_equal(look_twice(&f->files), f->a);
    read_anew(f, f->a);
    write_file(f->a, "one");
    assert_string_equal(look_twice(&f->files), f->a);
}

/* Else each look would find another reason, or none, not to have it. */
static void a_file_that_is_too_large_stays_too_large(void **state)
{
    struct fixture *f = *state;
    char text[MAX_BYTES + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    write_file(f->a, text);
    assert_int_equal(read_file(&f->files, f->a), HX_ERR_LIMIT);
    assert_null(look_twice(&f->files));
    write_file(f->a, "short");
    assert_string_equal(look_twice(&f->files), f->a);
}

static void a_file_may_have_just_as_many_bytes_as_are_read(void **state)
{
    struct fixture *f = *state;
    char text[MAX_BYTES + 1];
    memset(text, 'x', MAX_BYTES);
    text[MAX_BYTES] = '\0';
    write_file(f->a, text);
    assert_int_equal(read_file(&f->files, f->a), HX_OK);
}

/* What is said of it is another error then. */
static void another_reason_not_to_have_a_file_is_a_change(void **state)
{
    struct fixture *f = *state;
    read_anew(f, f->a);
    assert_int_equal(mkdir(f->a, 0700), 0);
    assert_string_equal(look_twice(&f->files), f->a);
    assert_int_equal(rmdir(f->a), 0);
    assert_null(look_twice(&f->files));
}

static void what_changes_between_two_readings_has_changed(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    assert_int_equal(read_file(&f->files, f->a), HX_OK);
    write_file(f->a, "three");
    assert_int_equal(read_file(&f->files, f->a), HX_OK);
    assert_string_equal(look_twice(&f->files), f->a);
}

static void a_file_that_is_being_written_is_let_be(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    read_anew(f, f->a);
    write_file(f->a, "");
    assert_null(hx_files_changed(&f->files));
    write_file(f->a, "th");
    assert_null(hx_files_changed(&f->files));
    write_file(f->a, "three");
    assert_null(hx_files_changed(&f->files));
    assert_string_equal(hx_files_changed(&f->files), f->a);
}

static void a_file_that_goes_before_the_first_look_has_changed(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    assert_int_equal(read_file(&f->files, f->a), HX_OK);
    unlink(f->a);
    assert_string_equal(look_twice(&f->files), f->a);
}

static void each_of_many_is_looked_at(void **state)
{
    struct fixture *f = *state;
    char paths[N_MANY][80];
    for (size_t i = 0; i < N_MANY; i++) {
        /* In no order: 0, 7, 14, 21, 28, 5, ... */
        snprintf(paths[i], sizeof(paths[i]), "%s/%zu", f->directory, i * 7 % N_MANY);
        write_file(paths[i], "one");
        assert_int_equal(read_file(&f->files, paths[i]), HX_OK);
    }
    assert_null(look_twice(&f->files));
    for (size_t i = 0; i < N_MANY; i++) {
        write_file(paths[i], "three");
        assert_string_equal(look_twice(&f->files), paths[i]);
        write_file(paths[i], "one");
        assert_null(look_twice(&f->files));
    }
    for (size_t i = 0; i < N_MANY; i++)
        unlink(paths[i]);
}

static void without_a_list_a_file_is_only_read(void **state)
{
    struct fixture *f = *state;
    write_file(f->a, "one");
    assert_int_equal(read_file(NULL, f->a), HX_OK);
    assert_int_equal(read_file(NULL, f->b), HX_ERR_NOTFOUND);
}

static void each_failed_allocation_is_reported(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    write_file(f->a, "one");
    for (size_t n = 1; is_failing; n++) {
        failing_alloc_at(n);
        enum hx_errcode code = read_file(&f->files, f->a);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_files_fini(&f->files);
    }
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(what_a_link_leads_to_counts_and_not_its_inode),
        WITH_FIXTURE(a_file_that_goes_and_one_that_comes_have_changed),
        WITH_FIXTURE(a_file_that_is_too_large_stays_too_large),
        WITH_FIXTURE(a_file_may_have_just_as_many_bytes_as_are_read),
        WITH_FIXTURE(another_reason_not_to_have_a_file_is_a_change),
        WITH_FIXTURE(what_changes_between_two_readings_has_changed),
        WITH_FIXTURE(a_file_that_is_being_written_is_let_be),
        WITH_FIXTURE(a_file_that_goes_before_the_first_look_has_changed),
        WITH_FIXTURE(each_of_many_is_looked_at),
        WITH_FIXTURE(without_a_list_a_file_is_only_read),
        WITH_FIXTURE(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
