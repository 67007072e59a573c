# SPDX-License-Identifier: Apache-2.0
"""--engine.threads: several threads share the checks, and are one exporter to everybody else."""
import contextlib
import pathlib
import signal
import socket
import threading

import pytest

from harness.exporter import a_line_that_says, run_program, write_config
from harness.freeze import frozen_thread

N_THREADS = 3
N_DEPENDENCIES = 1000
THREADS = [f"hx-engine-{i}" for i in range(N_THREADS)]


@pytest.fixture(scope="module")
def port():
    """Accepts and closes, as often as anybody likes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def peer(number, port):
    return {"name": f"peer_{number}", "url": f"tcp://127.0.0.1:{port}",
            "interval": "2s", "timeout": "1s", "stale_after": "3s"}


def peers(port, first=0, n=N_DEPENDENCIES):
    return [peer(number, port) for number in range(first, first + n)]


def processor_seconds(pid):
    """What each engine's thread has used."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    used = {(task / "comm").read_text().strip(): (task / "schedstat").read_text().split()[0]
            for task in tasks}
    return {name: int(ns) / 1e9 for name, ns in used.items() if name.startswith("hx-engine")}


def names_of(config):
    return [dependency["name"] for dependency in config["dependencies"]]


def state_of_all(exporter):
    metrics = exporter.metrics()
    return [value for _, value in metrics.series("health_check_status")]


def test_a_thousand_dependencies_are_shared_evenly_and_all_checked(start, port):
    config = {"dependencies": peers(port)}
    with start(config, [f"--engine.threads={N_THREADS}"]) as exporter:
        exporter.wait_for(lambda: exporter.get("/startupz").status == 200, 10, "the first round")
        assert exporter.get("/readyz").status == 200
        assert exporter.get("/livez").status == 200
        exporter.wait_for_checks(names_of(config), 2, 15)
        assert state_of_all(exporter) == [1] * N_DEPENDENCIES
        used = processor_seconds(exporter.pid)
        assert sorted(used) == THREADS
        assert min(used.values()) > max(used.values()) / 2, used
        rounds = exporter.wait_for_line("first round of checks done")
        assert f"dependencies={N_DEPENDENCIES}" in rounds
        assert exporter.log.count("first round of checks done") == 1
        assert exporter.metrics().value("health_exporter_loop_lag_seconds_count") > 0


def test_a_reload_reaches_every_thread_and_keeps_what_was_counted(start, directory, port):
    path = write_config(directory, {"dependencies": peers(port, n=100)})
    with start(args=[f"--engine.threads={N_THREADS}", f"--config.file={path}"]) as exporter:
        exporter.wait_for_checks([f"peer_{i}" for i in range(100)], 2, 15)
        before = exporter.metrics()
        write_config(directory, {"dependencies": peers(port, 50, 100)})
        exporter.process.send_signal(signal.SIGHUP)
        exporter.wait_for(lambda: exporter.get("/health/peer_149").status == 200, 5, "it is new")
        now = exporter.metrics()
        for number in range(50, 100):
            name = f"peer_{number}"
            assert exporter.checks(name, now) >= exporter.checks(name, before)
        assert exporter.get("/health/peer_0").status == 404
        exporter.wait_for_checks([f"peer_{i}" for i in range(50, 150)], 1, 10)
        # A configuration with an error changes none of them.
        write_config(directory, "dependencies: nothing")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.wait_for_line("configuration not reloaded", timeout=5)
        exporter.wait_for_checks([f"peer_{i}" for i in range(50, 150)], 1, 10)


def test_one_thread_that_stands_still_is_enough_not_to_be_live(start, port):
    config = {"liveness_grace": "2s", "dependencies": peers(port, n=30)}
    with start(config, [f"--engine.threads={N_THREADS}"]) as exporter:
        exporter.wait_for_checks(names_of(config), 1, 10)
        assert state_of_all(exporter) == [1] * 30
        with frozen_thread(exporter.pid, THREADS[1]):
            exporter.wait_for(lambda: exporter.get("/livez").status == 503, 6, "it is not live")
            exporter.wait_for(lambda: 0 in state_of_all(exporter), 6, "its part is not believed")
            assert 1 in state_of_all(exporter), "the parts of others are"
            assert exporter.get("/readyz").status == 503
        exporter.wait_for(lambda: exporter.get("/livez").status == 200, 5, "it is live again")
        exporter.wait_for(lambda: state_of_all(exporter) == [1] * 30, 5, "all are up again")
        exporter.wait_for(lambda: exporter.get("/readyz").status == 200, 2, "it is ready again")


def test_a_heartbeat_reaches_the_thread_of_its_dependency(start):
    names = [f"model_{i}" for i in range(12)]
    config = {"dependencies": [{"name": name, "url": "heartbeat:", "ttl": "1m"} for name in names]}
    with start(config, [f"--engine.threads={N_THREADS}"]) as exporter:
        for name in names:
            assert exporter.get(f"/-/heartbeat/{name}", method="PUT").status == 204
        for name in names:
            exporter.wait_for_state(name, "up")


def test_there_is_one_thread_unless_more_are_wanted(start, port):
    with start({"dependencies": peers(port, n=1)}) as exporter:
        assert list(processor_seconds(exporter.pid)) == THREADS[:1]


@pytest.mark.parametrize("value", ["0", "65", "-1", "two", "1.5", "2 "])
def test_any_other_number_of_threads_is_refused(value):
    result = run_program(f"--engine.threads={value}")
    assert result.returncode == 2
    a_line_that_says(result.stderr, f"--engine.threads={value}:",
                     "expected a whole number between 1 and 64")
