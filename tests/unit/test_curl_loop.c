/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Transfers on the loop: done, failed, removed, and without memory. */
#include "kinds/curl_loop.h"

#include "failing_alloc.h"
#include "http_peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS INT64_C(5000000000)

/* After that a transfer that ran out of memory is taken to be silent. */
#define SILENCE_NS INT64_C(20000000)

static bool is_curl_spared;

static const struct http_peer_route ROUTES[] = {
    {.path = "/", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
    {.path = "/last", .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .closes = true},
    {.path = "/hang"},
    {.path = NULL},
};

struct fixture {
    uv_loop_t uv;
    struct hx_curl_loop *loop;
    struct http_peer peer;
};

struct job {
    struct hx_curl_transfer transfer; /* first: on_done casts */
    struct hx_curl_loop *loop;
    int n_done;
    int n_more; /* times to begin anew from on_done */
    CURLcode code;
};

static void on_done(struct hx_curl_transfer *transfer, CURLcode code)
{
    struct job *job = (struct job *)(void *)transfer;
    job->n_done++;
    job->code = code;
    if (job->n_more > 0) {
        job->n_more--;
        assert_int_equal(hx_curl_loop_add(job->loop, transfer), HX_OK);
    }
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    (void)bytes, (void)size, (void)data;
    return n;
}

static void job_init(struct job *job, struct hx_curl_loop *loop, int port, const char *path)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    memset(job, 0, sizeof(*job));
    job->loop = loop;
    job->transfer.easy = curl_easy_init();
    job->transfer.on_done = on_done;
    assert_non_null(job->transfer.easy);
    curl_easy_setopt(job->transfer.easy, CURLOPT_URL, url);
    curl_easy_setopt(job->transfer.easy, CURLOPT_PROXY, "");
    curl_easy_setopt(job->transfer.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(job->transfer.easy, CURLOPT_WRITEFUNCTION, on_body);
}

static void job_fini(struct job *job)
{
    hx_curl_loop_remove(job->loop, &job->transfer);
    curl_easy_cleanup(job->transfer.easy);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->uv), 0);
    assert_int_equal(hx_curl_loop_new(&f->uv, &f->loop, NULL), HX_OK);
    http_peer_open(&f->peer, &f->uv, "127.0.0.1", ROUTES);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hx_curl_loop_free(f->loop);
    http_peer_close(&f->peer);
    uv_run(&f->uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->uv), 0);
    free(f);
    return 0;
}

static void run_until(struct fixture *f, const int *value, int wanted)
{
    uint64_t ends = uv_hrtime() + PATIENCE_NS;
    while (*value < wanted && uv_hrtime() < ends)
        uv_run(&f->uv, UV_RUN_NOWAIT);
    assert_int_equal(*value, wanted);
}

static void ends_a_transfer_once(void **state)
{
    struct fixture *f = *state;
    struct job job;
    long status = 0;
    job_init(&job, f->loop, f->peer.port, "/");
    assert_int_equal(hx_curl_loop_add(f->loop, &job.transfer), HX_OK);
    assert_int_equal(job.n_done, 0);
    run_until(f, &job.n_done, 1);
    assert_int_equal(job.code, CURLE_OK);
    curl_easy_getinfo(job.transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 200);
    job_fini(&job);
}

static void may_begin_anew_from_its_end(void **state)
{
    struct fixture *f = *state;
    struct job job;
    job_init(&job, f->loop, f->peer.port, "/");
    job.n_more = 3;
    assert_int_equal(hx_curl_loop_add(f->loop, &job.transfer), HX_OK);
    run_until(f, &job.n_done, 4);
    assert_int_equal(f->peer.n_requests, 4);
    job_fini(&job);
}

static void runs_many_transfers_at_once(void **state)
{
    struct fixture *f = *state;
    struct job jobs[20];
    for (size_t i = 0; i < 20; i++) {
        job_init(&jobs[i], f->loop, f->peer.port, "/");
        assert_int_equal(hx_curl_loop_add(f->loop, &jobs[i].transfer), HX_OK);
    }
    for (size_t i = 0; i < 20; i++) {
        run_until(f, &jobs[i].n_done, 1);
        assert_int_equal(jobs[i].code, CURLE_OK);
        job_fini(&jobs[i]);
    }
}

static void tells_of_a_refused_connection(void **state)
{
    struct fixture *f = *state;
    struct job job;
    struct http_peer gone;
    long os_errno = 0;
    http_peer_open(&gone, &f->uv, "127.0.0.1", ROUTES);
    http_peer_close(&gone);
    uv_run(&f->uv, UV_RUN_NOWAIT);
    job_init(&job, f->loop, gone.port, "/");
    assert_int_equal(hx_curl_loop_add(f->loop, &job.transfer), HX_OK);
    run_until(f, &job.n_done, 1);
    assert_int_equal(job.code, CURLE_COULDNT_CONNECT);
    curl_easy_getinfo(job.transfer.easy, CURLINFO_OS_ERRNO, &os_errno);
    assert_int_equal(os_errno, ECONNREFUSED);
    job_fini(&job);
}

static void closes_the_connection_of_a_removed_transfer(void **state)
{
    struct fixture *f = *state;
    struct job job;
    job_init(&job, f->loop, f->peer.port, "/hang");
    assert_int_equal(hx_curl_loop_add(f->loop, &job.transfer), HX_OK);
    run_until(f, &f->peer.n_requests, 1);
    hx_curl_loop_remove(f->loop, &job.transfer);
    hx_curl_loop_remove(f->loop, &job.transfer);
    int n_gone = 0;
    uint64_t ends = uv_hrtime() + PATIENCE_NS;
    while (n_gone == 0 && uv_hrtime() < ends) {
        uv_run(&f->uv, UV_RUN_NOWAIT);
        n_gone = f->peer.n_open == 0;
    }
    assert_int_equal(n_gone, 1);
    assert_int_equal(job.n_done, 0);
    job_fini(&job);
}

/* ---- connections that are kept ---- */

static int on_close(void *data, curl_socket_t fd)
{
    hx_curl_loop_unwatch(data);
    return close(fd);
}

static CURLSH *keep(struct job *job)
{
    CURLSH *cache = curl_share_init();
    curl_share_setopt(cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_easy_setopt(job->transfer.easy, CURLOPT_SHARE, cache);
    curl_easy_setopt(job->transfer.easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(job->transfer.easy, CURLOPT_CLOSESOCKETDATA, &job->transfer);
    job->transfer.is_kept = true;
    return cache;
}

static void drop(struct job *job, CURLSH *cache)
{
    curl_easy_setopt(job->transfer.easy, CURLOPT_SHARE, NULL);
    curl_share_cleanup(cache);
    assert_null(job->transfer.watch);
    job_fini(job);
}

static void run_kept(struct fixture *f, struct job *job)
{
    int n_wanted = job->n_done + 1;
    assert_int_equal(hx_curl_loop_add(f->loop, &job->transfer), HX_OK);
    run_until(f, &job->n_done, n_wanted);
    assert_int_equal(job->code, CURLE_OK);
    assert_non_null(job->transfer.watch);
}

static void goes_on_watching_a_kept_connection(void **state)
{
    struct fixture *f = *state;
    struct job job;
    job_init(&job, f->loop, f->peer.port, "/");
    CURLSH *cache = keep(&job);
    run_kept(f, &job);
    const struct hx_curl_watch *watch = job.transfer.watch;
    run_kept(f, &job);
    assert_ptr_equal(job.transfer.watch, watch);
    assert_int_equal(f->peer.n_connections, 1);
    drop(&job, cache);
}

static void count(uv_prepare_t *prepare)
{
    ++*(int *)prepare->data;
}

static void set_true(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void sleeps_after_the_end_of_a_kept_connection(void **state)
{
    struct fixture *f = *state;
    struct job job;
    int n_turns = 0;
    bool is_over = false;
    uv_prepare_t turns = {.data = &n_turns};
    uv_timer_t timer = {.data = &is_over};
    job_init(&job, f->loop, f->peer.port, "/last");
    CURLSH *cache = keep(&job);
    run_kept(f, &job);
    uv_prepare_init(&f->uv, &turns);
    uv_prepare_start(&turns, count);
    uv_timer_init(&f->uv, &timer);
    uv_timer_start(&timer, set_true, 50, 0);
    while (!is_over)
        uv_run(&f->uv, UV_RUN_ONCE);
    assert_in_range(n_turns, 1, 20);
    uv_close((uv_handle_t *)&turns, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    run_kept(f, &job);
    assert_int_equal(f->peer.n_connections, 2);
    drop(&job, cache);
}

static void new_reports_each_allocation_that_fails(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_curl_loop *loop = NULL;
        struct hx_error err;
        failing_alloc_at(n);
        enum hx_errcode code = hx_curl_loop_new(&f->uv, &loop, &err);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code == HX_OK, loop != NULL);
        if (code != HX_OK)
            assert_int_equal(code, HX_ERR_NOMEM);
        hx_curl_loop_free(loop);
        uv_run(&f->uv, UV_RUN_NOWAIT);
    }
}

static void fails_a_transfer_whose_socket_cannot_be_watched(void **state)
{
    struct fixture *f = *state;
    struct job job;
    job_init(&job, f->loop, f->peer.port, "/");
    assert_int_equal(hx_curl_loop_add(f->loop, &job.transfer), HX_OK);
    is_curl_spared = true;
    failing_alloc_at(1);
    run_until(f, &job.n_done, 1);
    is_curl_spared = false;
    assert_true(failing_alloc_was_reached());
    assert_int_equal(job.code, CURLE_OUT_OF_MEMORY);
    job_fini(&job);
}

/* Whatever allocation fails, curl's own too, the transfer ends by itself or can be removed, and the
 * next one on the same loop passes. */
static void survives_each_allocation_that_fails(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct job job, next;
        job_init(&job, f->loop, f->peer.port, "/");
        failing_alloc_at(n);
        if (hx_curl_loop_add(f->loop, &job.transfer) == HX_OK) {
            uint64_t ends = uv_hrtime() + SILENCE_NS;
            while (job.n_done == 0 && uv_hrtime() < ends)
                uv_run(&f->uv, UV_RUN_NOWAIT);
        }
        is_failing = failing_alloc_was_reached();
        job_fini(&job);
        job_init(&next, f->loop, f->peer.port, "/");
        assert_int_equal(hx_curl_loop_add(f->loop, &next.transfer), HX_OK);
        run_until(f, &next.n_done, 1);
        assert_int_equal(next.code, CURLE_OK);
        job_fini(&next);
    }
}

/* libcurl is linked dynamically: its allocations are made to come through here. */

static void *curl_malloc(size_t size)
{
    return is_curl_spared ? __real_malloc(size) : malloc(size);
}

static void curl_free_memory(void *memory)
{
    free(memory);
}

static void *curl_realloc(void *memory, size_t size)
{
    return is_curl_spared ? __real_realloc(memory, size) : realloc(memory, size);
}

static char *curl_strdup(const char *text)
{
    return is_curl_spared ? __real_strdup(text) : strdup(text);
}

static void *curl_calloc(size_t n, size_t size)
{
    return is_curl_spared ? __real_calloc(n, size) : calloc(n, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_a_transfer_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(may_begin_anew_from_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(runs_many_transfers_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_a_refused_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closes_the_connection_of_a_removed_transfer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(goes_on_watching_a_kept_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sleeps_after_the_end_of_a_kept_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(new_reports_each_allocation_that_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fails_a_transfer_whose_socket_cannot_be_watched, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(survives_each_allocation_that_fails, set_up, tear_down),
    };
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_free_memory, curl_realloc,
                             curl_strdup, curl_calloc) != CURLE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
