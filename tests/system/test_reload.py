# SPDX-License-Identifier: Apache-2.0
"""Reloads: what is said of them, what survives them, and that a wrong file changes nothing."""
import json
import os
import signal
import threading
import time

import pytest

from harness import faults
from harness.exporter import OFTEN, UNHURRIED, Exporter, a_line_that_says, write_config
from harness.secrets import secret
from harness.waiting import MEMORY_NOISE, pause_between_polls

LIFECYCLE = ["--web.enable-lifecycle"]
SUCCESSFUL = "health_exporter_config_last_reload_successful"
SUCCESS_TIME = "health_exporter_config_last_reload_success_timestamp_seconds"


class Peer:
    """Counts its connections and says what a check with `expect: pong` wants, on each line."""

    def __init__(self):
        self.n_connections = 0
        self.server = faults.FaultServer(self._behave)

    def _behave(self, connection):
        self.n_connections += 1
        connection.send(b"pong\r\n")
        connection.hold()

    def dependency(self, name, **options):
        return {"name": name, "url": f"tcp://127.0.0.1:{self.server.port}", "expect": "pong",
                **OFTEN, **options}


class Held:
    """Never answers, and measures how long each connection lasts."""

    def __init__(self):
        self.closed_at = []
        self.is_reached = threading.Event()
        self.server = faults.FaultServer(self._behave)

    def _behave(self, connection):
        self.is_reached.set()
        connection.receive()
        connection.hold()
        self.closed_at.append(time.monotonic())

    def dependency(self, name, **options):
        return {"name": name, "url": f"http://127.0.0.1:{self.server.port}/", "interval": "60s",
                "timeout": "30s", "critical": False, **options}


@pytest.fixture
def peer_server():
    peer = Peer()
    yield peer
    peer.server.close()


@pytest.fixture
def held():
    held = Held()
    yield held
    held.server.close()


def reload(exporter):
    response = exporter.get("/-/reload", method="POST")
    return response.status, response.json()


def reloaded(exporter):
    status, body = reload(exporter)
    assert status == 200, body
    assert body.pop("status") == "reloaded"
    return body


def names_on_page(exporter):
    return {labels["dependency"] for labels, _ in exporter.metrics().series("health_check_status")}


def test_sighup_takes_the_new_file_and_says_what_changed(directory, peer_server):
    first = {"dependencies": [peer_server.dependency(name) for name in ("a", "b", "c")]}
    second = {"dependencies": [peer_server.dependency("d"), peer_server.dependency("a"),
                               peer_server.dependency("b", critical=False)]}
    with Exporter(directory, first) as exporter:
        for name in ("a", "b", "c"):
            exporter.wait_for_state(name, "up")
        write_config(directory, second)
        os.kill(exporter.pid, signal.SIGHUP)
        line = exporter.wait_for_line("configuration reloaded", timeout=5)
        assert "added=d changed=b removed=c unchanged=1" in line
        assert names_on_page(exporter) == {"a", "b", "d"}
        assert exporter.get("/health/c").status == 404
        exporter.wait_for_state("d", "up")


def test_what_did_not_change_keeps_counters_state_and_phase(directory, peer_server):
    one = peer_server.dependency("one", interval="1s", timeout="300ms")
    with Exporter(directory, {"dependencies": [one]}, LIFECYCLE) as exporter:
        exporter.wait_for_state("one", "up")
        exporter.wait_for_checks(["one"], 1, 5)
        before = exporter.metrics()
        last_run = before.value("health_check_last_run_timestamp_seconds", dependency="one")
        write_config(directory, {"dependencies": [peer_server.dependency("two"), one]})
        assert reloaded(exporter) == {"added": ["two"], "changed": [], "removed": [],
                                      "unchanged": 1}
        assert exporter.health("one")["status"] == "up"
        after = exporter.metrics()
        assert exporter.checks("one", after) >= exporter.checks("one", before)
        exporter.wait_for_checks(["one"], 2, 5)
        now = exporter.metrics().value("health_check_last_run_timestamp_seconds", dependency="one")
        beside = (now - last_run) % 1
        assert min(beside, 1 - beside) < 0.3, "its phase has moved"


def test_a_kept_connection_survives(directory, redis):
    cache = {"name": "cache", "url": f"redis://127.0.0.1:{redis.port}",
             "password": secret("redis"), **OFTEN}
    with Exporter(directory, {"dependencies": [cache]}, LIFECYCLE) as exporter:
        exporter.wait_for_state("cache", "up")
        exporter.wait_for_checks(["cache"], 2, 5)
        sockets = connections_to(exporter, redis.port)
        assert len(sockets) == 1
        for _ in range(3):
            assert reloaded(exporter)["unchanged"] == 1
        exporter.wait_for_checks(["cache"], 2, 5)
        assert connections_to(exporter, redis.port) == sockets


def connections_to(exporter, port):
    """The inodes of its sockets that are connected to the port."""
    mine = set()
    for number in os.listdir(f"/proc/{exporter.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{exporter.pid}/fd/{number}")
        except OSError:
            continue
        if target.startswith("socket:["):
            mine.add(target[len("socket:["):-1])
    found = set()
    with open(f"/proc/{exporter.pid}/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if fields[2].endswith(f":{port:04X}") and fields[9] in mine:
                found.add(fields[9])
    return found


@pytest.mark.parametrize("fate", ["removed", "changed"])
def test_a_check_in_flight_ends_with_its_dependency(directory, held, peer_server, fate):
    good = peer_server.dependency("good")
    with Exporter(directory, {"dependencies": [good, held.dependency("slow")]},
                  LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        exporter.wait_for(held.is_reached.is_set, 5, "the check is under way")
        rest = [held.dependency("slow", timeout="20s")] if fate == "changed" else []
        write_config(directory, {"dependencies": [good, *rest]})
        begin = time.monotonic()
        assert reloaded(exporter)[fate] == ["slow"]
        exporter.wait_for(lambda: held.closed_at, 5, "its connection is closed")
        assert held.closed_at[0] - begin < 1
        assert ("slow" in names_on_page(exporter)) == (fate == "changed")
        assert exporter.health("good")["status"] == "up"


def test_a_thousand_signals_are_a_few_reloads(directory, peer_server, held):
    config = {"dependencies": [*(peer_server.dependency(f"d{i}", **UNHURRIED) for i in range(20)),
                               held.dependency("slow")]}
    with Exporter(directory, config) as exporter:
        exporter.wait_for_state("d0", "up")
        before = exporter.resident_bytes()
        for _ in range(1000):
            os.kill(exporter.pid, signal.SIGHUP)
            pause_between_polls(0.002)
        exporter.wait_for_checks([f"d{i}" for i in range(20)], 2, 10)
        assert 1 <= exporter.log.count("configuration reloaded") <= 20
        assert exporter.resident_bytes() - before < MEMORY_NOISE
        assert len(held.closed_at) == 0, "the check in flight was disturbed"
        metrics = exporter.metrics()
        assert all(not exporter.failures(f"d{i}", metrics) for i in range(20))


def make_fifo(path):
    path.unlink()
    os.mkfifo(path)


def make_directory(path):
    path.unlink()
    path.mkdir()


def make_loop(path):
    path.unlink()
    path.symlink_to(path)


def good_config(peer_server):
    return {"dependencies": [peer_server.dependency("a"), peer_server.dependency("b")]}


PASSWORD = secret("reload")
BAD_FILES = {
    "syntax": ("dependencies: [\n", 2, "expected|closed|end"),
    "empty": ("", 0, "empty"),
    "no mapping": ("- a\n", 1, "expected a mapping"),
    "unknown key": ("dependencies:\n  - name: a\n    url: tcp://h:1\n    intervall: 1s\n", 4,
                    'did you mean "interval"'),
    "unknown top key": ("dependancies: []\n", 1, 'did you mean "dependencies"'),
    "duplicate name": ("dependencies:\n  - {name: a, url: 'tcp://h:1'}\n"
                       "  - {name: a, url: 'tcp://h:2'}\n", 3, "duplicate name"),
    "bad url": (f"dependencies:\n  - {{name: a, url: 'redis://:{PASSWORD}@h:x/'}}\n", 2, "port"),
    "unset variable": ("dependencies:\n  - {name: a, url: '${SURELY_NOT_SET}'}\n", 2,
                       "SURELY_NOT_SET"),
    "missing secret": ("dependencies:\n  - name: a\n    url: redis://h\n"
                       "    password_file: /no/such/file\n", 4, "No such file"),
    "missing authority": ("dependencies:\n  - name: a\n    url: https://h\n"
                          "    tls: {ca_file: /no/such/file}\n", 4, "/no/such/file"),
    "timeout above interval": ("dependencies:\n  - {name: a, url: 'tcp://h:1', interval: 1s,\n"
                               "     timeout: 2s}\n", 3, "timeout"),
    "startup requires nobody": ("startup_requires: [x]\ndependencies: []\n", 1, "no dependency"),
    "bad window": ("maintenance: {windows: [{weekly: Sunday}]}\n", 1, "Sun 02:00-04:00"),
    "zero byte": (b"dependencies: \0\n", 1, "character|byte|NUL"),
    "not utf-8": (b"dependencies: \xff\n", 1, "UTF-8"),
    "anchors": ("dependencies: &a []\n", 1, "anchors"),
    "huge": (b"#" * (9 << 20), 0, "larger"),
    "fifo": (make_fifo, 0, "FIFO"),
    "directory": (make_directory, 0, "a directory"),
    "symlink loop": (make_loop, 0, "symbolic"),
    "missing": (lambda path: path.unlink(), 0, "No such file"),
}


@pytest.fixture(scope="module")
def steady(new_directory):
    """An exporter that good and bad files are put before."""
    peer = Peer()
    directory = new_directory()
    with Exporter(directory, good_config(peer), LIFECYCLE) as exporter:
        exporter.wait_for_state("a", "up")
        exporter.wait_for_state("b", "up")
        yield exporter, directory, peer
    peer.server.close()


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_wrong_file_changes_nothing_and_is_told_with_its_place(steady, case):
    exporter, directory, peer = steady
    content, line, expected = BAD_FILES[case]
    path = directory / "checks.yml"
    success_time = exporter.metrics().value(SUCCESS_TIME)
    try:
        if callable(content):
            content(path)
        else:
            write_config(directory, content)
        status, body = reload(exporter)
        assert status == 500
        assert body["error"] == "configuration not reloaded"
        error = body["errors"][0]
        assert error["file"] == str(path)
        assert error.get("line", 0) == line, body
        assert any(word in error["message"] for word in expected.split("|")), body
        metrics = exporter.metrics()
        assert metrics.value(SUCCESSFUL) == 0
        assert metrics.value(SUCCESS_TIME) == success_time
        assert names_on_page(exporter) == {"a", "b"}
        assert exporter.get("/readyz").status == 200
        exporter.wait_for_line("configuration not reloaded")
        assert PASSWORD not in json.dumps(body)
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        elif path.is_symlink() or path.exists():
            path.unlink()
        write_config(directory, good_config(peer))
    # The file that runs already is a success as well.
    assert reloaded(exporter)["unchanged"] == 2
    metrics = exporter.metrics()
    assert metrics.value(SUCCESSFUL) == 1
    assert metrics.value(SUCCESS_TIME) > success_time


def test_arguments_stay_and_may_not_be_given_in_the_file_too(directory, peer_server):
    argument = f"mine=tcp://127.0.0.1:{peer_server.server.port}"
    config = {"dependencies": [peer_server.dependency("a")]}
    with Exporter(directory, config, [*LIFECYCLE, argument]) as exporter:
        assert reloaded(exporter)["unchanged"] == 2
        write_config(directory, {"dependencies": [peer_server.dependency("mine")]})
        status, body = reload(exporter)
        assert status == 500
        assert 'argument "mine"' in body["errors"][0]["message"]
        assert names_on_page(exporter) == {"a", "mine"}


def test_requests_go_on_during_reloads(directory, peer_server, held):
    def config(i):
        return {"dependencies": [
            peer_server.dependency("stays"), held.dependency("slow"),
            peer_server.dependency("moves", tags=[f"t{i}"]), peer_server.dependency(f"only{i}")]}
    problems, is_over = [], threading.Event()

    def ask(exporter, path):
        while not is_over.is_set():
            try:
                response = exporter.get(path)
                if response.status not in (200, 503):
                    problems.append(response)
            except (OSError, ValueError) as problem:
                problems.append(problem)
    with Exporter(directory, config(0), LIFECYCLE) as exporter:
        exporter.wait_for_state("stays", "up")
        threads = [threading.Thread(target=ask, args=(exporter, path))
                   for path in ("/metrics", "/readyz", "/health/stays", "/")]
        for thread in threads:
            thread.start()
        try:
            for i in range(1, 9):
                write_config(directory, config(i))
                body = reloaded(exporter)
                assert body == {"added": [f"only{i}"], "changed": ["moves"],
                                "removed": [f"only{i - 1}"], "unchanged": 2}
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        assert not problems
        assert len(held.closed_at) == 0
        assert names_on_page(exporter) == {"stays", "slow", "moves", "only8"}


def test_both_files_are_taken_or_none(directory, peer_server):
    web = write_config(directory, {"allowed_networks": ["127.0.0.0/8"]}, "web.yml")
    config = {"dependencies": [peer_server.dependency("a")]}
    args = [*LIFECYCLE, f"--web.config.file={web}"]
    with Exporter(directory, config, args) as exporter:
        exporter.wait_for_state("a", "up")
        write_config(directory, {"allowed_networks": ["127.0.0.0/80"]}, "web.yml")
        write_config(directory, {"dependencies": [peer_server.dependency("b")]})
        status, body = reload(exporter)
        assert status == 500
        assert [error["file"] for error in body["errors"]] == [str(web)]
        assert names_on_page(exporter) == {"a"}
        write_config(directory, {"allowed_networks": ["127.0.0.0/8", "10.0.0.0/8"]}, "web.yml")
        assert reloaded(exporter)["added"] == ["b"]


def test_the_service_tells_its_new_version(directory, peer_server):
    def config(version):
        return {"service": {"name": "checkout", "version": version},
                "dependencies": [peer_server.dependency("a")]}
    with Exporter(directory, config("1.0"), LIFECYCLE) as exporter:
        assert exporter.get("/version").json()["version"] == "1.0"
        write_config(directory, config("1.1"))
        assert reloaded(exporter)["unchanged"] == 1
        assert exporter.get("/version").json()["version"] == "1.1"


# ---- by itself, when the file changes ----

def test_a_changed_file_is_taken_without_being_asked(directory, peer_server):
    def config(*names):
        return {"reload_on_change": True,
                "dependencies": [peer_server.dependency(name) for name in names]}
    with Exporter(directory, config("a")) as exporter:
        write_config(directory, config("a", "b"))
        exporter.wait_for(lambda: names_on_page(exporter) == {"a", "b"}, 5, "b is there")
        # Half of a file is an error, and the next look finds the rest.
        whole = write_config(directory, config("a", "c")).read_bytes()
        write_config(directory, whole[:len(whole) - 9])
        exporter.wait_for(lambda: exporter.metrics().value(SUCCESSFUL) == 0, 5, "half is refused")
        assert "a" in names_on_page(exporter)
        write_config(directory, whole)
        exporter.wait_for(lambda: exporter.metrics().value(SUCCESSFUL) == 1, 5, "all is taken")
        assert names_on_page(exporter) == {"a", "c"}


def test_a_swapped_link_is_a_change(directory, peer_server):
    """As Kubernetes mounts a ConfigMap: checks.yml -> ..data/checks.yml, ..data -> ..1."""
    def volume(name, *names):
        (directory / name).mkdir()
        write_config(directory / name, {
            "reload_on_change": True,
            "dependencies": [peer_server.dependency(name) for name in names]})
    volume("..1", "a")
    volume("..2", "b")
    (directory / "..data").symlink_to("..1")
    mounted = directory / "mounted.yml"
    mounted.symlink_to("..data/checks.yml")
    with Exporter(directory, None, [f"--config.file={mounted}"]) as exporter:
        assert names_on_page(exporter) == {"a"}
        (directory / "..next").symlink_to("..2")
        (directory / "..next").rename(directory / "..data")
        exporter.wait_for(lambda: names_on_page(exporter) == {"b"}, 5, "b is there")


def test_a_secret_that_is_rotated_is_taken(directory, peer_server):
    """As Kubernetes mounts a Secret: word -> ..data/word, ..data -> ..1."""
    for volume, word in (("..1", "ping"), ("..2", "pong"), ("..3", "")):
        (directory / volume).mkdir()
        (directory / volume / "word").write_text(word, encoding="utf-8")

    def mount(volume):
        (directory / "..next").symlink_to(volume)
        (directory / "..next").rename(directory / "..data")
    mount("..1")
    (directory / "word").symlink_to("..data/word")
    rotated = peer_server.dependency("rotated")
    del rotated["expect"]
    rotated["expect_file"] = str(directory / "word")
    config = {"reload_on_change": True, "dependencies": [peer_server.dependency("other"), rotated]}
    with Exporter(directory, config) as exporter:
        exporter.wait_for_state("other", "up")
        exporter.wait_for_state("rotated", "down")
        mount("..2")
        exporter.wait_for_state("rotated", "up")
        a_line_that_says(exporter.log, "a file of the configuration has changed",
                         f"file={directory}/word")
        a_line_that_says(exporter.log, "configuration reloaded", "changed=rotated unchanged=1")
        mount("..3")
        exporter.wait_for(lambda: exporter.metrics().value(SUCCESSFUL) == 0, 5, "empty is refused")
        exporter.wait_for_state("rotated", "up")
        mount("..2")
        exporter.wait_for(lambda: exporter.metrics().value(SUCCESSFUL) == 1, 5, "it is there again")
        refusals = [line for line in exporter.log.splitlines() if "not reloaded" in line]
        assert len(refusals) == 1, refusals
