/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks and rates are judged at once. A password that was not right before becomes an attempt:
 * it goes to the hashing thread while its connection is suspended, and the handler runs when that
 * has found it right. The first attempt of a login costs its client a token at once, which it gets
 * back for a right one, so that hanging up early hides nothing.
 *
 * Who frees what: an attempt is a hx_later, which is freed by the web thread after it was answered,
 * or by the hashing thread when nobody waits any more.
 */
#include "web/gate.h"

#include "base/clock.h"
#include "web/access.h"
#include "web/exchange.h"
#include "web/handlers.h"
#include "web/later.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Wrong passwords of one client: five, and then one every two seconds. */
static const struct hx_rate failure_rate = {.interval_ns = 2 * HX_NS_PER_S, .burst = 5};

struct attempt {
    struct hx_later later;
    struct hx_hash_job job;
    uint8_t mac[HX_MAC_SIZE];
    uint64_t n_renewals; /* when its users were asked */
    bool is_user;
    enum hx_errcode refused; /* HX_OK: it was hashed */
};

/* ---- rules ---- */

enum hx_errcode hx_gate_init(struct hx_gate *gate, struct hx_access *access_take,
                             struct hx_error *err)
{
    *gate = (struct hx_gate){0};
    enum hx_errcode code = hx_rules_new(access_take, &gate->rules, err);
    if (code != HX_OK)
        return code;
    gate->is_tls = gate->rules->credentials != NULL;
    gate->has_headers = gate->rules->access->headers.n > 0;
    if (pthread_mutex_init(&gate->lock, NULL) != 0) {
        hx_rules_unref(gate->rules);
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock");
    }
    code = hx_hasher_init(&gate->hasher, err);
    if (code != HX_OK) {
        pthread_mutex_destroy(&gate->lock);
        hx_rules_unref(gate->rules);
        return code;
    }
    code = hx_known_init(&gate->known, err);
    if (code == HX_OK)
        code = hx_rate_table_init(&gate->clients, err);
    if (code == HX_OK)
        code = hx_rate_table_init(&gate->failures, err);
    if (code != HX_OK)
        hx_gate_fini(gate);
    return code;
}

void hx_gate_fini(struct hx_gate *gate)
{
    hx_hasher_fini(&gate->hasher);
    hx_known_fini(&gate->known);
    hx_rate_table_fini(&gate->clients);
    hx_rate_table_fini(&gate->failures);
    hx_rules_unref(gate->next);
    hx_rules_unref(gate->rules);
    pthread_mutex_destroy(&gate->lock);
}

enum hx_errcode hx_gate_offer(struct hx_gate *gate, struct hx_access *access_take,
                              struct hx_error *err)
{
    bool is_tls = access_take != NULL && access_take->tls.is_enabled;
    struct hx_rules *rules;
    if (is_tls != gate->is_tls) {
        hx_access_free(access_take);
        return hx_error_set(err, HX_ERR_UNSUPPORTED,
                            "TLS can be switched %s by a restart only, not by a reload",
                            is_tls ? "on" : "off");
    }
    enum hx_errcode code = hx_rules_new(access_take, &rules, err);
    if (code != HX_OK)
        return code;
    pthread_mutex_lock(&gate->lock);
    struct hx_rules *unused = gate->next;
    gate->next = rules;
    pthread_mutex_unlock(&gate->lock);
    hx_rules_unref(unused);
    return HX_OK;
}

static bool is_same_rate(const struct hx_rate *a, const struct hx_rate *b)
{
    return a->interval_ns == b->interval_ns && a->burst == b->burst;
}

void hx_gate_renew(struct hx_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    struct hx_rules *rules = gate->next;
    gate->next = NULL;
    pthread_mutex_unlock(&gate->lock);
    if (rules == NULL)
        return;
    const struct hx_access *before = gate->rules->access;
    if (!is_same_rate(&before->rate, &rules->access->rate))
        gate->all = (struct hx_bucket){0};
    if (!is_same_rate(&before->rate_per_client, &rules->access->rate_per_client))
        hx_rate_table_clear(&gate->clients);
    gate->has_headers |= rules->access->headers.n > 0;
    hx_known_clear(&gate->known);
    hx_rules_unref(gate->rules);
    gate->rules = rules;
    gate->n_renewals++;
}

/* ---- answers ---- */

static enum MHD_Result refuse(struct hx_exchange *exchange, enum hx_ruling ruling, int64_t wait_ns)
{
    char seconds[24];
    switch (ruling) {
    case HX_RULING_ALLOWED:
        break;
    case HX_RULING_FOREIGN:
        return hx_exchange_send_error(exchange, MHD_HTTP_FORBIDDEN,
                                      "your address is not in the allowed networks");
    case HX_RULING_REMOTE:
        return hx_exchange_send_error(exchange, MHD_HTTP_FORBIDDEN,
                                      "without users this is for this host only");
    case HX_RULING_TOO_MANY:
        snprintf(seconds, sizeof(seconds), "%lld",
                 (long long)((wait_ns + HX_NS_PER_S - 1) / HX_NS_PER_S));
        return hx_exchange_send_error_with(exchange, MHD_HTTP_TOO_MANY_REQUESTS,
                                           "too many requests", "Retry-After", seconds);
    case HX_RULING_UNKNOWN:
        return hx_exchange_send_error_with(exchange, MHD_HTTP_UNAUTHORIZED,
                                           "a user and the right password are needed",
                                           "WWW-Authenticate", "Basic realm=\"health_exporter\"");
    }
    return MHD_NO;
}

/* ---- network and rate ---- */

static bool is_in_network(const struct hx_access *access, const struct hx_peer *peer)
{
    bool is_in = !peer->is_limited || access->n_networks == 0;
    for (size_t i = 0; i < access->n_networks && !is_in; i++)
        is_in = hx_network_contains(&access->networks[i], peer->address);
    return is_in;
}

/* Takes a token of both buckets, or of none. */
static bool is_in_rate(struct hx_gate *gate, const struct hx_peer *peer, int64_t now_ns,
                       int64_t *wait_ns)
{
    const struct hx_access *access = gate->rules->access;
    struct hx_bucket *own = access->rate_per_client.interval_ns > 0 && peer->is_limited
                                ? hx_rate_table_find(&gate->clients, peer->key, now_ns)
                                : NULL;
    int64_t own_wait_ns = 0;
    bool is_in =
        access->rate.interval_ns == 0 || hx_bucket_has(&gate->all, &access->rate, now_ns, wait_ns);
    if (own != NULL && !hx_bucket_has(own, &access->rate_per_client, now_ns, &own_wait_ns))
        is_in = false;
    if (own_wait_ns > *wait_ns)
        *wait_ns = own_wait_ns;
    if (!is_in)
        return false;
    if (access->rate.interval_ns > 0)
        hx_bucket_take(&gate->all, &access->rate, now_ns, &own_wait_ns);
    if (own != NULL)
        hx_bucket_take(own, &access->rate_per_client, now_ns, &own_wait_ns);
    return true;
}

bool hx_gate_admit(struct hx_exchange *exchange, enum MHD_Result *result)
{
    struct hx_web *web = exchange->web;
    const struct hx_peer *peer = &exchange->connection->peer;
    struct hx_visitor visitor = {.is_in_network = is_in_network(web->gate.rules->access, peer)};
    int64_t wait_ns = 0;
    exchange->connection->is_admitted = true;
    if (visitor.is_in_network)
        visitor.is_in_rate = is_in_rate(&web->gate, peer, web->now_ns, &wait_ns);
    enum hx_ruling ruling = hx_access_rule(&visitor, HX_CLASS_STATUS, false);
    if (ruling == HX_RULING_ALLOWED)
        return true;
    *result = refuse(exchange, ruling, wait_ns);
    return false;
}

/* ---- users ---- */

struct header {
    const char *value;
    size_t len;
    unsigned n;
};

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
    struct header *header = cls;
    (void)kind;
    if (name_len == strlen("Authorization") && strncasecmp(name, "Authorization", name_len) == 0) {
        header->value = value;
        header->len = value_len;
        header->n++;
    }
    return MHD_YES;
}

/* Reads the one Authorization of the request; two of them are none. */
static bool read_login(struct MHD_Connection *mhd, struct hx_login *login)
{
    struct header header = {0};
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_field, &header);
    return header.n == 1 && header.value != NULL &&
           hx_authorization_parse(header.value, header.len, login);
}

static void on_hashed(struct hx_hash_job *job)
{
    struct attempt *attempt =
        (struct attempt *)(void *)((char *)job - offsetof(struct attempt, job));
    hx_later_finish(&attempt->later);
}

static void free_attempt(struct hx_later *later)
{
    struct attempt *attempt = (struct attempt *)(void *)later;
    explicit_bzero(attempt, sizeof(*attempt));
    free(attempt);
}

static enum MHD_Result refuse_attempt(struct hx_exchange *exchange, enum hx_errcode code)
{
    if (code == HX_ERR_BUSY)
        return refuse(exchange, HX_RULING_TOO_MANY, HX_NS_PER_S);
    return hx_exchange_send_later(exchange, "too many passwords are being checked");
}

/* The first attempt of a login was charged when it began; one that shared its comparison is charged
 * now. */
static void settle(struct hx_exchange *exchange, const struct attempt *attempt, bool is_forgiven)
{
    struct hx_web *web = exchange->web;
    struct hx_bucket *failures =
        hx_rate_table_find(&web->gate.failures, exchange->connection->peer.key, web->now_ns);
    int64_t wait_ns;
    if (attempt->job.is_first && is_forgiven)
        hx_bucket_give(failures, &failure_rate);
    else if (!attempt->job.is_first && !is_forgiven)
        hx_bucket_take(failures, &failure_rate, web->now_ns, &wait_ns);
}

/* The hashing thread has found out, or had no place. */
static enum MHD_Result on_resumed(struct hx_exchange *exchange, struct hx_later *later)
{
    const struct attempt *attempt = (const struct attempt *)(const void *)later;
    struct hx_gate *gate = &exchange->web->gate;
    if (attempt->refused != HX_OK)
        return refuse_attempt(exchange, attempt->refused);
    bool is_outdated = attempt->n_renewals != gate->n_renewals;
    bool is_right = attempt->is_user && attempt->job.is_right;
    settle(exchange, attempt, is_right || is_outdated);
    if (!is_outdated && !is_right)
        return refuse(exchange, HX_RULING_UNKNOWN, 0);
    if (!is_outdated)
        hx_known_add(&gate->known, attempt->mac);
    /* After a reload the answer is that of users who may be gone: ask again. */
    enum MHD_Result result;
    if (is_outdated && !hx_gate_identify(exchange, &result))
        return result;
    return hx_handlers[exchange->route](exchange);
}

static const char *find_hash(const struct hx_map *users, const struct hx_login *login)
{
    const char *hash = NULL;
    for (size_t i = 0; i < users->n; i++) {
        if (strcmp(users->items[i].name, login->user) == 0)
            hash = users->items[i].value;
    }
    return hash;
}

static struct attempt *new_attempt(const struct hx_gate *gate, const struct hx_login *login,
                                   const uint8_t mac[HX_MAC_SIZE], const struct hx_peer *peer)
{
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL)
        return NULL;
    const char *hash = find_hash(&gate->rules->access->users, login);
    attempt->later.resume = on_resumed;
    attempt->later.free = free_attempt;
    attempt->job.login = *login;
    attempt->job.done = on_hashed;
    memcpy(attempt->job.mac, mac, HX_MAC_SIZE);
    memcpy(attempt->mac, mac, HX_MAC_SIZE);
    memcpy(attempt->job.client, peer->key, sizeof(peer->key));
    attempt->is_user = hash != NULL;
    attempt->n_renewals = gate->n_renewals;
    snprintf(attempt->job.hash, sizeof(attempt->job.hash), "%s",
             hash != NULL ? hash : gate->rules->dummy_hash);
    return attempt;
}

/* Suspends the request until its password has been compared. */
static enum MHD_Result begin_attempt(struct hx_exchange *exchange, const struct hx_login *login,
                                     const uint8_t mac[HX_MAC_SIZE])
{
    struct hx_web *web = exchange->web;
    const struct hx_peer *peer = &exchange->connection->peer;
    struct hx_bucket *failures = hx_rate_table_find(&web->gate.failures, peer->key, web->now_ns);
    int64_t wait_ns;
    if (!hx_bucket_has(failures, &failure_rate, web->now_ns, &wait_ns))
        return refuse(exchange, HX_RULING_TOO_MANY, wait_ns);
    struct attempt *attempt = new_attempt(&web->gate, login, mac, peer);
    if (attempt == NULL)
        return MHD_NO;
    enum MHD_Result result = hx_later_begin(exchange, &attempt->later);
    enum hx_errcode code = hx_hasher_submit(&web->gate.hasher, &attempt->job);
    if (code != HX_OK) {
        attempt->refused = code;
        hx_later_finish(&attempt->later);
    } else if (attempt->job.is_first) {
        hx_bucket_take(failures, &failure_rate, web->now_ns, &wait_ns);
    }
    return result;
}

/* The status page is for everybody, and with ?details for operators. */
static enum hx_route_class class_of(const struct hx_exchange *exchange)
{
    bool is_detailed =
        exchange->route == HX_ROUTE_PAGE && hx_exchange_asks_for(exchange, "details");
    return is_detailed ? HX_CLASS_DETAILS : hx_route_class(exchange->route);
}

bool hx_gate_has_users(const struct hx_gate *gate)
{
    return gate->rules->access->users.n > 0;
}

bool hx_gate_is_operator(const struct hx_exchange *exchange)
{
    struct hx_visitor visitor = {
        .is_in_network = true, .is_in_rate = true, .is_local = exchange->connection->peer.is_local};
    return class_of(exchange) == HX_CLASS_DETAILS ||
           hx_access_rule(&visitor, HX_CLASS_DETAILS, hx_gate_has_users(&exchange->web->gate)) ==
               HX_RULING_ALLOWED;
}

bool hx_gate_identify(struct hx_exchange *exchange, enum MHD_Result *result)
{
    struct hx_gate *gate = &exchange->web->gate;
    struct hx_visitor visitor = {
        .is_in_network = true, .is_in_rate = true, .is_local = exchange->connection->peer.is_local};
    struct hx_login login;
    uint8_t mac[HX_MAC_SIZE];
    enum hx_ruling ruling = hx_access_rule(&visitor, class_of(exchange), hx_gate_has_users(gate));
    if (ruling == HX_RULING_ALLOWED)
        return true;
    if (ruling != HX_RULING_UNKNOWN || !read_login(exchange->mhd, &login)) {
        *result = refuse(exchange, ruling, 0);
        return false;
    }
    bool has_mac = hx_known_mac(&gate->known, &login, mac);
    bool is_known = has_mac && hx_known_has(&gate->known, mac);
    if (!is_known)
        *result = has_mac ? begin_attempt(exchange, &login, mac) : MHD_NO;
    explicit_bzero(&login, sizeof(login));
    return is_known;
}
