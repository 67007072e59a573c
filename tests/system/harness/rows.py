# SPDX-License-Identifier: Apache-2.0
"""Fault tables: one row a fault, and one exporter for all rows of a table at once.

Each row becomes a dependency of its own, so that all of them fail at the same time and the time is
spent once; a healthy dependency beside them, /livez and the loop are watched meanwhile.
"""
import contextlib
import dataclasses
import math

from harness import faults
from harness.exporter import Exporter
from harness.namespace import OUTSIDE
from harness.undisturbed import Undisturbed
from harness.waiting import SLOW

INTERVAL, TIMEOUT, CHECKS = 0.8, 0.4, 3
# A run in which the machine stood still is done again, so often at most.
ATTEMPTS = 3
# "timeout + 100 ms"; what is at once at least one time, because the machine is not ours alone; and
# what is so every time. All beyond what the machine itself took.
LATEST, AT_ONCE, WELL_BEFORE = (0.5, 0.05, 0.25) if SLOW == 1 else (1.0, 0.25, 0.5)


@dataclasses.dataclass
class Row:
    """One fault and what must come of it. url may hold {port}, that of the server."""
    name: str
    url: str
    reason: str | tuple
    server: object = None  # a behaviour, or one of the servers that faults has
    state: str = "down"
    options: dict = dataclasses.field(default_factory=dict)
    # Times: "at once", "at the deadline", or None for any time up to it.
    when: str | None = None

    @property
    def reasons(self):
        return (self.reason,) if isinstance(self.reason, str) else self.reason


def common_rows(scheme, url, beginning, options=None, half_close="closed"):
    """What can befall any connection. beginning: valid first bytes of a reply in this protocol,
    enough of them that a slow drip does not come to the end."""

    def row(name, reason, server, when):
        return Row(f"{scheme}_{name}", url, reason, server, options=options or {}, when=when)

    return [
        row("refused", "refused", faults.Refusing, "at once"),
        row("backlog_full", "timeout", faults.BacklogFull, "at the deadline"),
        row("hang", "timeout", faults.hang, "at the deadline"),
        row("close", "closed", faults.close_at_once, "at once"),
        row("close_after_request", "closed", faults.close_after_request, "at once"),
        row("reset", "closed", faults.reset_at_once, "at once"),
        row("reset_after_request", "closed", faults.reset_after_request, "at once"),
        row("half_close", half_close, faults.half_close(beginning[:20]), "at once"),
        row("drip", "timeout", faults.drip(beginning), "at the deadline"),
    ]


def make_server(row, namespace=OUTSIDE):
    if row.server is None:
        return None
    if row.server in (faults.Refusing, faults.refusing_ipv6, faults.BacklogFull):
        return row.server(namespace)
    return faults.FaultServer(row.server, namespace)


class Batch:
    """All rows of a table at work, then what came of them."""

    def __init__(self, rows, directory, namespace=OUTSIDE):
        self._rows = rows
        self._directory = directory
        self._namespace = namespace
        self.servers = {}
        self.records = {}
        self.failures = {}
        self.metrics = None
        self.log = ""
        self.problem = None

    def run(self):
        with contextlib.ExitStack() as stack:
            for row in self._rows:
                server = make_server(row, self._namespace)
                if server is not None:
                    stack.callback(server.close)
                self.servers[row.name] = server
            beside = faults.FaultServer(faults.hang, self._namespace)
            stack.callback(beside.close)
            for _ in range(ATTEMPTS):
                with Exporter(self._directory, self._config(beside),
                              namespace=self._namespace) as exporter:
                    self._watch(exporter)
                if not self._is_disturbed():
                    break
        return self

    def _is_disturbed(self):
        """Where the machine stands still so long, any check may run into its deadline."""
        return self.stalled > TIMEOUT / 4

    def _config(self, beside):
        return {
            "defaults": {"interval": f"{INTERVAL}s", "timeout": f"{int(TIMEOUT * 1000)}ms"},
            "dependencies": [
                {"name": "healthy", "url": f"tcp://127.0.0.1:{beside.port}", "interval": "500ms"},
                *({"name": row.name, "url": self._url(row), **row.options}
                  for row in self._rows)],
        }

    def _url(self, row):
        server = self.servers[row.name]
        return row.url.replace("{port}", str(server.port)) if server else row.url

    def _watch(self, exporter):
        names = [row.name for row in self._rows]
        watch = Undisturbed(exporter)
        self.problem = None
        try:
            with watch:
                exporter.wait_for_checks(names, CHECKS, 20)
        except AssertionError as problem:
            self.problem = problem  # Told by a test of its own, not by every row.
        self.stalled = watch.stalls.longest
        self.metrics = exporter.metrics()
        for name in names:
            self.records[name] = exporter.health(name)
            self.failures[name] = exporter.failures(name, self.metrics)
        self.log = exporter.log

    # ---- what came of it ----

    def assert_row(self, row):
        record, context = self.records[row.name], self._context(row)
        assert record["status"] == row.state, context
        reasons, failures = set(row.reasons), set(self.failures[row.name])
        if row.state == "up":
            assert "reason" not in record, context
            reasons = set()
        else:
            assert failures & reasons, context
        if self._is_disturbed():
            reasons |= {"timeout"}
        assert failures <= reasons, context
        assert row.state == "up" or record["reason"] in reasons, context
        self._assert_times(row, context)

    def _assert_times(self, row, context):
        buckets = self.metrics.buckets("health_check_duration_seconds", dependency=row.name)
        everything = buckets[math.inf]
        context = f"{buckets}; the machine stood still for {self.stalled:.3f} s; {context}"

        def n_within(limit):
            """Of the checks: the limit is rounded up to a bound of the histogram. A result passes
            two processes that may stand still, the server's and the exporter's."""
            limit += 2 * self.stalled
            return buckets[min(bound for bound in buckets if bound >= limit)]

        assert everything >= CHECKS, context
        assert n_within(LATEST) == everything, f"later than timeout + 100 ms: {context}"
        if row.when == "at once":
            assert n_within(AT_ONCE) >= 1, f"not at once: {context}"
            assert n_within(WELL_BEFORE) == everything, f"not at once: {context}"
        elif row.when == "at the deadline":
            assert buckets[0.25] == 0, f"before the deadline: {context}"
            assert self.records[row.name]["latency_ms"] >= TIMEOUT * 1000 - 1, context

    def _context(self, row):
        lines = [line for line in self.log.splitlines() if row.name in line]
        return "\n".join([f"{self.records[row.name]} {self.failures[row.name]}", *lines[-3:]])

    def crowded(self):
        """The dependencies that had two connections at once, or more."""
        return [name for name, server in self.servers.items()
                if getattr(server, "most_at_once", 0) > 1]

    def assert_undisturbed(self):
        if self.problem:
            raise self.problem


def selected_rows(request, rows):
    """The rows whose tests are going to run: a run of one row (-k) starts that row alone."""
    parameters = [item.callspec.params for item in request.session.items
                  if item.module is request.module and hasattr(item, "callspec")]
    wanted = {chosen["row"].name for chosen in parameters if "row" in chosen}
    return [row for row in rows if row.name in wanted] or rows
