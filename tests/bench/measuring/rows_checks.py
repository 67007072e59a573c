# SPDX-License-Identifier: Apache-2.0
"""What a check costs: against a bare epoll program that does the same at the same pace, and against
haproxy's health checks."""
from measuring import targets
from measuring.bench import row
from measuring.figures import Budget, Figure
from measuring.subjects import Blackbox, Exporter, Haproxy, Limit, Pace, insist

WINDOW_SECONDS = 1.5
UNIT = "CPU-µs per check"
OF_LIMIT = Budget(1.35)


def _paces(bench):
    sizes = (1000,) if bench.is_smoke else (1000, 5000)
    return [Pace(bench.scaled(n), bench.interval_ms(1000)) for n in sizes]


def _cost(bench, start):
    """A measure: starts the subject, has it settle, and looks at it for a while."""
    def look():
        with start() as subject:
            subject.wait_until_ready()
            return subject.cpu_us_per_check(bench.seconds(WINDOW_SECONDS))
    return lambda: insist(look)


def _against(bench, pace, ours, yardstick, name="limit", budget=OF_LIMIT):
    ours, yardstick = bench.alternate(_cost(bench, ours), _cost(bench, yardstick))
    return Figure(f"{pace.per_second:,.0f} checks/s", UNIT, ours, budget, name, yardstick)


@row("tcp", "a tcp check: connect and reset, before and after the listener hears of it")
def tcp(bench):
    with targets.sink(bench.directory(), bench.programs) as sink:
        def ours(pace, close):
            return lambda: Exporter(bench, f"tcp://{{address}}:{sink.port}", pace,
                                    f", close: {close}")
        for close in ("reset", "unseen"):
            for pace in _paces(bench):
                figure = _against(
                    bench, pace, ours(pace, close),
                    lambda pace=pace, close=close: Limit(bench, "limit_tcp", sink.port, pace,
                                                         close))
                figure.what += f", {close}"
                yield figure
        # haproxy's own check is unseen, too.
        figure = _against(bench, pace, ours(pace, close), lambda: Haproxy(bench, sink.port, pace),
                          "haproxy", Budget(1))
        figure.what += f", {close}"
        yield figure


@row("http-fresh", "an http check on a connection of its own")
def http_fresh(bench):
    with targets.nginx(bench.directory()) as nginx:
        for pace in _paces(bench):
            def ours(pace=pace):
                return Exporter(bench, f"http://{{address}}:{nginx.port}/", pace,
                                ", connection: fresh")
            yield _against(
                bench, pace, ours,
                lambda pace=pace: Limit(bench, "limit_http", nginx.port, pace, "fresh"))
        yield _against(bench, pace, ours,
                       lambda: Haproxy(bench, nginx.port, pace, "option httpchk GET /", "http"),
                       "haproxy", None)
        yield _against(bench, pace, ours,
                       lambda: Blackbox(bench, f"http://127.0.0.1:{nginx.port}/"),
                       "blackbox exporter", Budget(0.167))


@row("http-kept", "an http check on a kept connection")
def http_kept(bench):
    with targets.nginx(bench.directory()) as nginx:
        for pace in _paces(bench):
            yield _against(
                bench, pace,
                lambda pace=pace: Exporter(bench, f"http://{{address}}:{nginx.port}/", pace),
                lambda pace=pace: Limit(bench, "limit_http", nginx.port, pace, "kept"))


@row("redis", "a redis check on a kept connection: PING")
def redis(bench):
    with targets.redis(bench.directory()) as server:
        for pace in _paces(bench):
            def ours(pace=pace):
                return Exporter(bench, f"redis://127.0.0.1:{server.port}", pace)
            yield _against(bench, pace, ours,
                           lambda pace=pace: Limit(bench, "limit_redis", server.port, pace))


def _postgres(bench, server, pace):
    url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres?sslmode=disable"
    return _against(bench, pace, lambda: Exporter(bench, url, pace),
                    lambda: Limit(bench, "limit_postgres", server.port, pace))


@row("postgres", "a postgres check on a kept connection: SELECT 1")
def postgres(bench):
    for pace in _paces(bench):
        with targets.canned_postgres(bench.directory(), bench.programs) as server:
            yield _postgres(bench, server, pace)
    # It takes 2.5 ms of the server to let somebody in, and within the timeout all must be.
    with targets.postgres(bench.directory()) as server:
        figure = _postgres(bench, server, Pace(bench.scaled(200), 1000))
        figure.what += ", a real server"
        yield figure
