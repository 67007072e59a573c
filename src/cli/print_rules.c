/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules made to measure. The text of each rule is that of alerts/dependencies.yml; for one
 * dependency its name takes the place of every name, and what the configuration knows better takes
 * the place of what must suit everybody: how long to wait, from when on it is slow, how critical it
 * is. A rule that could never fire for it, or would fire wrongly, is left out, and a comment says
 * why.
 *
 * The name is a label of the rule as well: the series give the same one, but without it the rules
 * of two dependencies would be duplicates in the eyes of promtool.
 *
 * A rule of that file begins with its line "- alert:" and ends before an empty line; its severity
 * is a line of its own.
 */
#include "cli/print_rules.h"

#include "base/clock.h"
#include "base/units.h"
#include "cli/packed.h"
#include "metrics/histogram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_BEGIN  "      - alert: "
#define ANY_NAME    "dependency!=\"\""
#define MAX_CHANGES 6
#define TEXT_SIZE   192
#define LABELS      "        labels:\n"
#define MINUTE_NS   (60 * HX_NS_PER_S)

/* The shortest windows of the burn rates must hold some checks, or their ratio is chance. */
#define FAST_BURN_MAX_INTERVAL_NS MINUTE_NS        /* five in 5m */
#define SLOW_BURN_MAX_INTERVAL_NS (30 * MINUTE_NS) /* four in 2h, 48 in 1d */

/* There while checks fail by the exporter's own trouble; the window is its name's. */
#define OWN_FAILURES  "dependency:health_check_own_failures:increase5m"
#define OWN_WINDOW_NS (5 * MINUTE_NS)

#define DOWN_MIN_WAIT_NS     MINUTE_NS
#define FLAPPING_MIN_SPAN_NS (30 * MINUTE_NS)
#define FLAPPING_CHECKS      20 /* in its window, so that six changes can be among them */

struct change {
    char from[TEXT_SIZE];
    char to[TEXT_SIZE];
};

/* How a rule is changed for a dependency. */
struct fit {
    const char *left_out; /* why; NULL: it stays */
    struct change changes[MAX_CHANGES];
    size_t n;
};

typedef void (*fit_fn)(const struct hx_dependency *dependency, struct fit *fit);

static void fit_down_critical(const struct hx_dependency *dependency, struct fit *fit);
static void fit_down_warning(const struct hx_dependency *dependency, struct fit *fit);
static void fit_flapping(const struct hx_dependency *dependency, struct fit *fit);
static void fit_fast_burn(const struct hx_dependency *dependency, struct fit *fit);
static void fit_slow_burn(const struct hx_dependency *dependency, struct fit *fit);
static void fit_slow(const struct hx_dependency *dependency, struct fit *fit);
static void fit_breaker(const struct hx_dependency *dependency, struct fit *fit);
static void fit_certificate(const struct hx_dependency *dependency, struct fit *fit);
static void fit_windows(const struct hx_dependency *dependency, struct fit *fit);

/* Rules that stand here not are the same for all but for the name. */
static const struct {
    const char *alert;
    const char *severity; /* NULL: any */
    fit_fn fit;
} fits[] = {
    {"DependencyDown", "critical", fit_down_critical},
    {"DependencyDown", "warning", fit_down_warning},
    {"DependencyFlapping", NULL, fit_flapping},
    {"DependencyErrorBudgetBurn", "critical", fit_fast_burn},
    {"DependencyErrorBudgetBurn", "warning", fit_slow_burn},
    {"DependencySlow", NULL, fit_slow},
    {"DependencyBreakerOpen", NULL, fit_breaker},
    {"DependencyCertificateExpiring", NULL, fit_certificate},
    {"HealthCheckImpossible", NULL, fit_windows},
};
#define N_FITS (sizeof(fits) / sizeof(fits[0]))

/* Part of the template. */
struct rule {
    const char *text;
    size_t len;
    const char *alert;
    size_t alert_len;
};

static void add_change(struct fit *fit, const char *from, const char *to)
{
    struct change *change = &fit->changes[fit->n++];
    snprintf(change->from, sizeof(change->from), "%s", from);
    snprintf(change->to, sizeof(change->to), "%s", to);
}

/* Prometheus' durations have no fractions: up to the next second. */
static const char *whole_seconds(int64_t ns, char text[TEXT_SIZE])
{
    int64_t seconds = (ns + HX_NS_PER_S - 1) / HX_NS_PER_S;
    return hx_format_duration(seconds * HX_NS_PER_S, text, TEXT_SIZE);
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

/* Where checks are rarer than the windows are long, what one said holds until the next. */
static void fit_windows(const struct hx_dependency *dependency, struct fit *fit)
{
    int64_t span_ns = dependency->policy.interval_ns + dependency->policy.timeout_ns;
    char span[TEXT_SIZE];
    char text[TEXT_SIZE];
    if (span_ns <= OWN_WINDOW_NS)
        return;
    whole_seconds(span_ns, span);
    snprintf(text, sizeof(text), "last_over_time(" OWN_FAILURES "{dependency=\"%.64s\"}[%.16s])",
             dependency->name, span);
    add_change(fit, OWN_FAILURES "{" ANY_NAME "}", text);
    snprintf(text, sizeof(text), "[%.32s]", span);
    add_change(fit, "[5m]", text);
    snprintf(text, sizeof(text), "last %.32s", span);
    add_change(fit, "last 5 minutes", text);
}

/* One failure must stay silent. Where thresholds let it pass, the state waits for a second failure
 * by itself; where one failure is down, the wait must hold another check. */
static void fit_down(const struct hx_dependency *dependency, struct fit *fit)
{
    const struct hx_policy *policy = &dependency->policy;
    char wait[TEXT_SIZE];
    char line[TEXT_SIZE];
    int64_t wait_ns = DOWN_MIN_WAIT_NS;
    if (policy->failure_threshold == 1)
        wait_ns = at_least(policy->interval_ns + policy->timeout_ns, DOWN_MIN_WAIT_NS);
    snprintf(line, sizeof(line), "        for: %s", whole_seconds(wait_ns, wait));
    add_change(fit, "        for: 1m", line);
    fit_windows(dependency, fit);
}

static void fit_down_critical(const struct hx_dependency *dependency, struct fit *fit)
{
    if (!dependency->policy.critical)
        fit->left_out = "it is not critical";
    fit_down(dependency, fit);
}

static void fit_down_warning(const struct hx_dependency *dependency, struct fit *fit)
{
    if (dependency->policy.critical)
        fit->left_out = "it is critical";
    fit_down(dependency, fit);
}

static void fit_flapping(const struct hx_dependency *dependency, struct fit *fit)
{
    int64_t span_ns =
        at_least(FLAPPING_CHECKS * dependency->policy.interval_ns, FLAPPING_MIN_SPAN_NS);
    char span[TEXT_SIZE];
    char range[TEXT_SIZE];
    char words[TEXT_SIZE];
    whole_seconds(span_ns, span);
    snprintf(range, sizeof(range), "[%.32s]", span);
    snprintf(words, sizeof(words), "within %.32s", span);
    add_change(fit, "[30m]", range);
    add_change(fit, "within 30m", words);
}

static void fit_fast_burn(const struct hx_dependency *dependency, struct fit *fit)
{
    if (dependency->policy.interval_ns > FAST_BURN_MAX_INTERVAL_NS)
        fit->left_out = "five minutes hold too few checks";
}

static void fit_slow_burn(const struct hx_dependency *dependency, struct fit *fit)
{
    if (dependency->policy.interval_ns > SLOW_BURN_MAX_INTERVAL_NS)
        fit->left_out = "two hours hold too few checks";
}

/* The first bound of its histogram that is not below the duration, in seconds; negative: none. */
static double bound_from(const struct hx_policy *policy, int64_t least_ns)
{
    double least = (double)least_ns / (double)HX_NS_PER_S;
    for (size_t i = 0; i < policy->buckets.n; i++) {
        if (policy->buckets.items[i] >= least_ns)
            return (double)policy->buckets.items[i] / (double)HX_NS_PER_S;
    }
    for (size_t i = 0; policy->buckets.n == 0 && i < hx_duration_buckets.n; i++) {
        if (hx_duration_buckets.bounds[i] >= least)
            return hx_duration_buckets.bounds[i];
    }
    return -1;
}

/* The first bucket that holds all that is not degraded. Its bound is written in two ways when it is
 * whole: "1" in the text format, "1.0" in OpenMetrics. */
static void fit_slow(const struct hx_dependency *dependency, struct fit *fit)
{
    const struct hx_policy *policy = &dependency->policy;
    double bound = bound_from(policy, policy->degraded_after_ns);
    if (policy->degraded_after_ns == 0)
        fit->left_out = "degraded_after is not set";
    else if (bound < 0)
        fit->left_out = "degraded_after is above all buckets";
    else if (policy->interval_ns > FAST_BURN_MAX_INTERVAL_NS)
        fit->left_out = "five minutes hold too few checks";
    if (fit->left_out != NULL)
        return;
    bool is_whole = bound >= 1 && bound <= (double)(int)bound;
    char number[HX_NUMBER_SIZE];
    char matcher[TEXT_SIZE];
    char words[TEXT_SIZE];
    *hx_bound_put(number, bound, HX_FORMAT_TEXT) = '\0';
    snprintf(matcher, sizeof(matcher), is_whole ? "le=~\"%s|%s[.]0\"" : "le=\"%s\"", number,
             number);
    snprintf(words, sizeof(words), "%s s", number);
    add_change(fit, "le=\"0.5\"", matcher);
    add_change(fit, "0.5 s", words);
}

static void fit_breaker(const struct hx_dependency *dependency, struct fit *fit)
{
    if (dependency->policy.breaker_failures == 0)
        fit->left_out = "it has no breaker";
}

static void fit_certificate(const struct hx_dependency *dependency, struct fit *fit)
{
    const char *const *schemes = dependency->kind->tls_schemes;
    for (size_t i = 0; schemes != NULL && schemes[i] != NULL; i++) {
        if (strcmp(schemes[i], dependency->url.scheme) == 0)
            return;
    }
    fit->left_out = "it is asked without TLS";
}

/* The rule that begins at or behind *at, which moves behind it; false: no more. */
static bool next_rule(const char **at, struct rule *rule)
{
    const char *begin = strstr(*at, RULE_BEGIN);
    if (begin == NULL)
        return false;
    const char *end = strstr(begin, "\n\n");
    rule->text = begin;
    rule->len = end == NULL ? strlen(begin) : (size_t)(end - begin) + 1;
    rule->alert = begin + strlen(RULE_BEGIN);
    rule->alert_len = strcspn(rule->alert, "\n");
    *at = begin + rule->len;
    return true;
}

static bool has_severity(const struct rule *rule, const char *severity)
{
    char line[TEXT_SIZE];
    snprintf(line, sizeof(line), "severity: %s\n", severity);
    const char *found = strstr(rule->text, line);
    return found != NULL && found < rule->text + rule->len;
}

static void fit_rule(const struct rule *rule, const struct hx_dependency *dependency,
                     struct fit *fit)
{
    char name[TEXT_SIZE];
    char labels[TEXT_SIZE];
    snprintf(name, sizeof(name), "dependency=\"%s\"", dependency->name);
    snprintf(labels, sizeof(labels), LABELS "          dependency: \"%s\"\n", dependency->name);
    *fit = (struct fit){.n = 0};
    add_change(fit, ANY_NAME, name);
    add_change(fit, LABELS, labels);
    for (size_t i = 0; i < N_FITS; i++) {
        if (strlen(fits[i].alert) == rule->alert_len &&
            memcmp(fits[i].alert, rule->alert, rule->alert_len) == 0 &&
            (fits[i].severity == NULL || has_severity(rule, fits[i].severity)))
            fits[i].fit(dependency, fit);
    }
}

/* The change that begins at this place of the rule's text; NULL: none. */
static const struct change *change_at(const struct fit *fit, const char *text, size_t len)
{
    for (size_t i = 0; i < fit->n; i++) {
        size_t from_len = strlen(fit->changes[i].from);
        if (from_len <= len && memcmp(fit->changes[i].from, text, from_len) == 0)
            return &fit->changes[i];
    }
    return NULL;
}

static void print_rule(const struct rule *rule, const struct fit *fit, struct hx_strbuf *out)
{
    for (size_t i = 0; i < rule->len;) {
        const struct change *change = change_at(fit, rule->text + i, rule->len - i);
        if (change == NULL) {
            hx_strbuf_putc(out, rule->text[i++]);
            continue;
        }
        hx_strbuf_puts(out, change->to);
        i += strlen(change->from);
    }
}

static void print_settings(const struct hx_dependency *dependency, struct hx_strbuf *out)
{
    const struct hx_policy *policy = &dependency->policy;
    char interval[TEXT_SIZE];
    char timeout[TEXT_SIZE];
    char degraded[TEXT_SIZE];
    hx_strbuf_printf(out,
                     "    # %s; critical: %s, interval: %s, timeout: %s, failure_threshold: %lld, "
                     "degraded_after: %s\n",
                     dependency->kind->name, policy->critical ? "true" : "false",
                     hx_format_duration(policy->interval_ns, interval, sizeof(interval)),
                     hx_format_duration(policy->timeout_ns, timeout, sizeof(timeout)),
                     (long long)policy->failure_threshold,
                     hx_format_duration(policy->degraded_after_ns, degraded, sizeof(degraded)));
}

static void print_group(const char *alerts, const struct hx_dependency *dependency,
                        struct hx_strbuf *out)
{
    const char *at = alerts;
    struct rule rule;
    struct fit fit;
    hx_strbuf_printf(out, "\n  - name: health_exporter.dependencies.%s\n", dependency->name);
    print_settings(dependency, out);
    hx_strbuf_puts(out, "    rules:\n");
    for (bool is_first = true; next_rule(&at, &rule);) {
        fit_rule(&rule, dependency, &fit);
        if (fit.left_out != NULL) {
            hx_strbuf_printf(out, "      # No %.*s%s: %s.\n", (int)rule.alert_len, rule.alert,
                             has_severity(&rule, "critical") ? " (critical)" : " (warning)",
                             fit.left_out);
            continue;
        }
        if (!is_first)
            hx_strbuf_putc(out, '\n');
        print_rule(&rule, &fit, out);
        is_first = false;
    }
}

void hx_print_rules(const struct hx_config *config, struct hx_strbuf *out)
{
    hx_strbuf_puts(out, "# Alerts for the dependencies of a configuration, by health_exporter "
                        "--print-alert-rules.\n"
                        "# Load it in the place of alerts/dependencies.yml, with recording.yml and "
                        "exporter.yml.\n"
                        "\n"
                        "groups:");
    if (config->n == 0)
        hx_strbuf_puts(out, " []\n");
    char *alerts = hx_packed_text(&hx_packed_alerts);
    if (alerts == NULL)
        out->is_failed = true;
    for (size_t i = 0; i < config->n && !out->is_failed; i++)
        print_group(alerts, config->dependencies[i], out);
    free(alerts);
}
