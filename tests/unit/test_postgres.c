/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* The conversation with a PostgreSQL server: how often it is connected to and logged in to, what
 * each answer and each end means, and what becomes of a kept connection. The test plays the server:
 * https://www.postgresql.org/docs/15/protocol-message-formats.html */
#include "dns_stub.h"
#include "failing_alloc.h"
#include "fake_check.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/url.h"
#include "kinds/kinds.h"
#include "net/resolver.h"
#include "peer.h"

#include <fcntl.h>
#include <unistd.h>

struct fixture {
    uv_loop_t loop;
    struct dns_stub stub;
    struct peer peer;
    struct hx_check check;
    size_t n_taken; /* of the bytes that the server has received */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct hx_resolver_options options = {.servers = f->stub.servers};

    assert_int_equal(uv_loop_init(&f->loop), 0);
    dns_stub_open(&f->stub, &f->loop);
    peer_open(&f->peer, &f->loop, PEER_LISTENS);
    fake_check_init(&f->check, &hx_kind_postgres, &f->loop);
    f->check.dependency.policy.timeout_ns = 2 * HX_NS_PER_S;
    assert_int_equal(hx_resolver_new(&f->loop, &options, &f->check.resolver, NULL), HX_OK);
    *state = f;
    return 0;
}

static void release(struct fixture *f)
{
    hx_kind_postgres.cancel(&f->check);
    hx_kind_postgres.release(&f->check.dependency);
    hx_options_fini(hx_kind_postgres.options, f->check.dependency.settings);
    hx_url_fini(&f->check.dependency.url);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    release(f);
    hx_kind_postgres.cancel(&f->check);
    hx_resolver_free(f->check.resolver);
    dns_stub_close(&f->stub);
    peer_close(&f->peer);
    loop_test_close(&f->loop);
    fake_check_fini(&f->check);
    free(f);
    return 0;
}

/* Sets the dependency to a URL, in which %d stands for the port. */
static void set_url(struct fixture *f, const char *format)
{
    const char *mark = strstr(format, "%d");
    char text[256];

    if (mark == NULL) {
        snprintf(text, sizeof(text), "%s", format);
    } else {
        snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - format), format, f->peer.port,
                 mark + 2);
    }
    assert_int_equal(hx_url_parse(text, &f->check.dependency.url, NULL), HX_OK);
    assert_int_equal(
        hx_options_default(hx_kind_postgres.options, f->check.dependency.settings, NULL), HX_OK);
}

static void set_option(struct fixture *f, const char *name, const char *value)
{
    const struct hx_option *option = hx_option_find(hx_kind_postgres.options, name);

    assert_int_equal(hx_option_set(option, f->check.dependency.settings, value, NULL), HX_OK);
}

static enum hx_errcode prepare(struct fixture *f, struct hx_error *err)
{
    return hx_kind_postgres.prepare(&f->check.dependency, err);
}

static void use_plain(struct fixture *f)
{
    set_url(f, "postgresql://health:secret@127.0.0.1:%d/app?sslmode=disable");
    assert_int_equal(prepare(f, NULL), HX_OK);
}

/* ---- the server's side */

static void begin(struct fixture *f)
{
    fake_check_begin(&f->check, 2 * HX_NS_PER_S);
}

/* Waits for the next message of the client, and gives its bytes. */
static const char *take(struct fixture *f)
{
    RUN_UNTIL(&f->loop, f->peer.n_received > f->n_taken);
    f->n_taken = f->peer.n_received;
    return f->peer.connections->buffer;
}

static bool contains(const char *bytes, const char *text)
{
    return memmem(bytes, 1024, text, strlen(text)) != NULL;
}

/* Sends a message of a type whose body is body of len bytes. */
static void answer_by(struct peer *peer, char type, const char *body, size_t len)
{
    char message[512] = {type, 0, 0, (char)((len + 4) >> 8), (char)((len + 4) & 0xff)};

    memcpy(message + 5, body, len);
    peer_send(peer->connections, message, 5 + len);
}

static void answer(struct fixture *f, char type, const char *body, size_t len)
{
    answer_by(&f->peer, type, body, len);
}

#define ANSWER(f, type, body) answer(f, type, body, sizeof(body) - 1)

static void answer_error_by(struct peer *peer, const char *state, const char *text)
{
    char body[256];
    int len =
        snprintf(body, sizeof(body), "SFATAL%cVFATAL%cC%s%cM%s%c%c", 0, 0, state, 0, text, 0, 0);

    answer_by(peer, 'E', body, (size_t)len);
}

static void answer_error(struct fixture *f, const char *state, const char *text)
{
    answer_error_by(&f->peer, state, text);
}

static void let_in(struct fixture *f)
{
    ANSWER(f, 'R', "\0\0\0\0");
    ANSWER(f, 'S', "server_version\00015.4\0");
    ANSWER(f, 'Z', "I");
}

/* One row of one int4 column with the value 1. */
static void answer_row(struct fixture *f)
{
    ANSWER(f, 'T', "\0\1?column?\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0");
    ANSWER(f, 'D', "\0\1\0\0\0\0011");
}

static void answer_query(struct fixture *f)
{
    answer_row(f);
    ANSWER(f, 'C', "SELECT 1\0");
    ANSWER(f, 'Z', "I");
}

static void assert_ends(struct fixture *f, enum hx_reason reason, const char *message)
{
    RUN_UNTIL(&f->loop, f->check.n_finished > 0);
    assert_int_equal(f->check.n_finished, 1);
    assert_string_equal(hx_reason_text(f->check.reason), hx_reason_text(reason));
    if (strstr(f->check.message, message) == NULL) {
        fail_msg("message: %s", f->check.message);
    }
}

/* A check that passes, from the connect on. */
static void pass(struct fixture *f)
{
    begin(f);
    assert_true(contains(take(f), "health"));
    let_in(f);
    assert_string_equal(take(f) + 5, "SELECT 1");
    answer_query(f);
    assert_ends(f, HX_REASON_NONE, "");
}

/* ---- connecting */

static void logs_in_and_runs_the_query(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    pass(f);
    assert_int_equal(f->peer.n_accepted, 1);
    assert_int_equal(f->check.value_set, 3);
    assert_true(f->check.values[0] == 150004);
    assert_true(f->check.values[1] == 1);
    assert_int_equal(f->check.phase_set, 0x3f & ~(1U << HX_PHASE_TLS));
}

static void tells_the_server_its_limits(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    const char *startup = take(f);
    assert_true(contains(startup, "-c statement_timeout=1800 -c lock_timeout=1710"));
    assert_true(contains(startup, "health_exporter"));
    assert_true(contains(startup, "app"));
}

static void auto_asks_for_tls_and_remembers_that_there_is_none(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    assert_memory_equal(take(f), "\0\0\0\10\4\322\26\57", 8);
    peer_send(f->peer.connections, "N", 1);
    assert_true(contains(take(f), "health"));
    assert_int_equal(f->peer.n_accepted, 2);
    let_in(f);
    take(f);
    answer_query(f);
    assert_ends(f, HX_REASON_NONE, "");

    hx_kind_postgres.cancel(&f->check);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 2);
    f->n_taken = f->peer.n_received;
    pass(f);
    assert_int_equal(f->peer.n_accepted, 3);
}

static void a_failure_makes_it_ask_for_tls_again(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    peer_send(f->peer.connections, "N", 1);
    take(f);
    answer_error(f, "28000", "no encryption");
    assert_ends(f, HX_REASON_AUTH, "login refused (SQLSTATE 28000)");
    begin(f);
    assert_memory_equal(take(f), "\0\0\0\10\4\322\26\57", 8);
}

static void require_does_not_go_on_in_plain(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app?sslmode=require");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    peer_send(f->peer.connections, "N", 1);
    assert_ends(f, HX_REASON_TLS, "server does not support SSL");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void a_refused_password_is_not_tried_again(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health:secret@127.0.0.1:%d/app");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    peer_send(f->peer.connections, "N", 1);
    take(f);
    ANSWER(f, 'R', "\0\0\0\3");
    assert_string_equal(take(f) + 5, "secret");
    answer_error(f, "28P01", "password authentication failed");
    assert_ends(f, HX_REASON_AUTH, "password refused (SQLSTATE 28P01)");
    assert_int_equal(f->peer.n_accepted, 2);
    assert_null(strstr(f->check.message, "secret"));
}

static void a_pooler_that_refuses_startup_options_gets_the_limits_with_the_query(void **state)
{
    struct fixture *f = *state;
    static const char limited[] =
        "SET LOCAL statement_timeout = 1800; SET LOCAL lock_timeout = 1710; SELECT 1";

    use_plain(f);
    begin(f);
    take(f);
    answer_error(f, "08P01", "unsupported startup parameter: options");
    const char *startup = take(f);
    assert_int_equal(f->peer.n_accepted, 2);
    assert_false(contains(startup, "statement_timeout"));
    let_in(f);
    assert_string_equal(take(f) + 5, limited);
    ANSWER(f, 'C', "SET\0");
    ANSWER(f, 'C', "SET\0");
    answer_query(f);
    assert_ends(f, HX_REASON_NONE, "");

    begin(f);
    assert_string_equal(take(f) + 5, limited);
    assert_int_equal(f->peer.n_accepted, 2);
}

/* pgbouncer has this one SQLSTATE for all that it refuses, passwords too. */
static void a_pooler_that_refuses_the_password_is_not_tried_again(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    ANSWER(f, 'R', "\0\0\0\3");
    assert_string_equal(take(f) + 5, "secret");
    answer_error(f, "08P01", "password authentication failed");
    assert_ends(f, HX_REASON_PROTOCOL, "SQLSTATE 08P01");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void what_is_no_postgres_is_protocol(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    peer_send(f->peer.connections, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_ends(f, HX_REASON_PROTOCOL, "expected authentication request");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void an_end_in_the_login_is_closed(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "server closed the connection unexpectedly");
}

static void a_reset_at_accept_is_closed(void **state)
{
    struct fixture *f = *state;

    f->peer.manner = PEER_RESETS;
    use_plain(f);
    begin(f);
    assert_ends(f, HX_REASON_CLOSED, "127.0.0.1:");
}

static void nobody_listening_is_refused(void **state)
{
    struct fixture *f = *state;

    f->peer.port = peer_free_port();
    use_plain(f);
    begin(f);
    assert_ends(f, HX_REASON_REFUSED, "Connection refused");
}

static void assert_tries_the_next_address(struct fixture *f, const char *url)
{
    set_url(f, url);
    assert_int_equal(prepare(f, NULL), HX_OK);
    pass(f);
    assert_int_equal(f->peer.n_accepted, 1);
}

static void an_address_that_refuses_lets_the_next_be_tried(void **state)
{
    assert_tries_the_next_address(*state, "postgresql://health@twice.test:%d/app?sslmode=disable");
}

/* As "localhost" is, which is ::1 first, in a container without IPv6. */
static void an_address_that_this_host_cannot_use_lets_the_next_be_tried(void **state)
{
    assert_tries_the_next_address(*state, "postgresql://health@stray6.test:%d/app?sslmode=disable");
}

/* It would be refused there as well, and the account locked twice as fast. */
static void a_refused_login_is_not_tried_at_the_next_address(void **state)
{
    struct fixture *f = *state;
    struct peer first;

    peer_open_at(&first, &f->loop, PEER_LISTENS, "127.0.0.2", f->peer.port);
    set_url(f, "postgresql://health@twice.test:%d/app?sslmode=disable");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    RUN_UNTIL(&f->loop, first.n_received > 0);
    answer_error_by(&first, "28000", "no entry in pg_hba.conf");
    assert_ends(f, HX_REASON_AUTH, "127.0.0.2:");
    assert_int_equal(f->peer.n_accepted, 0);
    peer_close(&first);
}

static void a_flood_before_the_login_hits_the_cap(void **state)
{
    struct fixture *f = *state;
    char *flood = malloc(4 << 20);

    /* An error as a server older than protocol 3 tells it: a text up to a zero byte. */
    memset(flood, 'x', 4 << 20);
    flood[0] = 'E';
    use_plain(f);
    begin(f);
    take(f);
    peer_send(f->peer.connections, flood, 4 << 20);
    assert_ends(f, HX_REASON_LIMIT, "1 MiB");
    free(flood);
}

static void nothing_comes_after_cancel_while_it_connects(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    let_in(f);
    hx_kind_postgres.cancel(&f->check);
    hx_kind_postgres.cancel(&f->check);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->check.n_finished, 0);
}

/* ---- the query */

static void an_error_of_the_query_is_explained(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    answer_error(f, "42P01", "relation \"x\" does not exist");
    ANSWER(f, 'Z', "I");
    assert_ends(f, HX_REASON_STATUS, "relation \"x\" does not exist (SQLSTATE 42P01)");
}

static void a_value_that_is_not_expected_is_an_assertion(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app?sslmode=disable");
    set_option(f, "expect", "2");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    answer_query(f);
    assert_ends(f, HX_REASON_ASSERTION, "expected \"2\", the query gives \"1\"");
}

static void only_a_finite_number_alone_in_its_row_is_a_value(void **state)
{
    struct fixture *f = *state;
    const unsigned server_version = 1;

    use_plain(f);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    ANSWER(f, 'T', "\0\1?column?\0\0\0\0\0\0\0\0\0\2\275\0\10\377\377\377\377\0\0"); /* float8 */
    ANSWER(f, 'D', "\0\1\0\0\0\3NaN");
    ANSWER(f, 'C', "SELECT 1\0");
    ANSWER(f, 'Z', "I");
    assert_ends(f, HX_REASON_NONE, "");
    assert_int_equal(f->check.value_set, server_version);
    begin(f);
    take(f);
    ANSWER(f, 'T',
           "\0\2a\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
           "b\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0");
    ANSWER(f, 'D', "\0\2\0\0\0\0011\0\0\0\0012");
    ANSWER(f, 'C', "SELECT 1\0");
    ANSWER(f, 'Z', "I");
    assert_ends(f, HX_REASON_NONE, "");
    assert_int_equal(f->check.value_set, server_version);
}

static void too_many_rows_are_too_many(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app?sslmode=disable");
    set_option(f, "query", "SELECT n FROM numbers");
    set_option(f, "max_rows", "2");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    answer_row(f);
    ANSWER(f, 'D', "\0\1\0\0\0\0012");
    ANSWER(f, 'D', "\0\1\0\0\0\0013");
    assert_ends(f, HX_REASON_LIMIT, "more than 2 rows");
}

static void a_copy_ends_the_check(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    ANSWER(f, 'H', "\0\0\0");
    assert_ends(f, HX_REASON_STATUS, "COPY");
}

static void a_row_of_a_gigabyte_hits_the_cap(void **state)
{
    struct fixture *f = *state;
    char *flood = calloc(1, 4 << 20);

    use_plain(f);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    ANSWER(f, 'T', "\0\1?column?\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0");
    memcpy(flood, "D\x3f\xff\xff\xff\0\1\x3f\xff\xff\xf5", 11);
    peer_send(f->peer.connections, flood, 4 << 20);
    assert_ends(f, HX_REASON_LIMIT, "more than 1 MiB");
    free(flood);
}

/* ---- the kept connection */

static void a_kept_connection_is_only_queried(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    pass(f);
    for (int i = 0; i < 3; i++) {
        begin(f);
        assert_string_equal(take(f) + 5, "SELECT 1");
        answer_query(f);
        assert_ends(f, HX_REASON_NONE, "");
    }
    assert_int_equal(f->peer.n_accepted, 1);
    assert_int_equal(f->check.n_connections, 1);
}

static void a_kept_connection_that_breaks_is_replaced_within_the_check(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    pass(f);
    begin(f);
    take(f);
    peer_leave(f->peer.connections);
    assert_true(contains(take(f), "health"));
    assert_int_equal(f->peer.n_accepted, 2);
    let_in(f);
    take(f);
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "server closed the connection unexpectedly");
    assert_int_equal(f->peer.n_accepted, 2);
}

static void a_kept_connection_that_breaks_within_the_answer_is_a_failure(void **state)
{
    struct fixture *f = *state;

    set_url(f, "postgresql://health@127.0.0.1:%d/app?sslmode=disable");
    set_option(f, "query", "SELECT n FROM numbers");
    assert_int_equal(prepare(f, NULL), HX_OK);
    begin(f);
    take(f);
    let_in(f);
    take(f);
    answer_query(f);
    assert_ends(f, HX_REASON_NONE, "");
    begin(f);
    take(f);
    answer_row(f);
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_CLOSED, "server closed the connection unexpectedly");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void a_server_that_says_why_it_leaves_is_believed(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    pass(f);
    begin(f);
    take(f);
    answer_error(f, "57P01", "terminating connection due to administrator command");
    peer_leave(f->peer.connections);
    assert_ends(f, HX_REASON_UNAVAILABLE, "SQLSTATE 57P01");
    assert_int_equal(f->peer.n_accepted, 1);
}

static void a_connection_that_ends_between_checks_is_no_failure(void **state)
{
    struct fixture *f = *state;

    use_plain(f);
    pass(f);
    answer_error(f, "57P01", "terminating connection due to administrator command");
    peer_leave(f->peer.connections);
    RUN_UNTIL(&f->loop, f->peer.n_ended == 1);
    assert_int_equal(f->check.n_finished, 1);
    pass(f);
    assert_int_equal(f->peer.n_accepted, 2);
}

/* libpq prints notices there, if it is not told otherwise. */
static int redirect_errors(void)
{
    int before = dup(STDERR_FILENO);
    int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    assert_true(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    close(file);
    return before;
}

/* How much has been printed since; what was there before is there again. */
static off_t n_bytes_of_errors(int before)
{
    off_t n_bytes = lseek(STDERR_FILENO, 0, SEEK_END);

    dup2(before, STDERR_FILENO);
    close(before);
    return n_bytes;
}

static void notices_between_checks_are_dropped(void **state)
{
    struct fixture *f = *state;

    int printed = redirect_errors();
    use_plain(f);
    pass(f);
    for (int i = 0; i < 100; i++) {
        ANSWER(f, 'N', "SNOTICE\0C00000\0Mhello\0\0");
        ANSWER(f, 'S', "TimeZone\0UTC\0");
    }
    begin(f);
    take(f);
    answer_query(f);
    assert_ends(f, HX_REASON_NONE, "");
    assert_int_equal(f->peer.n_accepted, 1);
    assert_int_equal(n_bytes_of_errors(printed), 0);
}

/* ---- memory */

static void running_out_of_memory_is_internal_and_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;

    use_plain(f);
    for (size_t n = 1; is_failing; n++) {
        failing_alloc_at(n);
        begin(f);
        is_failing = failing_alloc_was_reached();
        if (is_failing && f->check.n_finished == 1) {
            assert_int_equal(f->check.reason, HX_REASON_INTERNAL);
        }
        hx_kind_postgres.cancel(&f->check);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(logs_in_and_runs_the_query),
        TEST(tells_the_server_its_limits),
        TEST(auto_asks_for_tls_and_remembers_that_there_is_none),
        TEST(a_failure_makes_it_ask_for_tls_again),
        TEST(require_does_not_go_on_in_plain),
        TEST(a_refused_password_is_not_tried_again),
        TEST(a_pooler_that_refuses_startup_options_gets_the_limits_with_the_query),
        TEST(a_pooler_that_refuses_the_password_is_not_tried_again),
        TEST(what_is_no_postgres_is_protocol),
        TEST(an_end_in_the_login_is_closed),
        TEST(a_reset_at_accept_is_closed),
        TEST(nobody_listening_is_refused),
        TEST(an_address_that_refuses_lets_the_next_be_tried),
        TEST(an_address_that_this_host_cannot_use_lets_the_next_be_tried),
        TEST(a_refused_login_is_not_tried_at_the_next_address),
        TEST(a_flood_before_the_login_hits_the_cap),
        TEST(nothing_comes_after_cancel_while_it_connects),
        TEST(an_error_of_the_query_is_explained),
        TEST(a_value_that_is_not_expected_is_an_assertion),
        TEST(only_a_finite_number_alone_in_its_row_is_a_value),
        TEST(too_many_rows_are_too_many),
        TEST(a_copy_ends_the_check),
        TEST(a_row_of_a_gigabyte_hits_the_cap),
        TEST(a_kept_connection_is_only_queried),
        TEST(a_kept_connection_that_breaks_is_replaced_within_the_check),
        TEST(a_kept_connection_that_breaks_within_the_answer_is_a_failure),
        TEST(a_server_that_says_why_it_leaves_is_believed),
        TEST(a_connection_that_ends_between_checks_is_no_failure),
        TEST(notices_between_checks_are_dropped),
        TEST(running_out_of_memory_is_internal_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
