/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=crypt_rn */
/* The hashing thread: right and wrong passwords, the places in its queue, and its end. */
#include "web/hasher.h"

#include "base/clock.h"

#include <crypt.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_JOBS 8

/* Whoever holds it keeps the hashing thread at its comparison. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned n_begun; /* comparisons */

char *__real_crypt_rn(const char *password, const char *hash, void *data, int size);

char *__wrap_crypt_rn(const char *password, const char *hash, void *data, int size)
{
    n_begun++;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return __real_crypt_rn(password, hash, data, size);
}

struct fixture;

struct job {
    struct hx_hash_job job; /* first */
    struct fixture *fixture;
    bool is_done;
    bool is_right;
};

struct fixture {
    struct hx_hasher hasher;
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct job jobs[N_JOBS];
    char hash[HX_HASH_SIZE];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (f == NULL || data == NULL)
        return 1;
    snprintf(f->hash, sizeof(f->hash), "%s",
             crypt_rn("secret", "$2b$04$abcdefghijklmnopqrstuu", data, (int)sizeof(*data)));
    free(data);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->done, NULL);
    *state = f;
    return hx_hasher_init(&f->hasher, NULL) != HX_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    pthread_cond_destroy(&f->done);
    pthread_mutex_destroy(&f->lock);
    free(f);
    return 0;
}

static void on_done(struct hx_hash_job *hash_job)
{
    struct job *job = (struct job *)hash_job;
    pthread_mutex_lock(&job->fixture->lock);
    job->is_right = hash_job->is_right;
    job->is_done = true;
    pthread_cond_broadcast(&job->fixture->done);
    pthread_mutex_unlock(&job->fixture->lock);
}

/* login tells logins apart, client clients. */
static enum hx_errcode submit(struct fixture *f, size_t i, const char *password, uint8_t login,
                              uint8_t client)
{
    struct job *job = &f->jobs[i];
    job->fixture = f;
    job->job.done = on_done;
    job->job.mac[0] = login;
    job->job.client[0] = 4;
    job->job.client[1] = client;
    snprintf(job->job.login.password, sizeof(job->job.login.password), "%s", password);
    memcpy(job->job.hash, f->hash, sizeof(f->hash));
    return hx_hasher_submit(&f->hasher, &job->job);
}

static bool wait_for(struct fixture *f, size_t i)
{
    pthread_mutex_lock(&f->lock);
    while (!f->jobs[i].is_done)
        pthread_cond_wait(&f->done, &f->lock);
    bool is_right = f->jobs[i].is_right;
    pthread_mutex_unlock(&f->lock);
    return is_right;
}

static void tells_right_from_wrong_and_wipes_both(void **state)
{
    struct fixture *f = *state;
    static const struct hx_login none = {0};
    assert_int_equal(submit(f, 0, "secret", 1, 1), HX_OK);
    assert_int_equal(submit(f, 1, "Secret", 2, 2), HX_OK);
    assert_true(wait_for(f, 0));
    assert_false(wait_for(f, 1));
    assert_memory_equal(&f->jobs[0].job.login, &none, sizeof(none));
    assert_string_equal(f->jobs[0].job.hash, "");
    hx_hasher_fini(&f->hasher);
}

static void same_login_is_compared_once(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < N_JOBS; i++)
        assert_int_equal(submit(f, i, i == 0 ? "secret" : "never looked at", 1, 1), HX_OK);
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < N_JOBS; i++) {
        assert_true(wait_for(f, i));
        assert_int_equal(f->jobs[i].job.is_first, i == 0);
    }
    hx_hasher_fini(&f->hasher);
}

static void client_has_one_login_in_hand(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&gate);
    assert_int_equal(submit(f, 0, "secret", 1, 1), HX_OK);
    assert_int_equal(submit(f, 1, "other", 2, 1), HX_ERR_BUSY);
    assert_int_equal(submit(f, 2, "other", 2, 2), HX_OK);
    pthread_mutex_unlock(&gate);
    assert_true(wait_for(f, 0));
    assert_false(wait_for(f, 2));
    assert_int_equal(submit(f, 3, "secret", 3, 1), HX_OK);
    assert_true(wait_for(f, 3));
    hx_hasher_fini(&f->hasher);
}

static void queue_holds_four_logins(void **state)
{
    struct fixture *f = *state;
    pthread_mutex_lock(&gate);
    for (uint8_t i = 0; i < HX_MAX_HASHING; i++)
        assert_int_equal(submit(f, i, "secret", i, i), HX_OK);
    assert_int_equal(submit(f, 5, "secret", 50, 50), HX_ERR_LIMIT);
    assert_int_equal(submit(f, 6, "secret", 3, 60), HX_OK);
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < HX_MAX_HASHING; i++)
        assert_true(wait_for(f, i));
    assert_true(wait_for(f, 6));
    hx_hasher_fini(&f->hasher);
}

static void *end(void *data)
{
    hx_hasher_fini(data);
    return NULL;
}

static bool is_stopping(struct hx_hasher *hasher)
{
    pthread_mutex_lock(&hasher->lock);
    bool value = hasher->is_stopping;
    pthread_mutex_unlock(&hasher->lock);
    return value;
}

static void end_tells_all_that_wait(void **state)
{
    struct fixture *f = *state;
    pthread_t ending;
    unsigned n_before = n_begun;
    pthread_mutex_lock(&gate);
    for (uint8_t i = 0; i < HX_MAX_HASHING; i++)
        assert_int_equal(submit(f, i, "secret", i, i), HX_OK);
    while (n_begun == n_before)
        sched_yield();
    assert_int_equal(pthread_create(&ending, NULL, end, &f->hasher), 0);
    while (!is_stopping(&f->hasher))
        sched_yield();
    pthread_mutex_unlock(&gate);
    pthread_join(ending, NULL);
    for (size_t i = 0; i < HX_MAX_HASHING; i++)
        assert_true(f->jobs[i].is_done);
    assert_false(f->jobs[HX_MAX_HASHING - 1].is_right);
}

static void ends_without_ever_having_begun(void **state)
{
    struct fixture *f = *state;
    assert_false(f->hasher.is_running);
    hx_hasher_fini(&f->hasher);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_right_from_wrong_and_wipes_both),
        TEST(same_login_is_compared_once),
        TEST(client_has_one_login_in_hand),
        TEST(queue_holds_four_logins),
        TEST(end_tells_all_that_wait),
        TEST(ends_without_ever_having_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
