/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups, the queries they share, and who is told of the answers.
 *
 * Happy path: lookup → literal or cached, answered at once; else it joins the query of that name
 * or begins one → the question is asked → on_answer: the answer goes into the cache, then to every
 * lookup that waits. An answer that comes while the question is being put (from /etc/hosts) is kept
 * until that has returned: no foreign code runs inside c-ares' entry points. A family that comes
 * late, after the other has been told, only goes into the cache.
 *
 * Failure modes: every end of a query is an answer with a reason. A query that never ends cannot
 * be ended alone (c-ares has no such call): after HUNG_NS nobody joins it any more.
 *
 * Who frees what: a lookup is freed before its callback is called, or by its cancel. A query is
 * freed when its final answer has been told, and that comes also when the channel is destroyed; a
 * query that outlives the resolver has no resolver any more.
 */
#include "net/resolver.h"

#include "base/clock.h"
#include "net/dns_channel.h"
#include "net/dns_question.h"
#include "net/host_name.h"
#include "net/resolver_answer.h"
#include "net/resolver_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#define MAX_CACHED_NAMES     4096
#define DEFAULT_MAX_TTL_NS   (30 * HX_NS_PER_S)
#define DEFAULT_NEGATIVE_NS  (1 * HX_NS_PER_S)
#define HOSTS_FILE_TTL_NS    (5 * HX_NS_PER_S)
#define HUNG_NS              (5 * HX_NS_PER_S)
#define CONFIGURATION        "/etc/resolv.conf"
#define CONFIGURATION_AGE_NS (1 * HX_NS_PER_S)
#define N_BUCKETS            256

TAILQ_HEAD(lookups, hx_lookup);
LIST_HEAD(queries, query);

struct hx_lookup {
    hx_resolve_cb cb;
    void *data;
    uint16_t port;
    struct lookups *waiting; /* the query's */
    TAILQ_ENTRY(hx_lookup) in_query;
};

struct query {
    struct hx_resolver *resolver; /* NULL: it has gone */
    LIST_ENTRY(query) in_bucket;
    struct lookups waiting;
    int64_t started_ns;
    bool is_starting; /* the question is being put */
    bool is_telling;
    bool is_done;  /* there is an answer: nobody joins any more */
    bool is_final; /* no other will come */
    struct hx_resolver_answer answer;
    char name[HX_HOST_NAME_SIZE];
};

struct hx_resolver {
    struct uv_loop_s *loop;
    struct hx_dns_channel *channel;
    struct hx_dns_channel *former; /* of the configuration before; NULL once it is idle */
    struct hx_resolver_cache *cache;
    char *servers; /* NULL: those of /etc/resolv.conf */
    int64_t max_ttl_ns, negative_ttl_ns;
    int64_t configuration_read_ns; /* when its stamp was last looked at */
    struct timespec configuration_mtime;
    struct hx_resolver_stats stats;
    struct queries buckets[N_BUCKETS]; /* the queries under way, by name */
};

static void on_answer(void *data, const struct hx_dns_answer *dns);

/* Puts the port into the answer's addresses. */
static void tell(struct hx_resolver_answer *answer, uint16_t port, hx_resolve_cb cb, void *data)
{
    struct hx_resolved resolved = {.n = answer->n,
                                   .addresses = answer->addresses,
                                   .reason = answer->reason,
                                   .message = answer->message};
    for (size_t i = 0; i < answer->n; i++) {
        hx_address_set_port(&answer->addresses[i], port);
    }
    cb(data, &resolved);
}

static void tell_failure(enum hx_reason reason, const char *message, hx_resolve_cb cb, void *data)
{
    struct hx_resolved resolved = {.reason = reason, .message = message};
    cb(data, &resolved);
}

static void query_free(struct query *query)
{
    if (query->resolver != NULL) {
        LIST_REMOVE(query, in_bucket);
    }
    free(query);
}

/* Tells all who wait. A callback may cancel other lookups, begin new ones (they do not join, the
 * query is done), or free the resolver (which frees those who still wait, and makes the answer
 * final). */
static void query_tell(struct query *query)
{
    struct hx_lookup *lookup;
    query->is_telling = true;
    while ((lookup = TAILQ_FIRST(&query->waiting)) != NULL) {
        struct hx_lookup told = *lookup;
        hx_lookup_cancel(lookup);
        tell(&query->answer, told.port, told.cb, told.data);
    }
    query->is_telling = false;
    if (query->is_final) {
        query_free(query);
    }
}

/* How long an answer is good; 0: not at all. */
static int64_t lifetime_ns(const struct query *query, const struct hx_dns_answer *dns)
{
    const struct hx_resolver *resolver = query->resolver;
    if (query->answer.n == 0) {
        return query->answer.reason == HX_REASON_DNS ? resolver->negative_ttl_ns : 0;
    }
    int64_t ttl_ns =
        dns->is_from_hosts ? HOSTS_FILE_TTL_NS : hx_resolver_answer_ttl(dns) * HX_NS_PER_S;
    return ttl_ns < resolver->max_ttl_ns ? ttl_ns : resolver->max_ttl_ns;
}

static void remember(struct query *query, const struct hx_dns_answer *dns)
{
    struct hx_resolver *resolver = query->resolver;
    int64_t good_for_ns = lifetime_ns(query, dns);
    resolver->stats.failures += query->answer.n == 0;
    if (good_for_ns > 0) {
        hx_resolver_cache_put(resolver->cache, query->name, &query->answer,
                              hx_clock_monotonic_ns() + good_for_ns);
    }
}

static void on_answer(void *data, const struct hx_dns_answer *dns)
{
    struct query *query = data;
    query->is_done = true;
    query->is_final = dns->is_final;
    if (query->resolver != NULL && dns->has_news) {
        hx_resolver_answer_make(&query->answer, query->name, dns);
        remember(query, dns);
    }
    if (!query->is_starting && !query->is_telling) {
        query_tell(query);
    }
}

static struct timespec configuration_mtime(void)
{
    struct stat status;
    return stat(CONFIGURATION, &status) == 0 ? status.st_mtim : (struct timespec){0};
}

/* Lets a new channel serve from now on; the one before it may finish what it was asked, the one
 * before that not. */
static void change_channel(struct hx_resolver *resolver, struct hx_dns_channel *channel)
{
    struct hx_dns_channel *last = resolver->former;
    resolver->former = resolver->channel;
    resolver->channel = channel;
    hx_dns_channel_close(last);
}

/* Makes a new channel when /etc/resolv.conf has changed; without the means for one, the old serves
 * on and it is tried again later. It may end queries, and so call back. */
static void follow_configuration(struct hx_resolver *resolver, int64_t now_ns)
{
    if (resolver->servers != NULL ||
        now_ns - resolver->configuration_read_ns < CONFIGURATION_AGE_NS) {
        return;
    }
    resolver->configuration_read_ns = now_ns;
    if (resolver->former != NULL && hx_dns_channel_is_idle(resolver->former)) {
        hx_dns_channel_close(resolver->former);
        resolver->former = NULL;
    }
    struct timespec mtime = configuration_mtime();
    struct hx_dns_channel *channel = NULL;
    if ((mtime.tv_sec == resolver->configuration_mtime.tv_sec &&
         mtime.tv_nsec == resolver->configuration_mtime.tv_nsec) ||
        hx_dns_channel_new(resolver->loop, NULL, &channel, NULL) != HX_OK) {
        return;
    }
    resolver->configuration_mtime = mtime;
    change_channel(resolver, channel);
}

static struct queries *bucket_of(struct hx_resolver *resolver, const char *name)
{
    return &resolver->buckets[hx_resolver_name_hash(name) % N_BUCKETS];
}

static struct query *query_find(struct hx_resolver *resolver, const char *name, int64_t now_ns)
{
    struct query *query;
    LIST_FOREACH(query, bucket_of(resolver, name), in_bucket)
    {
        if (!query->is_done && now_ns - query->started_ns < HUNG_NS &&
            strcmp(query->name, name) == 0) {
            return query;
        }
    }
    return NULL;
}

/* The query may be done when this returns, and then for good. NULL: out of memory. */
static struct query *query_new(struct hx_resolver *resolver, const char *name, int64_t now_ns)
{
    struct query *query = calloc(1, sizeof *query);
    if (query == NULL) {
        return NULL;
    }
    memcpy(query->name, name, strlen(name) + 1);
    TAILQ_INIT(&query->waiting);
    query->resolver = resolver;
    query->started_ns = now_ns;
    LIST_INSERT_HEAD(bucket_of(resolver, name), query, in_bucket);
    resolver->stats.queries++;
    query->is_starting = true;
    if (!hx_dns_question_ask(resolver->loop, resolver->channel, query->name, on_answer, query)) {
        query_free(query);
        return NULL;
    }
    query->is_starting = false;
    return query;
}

/* Puts the lookup behind a query that is under way. NULL: out of memory. */
static struct hx_lookup *lookup_new(struct query *query, uint16_t port, hx_resolve_cb cb,
                                    void *data)
{
    struct hx_lookup *lookup = malloc(sizeof *lookup);
    if (lookup == NULL) {
        return NULL;
    }
    *lookup = (struct hx_lookup){.cb = cb, .data = data, .port = port, .waiting = &query->waiting};
    TAILQ_INSERT_TAIL(&query->waiting, lookup, in_query);
    return lookup;
}

/* What needs a query. */
static void ask_for(struct hx_resolver *resolver, const char *name, uint16_t port, hx_resolve_cb cb,
                    void *data, struct hx_lookup **lookup)
{
    int64_t now_ns = hx_clock_monotonic_ns();
    follow_configuration(resolver, now_ns);
    struct query *query = query_find(resolver, name, now_ns);
    if (query == NULL) {
        query = query_new(resolver, name, now_ns);
    }
    if (query != NULL && query->is_done) {
        struct hx_resolver_answer answer = query->answer;
        query_free(query);
        tell(&answer, port, cb, data);
        return;
    }
    *lookup = query != NULL ? lookup_new(query, port, cb, data) : NULL;
    if (*lookup == NULL) {
        tell_failure(HX_REASON_INTERNAL, "lookup: out of memory", cb, data);
    }
}

/* What is no literal. */
static void look_up(struct hx_resolver *resolver, const char *host, uint16_t port, hx_resolve_cb cb,
                    void *data, struct hx_lookup **lookup)
{
    char name[HX_HOST_NAME_SIZE];
    struct hx_resolver_answer answer;
    if (!hx_host_name_copy(name, host)) {
        tell_failure(HX_REASON_DNS, "host name longer than 253 characters", cb, data);
        return;
    }
    const char *defect = hx_host_name_defect(name);
    if (defect != NULL) {
        hx_resolver_answer_fail(&answer, HX_REASON_DNS, "no host name \"%s\": %s", name, defect);
        tell(&answer, port, cb, data);
        return;
    }
    if (hx_resolver_cache_get(resolver->cache, name, hx_clock_monotonic_ns(), &answer)) {
        resolver->stats.cache_hits++;
        tell(&answer, port, cb, data);
        return;
    }
    ask_for(resolver, name, port, cb, data, lookup);
}

void hx_resolver_lookup(struct hx_resolver *resolver, const char *host, uint16_t port,
                        hx_resolve_cb cb, void *data, struct hx_lookup **lookup)
{
    struct hx_address literal;
    *lookup = NULL;
    resolver->stats.lookups++;
    if (hx_address_parse(host, port, &literal)) {
        const struct hx_resolved resolved = {.n = 1, .addresses = &literal, .message = ""};
        cb(data, &resolved);
        return;
    }
    look_up(resolver, host, port, cb, data, lookup);
}

void hx_lookup_cancel(struct hx_lookup *lookup)
{
    if (lookup != NULL) {
        TAILQ_REMOVE(lookup->waiting, lookup, in_query);
        free(lookup);
    }
}

/* Leaves the query to its answer, which interests nobody any more. */
static void query_orphan(struct query *query)
{
    LIST_REMOVE(query, in_bucket);
    query->resolver = NULL;
    struct hx_lookup *lookup = TAILQ_FIRST(&query->waiting);
    TAILQ_INIT(&query->waiting);
    while (lookup != NULL) {
        struct hx_lookup *next = TAILQ_NEXT(lookup, in_query);
        free(lookup);
        lookup = next;
    }
}

static enum hx_errcode fill(struct hx_resolver *resolver, const struct hx_resolver_options *options,
                            struct hx_error *err)
{
    resolver->cache = hx_resolver_cache_new(MAX_CACHED_NAMES);
    resolver->servers = options->servers != NULL ? strdup(options->servers) : NULL;
    if (resolver->cache == NULL || (options->servers != NULL && resolver->servers == NULL)) {
        return hx_error_set(err, HX_ERR_NOMEM, "resolver: out of memory");
    }
    resolver->max_ttl_ns = options->max_ttl_ns > 0 ? options->max_ttl_ns : DEFAULT_MAX_TTL_NS;
    resolver->negative_ttl_ns =
        options->negative_ttl_ns > 0 ? options->negative_ttl_ns : DEFAULT_NEGATIVE_NS;
    resolver->configuration_read_ns = hx_clock_monotonic_ns();
    resolver->configuration_mtime = configuration_mtime();
    return hx_dns_channel_new(resolver->loop, resolver->servers, &resolver->channel, err);
}

enum hx_errcode hx_resolver_new(struct uv_loop_s *loop, const struct hx_resolver_options *options,
                                struct hx_resolver **resolver, struct hx_error *err)
{
    static const struct hx_resolver_options defaults;
    struct hx_resolver *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "resolver: out of memory");
    }
    self->loop = loop;
    enum hx_errcode code = fill(self, options != NULL ? options : &defaults, err);
    if (code != HX_OK) {
        hx_resolver_free(self);
        return code;
    }
    *resolver = self;
    return HX_OK;
}

void hx_resolver_free(struct hx_resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    for (size_t i = 0; i < N_BUCKETS; i++) {
        while (!LIST_EMPTY(&resolver->buckets[i])) {
            query_orphan(LIST_FIRST(&resolver->buckets[i]));
        }
    }
    hx_dns_channel_close(resolver->former);
    hx_dns_channel_close(resolver->channel);
    hx_resolver_cache_free(resolver->cache);
    free(resolver->servers);
    free(resolver);
}

void hx_resolver_stats(const struct hx_resolver *resolver, struct hx_resolver_stats *stats)
{
    *stats = resolver->stats;
}
