# SPDX-License-Identifier: Apache-2.0
"""What the web side costs: a scrape of many dependencies, and probe requests."""
import time

from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.machine import SUBJECT_CPU, Process, free_port, program, wait_until
from measuring.rows_process import HOUR_MS, bare_web
from measuring.subjects import Exporter, Pace
from measuring.web_client import Load, is_answered, read_all

N_SCRAPES = 5

HAPROXY = """
global
    nbthread 1
    maxconn 100
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend metrics
    bind 127.0.0.1:{port}
    http-request use-service prometheus-exporter
backend many
    server-template s {n} 127.0.0.1:9
"""


class Scrape:
    """The mean of a few scrapes."""

    def __init__(self, process, port, path):
        process.reset_peak_rss()
        rss_kb, cpu, began = process.rss_kb(), process.cpu_seconds(), time.monotonic()
        self.n_bytes = sum(read_all(port, path) for _ in range(N_SCRAPES)) / N_SCRAPES
        self.wall_ms = (time.monotonic() - began) * 1000 / N_SCRAPES
        self.cpu_ms = (process.cpu_seconds() - cpu) * 1000 / N_SCRAPES
        self.growth_mb = (process.peak_rss_kb() - rss_kb) / 1000

    @property
    def mb_per_cpu_second(self):
        return self.n_bytes / 1000 / self.cpu_ms


def _haproxy(bench, n):
    directory, port = bench.directory(), free_port()
    config = directory / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, n=n), encoding="ascii")
    process = Process([program("haproxy"), "-db", "-f", str(config)], SUBJECT_CPU, directory)
    process.port = port
    return process


@row("scrape", "/metrics with 10,000 dependencies")
def scrape(bench):
    pace = Pace(bench.scaled(10000), bench.interval_ms(HOUR_MS))
    with targets.sink(bench.directory(), bench.programs) as sink:
        with Exporter(bench, f"tcp://{{address}}:{sink.port}", pace) as exporter:
            exporter.wait_until_ready()
            n_bytes = read_all(exporter.web_port, "/metrics")
            with bare_web(bench, n_bytes) as bare:
                wait_until(lambda: is_answered(bare.port), 10, "answers")
                ours, floor = bench.alternate(
                    lambda: Scrape(exporter, exporter.web_port, "/metrics"),
                    lambda: Scrape(bare, bare.port, "/page"))
    yield from _scrape_figures(ours, floor)
    with _haproxy(bench, bench.scaled(5000)) as haproxy:
        wait_until(lambda: is_answered(haproxy.port, "/metrics"), 20, "answers")
        peer, = bench.alternate(lambda: Scrape(haproxy, haproxy.port, "/metrics"))
    yield Figure("speed", "MB per CPU-second", [one.mb_per_cpu_second for one in ours],
                 Budget(1, is_least=True), "haproxy", [one.mb_per_cpu_second for one in peer])


def _scrape_figures(ours, floor):
    yield Figure("speed", "MB per CPU-second", [one.mb_per_cpu_second for one in ours],
                 Budget(1400, of="value", is_least=True), "ready page by libmicrohttpd",
                 [one.mb_per_cpu_second for one in floor])
    yield Figure("size", "MB", [one.n_bytes / 1e6 for one in ours])
    yield Figure("processor", "ms", [one.cpu_ms for one in ours], None,
                 "ready page by libmicrohttpd", [one.cpu_ms for one in floor])
    yield Figure("wall clock", "ms", [one.wall_ms for one in ours], None,
                 "ready page by libmicrohttpd", [one.wall_ms for one in floor])
    yield Figure("growth of RSS while rendering", "MB", [one.growth_mb for one in ours],
                 Budget(2, of="value"))


class Probing:
    """A load of probe requests, and what it cost the server."""

    def __init__(self, process, port, seconds, is_kept):
        cpu = process.cpu_seconds()
        load = Load(port, "/livez", seconds, is_kept)
        self.per_second = load.per_second
        self.cpu_us = (process.cpu_seconds() - cpu) / load.n_requests * 1e6


def _probing(bench, is_kept):
    pace = Pace(10, bench.interval_ms(10000))
    with (targets.sink(bench.directory(), bench.programs) as sink,
          Exporter(bench, f"tcp://{{address}}:{sink.port}", pace) as exporter,
          bare_web(bench) as bare,
          targets.nginx(bench.directory(), SUBJECT_CPU) as nginx):
        wait_until(lambda: is_answered(bare.port), 10, "answers")
        exporter.wait_until_ready()
        ports = ((exporter, exporter.web_port), (bare, bare.port), (nginx, nginx.port))
        ours, limit, peer = bench.alternate(
            *(lambda process=process, port=port: Probing(process, port, bench.seconds(2), is_kept)
              for process, port in ports))
    cost = [one.cpu_us for one in ours]
    yield Figure("cost", "CPU-µs per request", cost, Budget(1.15), "bare libmicrohttpd",
                 [one.cpu_us for one in limit])
    # On a CPU of its own the rate is one over the cost; on a busy machine the cost tells more.
    yield Figure("cost", "CPU-µs per request", cost, Budget(1), "nginx",
                 [one.cpu_us for one in peer])
    yield Figure("rate", "requests/s", [one.per_second for one in ours], None, "nginx",
                 [one.per_second for one in peer])


@row("probe-keep", "/livez, 16 kept connections")
def probe_keep(bench):
    yield from _probing(bench, True)


@row("probe-close", "/livez, a connection for each request")
def probe_close(bench):
    yield from _probing(bench, False)
