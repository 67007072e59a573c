# SPDX-License-Identifier: Apache-2.0
"""What the metrics say of connections to dependencies and of waiting checks, against the kernel."""
import collections
import os
import pathlib
import signal

import pytest

from harness import faults
from harness.exporter import OFTEN, write_config
from harness.secrets import secret
from harness.waiting import wait_until

KINDS = ("http", "postgres", "redis", "tcp", "tls")
# Leaves the least number of slots, 4.
FEW_DESCRIPTORS = ["prlimit", "--nofile=140:140"]
N_SLOTS = 4
SILENT = {"interval": "20s", "timeout": "10s", "send": "x", "expect": "never"}


def sockets(pid):
    """How many of its TCP sockets lead to each port."""
    links = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            continue
    rows = pathlib.Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    remotes = {f"socket:[{row.split()[9]}]": int(row.split()[2].split(":")[1], 16) for row in rows}
    return collections.Counter(remotes[link] for link in links if link in remotes)


def counted(exporter):
    return {labels["kind"]: value for labels, value
            in exporter.metrics().series("health_exporter_dependency_connections")}


class Peers:
    """A server for each kind, and two dependencies of each."""

    def __init__(self, redis, postgres, nginx, authority, silent):
        self.ports = {"http": nginx.port, "postgres": postgres.port, "redis": redis.port,
                      "tcp": silent.port, "tls": redis.tls_port}
        urls = {"http": f"http://127.0.0.1:{nginx.port}/ok",
                "postgres": f"postgresql://health:{secret('postgres')}@127.0.0.1:{postgres.port}/app",
                "redis": f"redis://:{secret('redis')}@127.0.0.1:{redis.port}",
                "tcp": f"tcp://127.0.0.1:{silent.port}",
                "tls": f"tls://127.0.0.1:{redis.tls_port}"}
        options = {"tcp": SILENT, "tls": {"tls": {"ca_file": authority.ca_file}, **OFTEN}}
        self.dependencies = [
            {"name": f"{kind}_{i}", "url": urls[kind], **options.get(kind, OFTEN)}
            for kind in KINDS for i in range(2)]

    def seen(self, exporter):
        ports = sockets(exporter.pid)
        return {kind: ports[port] for kind, port in self.ports.items()}

    def agree(self, exporter, expected):
        """Both are what is expected. Between the two looks a check may begin or end."""
        last = []

        def poll():
            last[:] = self.seen(exporter), counted(exporter)
            return last == [expected, expected]
        try:
            wait_until(poll, 10, f"{expected}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the kernel and the page say {last}") from None


@pytest.fixture
def silent():
    server = faults.FaultServer(faults.hang)
    yield server
    server.close()


@pytest.fixture
def peers(redis, postgres, nginx, authority, silent):
    return Peers(redis, postgres, nginx, authority, silent)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_connections_are_those_that_the_kernel_knows(start, directory, peers, redis, n_threads):
    path = write_config(directory, {"dependencies": peers.dependencies})
    with start(args=[f"--config.file={path}", f"--engine.threads={n_threads}"]) as exporter:
        # Kept by three kinds; tcp waits for a text, tls closes after each check.
        kept = {"http": 2, "postgres": 2, "redis": 2, "tcp": 2, "tls": 0}
        peers.agree(exporter, kept)
        # A dependency that hangs costs its deadline, and then its connection.
        with redis.frozen():
            exporter.wait_for_state("redis_0", "down", "timeout")
        exporter.wait_for_state("redis_0", "up")
        peers.agree(exporter, kept)
        # Those that go take their connections along.
        gone = [d for d in peers.dependencies if d["name"].endswith("_1")]
        write_config(directory, {"dependencies": gone})
        exporter.process.send_signal(signal.SIGHUP)
        peers.agree(exporter, {kind: n // 2 for kind, n in kept.items()})
        write_config(directory, {"dependencies": [{"name": "host", "url": "memory:"}]})
        exporter.process.send_signal(signal.SIGHUP)
        peers.agree(exporter, dict.fromkeys(KINDS, 0))


def test_connections_that_nobody_takes_are_none(start, peers):
    """Refused, or cut off: after the check there is nothing."""
    refused = faults.refused()
    cut = faults.FaultServer(lambda connection: None)
    login = "health:x@"
    config = {"dependencies": [
        {"name": f"{kind}_{i}", "url": f"{scheme}://{login if kind == 'postgres' else ''}{at}{path}",
         **OFTEN}
        for kind, scheme, path in (("http", "http", "/"), ("postgres", "postgresql", "/app"),
                                   ("redis", "redis", ""), ("tls", "tls", ""), ("tcp", "tcp", ""))
        for i, at in enumerate((refused, f"127.0.0.1:{cut.port}"))]}
    with start(config) as exporter:
        exporter.wait_for_checks([d["name"] for d in config["dependencies"]], 3, 10)
        peers.agree(exporter, dict.fromkeys(KINDS, 0))
    cut.close()


def test_kinds_without_connections_have_no_series(start):
    with start({"dependencies": [{"name": "host", "url": "memory:"},
                                 {"name": "model", "url": "heartbeat:"}]}) as exporter:
        assert counted(exporter) == {}
        assert exporter.metrics().value("health_exporter_checks_queued") == 0


def test_checks_that_wait_for_a_slot_are_queued(start, directory, silent):
    url = f"tcp://127.0.0.1:{silent.port}"
    config = {"dependencies": [{"name": f"peer_{i}", "url": url, **SILENT} for i in range(20)]}
    path = write_config(directory, config)
    with start(args=[f"--config.file={path}"], prefix=FEW_DESCRIPTORS) as exporter:
        def load():
            metrics = exporter.metrics()
            return tuple(metrics.value(f"health_exporter_checks_{what}")
                         for what in ("in_flight", "queued"))
        exporter.wait_for(lambda: load() == (N_SLOTS, 20 - N_SLOTS), 5, "all but four wait")
        write_config(directory, {"dependencies": config["dependencies"][:N_SLOTS + 3]})
        exporter.process.send_signal(signal.SIGHUP)
        exporter.wait_for(lambda: sum(load()) == N_SLOTS + 3, 5, "those that are left")
        write_config(directory, {"dependencies": [{"name": "host", "url": "memory:", **OFTEN}]})
        exporter.process.send_signal(signal.SIGHUP)
        exporter.wait_for(lambda: load() == (0, 0), 5, "none")
