# SPDX-License-Identifier: Apache-2.0
"""The program as a program: flags, exit codes, signals, the log."""
import fcntl
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import faults
from harness.exporter import (OFTEN, PROGRAM, a_line_that_says, environment, run_program,
                              write_config)
from harness.secrets import assert_no_secret, secret
from harness.waiting import SLOW, free_port, wait_until

GOOD = {"dependencies": [{"name": "host", "url": "memory:", **OFTEN}]}

LOGFMT = re.compile(r'(?:[a-z_.]+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$))+')


# ---- flags ----

def test_help_names_flags_and_commands():
    result = run_program("--help")
    assert result.returncode == 0 and result.stderr == ""
    for word in ("--config.file", "--config.check", "--web.listen-address", "--log.level",
                 "--log.format", "--web.telemetry-path", "--version", "--help", "NAME=URL",
                 "get", "kinds"):
        assert word in result.stdout, word


def test_version_names_program_version_and_revision():
    result = run_program("--version")
    assert result.returncode == 0 and result.stderr == ""
    assert re.match(r"health_exporter, version \d+\.\d+\.\d+ .*revision: \S+", result.stdout)


def test_config_check_tells_without_starting(directory):
    result = run_program("--config.check", f"--config.file={write_config(directory, GOOD)}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "the configuration has no errors\n"
    bad = write_config(directory, {"dependencies": [{"name": "a", "url": "nope:"}]}, "bad.yml")
    result = run_program("--config.check", f"--config.file={bad}")
    assert result.returncode == 2
    a_line_that_says(result.stderr, f"{bad}:", "nope")


def test_a_file_without_dependencies_checks_nothing_else(start):
    with start({"dependencies": []}) as exporter:
        assert exporter.get("/readyz").json()["checks"] == {}


def test_kinds_are_explained_from_their_tables():
    result = run_program("kinds")
    assert result.returncode == 0
    for kind in ("postgres", "redis", "http", "tcp", "tls", "disk", "memory", "heartbeat"):
        assert re.search(rf"\b{kind}\b", result.stdout), kind
    result = run_program("kinds", "http")
    assert result.returncode == 0
    for option in ("expect.status", "body_matches", "max_redirects", "method", "headers"):
        assert option in result.stdout, option
    result = run_program("kinds", "htp")
    assert result.returncode == 2
    a_line_that_says(result.stderr, "htp", "http")


# ---- running ----

def test_without_arguments_it_checks_disk_and_memory(start):
    with start(None, []) as exporter:
        exporter.wait_for(lambda: exporter.get("/startupz").status == 200, 5, "it has started")
        assert set(exporter.get("/readyz").json()["checks"]) == {"disk", "memory"}
        values = {labels["value"] for labels, _ in exporter.metrics().series("health_check_value")}
        assert values, "disk and memory show what they read"


def test_secrets_given_as_arguments_do_not_stay_in_the_process_list(start):
    server = faults.FaultServer(faults.hang)
    url = f"redis://user:{secret('argument')}@127.0.0.1:{server.port}"
    api = (f"http://user:{secret('argument')}@127.0.0.1:{server.port}/"
           f"?token={secret('query')}&mail=a%40b")
    with start(None, [f"cache={url}", f"api={api}", "host=memory:"]) as exporter:
        exporter.assert_says_no_secret()
    server.close()


def test_a_variable_has_a_default(start):
    refused = faults.refused().split(":")[1]
    config = {"dependencies": [
        {"name": "a", "url": f"tcp://127.0.0.1:${{PORT:-{refused}}}", **OFTEN},
        {"name": "b", "url": "tcp://127.0.0.1:${OTHER_PORT:-1}", **OFTEN}]}
    server = faults.FaultServer(faults.hang)
    with start(config, env={"OTHER_PORT": str(server.port)}) as exporter:
        exporter.wait_for_state("a", "down", "refused")
        exporter.wait_for_state("b", "up")
    server.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(start, number):
    with start(GOOD) as exporter:
        exporter.stop(by=number)


def test_a_signal_ends_it_in_the_middle_of_slow_checks(start):
    server = faults.FaultServer(faults.hang)
    slow = {"interval": "30s", "timeout": "20s"}
    config = {"dependencies": [
        {"name": "cache", "url": f"redis://127.0.0.1:{server.port}", **slow},
        {"name": "site", "url": f"https://127.0.0.1:{server.port}/", **slow},
        {"name": "database", "url": f"postgresql://a@127.0.0.1:{server.port}/app", **slow}]}
    with start(config) as exporter:
        exporter.wait_for(lambda: server.n_connections == 3, 3, "all checks are under way")
    server.close()


def test_a_signal_ends_it_as_pid_1_too(start):
    with start(GOOD, prefix=["unshare", "--pid", "--fork", "--kill-child"]) as exporter:
        exporter.wait_for_state("host", "up")
        status = open(f"/proc/{exporter.pid}/status", encoding="ascii").read()
        assert re.search(r"NSpid:\t\d+\t1\n", status), "it is process 1"


def test_a_client_that_goes_away_does_not_kill_it(start):
    with start(GOOD) as exporter:
        for _ in range(50):
            sock = exporter.endpoint.connect()
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, faults.RST)
            sock.close()
        assert exporter.get("/livez").status == 200


# ---- get ----

def test_get_tells_by_its_exit_code(start):
    server = faults.FaultServer(faults.hang)
    config = {"dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{server.port}", **OFTEN},
        {"name": "bad", "url": f"tcp://{faults.refused()}", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("good", "up")
        exporter.wait_for_state("bad", "down")
        base = f"http://127.0.0.1:{exporter.endpoint.port}"
        assert run_program("get", f"{base}/livez").returncode == 0
        assert run_program("get", f"{base}/health/good").returncode == 0
        result = run_program("get", f"{base}/readyz")
        assert result.returncode == 1
        assert json.loads(result.stdout)["status"] == "down"
        assert run_program("get", f"{base}/no-such-path").returncode == 1
    assert run_program("get", f"{base}/livez").returncode == 1, "nobody listens any more"
    server.close()


def test_get_gives_up_on_a_server_that_hangs():
    server = faults.FaultServer(faults.hang)
    result = run_program("get", f"http://127.0.0.1:{server.port}/livez")
    assert result.returncode == 1 and result.stderr
    server.close()


@pytest.mark.parametrize("arguments", [[], ["livez"], ["/livez", "/readyz"], ["--what"],
                                       ["--timeout=soon", "/livez"]])
def test_get_refuses_what_it_cannot_ask_for(arguments):
    result = run_program("get", *arguments)
    assert result.returncode == 2
    assert result.stderr and result.stdout == ""


# ---- the log ----

def test_the_log_is_logfmt(start):
    config = {"dependencies": [{"name": "bad", "url": f"tcp://{faults.refused()}", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("bad", "down")
        exporter.wait_for_line("bad")
        lines = exporter.log.splitlines()
    for line in lines:
        assert LOGFMT.fullmatch(line), line
        assert re.match(r"ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=\w+ msg=", line), line
    line = a_line_that_says("\n".join(lines), "dependency=bad", "down")
    assert "reason=refused" in line


def test_the_log_is_json_when_asked_for(start):
    config = {"dependencies": [{"name": "bad", "url": f"tcp://{faults.refused()}", **OFTEN}]}
    with start(config, ["--log.format=json"]) as exporter:
        exporter.wait_for_state("bad", "down")
        exporter.wait_for_line("bad")
        records = [json.loads(line) for line in exporter.log.splitlines()]
    assert all({"ts", "level", "msg"} <= set(record) for record in records)
    assert any(record.get("dependency") == "bad" and record.get("reason") == "refused"
               for record in records)


def test_an_outage_is_logged_once_and_not_at_each_check(start):
    config = {"dependencies": [
        {"name": "bad", "url": f"tcp://{faults.refused()}", "interval": "100ms",
         "timeout": "90ms"}]}
    with start(config, ["--log.level=info"]) as exporter:
        exporter.wait_for_checks(["bad"], 20, 5)
        told = [line for line in exporter.log.splitlines() if "dependency=bad" in line]
    assert 1 <= len(told) <= 3, told


def test_a_blocked_log_delays_no_check_and_is_counted(start):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    config = {"dependencies": [
        {"name": f"bad_{i}", "url": f"tcp://{faults.refused()}", "interval": "100ms",
         "timeout": "50ms"}
        for i in range(50)]}
    try:
        with start(config, ["--log.level=debug"], stderr=writer) as exporter:
            exporter.wait_for(lambda: exporter.metrics().value(
                "health_exporter_log_dropped_total") > 0, 10, "lines are dropped")
            exporter.wait_for_checks(["bad_0", "bad_49"], 10, 3)
            assert exporter.get("/livez").status == 200
    finally:
        os.close(reader)
        os.close(writer)


def test_a_closed_log_ends_nothing(directory):
    port = free_port()
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" 2>&-', PROGRAM, f"--web.listen-address=127.0.0.1:{port}",
         "--shutdown.delay=0s", f"a=tcp://{faults.refused()}"], env=environment(), stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), 5, "it answers")
    finally:
        process.terminate()
        code = process.wait(timeout=5 * SLOW)
    assert code == 0


def test_closed_standard_descriptors_are_nobody_elses(start):
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    with start(GOOD, prefix=closed) as exporter:
        exporter.wait_for_state("host", "up")
        opened = [os.readlink(f"/proc/{exporter.pid}/fd/{fd}") for fd in (0, 1, 2)]
    assert opened == ["/dev/null"] * 3


def _answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
            sock.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            return b"200" in sock.recv(100)
    except OSError:
        return False


def test_failures_are_logged_with_a_message_without_secrets(start):
    server = faults.FaultServer(faults.reply(
        f"-WRONGPASS {secret('told')} is no good\r\n".encode()))
    config = {"dependencies": [
        {"name": "cache", "url": f"redis://:{secret('told')}@127.0.0.1:{server.port}", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("cache", "down", "auth")
        assert_no_secret(exporter.log, "the log")
    server.close()
