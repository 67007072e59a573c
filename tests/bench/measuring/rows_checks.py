# SPDX-License-Identifier: Apache-2.0
"""What a check costs: against a bare epoll program that does the same at the same pace, and against
haproxy's health checks."""
from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.subjects import Disturbed, Exporter, Haproxy, Limit, Pace

WINDOW_SECONDS = 1.5
UNIT = "CPU-µs per check"
OF_LIMIT = Budget(1.35)


def _paces(bench):
    return [Pace(bench.scaled(n), bench.interval_ms(1000)) for n in (1000, 5000)]


def _cost(bench, start):
    """A measure: starts the subject, has it settle, and looks at it for a while; once more when the
    machine was too busy with something else."""
    def look():
        with start() as subject:
            subject.wait_until_ready()
            return subject.cpu_us_per_check(bench.seconds(WINDOW_SECONDS))

    def measure():
        try:
            return look()
        except Disturbed:
            return look()
    return measure


def _against_limit(bench, pace, ours, limit):
    ours, limit = bench.alternate(_cost(bench, ours), _cost(bench, limit))
    return Figure(f"{pace.per_second:,.0f} checks/s", UNIT, ours, OF_LIMIT, "limit", limit)


def _against_haproxy(bench, pace, ours, haproxy, budget):
    ours, haproxy = bench.alternate(_cost(bench, ours), _cost(bench, haproxy))
    return Figure(f"{pace.per_second:,.0f} checks/s", UNIT, ours, budget, "haproxy", haproxy)


@row("tcp", "a tcp check: connect and reset")
def tcp(bench):
    with targets.sink(bench.directory(), bench.programs) as sink:
        for pace in _paces(bench):
            def ours(pace=pace):
                return Exporter(bench, f"tcp://{{address}}:{sink.port}", pace)
            yield _against_limit(bench, pace, ours,
                                 lambda pace=pace: Limit(bench, "limit_tcp", sink.port, pace))
        yield _against_haproxy(bench, pace, ours, lambda: Haproxy(bench, sink.port, pace),
                               Budget(1.0))


@row("http-fresh", "an http check on a connection of its own")
def http_fresh(bench):
    with targets.nginx(bench.directory()) as nginx:
        for pace in _paces(bench):
            def ours(pace=pace):
                return Exporter(bench, f"http://{{address}}:{nginx.port}/", pace,
                                ", connection: fresh")
            yield _against_limit(
                bench, pace, ours,
                lambda pace=pace: Limit(bench, "limit_http", nginx.port, pace, "fresh"))
        yield _against_haproxy(
            bench, pace, ours,
            lambda: Haproxy(bench, nginx.port, pace, "option httpchk GET /", "http"), None)


@row("http-kept", "an http check on a kept connection")
def http_kept(bench):
    with targets.nginx(bench.directory()) as nginx:
        for pace in _paces(bench):
            yield _against_limit(
                bench, pace,
                lambda pace=pace: Exporter(bench, f"http://{{address}}:{nginx.port}/", pace),
                lambda pace=pace: Limit(bench, "limit_http", nginx.port, pace, "kept"))


@row("redis", "a redis check on a kept connection: PING")
def redis(bench):
    with targets.redis(bench.directory()) as server:
        for pace in _paces(bench):
            def ours(pace=pace):
                return Exporter(bench, f"redis://127.0.0.1:{server.port}", pace)
            yield _against_limit(bench, pace, ours,
                                 lambda pace=pace: Limit(bench, "limit_redis", server.port, pace))


@row("postgres", "a postgres check on a kept connection: SELECT 1")
def postgres(bench):
    n = bench.scaled(250)
    with targets.postgres(bench.directory()) as server:
        for interval_ms in (250, 50):
            pace = Pace(n, interval_ms)
            url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres?sslmode=disable"
            yield _against_limit(
                bench, pace, lambda pace=pace: Exporter(bench, url, pace),
                lambda pace=pace: Limit(bench, "limit_postgres", server.port, pace))
