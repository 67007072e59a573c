# SPDX-License-Identifier: Apache-2.0
"""What more dependencies cost: processor and memory, as curves, drawn beside the table."""
import time

from measuring import curves, targets
from measuring.bench import row
from measuring.figures import Figure
from measuring.subjects import Disturbed, Exporter, Haproxy, Pace, cpu_share, insist

SIZES = (100, 1000, 2500, 5000, 7500, 10000)
INTERVAL_MS = 1000


def _look(bench, start, judge=lambda subject: None):
    """Percent of a CPU, and megabytes; judge may object to what it sees after that."""
    def look():
        with start() as subject:
            subject.wait_until_ready()
            time.sleep(bench.seconds(1.5))
            share = cpu_share(subject, bench.seconds(3))
            rss_mb = subject.rss_kb() / 1000
            judge(subject)
            return share * 100, rss_mb
    return insist(look)


def _assert_kept_up(exporter, n_tolerated):
    if exporter.totals().skipped().total() > n_tolerated:
        raise Disturbed("checks were skipped")


@row("curves", "processor and memory against dependencies, tcp at 1 s; drawn as curves.svg")
def cost_curves(bench):
    sizes = sorted({bench.scaled(n) for n in SIZES})[:: 5 if bench.is_smoke else 1]
    ours, haproxy = [], []
    with targets.sink(bench.directory(), bench.programs) as sink:
        url = f"tcp://{{address}}:{sink.port}"
        for n in sizes:
            pace = Pace(n, bench.interval_ms(INTERVAL_MS))
            ours.append(_look(bench, lambda pace=pace: Exporter(bench, url, pace),
                              lambda exporter, n=n: _assert_kept_up(exporter, n * bench.tolerance)))
            haproxy.append(_look(bench, lambda pace=pace: Haproxy(bench, sink.port, pace)))
    for i, (what, unit) in enumerate((("processor", "% of a CPU"), ("memory", "MB of RSS"))):
        for n, mine, theirs in zip(sizes, ours, haproxy):
            yield Figure(f"{n:,} dependencies: {what}", unit, [mine[i]], None, "haproxy",
                         [theirs[i]])
    bench.out.mkdir(parents=True, exist_ok=True)
    (bench.out / "curves.svg").write_text(curves.draw(sizes, ours, haproxy), encoding="utf-8")
