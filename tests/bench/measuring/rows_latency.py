# SPDX-License-Identifier: Apache-2.0
"""Whether the measured latencies are true: against a client that has the server for itself, and
while the web side is busy."""
import json
import subprocess
import time

from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.machine import OTHER_CPU, SUBJECT_CPU, Process, pinned_to
from measuring.subjects import Exporter, Pace
from measuring.web_client import read_all

UNIT = "ms"


def _percentiles(latencies_ms):
    """The 50th and the 99th."""
    ordered = sorted(latencies_ms)
    return tuple(ordered[min(len(ordered) - 1, int(len(ordered) * share))]
                 for share in (0.5, 0.99))


def _last_latencies(exporter):
    """The latest of each dependency."""
    status, body = exporter.get("/health/detailed")
    assert status == 200, status
    return [check["latency_ms"] for check in json.loads(body)["checks"].values()]


def _settled(bench, exporter):
    exporter.wait_until_ready()
    time.sleep(bench.seconds(2.5))  # past the first round, which is quicker


def _lone_latencies(bench, port):
    command = [str(bench.programs / "lone_redis"), str(port), str(bench.scaled(2000))]
    with pinned_to(SUBJECT_CPU):
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line) / 1000 for line in text.split()]


@row("honesty", "the latency of redis PINGs at 5,000/s, against a lone client's")
def honesty(bench):
    pace = Pace(bench.scaled(5000), bench.interval_ms(1000))
    with targets.redis(bench.directory()) as server:
        def ours():
            with Exporter(bench, f"redis://127.0.0.1:{server.port}", pace) as exporter:
                _settled(bench, exporter)
                return _percentiles(_last_latencies(exporter))
        samples, alone = bench.alternate(
            ours, lambda: _percentiles(_lone_latencies(bench, server.port)))
    for i, name in enumerate(("p50", "p99")):
        yield Figure(name, UNIT, [one[i] for one in samples], Budget(0.5, of="excess"),
                     "lone client", [one[i] for one in alone])


N_CLIENTS = 100
CLIENT_MS = 10  # 10,000 requests a second in all


def _under_load(bench, exporter):
    """100,000 probe requests in ten seconds, a scrape each second."""
    command = [str(bench.programs / "web_load"), str(exporter.web_port), str(N_CLIENTS),
               str(CLIENT_MS), "/health/dependency-00000"]
    latencies = []
    with Process(command, OTHER_CPU, bench.directory()) as load:
        assert load.read_line() == "ready\n", load.log
        for _ in range(1 if bench.is_smoke else 10):
            time.sleep(bench.seconds(0.9))
            read_all(exporter.web_port, "/metrics")
            latencies += _last_latencies(exporter)
        started, done, failed, _ = map(int, load.stop().split())
    if failed or done < started * 0.9:
        raise RuntimeError(f"of {started} requests {done} were answered, {failed} wrongly")
    return _percentiles(latencies)


def _at_rest(bench, exporter):
    latencies = []
    for _ in range(1 if bench.is_smoke else 10):
        time.sleep(bench.seconds(0.9))
        latencies += _last_latencies(exporter)
    return _percentiles(latencies)


@row("undisturbed", "the latency of redis PINGs while 10,000 probes/s are answered, and scrapes")
def undisturbed(bench):
    pace = Pace(bench.scaled(1000), bench.interval_ms(1000))
    with (targets.redis(bench.directory()) as server,
          Exporter(bench, f"redis://127.0.0.1:{server.port}", pace) as exporter):
        _settled(bench, exporter)
        busy, idle = bench.alternate(lambda: _under_load(bench, exporter),
                                     lambda: _at_rest(bench, exporter))
    for i, name in enumerate(("p50", "p99")):
        yield Figure(name, UNIT, [one[i] for one in busy], Budget(0.2, of="excess"),
                     "without requests", [one[i] for one in idle])
