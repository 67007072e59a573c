# SPDX-License-Identifier: Apache-2.0
"""The gates of a deployment: they let pass what is ready and stays so, and take back the rest."""
import contextlib
import json
import subprocess
import threading

import pytest

from harness.exporter import OFTEN, PROGRAM, ROOT, environment
from harness.waiting import SLOW, wait_until

GATES = ROOT / "deploy" / "gates"
CONFIG = {"dependencies": [{"name": "model", "url": "heartbeat:", "ttl": "1h", **OFTEN}]}
# Stands for what moves the traffic: writes down where to, and can fail.
SWITCH = """#!/bin/sh
echo "$1" >>"$SWITCHED"
[ "$1" != "$SWITCH_FAILS_FOR" ]
"""
# The program, which tells in a file that the gate has begun to look whether all stay ready.
WATCHED = """#!/bin/sh
[ "$1" != get ] || : >"$SOAKING"
exec "$PROGRAM" "$@"
"""


def report(exporter, status):
    answer = exporter.get("/-/heartbeat/model", method="PUT", body=json.dumps({"status": status}))
    assert answer.status == 204, answer


def url(exporter):
    return f"http://127.0.0.1:{exporter.endpoint.port}"


def run(gate, *args, **variables):
    settings = {"HEALTH_EXPORTER": PROGRAM, "READY_TIMEOUT": "10s", "SOAK_SECONDS": "0",
                "SETTLE_SECONDS": "0", "PAUSE_SECONDS": "0.1", **variables}
    return subprocess.run([GATES / gate, *args], env=environment(settings), text=True,
                          capture_output=True, timeout=30 * SLOW, check=False)


@contextlib.contextmanager
def falls_while_soaking(directory, exporter):
    """The exporter turns to not ready once the gate looks at it; yields variables for run()."""
    program, soaking = directory / "health_exporter", directory / "soaking"
    program.write_text(WATCHED, encoding="utf-8")
    program.chmod(0o755)

    def fall():
        wait_until(soaking.exists, 10, "the gate looks at the exporter")
        report(exporter, "fail")
    thread = threading.Thread(target=fall)
    thread.start()
    yield {"HEALTH_EXPORTER": str(program), "PROGRAM": PROGRAM, "SOAKING": str(soaking)}
    thread.join()


class Traffic:
    """Where the switch has sent the traffic, in order."""

    def __init__(self, directory):
        self.program = directory / "switch"
        self.program.write_text(SWITCH, encoding="utf-8")
        self.program.chmod(0o755)
        self._file = directory / "switched"
        self.variables = {"SWITCHED": str(self._file), "SWITCH_FAILS_FOR": "nobody"}

    @property
    def switches(self):
        return self._file.read_text(encoding="utf-8").split() if self._file.exists() else []


@pytest.fixture
def traffic(directory):
    return Traffic(directory)


@pytest.mark.parametrize("gate, args", [("canary", []), ("blue-green", ["http://a", "http://b"])])
def test_a_gate_explains_its_usage(gate, args):
    result = run(gate, *args)
    assert result.returncode == 2 and f"usage: {gate}" in result.stderr


def test_canaries_pass_when_all_are_ready(start):
    with start(CONFIG) as one, start(CONFIG) as two:
        report(one, "pass")
        report(two, "pass")
        assert run("canary", url(one), url(two) + "/").returncode == 0
        report(two, "fail")
        result = run("canary", url(one), url(two), READY_TIMEOUT="500ms")
        assert result.returncode == 1 and "down: model" in result.stderr


def test_a_canary_that_does_not_stay_ready_fails(start, directory):
    with start(CONFIG) as canary:
        report(canary, "pass")
        with falls_while_soaking(directory, canary) as variables:
            result = run("canary", url(canary), SOAK_SECONDS="3600", **variables)
        assert result.returncode == 1
        assert f"canary: {url(canary)} is not ready" in result.stderr


def test_a_canary_may_fail_as_often_as_it_is_allowed_to(start, directory):
    with start(CONFIG) as canary:
        report(canary, "pass")
        with falls_while_soaking(directory, canary) as variables:
            result = run("canary", url(canary), SOAK_SECONDS="3600", MAX_FAILURES="2", **variables)
        assert result.returncode == 1
        assert result.stderr.count("is not ready") == 3


def test_traffic_moves_to_what_is_ready(start, traffic):
    with start(CONFIG) as new:
        report(new, "pass")
        result = run("blue-green", url(new), "http://old", traffic.program, **traffic.variables)
        assert result.returncode == 0, result.stderr
        assert traffic.switches == [url(new)]


def test_traffic_stays_when_the_new_side_does_not_get_ready(start, traffic):
    with start(CONFIG) as new:
        result = run("blue-green", url(new), "http://old", traffic.program, READY_TIMEOUT="500ms",
                     **traffic.variables)
        assert result.returncode == 1 and "nothing was switched" in result.stderr
        assert not traffic.switches


def test_traffic_comes_back_when_the_new_side_does_not_stay_ready(start, traffic):
    with start(CONFIG) as new:
        report(new, "pass")

        def fall():
            wait_until(lambda: traffic.switches, 10, "a switch")
            report(new, "fail")
        thread = threading.Thread(target=fall)
        thread.start()
        result = run("blue-green", url(new), "http://old", traffic.program, SOAK_SECONDS="3600",
                     **traffic.variables)
        thread.join()
        assert result.returncode == 1 and "going back to http://old" in result.stderr
        assert traffic.switches == [url(new), "http://old"]


def test_a_switch_that_fails_is_told_apart(start, traffic):
    with start(CONFIG) as new:
        report(new, "pass")
        variables = {**traffic.variables, "SWITCH_FAILS_FOR": url(new)}
        result = run("blue-green", url(new), "http://old", traffic.program, **variables)
        assert result.returncode == 3 and "the switch to" in result.stderr
