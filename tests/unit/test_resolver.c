/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=hx_clock_monotonic_ns,--wrap=stat,--wrap=stat64 */
/* The resolver against a name server on the same loop; the test can turn its clock forward. */
#include "net/resolver.h"

#include "base/clock.h"
#include "dns_stub.h"
#include "failing_alloc.h"
#include "loop_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t clock_ahead_ns;
static time_t configuration_mtime;

int64_t __real_hx_clock_monotonic_ns(void);
int64_t __wrap_hx_clock_monotonic_ns(void)
{
    return __real_hx_clock_monotonic_ns() + clock_ahead_ns;
}

/* The only file that the resolver asks about is /etc/resolv.conf; stat64 is what stat is called
 * where file offsets have 64 bits. */
int __wrap_stat(const char *path, struct stat *status)
{
    assert_string_equal(path, "/etc/resolv.conf");
    memset(status, 0, sizeof *status);
    status->st_mtim.tv_sec = configuration_mtime;
    return 0;
}

int __wrap_stat64(const char *path, struct stat *status)
{
    return __wrap_stat(path, status);
}

struct fixture {
    uv_loop_t loop;
    struct dns_stub stub;
    struct hx_resolver *resolver;
};

/* One lookup and what came of it. */
struct asked {
    struct hx_lookup *lookup;
    int n_called;
    size_t n;
    enum hx_reason reason;
    char text[HX_RESOLVER_MAX_ADDRESSES][HX_ADDRESS_TEXT_SIZE];
    char message[400];
    void (*then)(struct asked *asked);
    void *data;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    clock_ahead_ns = 0;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    dns_stub_open(&f->stub, &f->loop);
    struct hx_resolver_options options = {.servers = f->stub.servers};
    assert_int_equal(hx_resolver_new(&f->loop, &options, &f->resolver, NULL), HX_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hx_resolver_free(f->resolver);
    dns_stub_close(&f->stub);
    loop_test_close(&f->loop);
    free(f);
    return 0;
}

static void on_resolved(void *data, const struct hx_resolved *resolved)
{
    struct asked *asked = data;
    asked->lookup = NULL;
    asked->n_called++;
    asked->n = resolved->n;
    asked->reason = resolved->reason;
    snprintf(asked->message, sizeof asked->message, "%s",
             resolved->n == 0 ? resolved->message : "");
    for (size_t i = 0; i < resolved->n; i++) {
        hx_address_text(&resolved->addresses[i], asked->text[i]);
    }
    if (asked->then != NULL) {
        asked->then(asked);
    }
}

static void ask(struct fixture *f, const char *host, struct asked *asked)
{
    hx_resolver_lookup(f->resolver, host, 80, on_resolved, asked, &asked->lookup);
}

/* Asks and waits. */
static struct asked resolve(struct fixture *f, const char *host)
{
    struct asked asked = {0};
    ask(f, host, &asked);
    RUN_UNTIL(&f->loop, asked.n_called > 0);
    assert_int_equal(asked.n_called, 1);
    assert_null(asked.lookup);
    return asked;
}

static void assert_fails(struct fixture *f, const char *host, enum hx_reason reason,
                         const char *message)
{
    struct asked asked = resolve(f, host);
    assert_int_equal(asked.n, 0);
    assert_string_equal(hx_reason_text(asked.reason), hx_reason_text(reason));
    assert_string_equal(asked.message, message);
}

static void a_literal_is_answered_at_once_without_a_question(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {0};
    ask(f, "10.1.2.3", &asked);
    assert_int_equal(asked.n_called, 1);
    assert_null(asked.lookup);
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.text[0], "10.1.2.3:80");
    ask(f, "2001:db8::1", &asked);
    assert_string_equal(asked.text[0], "[2001:db8::1]:80");
    assert_int_equal(f->stub.n_questions, 0);
}

static void both_families_are_asked_and_ipv6_comes_first(void **state)
{
    struct asked asked = resolve(*state, "both.test");
    assert_int_equal(asked.n, 2);
    assert_string_equal(asked.text[0], "[2001:db8::7]:80");
    assert_string_equal(asked.text[1], "10.0.0.7:80");
}

static void one_family_is_enough(void **state)
{
    struct asked asked = resolve(*state, "ok.test");
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.text[0], "10.0.0.7:80");
    asked = resolve(*state, "ok6.test");
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.text[0], "[2001:db8::7]:80");
}

static void the_families_of_a_long_answer_take_turns(void **state)
{
    struct asked asked = resolve(*state, "many.test");
    assert_int_equal(asked.n, HX_RESOLVER_MAX_ADDRESSES);
    assert_string_equal(asked.text[0], "[2001:db8::1]:80");
    assert_string_equal(asked.text[1], "10.0.0.1:80");
    assert_string_equal(asked.text[6], "[2001:db8::4]:80");
    assert_string_equal(asked.text[7], "10.0.0.4:80");
    asked = resolve(*state, "many.four");
    assert_int_equal(asked.n, HX_RESOLVER_MAX_ADDRESSES);
    assert_string_equal(asked.text[7], "10.0.0.8:80");
}

static void negative_answers_are_dns(void **state)
{
    assert_fails(*state, "nx.test", HX_REASON_DNS, "no such host \"nx.test\"");
    assert_fails(*state, "empty.test", HX_REASON_DNS, "no address for \"empty.test\"");
    assert_fails(*state, "broken.test", HX_REASON_DNS,
                 "no usable answer from a name server for \"broken.test\"");
    assert_fails(*state, "refuse.test", HX_REASON_DNS,
                 "no usable answer from a name server for \"refuse.test\"");
}

static void what_is_no_host_name_is_never_asked(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = {
        "",          ".",     "a..b",       ".a",   "127.1", "0x7f.1", "0x7f000001", "017700000001",
        "1.2.3.4.5", "a.256", "127.0.0.1.", "a.0x", "a b",   "a\\.b",  "a/b",        "caf\xc3\xa9",
        NULL};
    for (const char *const *host = hosts; *host != NULL; host++) {
        struct asked asked = {0};
        ask(f, *host, &asked);
        assert_int_equal(asked.n_called, 1);
        assert_int_equal(asked.n, 0);
        assert_int_equal(asked.reason, HX_REASON_DNS);
    }
    assert_int_equal(f->stub.n_questions, 0);
}

static void a_name_has_at_most_253_characters(void **state)
{
    struct fixture *f = *state;
    char name[260] = "ok.";
    for (size_t i = 3; i < 254; i++) {
        name[i] = i % 50 == 0 ? '.' : 'a';
    }
    struct asked asked = {0};
    ask(f, name, &asked);
    assert_int_equal(asked.n_called, 1);
    assert_string_equal(asked.message, "host name longer than 253 characters");
    name[253] = '.'; /* 253 characters and a last dot */
    asked = resolve(f, name);
    assert_int_equal(asked.n, 1);
}

static void localhost_is_answered_without_a_name_server(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {0};
    ask(f, "LocalHost", &asked);
    assert_int_equal(asked.n_called, 1);
    assert_null(asked.lookup);
    assert_true(asked.n >= 1);
    assert_string_equal(asked.text[asked.n - 1], "127.0.0.1:80");
    assert_int_equal(f->stub.n_questions, 0);
}

static void what_the_hosts_say_is_cached_for_a_moment(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver_stats stats;
    resolve(f, "localhost");
    clock_ahead_ns = 4 * HX_NS_PER_S;
    resolve(f, "localhost");
    clock_ahead_ns = 6 * HX_NS_PER_S;
    resolve(f, "localhost");
    hx_resolver_stats(f->resolver, &stats);
    assert_int_equal(stats.cache_hits, 1);
}

static void an_answer_is_cached_for_its_ttl(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver_stats stats;
    f->stub.ttl = 20;
    resolve(f, "ok.test");
    assert_int_equal(f->stub.n_questions, 2);
    struct asked asked = {0};
    ask(f, "OK.test", &asked); /* names know no case */
    assert_int_equal(asked.n_called, 1);
    assert_string_equal(asked.text[0], "10.0.0.7:80");
    clock_ahead_ns = 21 * HX_NS_PER_S;
    resolve(f, "ok.test");
    assert_int_equal(f->stub.n_questions, 4);
    hx_resolver_stats(f->resolver, &stats);
    assert_int_equal(stats.lookups, 3);
    assert_int_equal(stats.cache_hits, 1);
    assert_int_equal(stats.queries, 2);
    assert_int_equal(stats.failures, 0);
}

static void no_answer_is_cached_longer_than_max_ttl(void **state)
{
    struct fixture *f = *state;
    f->stub.ttl = 86400;
    resolve(f, "ok.test");
    clock_ahead_ns = 31 * HX_NS_PER_S;
    resolve(f, "ok.test");
    assert_int_equal(f->stub.n_questions, 4);
}

/* Services that fail over by a changed CNAME give it a short TTL, and its target a long one. */
static void an_answer_is_cached_no_longer_than_the_alias_that_led_to_it(void **state)
{
    struct fixture *f = *state;
    f->stub.ttl = 60;
    resolve(f, "alias.test");
    clock_ahead_ns = (DNS_STUB_ALIAS_TTL - 1) * HX_NS_PER_S;
    resolve(f, "alias.test");
    assert_int_equal(f->stub.n_questions, 2);
    clock_ahead_ns = (DNS_STUB_ALIAS_TTL + 1) * HX_NS_PER_S;
    resolve(f, "alias.test");
    assert_int_equal(f->stub.n_questions, 4);
}

static void a_ttl_of_zero_is_not_cached(void **state)
{
    struct fixture *f = *state;
    f->stub.ttl = 0;
    resolve(f, "ok.test");
    resolve(f, "ok.test");
    assert_int_equal(f->stub.n_questions, 4);
}

static void a_negative_answer_is_cached_for_a_second(void **state)
{
    struct fixture *f = *state;
    resolve(f, "nx.test");
    size_t n_first = f->stub.n_questions;
    assert_fails(f, "nx.test", HX_REASON_DNS, "no such host \"nx.test\"");
    assert_int_equal(f->stub.n_questions, n_first);
    clock_ahead_ns = 2 * HX_NS_PER_S;
    resolve(f, "nx.test");
    assert_int_equal(f->stub.n_questions, 2 * n_first);
}

static void lookups_of_one_name_share_a_query(void **state)
{
    struct fixture *f = *state;
    struct asked first = {0}, second = {0};
    hx_resolver_lookup(f->resolver, "held.test", 1111, on_resolved, &first, &first.lookup);
    hx_resolver_lookup(f->resolver, "held.test", 2222, on_resolved, &second, &second.lookup);
    RUN_UNTIL(&f->loop, f->stub.n_held == 2);
    dns_stub_release(&f->stub);
    RUN_UNTIL(&f->loop, first.n_called > 0 && second.n_called > 0);
    assert_int_equal(f->stub.n_questions, 2);
    assert_string_equal(first.text[0], "10.0.0.7:1111");
    assert_string_equal(second.text[0], "10.0.0.7:2222");
}

static void a_cancelled_lookup_is_not_called_and_its_late_answer_is_cached(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {0}, later = {0};
    ask(f, "held.test", &asked);
    assert_non_null(asked.lookup);
    RUN_UNTIL(&f->loop, f->stub.n_held == 2);
    hx_lookup_cancel(asked.lookup);
    dns_stub_release(&f->stub);
    RUN_UNTIL(&f->loop, (ask(f, "held.test", &later), later.n_called > 0));
    assert_int_equal(asked.n_called, 0);
    assert_string_equal(later.text[0], "10.0.0.7:80");
    assert_int_equal(f->stub.n_questions, 2);
}

static void cancel_the_other(struct asked *asked)
{
    struct asked *other = asked->data;
    hx_lookup_cancel(other->lookup);
    other->lookup = NULL;
}

static void a_callback_may_cancel_another_lookup_of_the_same_query(void **state)
{
    struct fixture *f = *state;
    struct asked second = {0}, third = {0};
    struct asked first = {.then = cancel_the_other, .data = &second};
    ask(f, "held.test", &first);
    ask(f, "held.test", &second);
    ask(f, "held.test", &third);
    RUN_UNTIL(&f->loop, f->stub.n_held == 2);
    dns_stub_release(&f->stub);
    RUN_UNTIL(&f->loop, third.n_called > 0);
    assert_int_equal(first.n_called, 1);
    assert_int_equal(second.n_called, 0);
}

static void free_the_resolver(struct asked *asked)
{
    struct fixture *f = asked->data;
    hx_resolver_free(f->resolver);
    f->resolver = NULL;
}

static void a_callback_may_free_the_resolver(void **state)
{
    struct fixture *f = *state;
    struct asked first = {.then = free_the_resolver, .data = f};
    struct asked second = {0}, elsewhere = {0};
    ask(f, "held.test", &first);
    ask(f, "held.test", &second);
    ask(f, "silent.test", &elsewhere);
    RUN_UNTIL(&f->loop, f->stub.n_held == 2);
    dns_stub_release(&f->stub);
    RUN_UNTIL(&f->loop, first.n_called > 0);
    assert_null(f->resolver);
    assert_int_equal(second.n_called, 0);
    assert_int_equal(elsewhere.n_called, 0);
}

static void a_hung_query_does_not_block_the_next(void **state)
{
    struct fixture *f = *state;
    struct asked hung = {0}, next = {0};
    ask(f, "held.test", &hung);
    RUN_UNTIL(&f->loop, f->stub.n_held == 2);
    f->stub.n_held = 0; /* lost */
    clock_ahead_ns = 6 * HX_NS_PER_S;
    ask(f, "held.test", &next);
    RUN_UNTIL(&f->loop, f->stub.n_questions >= 4);
    dns_stub_release(&f->stub);
    RUN_UNTIL(&f->loop, next.n_called > 0);
    assert_string_equal(next.text[0], "10.0.0.7:80");
    assert_int_equal(hung.n_called, 0);
    hx_lookup_cancel(hung.lookup);
}

static void a_silent_name_server_is_a_timeout_and_blocks_no_other_name(void **state)
{
    struct fixture *f = *state;
    struct asked silent = {0};
    ask(f, "silent.test", &silent);
    struct asked other = resolve(f, "ok.test");
    assert_int_equal(other.n, 1);
    assert_int_equal(silent.n_called, 0);
    RUN_UNTIL(&f->loop, silent.n_called > 0);
    assert_int_equal(silent.reason, HX_REASON_TIMEOUT);
    assert_string_equal(silent.message, "no answer from a name server for \"silent.test\"");
}

/* Some name servers, and what stands before them, drop what they do not know. */
static void a_family_that_is_dropped_costs_a_moment_and_no_timeout(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"deaf6.test", "deaf4.test"};
    static const char *const answers[] = {"10.0.0.7:80", "[2001:db8::7]:80"};
    for (size_t i = 0; i < 2; i++) {
        uint64_t before = uv_hrtime();
        struct asked asked = resolve(f, names[i]);
        assert_true(uv_hrtime() - before < UINT64_C(900) * HX_NS_PER_MS);
        assert_int_equal(asked.n, 1);
        assert_string_equal(asked.text[0], answers[i]);
        asked = (struct asked){0};
        ask(f, names[i], &asked); /* from the cache */
        assert_int_equal(asked.n_called, 1);
    }
}

static void a_family_that_is_late_is_in_the_cache(void **state)
{
    struct fixture *f = *state;
    struct asked asked = resolve(f, "late6.test");
    assert_int_equal(asked.n, 1);
    dns_stub_release(&f->stub);
    resolve(f, "ok.test"); /* by now the late answer has been read */
    asked = resolve(f, "late6.test");
    assert_int_equal(asked.n, 2);
    assert_string_equal(asked.text[0], "[2001:db8::7]:80");
    assert_int_equal(f->stub.n_questions, 4);
}

static void a_callback_may_free_the_resolver_while_a_family_is_late(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.then = free_the_resolver, .data = f};
    struct asked other = {0};
    ask(f, "deaf6.test", &asked);
    ask(f, "deaf6.test", &other);
    RUN_UNTIL(&f->loop, asked.n_called > 0);
    assert_int_equal(asked.n, 1);
    assert_int_equal(other.n_called, 0);
}

/* No address of the one family says nothing while the other may have one. */
static void a_negative_answer_of_one_family_waits_for_the_other(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {0};
    ask(f, "half6.test", &asked);
    resolve(f, "deaf6.test"); /* which takes the time that would be granted */
    assert_int_equal(asked.n_called, 0);
    hx_lookup_cancel(asked.lookup);
}

/* c-ares reads the search list from the environment, too. */
static void search_in(struct fixture *f, const char *domains)
{
    struct hx_resolver_options options = {.servers = f->stub.servers};
    hx_resolver_free(f->resolver);
    setenv("LOCALDOMAIN", domains, 1);
    assert_int_equal(hx_resolver_new(&f->loop, &options, &f->resolver, NULL), HX_OK);
    unsetenv("LOCALDOMAIN");
}

static void the_search_list_is_gone_through(void **state)
{
    struct fixture *f = *state;
    search_in(f, "nowhere test");
    struct asked asked = resolve(f, "both");
    assert_int_equal(asked.n, 2);
    assert_int_equal(f->stub.n_questions, 4);
    asked = resolve(f, "both.test"); /* has a dot: itself first */
    assert_int_equal(asked.n, 2);
    assert_int_equal(f->stub.n_questions, 6);
    assert_fails(f, "nx", HX_REASON_DNS, "no such host \"nx\"");
    assert_int_equal(f->stub.n_questions, 12);
    assert_fails(f, "nx.", HX_REASON_DNS, "no such host \"nx.\"");
    assert_int_equal(f->stub.n_questions, 14);
    assert_fails(f, "empty", HX_REASON_DNS, "no address for \"empty\"");
}

static void an_answer_never_mixes_two_names(void **state)
{
    struct fixture *f = *state;
    search_in(f, "four six");
    struct asked asked = resolve(f, "any");
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.text[0], "10.0.0.7:80");
    search_in(f, "six four");
    asked = resolve(f, "any");
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.text[0], "[2001:db8::7]:80");
}

static void an_answer_with_a_wrong_id_is_none(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {0};
    ask(f, "garbage.test", &asked);
    resolve(f, "ok.test"); /* by now the false answers have been read */
    RUN_UNTIL(&f->loop, f->stub.n_questions >= 4);
    assert_int_equal(asked.n_called, 0);
    hx_lookup_cancel(asked.lookup);
}

static void a_name_server_that_is_not_there_is_dns_at_once(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver *resolver = NULL;
    struct hx_resolver_options options = {.servers = "127.0.0.1:1"};
    assert_int_equal(hx_resolver_new(&f->loop, &options, &resolver, NULL), HX_OK);
    struct asked asked = {0};
    uint64_t before = uv_hrtime();
    hx_resolver_lookup(resolver, "ok.test", 80, on_resolved, &asked, &asked.lookup);
    RUN_UNTIL(&f->loop, asked.n_called > 0);
    assert_true(uv_hrtime() - before < UINT64_C(900000000));
    assert_int_equal(asked.reason, HX_REASON_DNS);
    assert_string_equal(asked.message, "no usable answer from a name server for \"ok.test\"");
    hx_resolver_free(resolver);
}

static void no_descriptors_left_is_internal(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, none;
    int lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &none);
    struct asked asked = resolve(f, "ok.test");
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(asked.n, 0);
    assert_string_equal(hx_reason_text(asked.reason), "internal");
    asked = resolve(f, "ok.test"); /* it was not cached */
    assert_int_equal(asked.n, 1);
}

/* The name servers are those of this machine here, whether they answer or not. */
static void a_changed_configuration_is_followed_and_questions_before_it_live_on(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver *resolver = NULL;
    struct asked before = {0}, between = {0}, local = {0};
    configuration_mtime = 1;
    assert_int_equal(hx_resolver_new(&f->loop, NULL, &resolver, NULL), HX_OK);
    hx_resolver_lookup(resolver, "a.invalid", 80, on_resolved, &before, &before.lookup);
    configuration_mtime = 2;
    clock_ahead_ns = 2 * HX_NS_PER_S;
    hx_resolver_lookup(resolver, "localhost", 80, on_resolved, &local, &local.lookup);
    assert_int_equal(local.n_called, 1);
    assert_int_equal(before.n_called, 0);
    hx_resolver_lookup(resolver, "b.invalid", 80, on_resolved, &between, &between.lookup);
    configuration_mtime = 3;
    clock_ahead_ns = 4 * HX_NS_PER_S;
    hx_resolver_lookup(resolver, "c.localhost.invalid", 80, on_resolved, &local, &local.lookup);
    assert_int_equal(before.n_called, 1); /* its channel is the last but one */
    assert_int_equal(before.reason, HX_REASON_TIMEOUT);
    assert_int_equal(between.n_called, 0);
    hx_resolver_free(resolver); /* ends both channels and tells nobody */
    assert_int_equal(between.n_called, 0);
}

static void bad_name_servers_are_an_error(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver *resolver = NULL;
    struct hx_error err = {0};
    struct hx_resolver_options options = {.servers = "no address"};
    assert_int_equal(hx_resolver_new(&f->loop, &options, &resolver, &err), HX_ERR_SYSTEM);
    assert_null(resolver);
    assert_memory_equal(err.message, "name servers: ", 14);
}

static void every_allocation_of_new_may_fail(void **state)
{
    struct fixture *f = *state;
    struct hx_resolver_options options = {.servers = "127.0.0.1:1"};
    bool is_failing = true;
    size_t n = 1;
    for (; is_failing; n++) {
        struct hx_resolver *resolver = NULL;
        failing_alloc_at(n);
        enum hx_errcode code = hx_resolver_new(&f->loop, &options, &resolver, NULL);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        hx_resolver_free(resolver);
    }
    assert_true(n > 4);
}

static void a_lookup_without_memory_is_internal(void **state)
{
    struct fixture *f = *state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        char name[32];
        struct asked asked = {0};
        snprintf(name, sizeof name, "ok.test%zu.x", n);
        failing_alloc_at(n);
        ask(f, name, &asked);
        is_failing = failing_alloc_was_reached();
        RUN_UNTIL(&f->loop, asked.n_called > 0);
        assert_int_equal(asked.n_called, 1);
        if (asked.n == 0) {
            assert_true(asked.reason == HX_REASON_INTERNAL || asked.reason == HX_REASON_TIMEOUT);
        }
        assert_true(is_failing || asked.n == 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_literal_is_answered_at_once_without_a_question),
        TEST(both_families_are_asked_and_ipv6_comes_first),
        TEST(one_family_is_enough),
        TEST(the_families_of_a_long_answer_take_turns),
        TEST(negative_answers_are_dns),
        TEST(what_is_no_host_name_is_never_asked),
        TEST(a_name_has_at_most_253_characters),
        TEST(localhost_is_answered_without_a_name_server),
        TEST(what_the_hosts_say_is_cached_for_a_moment),
        TEST(an_answer_is_cached_for_its_ttl),
        TEST(no_answer_is_cached_longer_than_max_ttl),
        TEST(an_answer_is_cached_no_longer_than_the_alias_that_led_to_it),
        TEST(a_ttl_of_zero_is_not_cached),
        TEST(a_negative_answer_is_cached_for_a_second),
        TEST(lookups_of_one_name_share_a_query),
        TEST(a_cancelled_lookup_is_not_called_and_its_late_answer_is_cached),
        TEST(a_callback_may_cancel_another_lookup_of_the_same_query),
        TEST(a_callback_may_free_the_resolver),
        TEST(a_hung_query_does_not_block_the_next),
        TEST(a_silent_name_server_is_a_timeout_and_blocks_no_other_name),
        TEST(a_family_that_is_dropped_costs_a_moment_and_no_timeout),
        TEST(a_family_that_is_late_is_in_the_cache),
        TEST(a_callback_may_free_the_resolver_while_a_family_is_late),
        TEST(a_negative_answer_of_one_family_waits_for_the_other),
        TEST(the_search_list_is_gone_through),
        TEST(an_answer_never_mixes_two_names),
        TEST(an_answer_with_a_wrong_id_is_none),
        TEST(a_name_server_that_is_not_there_is_dns_at_once),
        TEST(no_descriptors_left_is_internal),
        TEST(a_changed_configuration_is_followed_and_questions_before_it_live_on),
        TEST(bad_name_servers_are_an_error),
        TEST(every_allocation_of_new_may_fail),
        TEST(a_lookup_without_memory_is_internal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
