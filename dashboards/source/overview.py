# SPDX-License-Identifier: Apache-2.0
"""The page for whoever is on call: what is down, since when, and why."""
from model import (DEPENDENCIES, DEPENDENCY, EXPORTER, GREEN, ORANGE, PURPLE, RED, STATE,
                   STATES, YELLOW, cells, dashboard, lines, link, now, override, query, row,
                   stat, state_cell, steps, table, timeline, value_map)

DETAILS = link("Details of ${__data.fields.Dependency}", "health-exporter-dependency",
               job="${__data.fields.Job}", instance="${__data.fields.Instance}",
               dependency="${__data.fields.Dependency}")
DETAILS_OF_SERIES = link("Details of ${__field.labels.dependency}", "health-exporter-dependency",
                         job="${__field.labels.job}", dependency="${__field.labels.dependency}")
EXPORTER_PAGE = link("Exporters", "health-exporter-exporter")


def counter(title, description, expr, bad, link_to=None):
    """A small number that should be 0."""
    return stat(title, description, 3, 4, [now(expr)], unit="none", links=[link_to] if link_to else [],
                thresholds=steps(GREEN, (1, bad)))


def glance():
    d = {"d": DEPENDENCY, "e": EXPORTER}
    return [
        stat("Service", "What /readyz answers; with several exporters the worst of them. NOT READY: a "
             "critical dependency is down or unknown, or it starts, drains or is under maintenance.",
             3, 4, [now("min(health_service_ready{%(e)s} - 0.5 * health_service_degraded{%(e)s})" % d,
                        "ready")],
             mappings=value_map({"0": ("NOT READY", RED), "0.5": ("DEGRADED", ORANGE),
                                 "1": ("READY", GREEN)}), thresholds=steps(RED, (0.5, ORANGE),
                                                                           (1, GREEN))),
        counter("Down", "Dependencies that are down or unknown, per exporter that checks them.",
                "sum(health_check_status{%(d)s} == bool 0)" % d, RED),
        counter("Degraded", "Dependencies that pass, but slower than their degraded_after.",
                "sum(health_check_degraded{%(d)s})" % d, ORANGE),
        counter("Stale", "Dependencies whose last result is too old to count: checks do not end or "
                "are not run.", "sum(health_check_stale{%(d)s})" % d, PURPLE),
        counter("Flapping", "Dependencies that changed their state more than four times in the last "
                "hour.", "count(increase(health_check_transitions_total{%(d)s}[1h]) > 4) "
                "or 0 * count(health_check_status{%(d)s})" % d, YELLOW),
        counter("Exporters lost", "Exporters that Prometheus cannot scrape. What they check is not "
                "known while they are gone, and is not counted as down here.",
                "sum(up{%(e)s} == bool 0)" % d, RED, EXPORTER_PAGE),
        counter("Alerts firing", "Alerts of these exporters and dependencies that fire now, but for those "
                "that tell nobody (severity info).",
                'count(ALERTS{%(e)s,alertstate="firing",severity!="info"}) '
                "or 0 * count(up{%(e)s})" % d, RED),
        stat("Availability", "Share of the shown time for which the dependencies were up or degraded, "
             "over all of them.", 3, 4,
             [now("avg(avg_over_time(health_check_status{%(d)s}[$__range]))" % d)],
             unit="percentunit", decimals=2, min=0, max=1,
             thresholds=steps(RED, (0.95, ORANGE), (0.99, YELLOW), (0.999, GREEN))),
    ]


def tiles():
    return stat("Dependencies", "One tile each, the worst first; with several exporters the worst that "
                "any of them sees. DOWN also before the first result. A click leads to the details.",
                9, 8, [now("sort(min by (job, dependency) (%s))" % STATE, "{{dependency}}")],
                text_mode="value_and_name", unit="none", mappings=value_map(STATES),
                links=[DETAILS_OF_SERIES],
                thresholds=steps(RED, (1, PURPLE), (2, ORANGE), (3, GREEN)))


def failing():
    """What fails now: a row for each dependency whose last check failed."""
    failed = "health_check_last_result{%s} == 0" % DEPENDENCY
    labels = "and on (job, instance, dependency) (%s)" % failed
    return table(
        "What fails, why, since when", "Each dependency whose last check failed. Reason: the most "
        "frequent one of the last five minutes. Failing for: the time since a check last passed. "
        "In a row: checks that failed since then. State is behind the last "
        "check while failure_threshold is not reached.", 15, 8,
        [cells("%s %s" % (STATE, labels)),
         cells("topk by (job, instance, dependency) (1, sum by (job, instance, dependency, reason) "
               "(increase(dependency_check_failures_total{%s}[5m])) > 0) %s" % (DEPENDENCY, labels)),
         cells("time() - health_check_last_success_timestamp_seconds{%s} %s" % (DEPENDENCY, labels)),
         cells("0 + health_check_consecutive_failures{%s} %s" % (DEPENDENCY, labels)),
         cells("0 + health_check_info{%s} %s" % (DEPENDENCY, labels))],
        columns={"dependency": "Dependency", "Value #A": "State", "reason": "Reason",
                 "Value #C": "Failing for", "Value #D": "In a row", "critical": "Critical",
                 "job": "Job", "instance": "Instance"},
        sort=[("State", False), ("Failing for", True)], noValue="Nothing fails.",
        overrides=[override("State", **state_cell()),
                   override("Dependency", links=[DETAILS], custom__width=160),
                   override("Reason", noValue="-", custom__width=110),
                   override("Failing for", unit="dtdurations", decimals=0, noValue="never passed",
                            custom__width=120),
                   override("Critical", mappings=value_map({"true": ("critical", RED),
                                                            "false": ("no", "text")}),
                            custom__cellOptions={"type": "color-text"}, custom__width=80),
                   override("In a row", custom__width=80)])


def trends():
    d = {"d": DEPENDENCY}
    return [
        lines("Latency, 95th percentile", "How long the slowest twentieth of the checks took at least, "
              "failed ones too, on a logarithmic scale. A line at a timeout is a dependency that hangs.",
              12, 9, [query("histogram_quantile(0.95, sum by (dependency, le) (rate(health_check_"
                            "duration_seconds_bucket{%(d)s}[$__rate_interval])))" % d,
                            "{{dependency}}")], unit="s", log=True,
              links=[DETAILS_OF_SERIES]),
        lines("Failed checks", "Failed checks per second by dependency and reason. Nothing is drawn "
              "where nothing fails.", 12, 9,
              [query("sum by (dependency, reason) (rate(dependency_check_failures_total{%(d)s}"
                     "[$__rate_interval])) > 0" % d, "{{dependency}}: {{reason}}")],
              unit="cps", stack=True, bars=True, noValue="No check failed."),
    ]


def everything():
    d = {"d": DEPENDENCY}
    return table(
        "All dependencies", "Every dependency as each exporter sees it. Availability and latency are of "
        "the last day and the last hour, whatever time is shown. Certificate: until the earliest "
        "expiry in the chain; the next to expire is found by sorting.", 24, 10,
        [cells(STATE), cells("0 + health_check_info{%(d)s}" % d),
         cells("avg_over_time(health_check_status{%(d)s}[1d])" % d),
         cells("histogram_quantile(0.95, sum by (job, instance, dependency, le) "
               "(rate(health_check_duration_seconds_bucket{%(d)s}[1h])))" % d),
         cells("time() - health_check_last_run_timestamp_seconds{%(d)s}" % d),
         cells("health_check_tls_certificate_expiry_timestamp_seconds{%(d)s} - time()" % d)],
        columns={"dependency": "Dependency", "Value #A": "State", "kind": "Kind",
                 "critical": "Critical", "tags": "Tags", "Value #C": "Availability 24 h",
                 "Value #D": "p95 1 h", "Value #E": "Last check", "Value #F": "Certificate",
                 "job": "Job", "instance": "Instance"},
        sort=[("State", False)],
        overrides=[override("State", **state_cell()),
                   override("Dependency", links=[DETAILS], custom__width=160),
                   override("Availability 24 h", unit="percentunit", decimals=2,
                            thresholds=steps(RED, (0.95, ORANGE), (0.99, YELLOW), (0.999, GREEN)),
                            custom__cellOptions={"type": "color-text"}),
                   override("p95 1 h", unit="s"), override("Last check", unit="s", decimals=0),
                   override("Certificate", unit="dtdurations", decimals=0,
                            thresholds=steps(RED, (3 * 86400, ORANGE), (21 * 86400, GREEN)),
                            custom__cellOptions={"type": "color-text"})])


def history():
    return timeline(
        "State history", "The state of each dependency over the shown time; with several exporters the "
        "worst that any of them saw. A gap: no exporter was scraped.", 24, 8,
        [query("min by (job, dependency) (%s)" % STATE, "{{dependency}}")],
        mappings=value_map(STATES), links=[DETAILS_OF_SERIES])


def top():
    """What is seen without scrolling."""
    return [row("Now"), *glance(), tiles(), failing(), history()]


def make():
    return dashboard(
        "health-exporter-overview", "Health exporter / Overview",
        "What is down, since when, and why: all dependencies that health_exporter checks.",
        [*top(), row("Trends"), *trends(), row("Everything"), everything()], variables=[DEPENDENCIES])
