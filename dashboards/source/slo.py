# SPDX-License-Identifier: Apache-2.0
"""Objectives: how much of the error budget is left, and how fast it burns.

The share of failed checks is counted, not the time in a state: it does not depend on how often
Prometheus scrapes, and sees what happens between two scrapes. Shares over the windows of burn rates
are recorded by alerts/recording.yml: the alerts look at the same numbers.
"""
from model import (DEPENDENCIES, DEPENDENCY, GREEN, ORANGE, OWN_TROUBLE, RED, YELLOW, cells, choice,
                   dashboard, lines, now, override, query, row, stat, steps, table)

BY = "sum by (job, dependency)"
OBJECTIVE = choice("objective", "objective", "Share of checks that shall pass",
                   {"95 %": "0.95", "99 %": "0.99", "99.5 %": "0.995", "99.9 %": "0.999",
                    "99.99 %": "0.9999"}, "99 %")
PERIOD = choice("period", "period", "Time for which the error budget is given",
                {"1 d": "1d", "7 d": "7d", "28 d": "28d", "30 d": "30d", "90 d": "90d"}, "30 d")
# Only bounds whose text is the same in all formats: Prometheus writes 1 or 1.0 for one.
LATENCY = choice("latency", "fast is below", "A check below this is fast; a bound of the histogram",
                 {"5 ms": "0.005", "25 ms": "0.025", "100 ms": "0.1", "250 ms": "0.25",
                  "500 ms": "0.5", "2.5 s": "2.5"}, "500 ms")
LEFT = steps(RED, (0, ORANGE), (0.25, YELLOW), (0.5, GREEN))


def failed(window):
    """Share of failed checks, without the exporter's own trouble."""
    return ("(%s (rate(dependency_check_failures_total{%s,%s}[%s])) / %s "
            "(rate(health_check_duration_seconds_count{%s}[%s])))"
            % (BY, DEPENDENCY, OWN_TROUBLE, window, BY, DEPENDENCY, window))


def slow(window):
    return ('1 - %s (rate(health_check_duration_seconds_bucket{%s,le="$latency"}[%s])) / %s '
            "(rate(health_check_duration_seconds_count{%s}[%s]))"
            % (BY, DEPENDENCY, window, BY, DEPENDENCY, window))


def burn(window):
    """With several exporters the one that sees it worst."""
    return ("max by (job, dependency) (dependency:health_check_failures:ratio_rate%s{%s}) "
            "/ (1 - $objective)" % (window, DEPENDENCY))


LEFT_OF_PERIOD = "1 - %s / (1 - $objective)" % failed("$period")


def budget():
    return [
        stat("Error budget left", "Share of the period's error budget that is left: 100 % when no check "
             "failed, negative when more failed than the objective allows. From as much of the "
             "period as there are samples of.", 12, 7,
             [now("sort(%s)" % LEFT_OF_PERIOD, "{{dependency}}")], unit="percentunit",
             decimals=1, text_mode="value_and_name", thresholds=LEFT),
        table("Burn rates", "How many times faster than allowed the budget burns, over windows of "
              "increasing length: 1 uses it up exactly at the end of the period. Coloured where the "
              "alerts of alerts/ look: 14.4 over 1 h, 6 over 6 h, 3 over 1 d, 1 over 3 d.", 12, 7,
              [cells(burn(window)) for window in ("5m", "1h", "6h", "1d", "3d")] +
              [cells(LEFT_OF_PERIOD)],
              columns={"dependency": "Dependency", "Value #A": "5 min", "Value #B": "1 h",
                       "Value #C": "6 h", "Value #D": "1 d", "Value #E": "3 d",
                       "Value #F": "Budget left"},
              sort=[("Budget left", False)], decimals=1, unit="none",
              overrides=[coloured(name, limit) for name, limit in
                         (("5 min", 14.4), ("1 h", 14.4), ("6 h", 6), ("1 d", 3), ("3 d", 1))] +
              [override("Dependency", custom__width=160),
               override("Budget left", unit="percentunit", decimals=1, thresholds=LEFT,
                        custom__cellOptions={"type": "color-text"})]),
    ]


def coloured(name, limit):
    return override(name, thresholds=steps("transparent", (limit, RED)),
                    custom__cellOptions={"type": "color-background", "mode": "basic"})


def burn_panel(title, short, long, limit, meaning):
    """Two windows: the long one says that it matters, the short one that it still goes on."""
    return lines("Burn rate, %s" % title, "%s The alert fires while both windows are above the line, "
                 "and enough checks failed." % meaning, 12, 8,
                 [query(burn(long), "{{dependency}} %s" % long),
                  query(burn(short), "{{dependency}} %s" % short)], unit="none", decimals=1,
                 threshold_style="line", thresholds=steps("transparent", (limit, RED)),
                 overrides=[{"matcher": {"id": "byRegexp", "options": ".* %s$" % short},
                             "properties": [{"id": "custom.lineWidth", "value": 1},
                                            {"id": "custom.lineStyle",
                                             "value": {"fill": "dash", "dash": [2, 4]}}]}])


def latency():
    return [
        stat("Fast checks in the period", "Share of the checks that took less than the chosen bound.",
             8, 7, [now("sort(1 - (%s))" % slow("$period"), "{{dependency}}")], unit="percentunit",
             decimals=2, text_mode="value_and_name",
             thresholds=steps(RED, (0.95, ORANGE), (0.99, GREEN))),
        lines("Slow checks", "Share of the checks that took longer than the chosen bound.", 16, 7,
              [query(slow("$__rate_interval"), "{{dependency}}")], unit="percentunit", max=1,
              legend="list", place="right"),
    ]


def make():
    return dashboard(
        "health-exporter-slo", "Health exporter / Objectives",
        "Error budgets of the dependencies, how fast they burn, and how many checks are slow.",
        [row("Error budget"), *budget(), row("Burn rate"),
         burn_panel("fast (1 h)", "5m", "1h", 14.4, "At 14.4 a budget of 30 days is gone in two days."),
         burn_panel("6 h", "30m", "6h", 6, "At 6 a budget of 30 days is gone in five days."),
         burn_panel("1 d", "2h", "1d", 3, "At 3 a budget of 30 days is gone in ten days."),
         burn_panel("slow (3 d)", "6h", "3d", 1, "At 1 the budget is gone when the period ends."),
         row("Latency"), *latency()],
        variables=[DEPENDENCIES, OBJECTIVE, PERIOD, LATENCY], time_from="now-6h")
