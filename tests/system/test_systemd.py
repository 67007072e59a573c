# SPDX-License-Identifier: Apache-2.0
"""What systemd is told, against a socket that stands for it, and the sockets that it gives."""
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

from harness import activate, faults
from harness.client import Endpoint
from harness.exporter import OFTEN, PROGRAM, Exporter, environment, run_program
from harness.freeze import frozen_thread
from harness.waiting import SLOW, accepts_connections, free_port, wait_until

ACTIVATE = [sys.executable, str(pathlib.Path(activate.__file__).resolve())]


class Systemd:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.messages = []  # (moment, text)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)

    def environment(self, watchdog=None):
        extra = {} if watchdog is None else {"WATCHDOG_USEC": str(int(watchdog * 1e6))}
        return {"NOTIFY_SOCKET": self.path, **extra}

    def collect(self):
        while select.select([self._socket], [], [], 0)[0]:
            self.messages.append((time.monotonic(), self._socket.recv(4096).decode()))
        return [text for _, text in self.messages]

    def has(self, *words):
        """Were these told, in this order?"""
        told = iter(self.collect())
        return all(any(word in text for text in told) for word in words)

    def wait_for(self, *words, timeout=5):
        wait_until(lambda: self.has(*words), timeout, f"systemd is told {words}")

    def count(self, word):
        return sum(word in text for text in self.collect())

    def close(self):
        self._socket.close()


@pytest.fixture
def systemd(directory):
    systemd = Systemd(directory)
    yield systemd
    systemd.close()


@pytest.fixture(scope="module")
def config():
    server = faults.FaultServer(faults.hang)
    yield {"dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{server.port}", **OFTEN},
        {"name": "bad", "url": f"tcp://{faults.refused()}", **OFTEN}]}
    server.close()


def test_it_tells_its_life(directory, systemd, config):
    with Exporter(directory, config, ["--shutdown.delay=60s"],
                  env=systemd.environment()) as exporter:
        systemd.wait_for("READY=1", "STATUS=1 of 2 dependencies up; readiness: down")
        os.kill(exporter.pid, signal.SIGHUP)
        systemd.wait_for("READY=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1")
        assert systemd.count("STOPPING=1") == 0
        os.kill(exporter.pid, signal.SIGTERM)
        systemd.wait_for("STOPPING=1", "readiness: draining")
        assert systemd.count("WATCHDOG=1") == 0, "nobody asked for a watchdog"
        exporter.stop()


def test_it_is_ready_only_when_it_answers(directory, systemd, config):
    with Exporter(directory, config, env=systemd.environment()) as exporter:
        systemd.wait_for("READY=1")
        assert exporter.get("/livez").status == 200
    failing = run_program("--web.listen-address=256.256.256.256:1", "a=disk:/",
                          env={"NOTIFY_SOCKET": systemd.path})
    assert failing.returncode == 2
    assert systemd.count("READY=1") == 1


def test_a_reload_that_fails_ends_too(directory, systemd, config):
    with Exporter(directory, config, env=systemd.environment()) as exporter:
        systemd.wait_for("READY=1")
        (directory / "checks.yml").write_text("nonsense", encoding="utf-8")
        os.kill(exporter.pid, signal.SIGHUP)
        systemd.wait_for("RELOADING=1", "READY=1")


def test_the_watchdog_is_fed_while_dependencies_are_down_and_not_while_the_engine_is_stuck(
        directory, systemd, config):
    with Exporter(directory, config, env=systemd.environment(watchdog=4)) as exporter:
        exporter.wait_for_state("bad", "down")
        systemd.wait_for(*["WATCHDOG=1"] * 3, timeout=10)
        with frozen_thread(exporter.pid, "hx-engine-0"):
            frozen_at = time.monotonic()
            wait_until(lambda: systemd.collect() and time.monotonic() - frozen_at > 6.5, 10,
                       "three pings would have come")
        late = [moment - frozen_at for moment, text in systemd.messages
                if "WATCHDOG=1" in text and moment - frozen_at > 0]
        # The last heartbeat stays fresh for half of WatchdogSec; after that, silence.
        assert all(age < 4 for age in late), late
        n = systemd.count("WATCHDOG=1")
        wait_until(lambda: systemd.count("WATCHDOG=1") >= n + 2, 10, "it is fed again")
        statuses = [text for text in systemd.collect() if text.startswith("STATUS=")]
        assert all(a != b for a, b in zip(statuses, statuses[1:])), "told without a change"


def test_a_socket_that_is_given_is_served(directory, config):
    port = free_port()
    with Exporter(directory, config, prefix=[*ACTIVATE, "stream", "127.0.0.1", str(port)]) as exporter:
        given = Endpoint(port)
        assert given.request("/livez").status == 200
        assert exporter.get("/livez").status == 200, "the address that was asked for is served too"
        exporter.wait_for_line('address="(socket given)"')
        assert "LISTEN_FDS" not in pathlib.Path(f"/proc/{exporter.pid}/cmdline").read_text(
            encoding="utf-8")


def test_a_socket_that_is_given_is_the_only_one_unless_others_are_asked_for(directory):
    port = free_port()
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            [*ACTIVATE, "stream", "127.0.0.1", str(port), PROGRAM, "--shutdown.delay=0s",
             "a=memory:"], env=environment(), stdin=subprocess.DEVNULL, stderr=log)
    try:
        wait_until(lambda: accepts_connections(port), 5, "the socket is given")
        assert Endpoint(port).request("/livez").status == 200
        process.terminate()
        assert process.wait(timeout=10 * SLOW) == 0
    finally:
        process.kill()
    said = (directory / "log").read_text(encoding="utf-8")
    assert said.count("msg=listening") == 1, said


def test_what_is_no_listening_socket_is_refused():
    result = run_program("a=disk:/", prefix=[*ACTIVATE, "datagram", "127.0.0.1", str(free_port())])
    assert result.returncode == 2
    assert "descriptor 3 from systemd is not a listening stream socket" in result.stderr
