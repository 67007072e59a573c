# SPDX-License-Identifier: Apache-2.0
"""What a scrape of many dependencies costs, plain and compressed, and what exporters pay that are
written with the usual libraries."""
import http.client
import time

from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.machine import SUBJECT_CPU, Absent, Process, free_port, program, wait_until
from measuring.rows_process import HOUR_MS, bare_web
from measuring.subjects import Exporter, Pace
from measuring.web_client import is_answered, read_all

N_SCRAPES = 5
GZIP = "Accept-Encoding: gzip\r\n"

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

    def __init__(self, process, port, path="/metrics", fields=""):
        process.reset_peak_rss()
        rss_kb, cpu, began = process.rss_kb(), process.cpu_seconds(), time.monotonic()
        self.n_bytes = sum(read_all(port, path, fields) for _ in range(N_SCRAPES)) / N_SCRAPES
        self.wall_ms = (time.monotonic() - began) * 1000 / N_SCRAPES
        self.cpu_ms = (process.cpu_seconds() - cpu) * 1000 / N_SCRAPES
        self.growth_mb = (process.peak_rss_kb() - rss_kb) / 1000

    def mb_per_cpu_second(self, n_bytes=None):
        """Of the page as it is before it is compressed, when that is another size."""
        return (n_bytes or self.n_bytes) / 1000 / self.cpu_ms


def _page(port):
    """The text of the metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    finally:
        connection.close()


def _speed(scrapes, n_bytes=None):
    return [scrape.mb_per_cpu_second(n_bytes) for scrape in scrapes]


class _Many:
    """Our exporter with many dependencies, at rest, and libmicrohttpd with a copy of its page."""

    def __init__(self, bench):
        self._bench = bench
        self._sink = targets.sink(bench.directory(), bench.programs)
        pace = Pace(bench.scaled(10000), bench.interval_ms(HOUR_MS))
        self.exporter = Exporter(bench, f"tcp://{{address}}:{self._sink.port}", pace)
        self.bare = None

    def __enter__(self):
        self.exporter.wait_until_ready()
        page = self._bench.directory() / "page"
        page.write_bytes(_page(self.exporter.web_port))
        self.n_bytes = page.stat().st_size
        self.bare = bare_web(self._bench, page)
        wait_until(lambda: is_answered(self.bare.port), 10, "answers")
        return self

    def __exit__(self, *_):
        for process in (self.bare, self.exporter, self._sink):
            if process is not None:
                process.stop()


@row("scrape", "/metrics with 10,000 dependencies")
def scrape(bench):
    with _Many(bench) as many:
        ours, floor = bench.alternate(lambda: Scrape(many.exporter, many.exporter.web_port),
                                      lambda: Scrape(many.bare, many.bare.port, "/page"))
    yield Figure("speed", "MB per CPU-second", _speed(ours),
                 Budget(1400, of="value", is_least=True), "ready page by libmicrohttpd",
                 _speed(floor))
    yield Figure("size", "MB", [one.n_bytes / 1e6 for one in ours])
    yield Figure("processor", "ms", [one.cpu_ms for one in ours], None,
                 "ready page by libmicrohttpd", [one.cpu_ms for one in floor])
    yield Figure("wall clock", "ms", [one.wall_ms for one in ours], None,
                 "ready page by libmicrohttpd", [one.wall_ms for one in floor])
    yield Figure("growth of RSS while rendering", "MB", [one.growth_mb for one in ours],
                 Budget(2, of="value"))


@row("scrape-gzip", "the same, compressed")
def scrape_gzip(bench):
    with _Many(bench) as many:
        ours, limit = bench.alternate(
            lambda: Scrape(many.exporter, many.exporter.web_port, fields=GZIP),
            lambda: Scrape(many.bare, many.bare.port, "/gzip"))
        yield Figure("speed", "MB of the plain page per CPU-second", _speed(ours, many.n_bytes),
                     Budget(1, is_least=True), "zlib level 1 of a ready page",
                     _speed(limit, many.n_bytes))
    yield Figure("size", "MB", [one.n_bytes / 1e6 for one in ours], None, "zlib level 1",
                 [one.n_bytes / 1e6 for one in limit])


def _haproxy(bench):
    directory, port = bench.directory(), free_port()
    config = directory / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, n=bench.scaled(5000)), encoding="ascii")
    process = Process([program("haproxy"), "-db", "-f", str(config)], SUBJECT_CPU, directory)
    process.port = port
    return process


def _client_golang(bench):
    path, port = bench.programs / "client_golang", free_port()
    if not path.exists():
        raise Absent("client_golang was not built: Go or its package is not installed")
    process = Process([str(path), str(port), str(bench.scaled(10000))], SUBJECT_CPU,
                      bench.directory())
    process.port = port
    return process


@row("scrape-peers", "the same, against haproxy's page and client_golang's")
def scrape_peers(bench):
    with _Many(bench) as many:
        for name, start in (("haproxy", _haproxy), ("client_golang", _client_golang)):
            with start(bench) as peer:
                wait_until(lambda peer=peer: is_answered(peer.port, "/metrics"), 20, "answers")
                ours, theirs = bench.alternate(
                    lambda: Scrape(many.exporter, many.exporter.web_port),
                    lambda peer=peer: Scrape(peer, peer.port))
            yield Figure("speed", "MB per CPU-second", _speed(ours), Budget(1, is_least=True),
                         name, _speed(theirs))
