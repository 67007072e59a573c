# SPDX-License-Identifier: Apache-2.0
"""A process that was stopped, or a machine that slept: what is said first after it, and of whom."""
import datetime
import json
import os
import signal
import socket
import threading
import time

from harness import faults
from harness.client import read_reply
from harness.metrics import Metrics
from harness.waiting import SLOW, pause_between_polls, stop

STALE_AFTER = 1.5 * SLOW
ASLEEP = 2 * STALE_AFTER


def test_the_first_answers_after_it_show_nothing_old_as_up(start):
    server = faults.FaultServer(faults.hang)
    options = {"interval": f"{STALE_AFTER / 3}s", "timeout": f"{STALE_AFTER / 4}s",
               "stale_after": f"{STALE_AFTER}s"}
    names = [f"peer_{i}" for i in range(10)]
    config = {"dependencies": [
        {"name": name, "url": f"tcp://127.0.0.1:{server.port}", **options} for name in names]}
    with start(config) as exporter:
        for name in names:
            exporter.wait_for_state(name, "up")
        stop(exporter.pid)
        try:
            # They wait in the kernel's queue, and are the first thing that it sees.
            pages = [asked(exporter, "/metrics") for _ in range(4)]
            details = [asked(exporter, "/health/detailed") for _ in range(2)]
            ready = asked(exporter, "/readyz")
            pause_between_polls(ASLEEP)
        finally:
            awake = time.time() - 0.001  # which is told in milliseconds
            os.kill(exporter.pid, signal.SIGCONT)
        pages = [Metrics(read_body(sock).decode()) for sock in pages]
        details = [json.loads(read_body(sock))["checks"] for sock in details]
        now = exporter.get("/health/detailed").json()["checks"]
        assert b'"status"' in read_body(ready)
        for name in names:
            for record in (checks[name] for checks in details):
                assert record["status"] != "up" or last_run(record) >= awake, record
            # A page's families are read one after the other, and a check may end meanwhile.
            if any(page.value("health_check_status", dependency=name) == 1 for page in pages):
                assert last_run(now[name]) >= awake, f"{name} is up by an old check"
        exporter.wait_for_checks(names, 2, 10)
        after = exporter.metrics()
        for name in names:
            assert not exporter.failures(name, after)
            assert exporter.health(name)["status"] == "up"
    server.close()


def last_run(record):
    return datetime.datetime.fromisoformat(record["last_run"]).timestamp()


def asked(exporter, path):
    sock = socket.create_connection(("127.0.0.1", exporter.endpoint.port), timeout=30)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return sock


def read_body(sock):
    with sock:
        return read_reply(sock).body


def test_a_check_in_flight_is_not_blamed_on_its_dependency(start):
    is_reached = threading.Event()

    def behave(connection):
        """Lets the first check wait, and answers all others."""
        connection.receive_until(b"\r\n\r\n")
        if is_reached.is_set():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        is_reached.set()
        connection.hold()
    server = faults.FaultServer(behave)
    config = {"dependencies": [{"name": "slow", "url": f"http://127.0.0.1:{server.port}/",
                                "interval": "60s", "timeout": f"{SLOW}s"}]}
    with start(config) as exporter:
        exporter.wait_for(is_reached.is_set, 5, "the check is under way")
        stop(exporter.pid)
        pause_between_polls(3 * SLOW)
        os.kill(exporter.pid, signal.SIGCONT)
        exporter.wait_for_state("slow", "up")
        metrics = exporter.metrics()
        assert not exporter.failures("slow", metrics)
        assert exporter.checks("slow", metrics) == 1, "the one that was thrown away is no check"
        assert metrics.value("health_check_skipped_total", dependency="slow", cause="late") == 1
    server.close()
