# SPDX-License-Identifier: Apache-2.0
"""What the process itself needs: memory, time to start, idleness, and whether its loop keeps up."""
import pathlib
import resource
import subprocess
import time

from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.machine import SUBJECT_CPU, Process, free_port, pinned_to, program, wait_until
from measuring.subjects import Disturbed, Exporter, Limit, Pace, cpu_share, insist
from measuring.web_client import is_answered

HOUR_MS = 3600 * 1000
MEMORY_UNIT = "kB of RSS per dependency"
# Of a dependency, everything included but what the client library keeps for itself.
MEMORY = 4.0


def _rss_kb(bench, url, n):
    """After the first round, when nothing happens any more. Nothing is asked before: the pages of
    the web side would count."""
    def look():
        with Exporter(bench, url, Pace(n, bench.interval_ms(HOUR_MS))) as exporter:
            wait_until(lambda: is_answered(exporter.web_port), 20, "listens")
            time.sleep(bench.seconds(1.5) + n / 5000 + 0.3)
            rss_kb = exporter.rss_kb()
            n_checks = exporter.totals().checks()
            if n_checks < n:
                raise Disturbed(f"only {n_checks:.0f} of {n} dependencies were checked")
            return rss_kb
    return insist(look)


def _limit_rss_kb(bench, port, n, name, *args):
    """Each slot does a check or two."""
    def look():
        with Limit(bench, name, port, Pace(n, bench.interval_ms(2000)), *args) as limit:
            limit.wait_until_ready()
            return limit.rss_kb()
    return insist(look)


def _slope(rss_kb, few, many):
    return (rss_kb(many) - rss_kb(few)) / (many - few)


@row("memory", "memory per dependency, without what a client library keeps")
def memory(bench):
    with targets.sink(bench.directory(), bench.programs) as sink:
        sizes = [bench.scaled(n) for n in (100, 1000, 10000)]
        rss_kb = {n: _rss_kb(bench, f"tcp://{{address}}:{sink.port}", n) for n in sizes}
    for few, many in zip(sizes, sizes[1:]):
        yield Figure(f"tcp, from {few:,} to {many:,}", MEMORY_UNIT,
                     [_slope(rss_kb.__getitem__, few, many)], Budget(MEMORY, of="value"))


def _against_library(bench, url, port, sizes, name, *args):
    few, many = map(bench.scaled, sizes)
    ours = _slope(lambda n: _rss_kb(bench, url, n), few, many)
    limit = _slope(lambda n: _limit_rss_kb(bench, port, n, name, *args), few, many)
    return Figure(f"from {few:,} to {many:,}, kept", MEMORY_UNIT, [ours],
                  Budget(MEMORY, of="excess"), "limit", [limit])


@row("memory-redis", "memory per redis dependency with its connection, against a hiredis reader")
def memory_redis(bench):
    with targets.redis(bench.directory()) as server:
        yield _against_library(bench, f"redis://127.0.0.1:{server.port}", server.port, (100, 5000),
                               "limit_redis")


@row("memory-http", "memory per http dependency with its connection, against libcurl's own")
def memory_http(bench):
    with targets.nginx(bench.directory()) as server:
        yield _against_library(bench, f"http://{{address}}:{server.port}/", server.port,
                               (100, 5000), "limit_http", "kept")


@row("memory-postgres", "memory per postgres dependency with its connection, against libpq's own")
def memory_postgres(bench):
    with targets.canned_postgres(bench.directory(), bench.programs) as server:
        url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres?sslmode=disable"
        yield _against_library(bench, url, server.port, (100, 5000), "limit_postgres")


def _start_ms(process, port, began):
    with process:
        wait_until(lambda: process.assert_runs() and is_answered(port), 20, "answers", every=0.0005)
        return (time.monotonic() - began) * 1000


def bare_web(bench, *page):
    """page: the path of a file that it sends as /page and, through zlib, as /gzip."""
    port = free_port()
    process = Process([str(bench.programs / "bare_web"), str(port), *map(str, page)], SUBJECT_CPU,
                      bench.directory())
    process.port = port
    return process


@row("start", "from exec to the first 200")
def start(bench):
    with targets.sink(bench.directory(), bench.programs) as sink:
        def ours(n):
            exporter = Exporter(bench, f"tcp://{{address}}:{sink.port}", Pace(n, 10000))
            return _start_ms(exporter, exporter.web_port, exporter.began)

        def bare():
            began = time.monotonic()
            process = bare_web(bench)
            return _start_ms(process, process.port, began)
        n_many = bench.scaled(10000)
        few, many, limit = bench.alternate(lambda: ours(10), lambda: ours(n_many), bare)
    yield Figure("10 dependencies", "ms", few, Budget(10, of="value"), "bare libmicrohttpd", limit)
    yield Figure(f"{n_many:,} dependencies", "ms", many, Budget(150, of="value"),
                 "bare libmicrohttpd", limit)


@row("config", "a configuration of 10,000 dependencies, read and judged")
def config(bench):
    n = bench.scaled(10000)
    file = bench.directory() / "checks.yml"
    file.write_text("dependencies:\n" + "".join(
        f"  - {{name: dependency-{i:05}, url: \"tcp://127.0.0.1:9\", interval: 10s, tags: [a, b]}}\n"
        for i in range(n)), encoding="utf-8")

    def check(*flags):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with pinned_to(SUBJECT_CPU):
            subprocess.run([str(bench.program), *flags], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
    ours, nothing = bench.alternate(lambda: check("--config.check", f"--config.file={file}"),
                                    lambda: check("--version"))
    yield Figure(f"{n:,} dependencies", "CPU-ms", ours, Budget(100, of="value"), "--version",
                 nothing)


@row("idle", "10 dependencies at 10 s")
def idle(bench):
    pace = Pace(10, bench.interval_ms(10000))
    with (targets.sink(bench.directory(), bench.programs) as sink,
          Exporter(bench, f"tcp://{{address}}:{sink.port}", pace) as exporter,
          bare_web(bench) as bare):
        exporter.wait_until_ready()
        wait_until(lambda: is_answered(bare.port), 10, "answers")
        share = cpu_share(exporter, bench.seconds(10))
        yield Figure("memory", "MB of RSS", [exporter.rss_kb() / 1000], Budget(8, of="value"),
                     "bare libmicrohttpd", [bare.rss_kb() / 1000])
        yield Figure("processor", "% of a CPU", [share * 100], Budget(0.1, of="value"))


def _percentile_ms(lag, share):
    """The upper bound of the bucket in which it lies."""
    turns = lag[float("inf")]
    return 1000 * next(bound for bound in sorted(lag) if lag[bound] >= turns * share)


@row("binary", "the program's file, stripped")
def binary(bench):
    stripped = bench.directory() / "health_exporter"
    subprocess.run([program("strip"), "-o", str(stripped), str(bench.program)], check=True)
    haproxy = pathlib.Path(program("haproxy"))
    yield Figure("size", "kB", [stripped.stat().st_size / 1000], Budget(600, of="value"),
                 "haproxy", [haproxy.stat().st_size / 1000])


@row("scale", "10,000 dependencies at 1 s: does the loop keep up?")
def scale(bench):
    n = bench.scaled(10000)
    with targets.sink(bench.directory(), bench.programs) as sink:
        url = f"tcp://{{address}}:{sink.port}"
        with Exporter(bench, url, Pace(n, bench.interval_ms(1000))) as exporter:
            exporter.wait_until_ready()
            time.sleep(bench.seconds(1))
            before = exporter.totals()
            processor = cpu_share(exporter, bench.seconds(5))
            after = exporter.totals()
    lag_before = before.lag()
    lag = {bound: turns - lag_before[bound] for bound, turns in after.lag().items()}
    skipped = after.skipped()
    skipped.subtract(before.skipped())
    turns = lag[float("inf")]
    what = f"{n:,} tcp dependencies"
    yield Figure(f"{what}: p99 of the loop's lag, at most", "ms", [_percentile_ms(lag, 0.99)],
                 Budget(10, of="value"))
    yield Figure(f"{what}: turns later than 10 ms", "%", [(turns - lag[0.01]) / turns * 100],
                 Budget(1, of="value"))
    causes = ", ".join(cause for cause, runs in skipped.items() if runs)
    yield Figure(f"{what}: skipped runs", causes or "runs", [skipped.total()],
                 Budget(0, of="value"))
    yield Figure(f"{what}: processor", "% of a CPU", [processor * 100])
