# SPDX-License-Identifier: Apache-2.0
"""What is believed: thresholds, staleness, liveness, and the exporter's own trouble."""
import resource

from harness import fake_http, fake_redis, faults
from harness.exporter import OFTEN
from harness.freeze import frozen_thread
from harness.waiting import stopped_for


class Switch:
    """A peer that says what is expected of it, or not."""

    def __init__(self):
        self.is_good = True
        self.server = faults.FaultServer(self._behave)

    def _behave(self, connection):
        connection.send(b"+fine\r\n" if self.is_good else b"-bad\r\n")
        connection.hold()

    def dependency(self, name="switched", **options):
        return {"name": name, "url": f"tcp://127.0.0.1:{self.server.port}", "expect": "+fine",
                "interval": "250ms", "timeout": "240ms", **options}


def test_thresholds_damp_what_is_believed_and_show_what_is_counted(start):
    switch = Switch()
    config = {"dependencies": [
        switch.dependency("damped", failure_threshold=5, success_threshold=5),
        switch.dependency("direct")]}
    with start(config) as exporter:
        exporter.wait_for_state("damped", "up")
        exporter.wait_for_state("direct", "up")
        switch.is_good = False
        damped = watch_until(exporter, "damped", 0)
        assert max(failures for state, failures in damped if state == 1) <= 4
        assert min(failures for state, failures in damped if state == 0) >= 5
        switch.is_good = True
        assert [state for state, failures in watch_until(exporter, "damped", 1)].count(0) > 0
        metrics = exporter.metrics()
        for name in ("damped", "direct"):
            assert metrics.value("health_check_transitions_total", dependency=name) == 2
    switch.server.close()


def watch_until(exporter, name, state):
    """(status, consecutive failures) of one page after the other, until the status is that."""
    seen = []

    def poll():
        metrics = exporter.metrics()
        seen.append((metrics.value("health_check_status", dependency=name),
                     metrics.value("health_check_consecutive_failures", dependency=name)))
        return seen[-1][0] == state
    exporter.wait_for(poll, 5, f"{name} is {state}")
    return seen


def test_a_change_is_confirmed_at_the_retry_interval(start):
    switch = Switch()
    config = {"dependencies": [switch.dependency(
        interval="2s", retry_interval="100ms", timeout="90ms", failure_threshold=5)]}
    with start(config) as exporter:
        exporter.wait_for_state("switched", "up")
        switch.is_good = False
        exporter.wait_for(lambda: exporter.failures("switched"), 5, "the first failure")
        # Four more at the interval would take eight seconds.
        exporter.wait_for_state("switched", "down", timeout=1.5)
    switch.server.close()


def test_an_engine_that_stands_still_is_not_live_and_believes_nothing(start):
    server = faults.FaultServer(faults.hang)
    config = {"liveness_grace": "2s", "dependencies": [
        {"name": "peer", "url": f"tcp://127.0.0.1:{server.port}", "stale_after": "1s", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("peer", "up")
        assert exporter.get("/livez").status == 200
        with frozen_thread(exporter.pid, "hx-engine-0"):
            # An old "up" is no "up": long before liveness fails.
            exporter.wait_for_state("peer", "unknown", "stale")
            assert exporter.get("/readyz").status == 503
            assert exporter.metrics().value("health_check_stale", dependency="peer") == 1
            assert exporter.metrics().value("health_check_status", dependency="peer") == 0
            exporter.wait_for(lambda: exporter.get("/livez").status == 503, 5, "it is not live")
            body = exporter.get("/livez").json()
            assert body.pop("stalled_seconds") >= 2
            assert body == {"status": "down", "reason": "engine stalled"}
            assert exporter.metrics().value("health_service_live") == 0
        exporter.wait_for(lambda: exporter.get("/livez").status == 200, 3, "it is live again")
        exporter.wait_for_state("peer", "up")
        assert not exporter.failures("peer")
    server.close()


def test_after_a_stop_of_the_whole_process_nothing_is_blamed_on_others(start):
    server = faults.FaultServer(faults.hang)
    quick = {"interval": "500ms", "timeout": "450ms", "stale_after": "1s"}
    config = {"dependencies": [
        {"name": f"peer_{i}", "url": f"tcp://127.0.0.1:{server.port}", **quick}
        for i in range(20)]}
    names = [dependency["name"] for dependency in config["dependencies"]]
    with start(config) as exporter:
        exporter.wait_for_checks(names, 2, 5)
        before = exporter.metrics()
        stopped_for(exporter.pid, 3)
        exporter.wait_for_checks(names, 2, 5)
        after = exporter.metrics()
        for name in names:
            assert not exporter.failures(name, after), "a deadline that we slept through"
            # No burst: what was missed is not made up for.
            assert exporter.checks(name, after) - exporter.checks(name, before) <= 10
    server.close()


def test_without_descriptors_the_exporter_blames_itself(start):
    servers = {"peer": faults.FaultServer(faults.hang),
               "site": faults.FaultServer(fake_http.respond(fake_http.answer())),
               "cache": faults.FaultServer(fake_redis.pong)}
    schemes = {"peer": "tcp", "site": "http", "cache": "redis"}
    config = {"defaults": {"connection": "fresh"}, "dependencies": [
        {"name": name, "url": f"{schemes[name]}://127.0.0.1:{server.port}", **OFTEN}
        for name, server in servers.items()]}
    with start(config) as exporter:
        for name in servers:
            exporter.wait_for_state(name, "up")
        before = resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            for name in servers:
                exporter.wait_for(lambda name=name: "reason=internal" in exporter.log_of(name), 3,
                                  f"{name} cannot be checked")
        finally:
            resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, before)
        for name in servers:
            exporter.wait_for_state(name, "up")
            assert set(exporter.failures(name)) == {"internal"}
        assert "to=down" not in exporter.log
    for server in servers.values():
        server.close()
