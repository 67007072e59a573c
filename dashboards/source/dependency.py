# SPDX-License-Identifier: Apache-2.0
"""One dependency in full: a section for each that is chosen.

health_exporter --print-dashboard writes the same section for each dependency of a configuration:
write puts it, with `$dependency` as the mark for the name, into src/cli/dashboard.json.in.
"""
from model import (BLUE, DEPENDENCIES, DEPENDENCY, GREEN, ORANGE, OWN_TROUBLE, PURPLE, RED, STATE,
                   STATES, YELLOW, dashboard, heatmap, lines, now, override, query, row, stat, steps,
                   timeline, value_map)

D = {"d": DEPENDENCY}
AVAILABILITY = {"unit": "percentunit", "decimals": 2,
                "thresholds": steps(RED, (0.95, ORANGE), (0.99, YELLOW), (0.999, GREEN))}


def available(title, period):
    return stat("Available " + title, "Share of the last " + title + " for which it was up or degraded, "
                "from as much of that time as there are samples of.", 3, 4,
                [now("avg(avg_over_time(health_check_status{%s}[%s]))" % (DEPENDENCY, period))],
                **AVAILABILITY)


def glance():
    return [
        stat("State", "The state after thresholds; with several exporters the worst that any of them "
             "sees. DOWN also before the first result.", 3, 4, [now("min(%s)" % STATE)],
             mappings=value_map(STATES), thresholds=steps(RED, (1, PURPLE), (2, ORANGE), (3, GREEN))),
        stat("In this state for", "Time since the state last changed between up and not up, at most "
             "the time that is shown; right to two minutes.", 3, 4,
             [now("min(time() - max_over_time(timestamp(changes(health_check_status{%s}[2m]) > 0)"
                  "[$__range:1m])) or 0 * min(health_check_status{%s}) + $__range_s"
                  % (DEPENDENCY, DEPENDENCY))],
             unit="dtdurations", decimals=0, colour_mode="value", thresholds=steps("text")),
        stat("Reason", "Why checks failed in the last five minutes, the most frequent reason first.",
             3, 4, [now("sort_desc(sum by (reason) (increase(dependency_check_failures_total{%(d)s}"
                        "[5m])) > 0)" % D, "{{reason}}")],
             text_mode="name", noValue="none", unit="none", colour_mode="value", thresholds=steps(ORANGE)),
        stat("Failures in a row", "Checks that failed since the last one that passed.", 3, 4,
             [now("max(health_check_consecutive_failures{%(d)s})" % D)], unit="none",
             thresholds=steps(GREEN, (1, ORANGE), (3, RED))),
        available("1 h", "1h"), available("24 h", "1d"), available("30 d", "30d"),
        stat("Certificate", "Until the earliest certificate in the chain that it showed expires.", 3, 4,
             [now("min(health_check_tls_certificate_expiry_timestamp_seconds{%(d)s}) - time()" % D)],
             unit="dtdurations", decimals=0, noValue="no TLS",
             thresholds=steps(RED, (3 * 86400, ORANGE), (21 * 86400, GREEN))),
    ]


def latency():
    quantiles = [query("histogram_quantile(%s, sum by (le) (rate(health_check_duration_seconds_bucket"
                       "{%s}[$__rate_interval])))" % (share, DEPENDENCY), name)
                 for share, name in (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))]
    deadline = query("min(health_check_timeout_seconds{%(d)s})" % D, "timeout")
    return [
        lines("Latency", "Quantiles of all checks, failed ones too, estimated within the buckets of "
              "the histogram, and the configured deadline.", 12, 8, [*quantiles, deadline], unit="s",
              threshold_style="dashed", legend="list",
              overrides=[override("timeout", color={"mode": "fixed", "fixedColor": RED},
                                  custom__lineStyle={"fill": "dash", "dash": [8, 6]},
                                  custom__lineWidth=1)]),
        heatmap("Latency distribution", "How many checks took how long: the stronger the colour, the "
                "more. Two bands are two different worlds, such as cached and not.", 12, 8,
                [query("sum by (le) (increase(health_check_duration_seconds_bucket{%(d)s}"
                       "[$__rate_interval]))" % D, "{{le}}") | {"format": "heatmap"}], unit="s"),
    ]


def causes():
    return [
        lines("Failed checks by reason", "Failed checks per second by reason. blocked, stale and "
              "internal are the exporter's own trouble and say nothing of the dependency.", 12, 8,
              [query("sum by (reason) (rate(dependency_check_failures_total{%(d)s}"
                     "[$__rate_interval])) > 0" % D, "{{reason}}")],
              unit="cps", stack=True, bars=True, legend="list", noValue="No check failed."),
        lines("Where the time goes", "Phases of the last check. A phase that it did not reach is "
              "absent: the last one that is there is where it failed.", 12, 8,
              [query("max by (phase) (health_check_phase_duration_seconds{%(d)s})" % D, "{{phase}}")],
              unit="s", stack=True, legend="list"),
        lines("Share of failed checks", "Failed checks of all checks, without the exporter's own "
              "trouble.", 8, 7,
              [query("sum(rate(dependency_check_failures_total{%s,%s}[$__rate_interval])) / "
                     "sum(rate(health_check_duration_seconds_count{%s}[$__rate_interval]))"
                     % (DEPENDENCY, OWN_TROUBLE, DEPENDENCY), "failed")],
              unit="percentunit", max=1, fill=20, legend=None),
        lines("Values", "What the check read: free bytes, a status, a query's number. Each has the "
              "unit that its name tells; choose one in the legend.", 8, 7,
              [query("health_check_value{%(d)s}" % D, "{{value}} {{instance}}")], unit="short",
              noValue="This kind reads no values."),
        lines("Checks not run", "Planned checks per second that were not run, by cause: busy (the one "
              "before still ran), capacity, late, breaker (put off because it has been down for "
              "long).", 8, 7,
              [query("sum by (cause) (rate(health_check_skipped_total{%(d)s}[$__rate_interval])) > 0"
                     % D, "{{cause}}")], unit="cps", bars=True, stack=True, legend="list",
              noValue="None were skipped."),
    ]


def history():
    return timeline(
        "History by exporter", "State, last result and breaker as each exporter sees them. OPEN: it has "
        "been down for so long that checks are put off.", 24, 6,
        [query(STATE, "{{instance}} state"),
         query("10 + health_check_last_result{%(d)s}" % D, "{{instance}} last check"),
         query("20 + health_check_breaker_open{%(d)s}" % D, "{{instance}} breaker")],
        mappings=value_map({**STATES, "10": ("failed", RED), "11": ("passed", GREEN),
                            "20": ("closed", "rgba(128, 128, 128, 0.3)"), "21": ("OPEN", BLUE)}))


def section():
    """The row and its panels, for whatever `$dependency` is."""
    return [row("$dependency", repeat="dependency"), *glance(), history(), *latency(), *causes()]


def make():
    return dashboard(
        "health-exporter-dependency", "Health exporter / Dependency",
        "Everything about one dependency: state, latency, reasons, phases, values, certificate.",
        section(), variables=[DEPENDENCIES])
