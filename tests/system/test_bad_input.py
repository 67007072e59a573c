# SPDX-License-Identifier: Apache-2.0
"""Bad arguments and files, and what cannot be had: one clear line, and nothing started."""
import os
import socket

import pytest

from harness import faults
from harness.exporter import NOBODY, a_line_that_says, run_program, write_config
from harness.secrets import secret
from harness.waiting import free_port

GOOD = {"dependencies": [{"name": "host", "url": "memory:"}]}


# ---- arguments ----

@pytest.mark.parametrize("arguments, said", [
    (["--no.such-flag"], ["--no.such-flag"]),
    (["--config.fil=x"], ["--config.fil", "--config.file"]),
    (["--config.file"], ["--config.file"]),
    (["--log.level=loud"], ["--log.level", "loud", "debug"]),
    (["--log.format=xml"], ["--log.format", "xml", "logfmt"]),
    (["--web.listen-address=nowhere"], ["nowhere"]),
    (["--web.listen-address=:99999"], [":99999"]),
    (["--web.listen-address=unix:"], ["unix:"]),
    (["--web.telemetry-path=metrics"], ["telemetry path", "metrics"]),
    (["--web.telemetry-path=/livez"], ["/livez"]),
    (["--web.history=59m"], ["--web.history", "1h to 30d"]),
    (["--web.history=31d"], ["--web.history", "1h to 30d"]),
    (["--web.history=ever"], ["--web.history", "duration"]),
    (["no-equals-sign"], ["no-equals-sign", "NAME=URL"]),
    (["=tcp://127.0.0.1:1"], ["name"]),
    (["bad name=tcp://127.0.0.1:1"], ["bad name"]),
    (["1st=tcp://127.0.0.1:1"], ["1st"]),
    (["a="], ["a"]),
    (["a=gopher://127.0.0.1"], ["gopher"]),
    (["a=postgre://127.0.0.1/app"], ["postgre", "postgres"]),
    (["a=tcp://127.0.0.1"], ["a", "port"]),
    (["a=tcp://127.0.0.1:0"], ["a"]),
    (["a=tcp://127.0.0.1:65536"], ["a"]),
    (["a=tcp://[::1:80"], ["a"]),
    (["a=http://ho st/"], ["a"]),
    (["a=memory:", "a=memory:"], ["a"]),
    (["live=memory:"], ["live", "reserved"]),
    (["ready=memory:"], ["ready", "reserved"]),
    (["detailed=memory:"], ["detailed", "reserved"]),
    ([f"a=tcp://user:{secret('flag')}@127.0.0.1"], ["a"]),
    ([f"a=postgresql://user:{secret('flag')}@host:port/app"], ["a"]),
    ([f"redis://user:{secret('flag')}@127.0.0.1"], ["NAME=URL"]),
], ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None)
def test_a_bad_argument_is_one_clear_line_and_exit_code_2(arguments, said):
    result = run_program("--web.listen-address=127.0.0.1:0", *arguments)
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) <= 2, result.stderr
    a_line_that_says(result.stderr, *said)


# ---- bad files ----

def dependency(*lines):
    return "dependencies:\n  - name: a\n    url: tcp://127.0.0.1:1\n" + "".join(
        f"    {line}\n" for line in lines)


# file: what stands in it, where the error is said to be, and with which words
BAD_FILES = {
    "syntax": ("dependencies: [\n", None, []),
    "tab": ("dependencies:\n\t- name: a\n", "2:1", []),
    "not a mapping": ("- a\n- b\n", "1:1", ["mapping"]),
    "scalar": ("hello\n", "1:1", ["mapping"]),
    "unknown key": ("dependencis: []\n", "1:1", ["dependencis", "dependencies"]),
    "unknown option": (dependency("intervall: 10s"), "4:5", ["intervall", "interval"]),
    "unknown option of a kind": (dependency("expct: x"), "4:5", ["expct", "expect"]),
    "option of another kind": (dependency("ttl: 30s"), "4:5", ["ttl"]),
    "no name": ("dependencies:\n  - url: memory:\n", "2:5", ["name"]),
    "no url": ("dependencies:\n  - name: a\n", "2:11", ["url"]),
    "bad name": ("dependencies:\n  - {name: a b, url: 'memory:'}\n", "2:12", ["a b"]),
    "reserved name": ("dependencies:\n  - {name: ready, url: 'memory:'}\n", "2:12",
                      ["ready", "reserved"]),
    "duplicate name": ("dependencies:\n  - {name: a, url: 'memory:'}\n"
                       "  - {name: a, url: 'disk:/'}\n", "3:12", ["a"]),
    "duplicate key": (dependency("interval: 1s", "interval: 2s"), "5:5", ["interval"]),
    "unknown scheme": ("dependencies:\n  - {name: a, url: 'reddis://x'}\n", "2:21",
                       ["reddis", "redis"]),
    "bad url": ("dependencies:\n  - {name: a, url: 'tcp://x:99999'}\n", "2:21", []),
    "no duration": (dependency("interval: soon"), "4:15", ["soon", "duration"]),
    "duration without a unit": (dependency("interval: 10"), "4:15", ["10", "duration"]),
    "negative duration": (dependency("interval: -1s"), "4:15", ["-1s"]),
    "zero interval": (dependency("interval: 0s"), "4:15", []),
    "no boolean": (dependency("critical: perhaps"), "4:15", ["perhaps", "true"]),
    "no number": (dependency("failure_threshold: many"), "4:24", ["many"]),
    "number out of range": (dependency("failure_threshold: 0"), "4:24", ["0"]),
    "no choice": ("dependencies:\n  - name: a\n    url: redis://x\n    connection: sometimes\n",
                  "4:17", ["sometimes", "keep"]),
    "list for a scalar": (dependency("interval: [1s]"), "4:15", []),
    "scalar for a mapping": (dependency("tls: yes"), "4:10", []),
    "timeout not below interval": (dependency("interval: 1s", "timeout: 1s"), "5:14",
                                   ["timeout", "interval"]),
    "missing variable": (dependency("send: ${HX_NOT_THERE}"), "4:11", ["HX_NOT_THERE"]),
    "broken variable": (dependency('send: "${HX_NOT_THERE"'), "4:12", ["${NAME}"]),
    "missing secret file": ("dependencies:\n  - name: a\n    url: redis://x\n"
                            "    password_file: /no/such/file\n", "4:5", ["/no/such/file"]),
    "secret and its file": ("dependencies:\n  - name: a\n    url: redis://x\n    password: x\n"
                            "    password_file: /etc/hostname\n", None, ["password"]),
    "anchors": (dependency("tags: &a [*a]"), None, []),
    "invalid UTF-8": (b"dependencies:\n  - name: \xff\xfe\n", "2:11", ["UTF-8"]),
    "NUL byte": (b"dependencies:\n  - name: a\x00b\n", "2:12", ["U+0000"]),
    "empty": (b"", None, ["empty"]),
    "two documents": ("dependencies: []\n---\ndependencies: []\n", None, ["document"]),
    "a secret in a bad url": (f"dependencies:\n  - {{name: a, url: 'tcp://u:{secret('yml')}@x'}}\n",
                              "2:21", []),
    "a secret of the wrong type": ("dependencies:\n  - name: a\n    url: redis://x\n"
                                   f"    password: [{secret('yml')}]\n", "4:15", ["password"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_told_with_its_place_and_exit_code_2(name, directory):
    content, place, said = BAD_FILES[name]
    path = write_config(directory, content)
    result = run_program(f"--config.file={path}", "--web.listen-address=127.0.0.1:0")
    assert result.returncode == 2, result
    assert result.stdout == ""
    where = f"{path}:{place}: error: " if place else f"{path}:"
    a_line_that_says(result.stderr, where, "error", *said)
    told = [line for line in result.stderr.splitlines() if ": error: " in line]
    assert len(told) == 1, result.stderr


def test_all_errors_of_a_file_are_told_at_once(directory):
    path = write_config(directory, dependency("intervall: 10s", "critical: perhaps", "timeout: x"))
    result = run_program(f"--config.file={path}")
    assert result.returncode == 2
    for line in (4, 5, 6):
        a_line_that_says(result.stderr, f"{path}:{line}:", "error")


def test_an_error_shows_its_line_with_a_caret_below(directory):
    path = write_config(directory, dependency("intervall: 10s"))
    lines = run_program(f"--config.file={path}").stderr.splitlines()
    at = next(i for i, line in enumerate(lines) if f"{path}:4:5" in line)
    assert lines[at + 1].rstrip().endswith("intervall: 10s")
    assert lines[at + 2].index("^") == lines[at + 1].index("intervall")


def test_what_is_no_readable_file_is_refused_at_once(directory):
    big = directory / "big.yml"
    with open(big, "wb") as file:
        file.truncate(100 * 1000 * 1000)
    fifo = directory / "fifo.yml"
    os.mkfifo(fifo)
    for path, said in ((directory / "absent.yml", "No such file"), (directory, "directory"),
                       (fifo, "FIFO"), (big, "larger"), ("/dev/zero", "device")):
        result = run_program(f"--config.file={path}")
        assert result.returncode == 2, (path, result)
        a_line_that_says(result.stderr, f"{path}", said)
        assert len(result.stderr.splitlines()) == 1, result.stderr


def test_files_without_a_right_to_read_are_refused(directory):
    secret_file = directory / "secret"
    secret_file.write_text(secret("unreadable"), encoding="utf-8")
    secret_file.chmod(0o600)
    unreadable = write_config(directory, GOOD, "unreadable.yml")
    unreadable.chmod(0o600)
    result = run_program(f"--config.file={unreadable}", prefix=NOBODY)
    assert result.returncode == 2
    a_line_that_says(result.stderr, f"{unreadable}", "Permission denied")
    path = write_config(directory, {"dependencies": [
        {"name": "a", "url": "redis://127.0.0.1", "password_file": str(secret_file)}]})
    result = run_program(f"--config.file={path}", prefix=NOBODY)
    assert result.returncode == 2
    a_line_that_says(result.stderr, f"{path}:4:", "Permission denied")


# ---- what cannot be had ----

def test_a_port_in_use_starts_nothing():
    asked = faults.FaultServer(faults.hang)
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        result = run_program(f"--web.listen-address=127.0.0.1:{port}",
                             f"a=tcp://127.0.0.1:{asked.port}")
    assert result.returncode == 2
    a_line_that_says(result.stderr, f"127.0.0.1:{port}", "in use")
    assert asked.n_connections == 0, "it checked before it had its port"
    asked.close()


def test_a_listener_without_a_right_to_it_is_refused():
    result = run_program("--web.listen-address=unix:/root/health.sock", "a=memory:", prefix=NOBODY)
    assert result.returncode == 2
    a_line_that_says(result.stderr, "/root/health.sock", "ermission denied")


def test_an_unprivileged_user_can_run_it(start):
    with start(None, ["a=memory:"], prefix=[*NOBODY, "--no-new-privs"]) as exporter:
        exporter.wait_for_state("a", "up")
