# SPDX-License-Identifier: Apache-2.0
"""The end: not ready at once, served for a while, over at a second signal."""
import os
import signal
import time

import pytest

from harness import faults
from harness.exporter import OFTEN


@pytest.fixture(scope="module")
def config():
    server = faults.FaultServer(faults.hang)
    yield {"dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{server.port}", **OFTEN}]}
    server.close()


def drain(exporter, number=signal.SIGTERM):
    os.kill(exporter.pid, number)
    exporter.wait_for(lambda: exporter.get("/readyz").json()["status"] == "draining", 1,
                      "it is draining")


def test_everything_but_readiness_is_served_until_a_second_signal(start, config):
    with start(config, ["--shutdown.delay=60s"]) as exporter:
        exporter.wait_for_state("good", "up")
        assert exporter.get("/readyz").status == 200
        drain(exporter)
        assert exporter.get("/readyz").status == 503
        assert exporter.get("/livez").status == 200
        assert exporter.get("/health/good").json()["status"] == "up"
        assert exporter.metrics().value("health_service_ready") == 0
        exporter.wait_for_checks(["good"], 2, 5)
        exporter.stop()  # a second SIGTERM, and the exit within two seconds


def test_the_delay_ends_it_with_0(start, config):
    with start(config, ["--shutdown.delay=1500ms"]) as exporter:
        begin = time.monotonic()
        drain(exporter)
        # What stop() sends is a reload, which is no reason to end.
        exporter.stop(by=signal.SIGHUP)
        assert time.monotonic() - begin >= 1.5


def test_sigint_drains_as_well_and_both_may_be_mixed(start, config):
    with start(config, ["--shutdown.delay=60s"]) as exporter:
        drain(exporter, signal.SIGINT)
        exporter.stop(by=signal.SIGTERM)


def test_a_reply_that_is_under_way_is_finished(start, config):
    """The request line is there when the signal comes, the rest only later."""
    with start(config, ["--shutdown.delay=60s"]) as exporter:
        with exporter.endpoint.connect() as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            drain(exporter)
            sock.sendall(b"Connection: close\r\n\r\n")
            reply = b""
            while chunk := sock.recv(4096):
                reply += chunk
        assert reply.startswith(b"HTTP/1.1 200 ")
        assert reply.endswith(b'{"status":"up"}')
        exporter.stop()
