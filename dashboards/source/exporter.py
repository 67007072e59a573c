# SPDX-License-Identifier: Apache-2.0
"""The exporter itself: is it there, is it on time, what does it cost, what was it configured with."""
from model import (BLUE, EXPORTER, GREEN, ORANGE, RED, cells, dashboard, lines, now, override, query,
                   row, stat, steps, table, timeline, value_map)

E = {"e": EXPORTER}


def rate(metric, by="instance", more=""):
    return "sum by (%s) (rate(%s{%s%s}[$__rate_interval]))" % (by, metric, EXPORTER, more)


def glance():
    return [
        stat("Answering", "Whether Prometheus could scrape each exporter.", 4, 4,
             [now("sort(up{%(e)s})" % E, "{{instance}}")], text_mode="value_and_name",
             mappings=value_map({"0": ("LOST", RED), "1": ("YES", GREEN)}),
             thresholds=steps(RED, (1, GREEN))),
        stat("Live", "What /livez answers: STUCK is an engine that has not turned for "
             "liveness_grace.", 4, 4, [now("min(health_service_live{%(e)s})" % E)],
             mappings=value_map({"0": ("STUCK", RED), "1": ("LIVE", GREEN)}),
             thresholds=steps(RED, (1, GREEN))),
        stat("Configuration", "Whether the configuration was last read without an error. REFUSED: the "
             "one before is still in force.", 4, 4,
             [now("min(health_exporter_config_last_reload_successful{%(e)s})" % E)],
             mappings=value_map({"0": ("REFUSED", RED), "1": ("LOADED", GREEN)}),
             thresholds=steps(RED, (1, GREEN))),
        stat("Checks", "Checks done per second, over all exporters.", 4, 4,
             [query("sum(rate(health_check_duration_seconds_count{%(e)s}[$__rate_interval]))" % E,
                    "checks")], unit="cps", decimals=1, graph="area", colour_mode="value",
             thresholds=steps(BLUE)),
        stat("Dependencies", "Dependencies configured, over all exporters.", 4, 4,
             [now("count(health_check_info{%(e)s})" % E)], unit="none", colour_mode="value",
             thresholds=steps(BLUE)),
        stat("Youngest start", "Time since the exporter that started last did so.", 4, 4,
             [now("time() - max(process_start_time_seconds{%(e)s})" % E)], unit="dtdurations",
             decimals=0, colour_mode="value", thresholds=steps(ORANGE, (600, BLUE))),
    ]


def engine():
    return [
        lines("Loop lag", "How much later than planned the engine's loop turned: 99th percentile. "
              "Above a few ms the host is short of CPU, and durations of checks include it.", 12, 8,
              [query("histogram_quantile(0.99, sum by (instance, le) (rate(health_exporter_loop_lag_"
                     "seconds_bucket{%(e)s}[$__rate_interval])))" % E, "{{instance}}")],
              unit="s", threshold_style="line", thresholds=steps("transparent", (0.1, ORANGE)),
              fill=10),
        lines("Oldest result", "Time since the last check of the dependency that waited longest, as a "
              "multiple of its interval. Around 1 is right; more while a breaker is open.", 12, 8,
              [query("max by (instance) ((time() - health_check_last_run_timestamp_seconds{%(e)s}) / "
                     "health_check_interval_seconds{%(e)s})" % E, "{{instance}}")], unit="none",
              decimals=1, threshold_style="line", thresholds=steps("transparent", (3, ORANGE)),
              fill=10),
        lines("Checks in flight", "Checks that run at the moment of the scrape, and those that wait "
              "for one of them to end because file descriptors are few.", 6, 7,
              [query("health_exporter_checks_in_flight{%(e)s}" % E, "{{instance}} running"),
               query("health_exporter_checks_queued{%(e)s}" % E, "{{instance}} waiting")],
              unit="none"),
        lines("Connections", "Connections to dependencies at the moment of the scrape, by kind.", 6, 7,
              [query("sum by (instance, kind) (health_exporter_dependency_connections{%(e)s})" % E,
                     "{{instance}}: {{kind}}")], unit="none"),
        lines("Checks not run", "Planned checks per second that were not run, by cause. late and "
              "capacity are the exporter's own trouble.", 6, 7,
              [query(rate("health_check_skipped_total", "instance, cause"),
                     "{{instance}}: {{cause}}")], unit="cps", bars=True, stack=True),
        lines("Own failures", "Checks per second that failed by the exporter's own doing: forbidden "
              "by its policy, or out of memory, ports or descriptors. They say nothing of the "
              "dependency.", 6, 7,
              [query(rate("dependency_check_failures_total", "instance, reason",
                          ',reason=~"blocked|internal"'), "{{instance}}: {{reason}}")], unit="cps",
              bars=True, stack=True),
    ]


def web():
    return [
        lines("Requests", "Requests answered per second by route and code: probes, scrapes, people.",
              12, 8, [query(rate("health_exporter_http_requests_total", "route, code") + " > 0",
                            "{{route}} {{code}}")], unit="reqps", stack=True),
        lines("Scrapes", "How long Prometheus waited for /metrics.", 6, 8,
              [query("scrape_duration_seconds{%(e)s}" % E, "{{instance}}")], unit="s"),
        lines("Samples per scrape", "How many samples each scrape brought: grows with the number of "
              "dependencies.", 6, 8, [query("scrape_samples_scraped{%(e)s}" % E, "{{instance}}")],
              unit="short"),
        lines("Name lookups", "Names looked up for checks per second, and those of them that the cache "
              "answered.", 12, 7,
              [query(rate("health_exporter_resolver_lookups_total"), "{{instance}} lookups"),
               query(rate("health_exporter_resolver_cache_hits_total"), "{{instance}} from cache")],
              unit="cps"),
        lines("Log lines lost", "Log lines per second that nobody read in time; checks are never "
              "delayed by a slow reader.", 12, 7,
              [query(rate("health_exporter_log_dropped_total"), "{{instance}}")], unit="cps",
              bars=True, stack=True),
    ]


def process():
    return [
        lines("CPU", "Processor time, in per cent of one core.", 6, 7,
              [query(rate("process_cpu_seconds_total"), "{{instance}}")], unit="percentunit"),
        lines("Memory", "Resident memory, and the heap in it.", 6, 7,
              [query("process_resident_memory_bytes{%(e)s}" % E, "{{instance}} resident"),
               query("process_heap_bytes{%(e)s}" % E, "{{instance}} heap")], unit="bytes"),
        lines("File descriptors", "Share of the file descriptors it may have that are open.", 6, 7,
              [query("process_open_fds{%(e)s} / process_max_fds{%(e)s}" % E, "{{instance}}")],
              unit="percentunit", threshold_style="line",
              thresholds=steps("transparent", (0.8, RED))),
        lines("Threads", "Threads of the process; their number does not grow with the dependencies.",
              6, 7, [query("process_threads{%(e)s}" % E, "{{instance}}")], unit="none"),
    ]


def versions():
    age = "time() - %s{%s}"
    return table(
        "Versions and configuration", "What runs where. Configuration age: since it was last read "
        "without an error.", 24, 6,
        [cells("0 + health_exporter_build_info{%(e)s}" % E),
         cells(age % ("process_start_time_seconds", EXPORTER)),
         cells("0 + health_exporter_config_last_reload_successful{%(e)s}" % E),
         cells(age % ("health_exporter_config_last_reload_success_timestamp_seconds", EXPORTER)),
         cells("count by (job, instance) (health_check_info{%(e)s})" % E),
         cells("0 + health_exporter_shard_ordinal{%(e)s}" % E)],
        columns={"instance": "Instance", "job": "Job", "version": "Version",
                 "revision": "Revision", "Value #B": "Uptime", "Value #C": "Configuration",
                 "Value #D": "Configuration age", "Value #E": "Dependencies", "Value #F": "Shard"},
        overrides=[override("Uptime", unit="dtdurations", decimals=0),
                   override("Configuration age", unit="dtdurations", decimals=0),
                   override("Configuration", custom__cellOptions={"type": "color-text"},
                            mappings=value_map({"0": ("REFUSED", RED), "1": ("LOADED", GREEN)}))])


def shards():
    return lines(
        "Shards", "How many shards of a configuration there are, and how many of them Prometheus "
        "scrapes. Below the dashed line: some dependencies are checked by nobody. 1 of 1: an "
        "exporter that shares with no other.", 8, 6,
        [query("count by (job) (count_values by (job) (\"shard\", health_exporter_shard_ordinal"
               "{%(e)s}))" % E, "{{job}} scraped"),
         query("max by (job) (health_exporter_total_shards{%(e)s})" % E, "{{job}} in total")],
        unit="none", decimals=0, calcs=("lastNotNull",), legend="list",
        overrides=[{"matcher": {"id": "byRegexp", "options": "/in total$/"}, "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}]}])


def make():
    reachable = timeline(
        "Answering, live, ready", "Each exporter over the shown time. A gap: it was gone from "
        "Prometheus' targets.", 16, 6,
        [query("up{%(e)s}" % E, "{{instance}} answering"),
         query("10 + health_service_live{%(e)s}" % E, "{{instance}} live"),
         query("20 + health_service_ready{%(e)s}" % E, "{{instance}} ready")],
        mappings=value_map({"0": ("LOST", RED), "1": ("yes", GREEN), "10": ("STUCK", RED),
                            "11": ("live", GREEN), "20": ("NOT READY", ORANGE),
                            "21": ("ready", GREEN)}))
    return dashboard(
        "health-exporter-exporter", "Health exporter / Exporter",
        "The exporter itself: is it there, on time, well configured, and what does it cost.",
        [row("Now"), *glance(), reachable, shards(), row("Engine"), *engine(),
         row("Web, names, log"), *web(), row("Process"), *process(), versions()], variables=[])
