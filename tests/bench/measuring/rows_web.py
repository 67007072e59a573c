# SPDX-License-Identifier: Apache-2.0
"""What a probe request costs: against libmicrohttpd alone, nginx, and the usual probe that is written
by hand."""
import contextlib
import os
import pathlib

from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.machine import SUBJECT_CPU, Absent, Process, free_port, wait_until
from measuring.rows_process import bare_web
from measuring.subjects import Exporter, Pace
from measuring.web_client import Load, is_answered

PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"


class Probing:
    """A load of probe requests, and what it cost the server."""

    def __init__(self, process, port, seconds, is_kept, path="/livez"):
        cpu = process.cpu_seconds()
        load = Load(port, path, seconds, is_kept)
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


@contextlib.contextmanager
def _written_by_hand(bench, database, cache):
    """FastAPI, one worker of uvicorn, as pip's and Debian's users run it; on Debian's python."""
    port = free_port()
    environment = {**os.environ, "HX_POSTGRES": database, "HX_REDIS": cache,
                   "PYTHONPATH": str(PEERS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["/usr/bin/python3", "-m", "uvicorn", "--port", str(port), "--no-access-log",
               "--log-level", "warning", "fastapi_probe:app"]
    with Process(command, SUBJECT_CPU, bench.directory(), env=environment) as process:
        process.port = port
        try:
            process.wait_for(lambda: is_answered(port, "/health/ready"), 20, "answers")
        except RuntimeError as failure:
            if "No module named" in process.log:
                raise Absent(process.log.strip().rsplit("\n", 1)[-1]) from failure
            raise
        yield process


@row("probe-hand", "/readyz against FastAPI that asks PostgreSQL and Redis at each request")
def probe_hand(bench):
    pace = Pace(2, bench.interval_ms(10000))
    with (targets.postgres(bench.directory()) as postgres,
          targets.redis(bench.directory()) as redis):
        database = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres?sslmode=disable"
        cache = f"redis://127.0.0.1:{redis.port}"
        with (Exporter(bench, database, pace) as exporter,
              _written_by_hand(bench, database.split("?")[0], cache) as hand):
            exporter.wait_until_ready()
            seconds = bench.seconds(2)
            ours, peer = bench.alternate(
                lambda: Probing(exporter, exporter.web_port, seconds, True, "/readyz"),
                lambda: Probing(hand, hand.port, seconds, True, "/health/ready"))
            yield Figure("memory", "MB of RSS", [exporter.rss_kb() / 1000], None, "FastAPI",
                         [hand.rss_kb() / 1000])
    yield Figure("cost", "CPU-µs per request", [one.cpu_us for one in ours], Budget(0.025),
                 "FastAPI", [one.cpu_us for one in peer])
    yield Figure("rate", "requests/s", [one.per_second for one in ours], None, "FastAPI",
                 [one.per_second for one in peer])
