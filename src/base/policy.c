/* SPDX-License-Identifier: Apache-2.0 */
/* The options that every dependency has, and what must hold between them. */
#include "base/clock.h"
#include "base/option.h"
#include "base/quote.h"
#include "base/units.h"

#include <stddef.h>

#define DAY_NS        (INT64_C(86400) * HX_NS_PER_S)
#define MONTH_NS      (30 * DAY_NS)
#define MAX_THRESHOLD 1000
#define STALE_ROUNDS  3 /* a result may miss two rounds and still count */
#define DURATION_SIZE 32

#define FIELD(member) offsetof(struct hx_policy, member)

/* In the order of enum hx_connection and enum hx_tls_version. */
static const char *const CONNECTIONS[] = {"keep", "fresh", NULL};
static const char *const TLS_VERSIONS[] = {"1.2", "1.3", NULL};

const struct hx_option hx_policy_options[] = {
    {.name = "interval",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(interval_ns),
     .fallback = "10s",
     .help = "time from the start of a check to the start of the next",
     .min = 10 * HX_NS_PER_MS,
     .max = DAY_NS},
    {.name = "timeout",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(timeout_ns),
     .fallback = "2s",
     .help = "a check that takes longer fails with reason timeout; shorter than interval",
     .min = HX_NS_PER_MS,
     .max = DAY_NS},
    {.name = "critical",
     .type = HX_OPTION_BOOL,
     .offset = FIELD(critical),
     .fallback = "true",
     .help = "true: while it is down the service is not ready; false: only degraded"},
    {.name = "degraded_after",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(degraded_after_ns),
     .fallback = "0",
     .help = "a check that passes but takes longer makes the state degraded; 0: never",
     .max = DAY_NS},
    {.name = "failure_threshold",
     .type = HX_OPTION_INT,
     .offset = FIELD(failure_threshold),
     .fallback = "1",
     .help = "failed checks in a row until the state is down",
     .min = 1,
     .max = MAX_THRESHOLD},
    {.name = "success_threshold",
     .type = HX_OPTION_INT,
     .offset = FIELD(success_threshold),
     .fallback = "1",
     .help = "passed checks in a row until the state is up again",
     .min = 1,
     .max = MAX_THRESHOLD},
    {.name = "retry_interval",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(retry_interval_ns),
     .help = "time between checks while a change is being confirmed; as interval unless set",
     .min = 10 * HX_NS_PER_MS,
     .max = DAY_NS},
    {.name = "stale_after",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(stale_after_ns),
     .help = "a result older than this makes the state unknown; 3 x interval + timeout unless set",
     .min = HX_NS_PER_MS,
     .max = MONTH_NS},
    {.name = "breaker.failures",
     .type = HX_OPTION_INT,
     .offset = FIELD(breaker_failures),
     .fallback = "0",
     .help = "failed checks in a row after which checks become rarer and rarer; 0: never",
     .max = 1000000},
    {.name = "breaker.max_interval",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(breaker_max_interval_ns),
     .fallback = "5m",
     .help = "the longest time between checks while the breaker is open; at least interval",
     .min = 10 * HX_NS_PER_MS,
     .max = DAY_NS},
    {.name = "connection",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(connection),
     .fallback = "keep",
     .help = "keep: use one connection from check to check; fresh: connect for each check",
     .choices = CONNECTIONS},
    {.name = "max_connection_age",
     .type = HX_OPTION_DURATION,
     .offset = FIELD(max_connection_age_ns),
     .fallback = "5m",
     .help = "a kept connection older than this is replaced, so that a changed name is seen; 0: no "
             "limit",
     .max = MONTH_NS},
    {.name = "tags",
     .type = HX_OPTION_STRINGS,
     .offset = FIELD(tags),
     .help = "words by which a probe endpoint selects: ?tag=...; letters, digits, '_', '-', '.'"},
    {.name = "buckets",
     .type = HX_OPTION_DURATIONS,
     .offset = FIELD(buckets),
     .help = "upper bounds of its histogram of durations, 1 to 30, rising: 5ms, or 0.005 for "
             "seconds; .001 to 10 seconds unless set",
     .min = HX_NS_PER_US,
     .max = DAY_NS},
    {.name = "tls.ca_file",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.ca_file),
     .help = "PEM file of the authorities to trust instead of the system's",
     .is_file = true},
    {.name = "tls.cert_file",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.cert_file),
     .help = "PEM file of the client certificate and its chain; needs tls.key_file",
     .is_file = true},
    {.name = "tls.key_file",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.key_file),
     .help = "PEM file of the client certificate's key; needs tls.cert_file",
     .is_file = true},
    {.name = "tls.server_name",
     .type = HX_OPTION_STRING,
     .offset = FIELD(tls.server_name),
     .help = "name to ask for and to verify, instead of the URL's host"},
    {.name = "tls.insecure_skip_verify",
     .type = HX_OPTION_BOOL,
     .offset = FIELD(tls.insecure_skip_verify),
     .fallback = "false",
     .help = "true: take any certificate; its expiry is still shown"},
    {.name = "tls.min_version",
     .type = HX_OPTION_CHOICE,
     .offset = FIELD(tls.min_version),
     .fallback = "1.2",
     .help = "the oldest version of TLS that is spoken",
     .choices = TLS_VERSIONS},
    {.name = NULL},
};

static enum hx_errcode check_times(const struct hx_policy *policy, struct hx_error *err)
{
    char interval[DURATION_SIZE];
    char timeout[DURATION_SIZE];
    char other[DURATION_SIZE];
    hx_format_duration(policy->interval_ns, interval, sizeof interval);
    hx_format_duration(policy->timeout_ns, timeout, sizeof timeout);
    if (policy->timeout_ns >= policy->interval_ns) {
        return hx_error_set(err, HX_ERR_INVALID, "timeout (%s) must be shorter than interval (%s)",
                            timeout, interval);
    }
    if (policy->retry_interval_ns <= policy->timeout_ns) {
        return hx_error_set(
            err, HX_ERR_INVALID, "retry_interval (%s) must be longer than timeout (%s)",
            hx_format_duration(policy->retry_interval_ns, other, sizeof other), timeout);
    }
    if (policy->breaker_failures > 0 && policy->breaker_max_interval_ns < policy->interval_ns) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "breaker.max_interval must not be shorter than interval");
    }
    if (policy->stale_after_ns < policy->interval_ns + policy->timeout_ns) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "stale_after (%s) must be at least interval (%s) and timeout (%s) "
                            "together",
                            hx_format_duration(policy->stale_after_ns, other, sizeof other),
                            interval, timeout);
    }
    return HX_OK;
}

static bool is_tag(const char *text)
{
    const char *p = text;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
           *p == '_' || *p == '.' || *p == '-') {
        p++;
    }
    return p > text && *p == '\0';
}

static enum hx_errcode check_tags(const struct hx_strings *tags, struct hx_error *err)
{
    for (size_t i = 0; i < tags->n; i++) {
        char quoted[HX_QUOTE_SIZE];
        if (!is_tag(tags->items[i])) {
            return hx_error_set(err, HX_ERR_INVALID,
                                "a tag is made of letters, digits, '_', '-' and '.', got %s",
                                hx_quote(tags->items[i], quoted));
        }
    }
    return HX_OK;
}

static enum hx_errcode check_tls(const struct hx_tls_options *tls, struct hx_error *err)
{
    if ((tls->cert_file == NULL) != (tls->key_file == NULL)) {
        return hx_error_set(err, HX_ERR_INVALID,
                            "tls.cert_file and tls.key_file are given together or not at all");
    }
    /* OpenSSL takes an empty name for the wish to verify none. */
    if (tls->server_name != NULL && tls->server_name[0] == '\0') {
        return hx_error_set(err, HX_ERR_INVALID, "tls.server_name is empty: expected a name");
    }
    return HX_OK;
}

enum hx_errcode hx_policy_complete(struct hx_policy *policy, struct hx_error *err)
{
    if (policy->retry_interval_ns == 0) {
        policy->retry_interval_ns = policy->interval_ns;
    }
    if (policy->stale_after_ns == 0) {
        policy->stale_after_ns = STALE_ROUNDS * policy->interval_ns + policy->timeout_ns;
    }
    enum hx_errcode code = check_times(policy, err);
    if (code == HX_OK) {
        code = check_tags(&policy->tags, err);
    }
    return code == HX_OK ? check_tls(&policy->tls, err) : code;
}
