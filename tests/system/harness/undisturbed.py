# SPDX-License-Identifier: Apache-2.0
"""Watches, while something is wrong, everything that must not notice.

/livez is asked every 50 ms, a healthy dependency stands beside the faulty ones, and the loop's own
lag is read at the end: none of them may be disturbed by a fault.
"""
import threading
import time

from harness.stalls import Stalls
from harness.waiting import SLOW, pause_between_polls

# Both beyond what the machine itself took.
LONGEST_ANSWER = 0.1 * SLOW
LONGEST_LAG = 0.05 if SLOW == 1 else 0.25


class Undisturbed:
    """A context manager around the time in which a fault lasts. healthy: the name of a dependency
    that is up, with its interval in seconds."""

    def __init__(self, exporter, healthy="healthy", interval=0.5):
        self._exporter = exporter
        self._healthy = healthy
        self._interval = interval
        self._answers = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.stalls = Stalls(exporter.pid)

    def __enter__(self):
        self._before = self._exporter.metrics()
        self._began = time.monotonic()
        self._thread.start()
        self.stalls.__enter__()
        return self

    def __exit__(self, kind, value, trace):
        self._is_over.set()
        self._thread.join()
        self.stalls.__exit__(kind, value, trace)
        if kind is None:
            self._assert_undisturbed()

    def _watch(self):
        while not self._is_over.is_set():
            began = time.monotonic()
            try:
                status = self._exporter.get("/livez").status
            except OSError as problem:
                status = repr(problem)
            took = time.monotonic() - began
            self._answers.append((status, took))
            pause_between_polls(max(0.0, 0.05 - took))

    def _assert_undisturbed(self):
        elapsed = time.monotonic() - self._began
        metrics = self._exporter.metrics()
        bad = [status for status, _ in self._answers if status != 200]
        assert not bad, f"/livez answered {bad}"
        longest = max(took for _, took in self._answers)
        assert longest <= LONGEST_ANSWER + 2 * self.stalls.longest, f"/livez took {longest:.3f} s"
        self._assert_healthy(metrics, elapsed)
        self._assert_no_lag(metrics)

    def _assert_healthy(self, metrics, elapsed):
        name = self._healthy
        assert metrics.value("health_check_status", dependency=name) == 1
        assert not self._exporter.failures(name, metrics), self._exporter.failures(name, metrics)
        done = self._exporter.checks(name, metrics) - self._exporter.checks(name, self._before)
        expected = elapsed / self._interval
        assert done >= expected * 0.85 - 1, f"{done} checks of {name} in {elapsed:.1f} s"

    def _assert_no_lag(self, metrics):
        family = "health_exporter_loop_lag_seconds"
        longest = LONGEST_LAG + self.stalls.longest
        now, before = metrics.buckets(family), self._before.buckets(family)
        late = {bound: (now[float("inf")] - count) - (before[float("inf")] - before[bound])
                for bound, count in now.items() if bound >= longest}
        bound = min(late)
        assert late[bound] == 0, (f"the loop was late by more than {bound} s, {late[bound]:g} times"
                                  f" (the machine itself by {self.stalls.longest:.3f} s)")
