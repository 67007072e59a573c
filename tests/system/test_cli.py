# SPDX-License-Identifier: Apache-2.0
"""The subcommands, as people, pipelines and HEALTHCHECK use them: check, wait, get."""
import base64
import json
import re
import subprocess
import threading

import pytest

from harness import fake_http, faults
from harness.exporter import (OFTEN, PROGRAM, UNHURRIED, Exporter, a_line_that_says, environment,
                              run_program, write_config)
from harness.secrets import secret
from harness.terminal import Terminal
from harness.waiting import free_port, pause_between_polls, wait_until

COMMANDS = ["check", "wait", "get", "kinds"]


@pytest.fixture
def good():
    server = faults.FaultServer(faults.hang)
    yield f"tcp://127.0.0.1:{server.port}"
    server.close()


@pytest.fixture(scope="module")
def bad():
    return f"tcp://{faults.refused()}"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_subcommand_has_help(command):
    for flag in ("--help", "-h"):
        result = run_program(command, flag)
        assert result.returncode == 0 and result.stderr == ""
        assert f"usage: health_exporter {command}" in result.stdout
        assert all(len(line) <= 100 for line in result.stdout.splitlines())


# ---- errors ----

@pytest.mark.parametrize("arguments, said", [
    (["a=gopher://x"], ['argument "a": unknown scheme "gopher"; known are', "tcp"]),
    (["a=reddis://x"], ['argument "a"', 'did you mean "redis"?', "known are", "tcp+unix"]),
    (["nothing"], ['argument "nothing": expected NAME=URL']),
    (["check", "a=gopher://x"], ['argument "a": unknown scheme']),
    (["check", "--format=xml"], ["--format=xml", "text, json"]),
    (["check", "--timeout=soon"], ["--timeout=soon", "duration"]),
    (["check", "--tiemout=1s"], ["unknown flag --tiemout (", "--timeout"]),
    (["-config.file=x"], ["unknown flag -config.file (", "did you mean --config.file?"]),
    (["wait", "--for=lunch"], ["--for=lunch", "ready, live, started"]),
    (["wait", "--interval=1ms"], ["--interval", "10ms"]),
    (["wait", "--timeout=400d"], ["--timeout", "365d"]),
    (["wait", "here"], ["wait", "expected a URL"]),
    (["wait", "http://a", "http://b"], ["wait", "at most one"]),
    (["get"], ["get", "expected one path or URL"]),
    (["get", "unix:/run/x.sock"], ["get", "unix:SOCKET:PATH"]),
    (["get", "--unix-socket=/x", "unix:/x:/livez"], ["exclude"]),
    (["get", "--user=me", "/livez"], ["--user and --password-file are given together"]),
    (["get", "--password-file=/x", "/livez"], ["--user and --password-file are given together"]),
    (["get", "--user=me", "--password-file=/no/such", "/livez"], ["/no/such", "No such file"]),
    (["get", f"http://me:{secret('get')}@127.0.0.1/"], ["--user=NAME", "--password-file=FILE"]),
    (["--config.check", "--engine.threads=99"], ["--engine.threads=99", "between 1 and 64"]),
    (["--config.check", "--web.telemetry-path=m"], ['telemetry path "m"', "such as /metrics"]),
    (["--print-dashboard", "--web.history=2m"], ["--web.history", "1h to 30d"]),
    (["kinds", "--all"], ["--all"]),
    (["kinds", "a", "b"], ["kinds", "at most one"]),
], ids=lambda value: " ".join(value)[:50])
def test_an_error_of_the_command_line_begins_with_the_program(arguments, said):
    result = run_program(*arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("health_exporter: error: "), result.stderr
    assert len(result.stderr.splitlines()) == 1
    a_line_that_says(result.stderr, *said)


@pytest.mark.parametrize("arguments", [
    ["--help"], ["--version"], ["--config.schema"], ["--config.check"], ["--print-alert-rules"],
    ["--print-dashboard"], ["kinds"], ["kinds", "http"], ["kinds", "--help"],
    ["check"], ["check", "--format=json"],
], ids=" ".join)
def test_what_cannot_be_printed_is_an_error(arguments):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PROGRAM, *arguments], env=environment(), stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == ("health_exporter: error: standard output cannot be written: "
                             "No space left on device\n")


def test_a_reader_that_has_enough_is_told_nothing():
    command = f"{PROGRAM} --print-dashboard | read line; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True,
                            text=True, check=False)
    assert result.stderr == "" and result.stdout == "2\n"


# ---- check ----

def rows(output):
    """The table's lines as lists of cells, without the heading."""
    lines = output.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "STATE", "LATENCY", "REASON", "MESSAGE"]
    return {line.split()[0]: line.split(maxsplit=5) for line in lines[1:lines.index("")]}


def test_check_tells_how_each_check_ended(good, bad):
    result = run_program("check", f"good={good}", f"bad={bad}")
    assert result.returncode == 1 and result.stderr == ""
    table = rows(result.stdout)
    assert table["good"][1:3] == ["tcp", "up"] and re.fullmatch(r"\d+\.\dms", table["good"][3])
    assert table["bad"][1:3] + table["bad"][4:5] == ["tcp", "down", "refused"]
    assert "refused" in table["bad"][5]
    assert result.stdout.endswith("\ndown: 1 up, 1 down\n")


def test_check_takes_the_configuration_of_the_exporter(directory, good, bad):
    path = write_config(directory, {
        "defaults": {"timeout": "1s"},
        "dependencies": [{"name": "good", "url": good},
                         {"name": "slow", "url": good, "degraded_after": "1ns"},
                         {"name": "optional", "url": bad, "critical": False},
                         {"name": "model", "url": "heartbeat:"}]})
    result = run_program("check", f"--config.file={path}", "host=memory:")
    assert result.returncode == 0, result
    table = rows(result.stdout)
    assert list(table) == ["good", "slow", "optional", "model", "host"]
    assert table["slow"][2] == "degraded"
    assert table["optional"][2] == "down" and table["optional"][5].startswith("(not critical) ")
    assert table["model"][2] == "unknown" and "reports by itself" in " ".join(table["model"])
    assert result.stdout.endswith("\ndegraded: 2 up, 1 degraded, 1 down, 1 unknown\n")


def test_check_writes_json_with_the_same_keys_whatever_happens(good, bad):
    result = run_program("check", "--format=json", f"good={good}", f"bad={bad}", "m=heartbeat:")
    assert result.returncode == 1 and result.stderr == ""
    outcome = json.loads(result.stdout)
    assert list(outcome) == ["status", "checks"] and outcome["status"] == "down"
    assert list(outcome["checks"]) == ["good", "bad", "m"]
    for check in outcome["checks"].values():
        assert list(check) == ["kind", "critical", "status", "reason", "message", "latency_ms",
                               "phases_ms"]
        assert list(check["phases_ms"]) == ["resolve", "connect", "tls", "auth", "send", "receive"]
    assert outcome["checks"]["good"]["status"] == "up"
    assert outcome["checks"]["good"]["reason"] is None
    assert outcome["checks"]["good"]["latency_ms"] >= outcome["checks"]["good"]["phases_ms"][
        "connect"] > 0
    assert outcome["checks"]["bad"]["reason"] == "refused" and outcome["checks"]["bad"]["message"]
    assert outcome["checks"]["m"]["status"] == "unknown"
    assert outcome["checks"]["m"]["latency_ms"] is None


def test_check_without_arguments_checks_this_host():
    result = run_program("check", "--format=json")
    assert set(json.loads(result.stdout)["checks"]) == {"disk", "memory"}


def test_check_waits_no_longer_than_it_is_told(directory):
    server = faults.BacklogFull()
    config = {"dependencies": [{"name": "stuck", "url": f"tcp://127.0.0.1:{server.port}",
                                "interval": "100s", "timeout": "90s"}]}
    path = write_config(directory, config)
    result = run_program("check", "--timeout=200ms", f"--config.file={path}")
    assert result.returncode == 1
    assert rows(result.stdout)["stuck"][2] == "unknown"
    assert "no result within 200ms" in result.stdout
    server.close()


def test_check_ends_a_hanging_check_by_its_own_timeout(directory):
    server = faults.FaultServer(faults.hang)
    path = write_config(directory, {"dependencies": [
        {"name": "mute", "url": f"redis://127.0.0.1:{server.port}", **OFTEN}]})
    result = run_program("check", f"--config.file={path}")
    assert result.returncode == 1
    assert rows(result.stdout)["mute"][4] == "timeout"
    server.close()


def test_check_refuses_a_bad_configuration_without_checking(directory):
    server = faults.FaultServer(faults.hang)
    path = write_config(directory, {"dependencies": [
        {"name": "a", "url": f"tcp://127.0.0.1:{server.port}"}, {"name": "b", "url": "nope:"}]})
    result = run_program("check", f"--config.file={path}")
    assert result.returncode == 2 and result.stdout == ""
    a_line_that_says(result.stderr, f"{path}:", "nope")
    assert server.n_connections == 0
    server.close()


def test_check_needs_no_port(good):
    with_default_port_taken = run_program("check", f"a={good}")
    assert with_default_port_taken.returncode == 0
    process = subprocess.run([PROGRAM, "check", f"a={good}"], env=environment(), timeout=30,
                             capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert process.returncode == 0 and "level=" not in process.stderr


def test_check_shows_no_secret(bad):
    port = bad.split(":")[-1]
    for form in ("text", "json"):
        result = run_program("check", f"--format={form}",
                             f"a=redis://me:{secret('check')}@127.0.0.1:{port}")
        assert result.returncode == 1


def test_check_shows_colours_and_progress_on_a_terminal(good, bad):
    terminal = Terminal("check", f"good={good}", f"bad={bad}")
    assert terminal.returncode == 1
    assert "\033[32mup\033[0m" in terminal.screen and "\033[31mdown\033[0m" in terminal.screen
    progress, _, table = terminal.screen.rpartition("\r\033[K")
    assert "checking: " in progress and "of 2 done" in progress
    assert "checking" not in table and table.startswith("\033[1mNAME")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_check_shows_no_colours_to_who_wants_none(good, env):
    terminal = Terminal("check", f"good={good}", env=env, error=False)
    assert terminal.returncode == 0
    assert "\033" not in terminal.screen and "up" in terminal.screen
    assert terminal.piped == ""


def test_an_empty_no_color_means_nothing(good):
    assert "\033[32m" in Terminal("check", f"good={good}", env={"NO_COLOR": ""}).screen


def test_check_writes_nothing_but_the_table_into_a_pipe(good):
    terminal = Terminal("check", f"good={good}", output=False)
    assert "checking: " in terminal.screen and "NAME" not in terminal.screen
    assert "\033" not in terminal.piped and terminal.piped.startswith("NAME")


# ---- wait ----

def test_wait_ends_when_the_exporter_is_ready(start, good):
    with start({"dependencies": [{"name": "good", "url": good, **OFTEN}]}) as exporter:
        url = f"http://127.0.0.1:{exporter.endpoint.port}"
        for goal in ("ready", "live", "started"):
            result = run_program("wait", f"--for={goal}", "--timeout=10s", url)
            assert result.returncode == 0 and result.stdout == "", result


def test_wait_tells_what_it_waits_for_when_that_changes(directory, good, bad):
    port = free_port()
    process = subprocess.Popen(
        [PROGRAM, "wait", "--timeout=60s", "--interval=20ms", f"http://127.0.0.1:{port}/"],
        env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    told = []
    reader = threading.Thread(target=lambda: told.extend(iter(process.stderr.readline, "")))
    reader.start()
    wait_until(lambda: told, 5, "it says that nobody answers")
    assert f"waiting for http://127.0.0.1:{port}/readyz to be ready: cannot connect" in told[0]
    # An exporter that is not ready, and then another one that is, on the same port.
    for url, said in ((bad, "down: cache (refused)"), (good, None)):
        config = {"dependencies": [{"name": "cache", "url": url, **OFTEN}]}
        args = ["--log.level=error"]
        with Exporter(_new(directory), config, [f"--web.listen-address=127.0.0.1:{port}", *args]):
            if said:
                wait_until(lambda text=said: any(text in line for line in told), 10, said)
                n = len(told)
                wait_until(lambda: process.poll() is None and len(told) == n, 1, "no repetition")
            else:
                assert process.wait(timeout=30) == 0
    reader.join()
    assert process.stdout.read() == ""
    texts = [line for line in told if "down: cache" in line]
    assert len(texts) == 1, told


def _new(directory):
    path = directory / str(len(list(directory.iterdir())))
    path.mkdir()
    return path


def test_wait_gives_up_when_its_time_is_over(start, bad):
    with start({"dependencies": [{"name": "cache", "url": bad, **UNHURRIED}]}) as exporter:
        exporter.wait_for_state("cache", "down")
        url = f"http://127.0.0.1:{exporter.endpoint.port}"
        result = run_program("wait", "--timeout=2s", "--interval=50ms", url)
        assert result.returncode == 1 and result.stdout == ""
        a_line_that_says(result.stderr, "error", "not ready after 2s", "cache (refused)")
        assert run_program("wait", "--for=live", "--timeout=0", url).returncode == 0


def test_wait_without_time_takes_an_answer_that_takes_some():
    def behave(connection):
        connection.receive()
        pause_between_polls(0.2)
        connection.send(fake_http.answer(200, b"{}"))
    server = faults.FaultServer(behave)
    result = run_program("wait", "--timeout=0", f"http://127.0.0.1:{server.port}")
    assert result.returncode == 0, result.stderr
    server.close()


def test_wait_gives_up_on_a_server_that_hangs():
    server = faults.FaultServer(faults.hang)
    result = run_program("wait", "--timeout=300ms", f"http://127.0.0.1:{server.port}")
    assert result.returncode == 1
    a_line_that_says(result.stderr, "not ready after 300ms")
    server.close()


def test_an_attempt_that_the_end_cuts_short_hides_no_reason():
    body = b'{"status":"down","checks":{"cache":{"status":"down","reason":"refused"}}}'
    first = fake_http.respond(fake_http.answer(503, body))
    served = []

    def behave(connection):
        served.append(connection)
        (first if len(served) == 1 else faults.hang)(connection)
    server = faults.FaultServer(behave)
    result = run_program("wait", "--timeout=2s", "--interval=50ms",
                         f"http://127.0.0.1:{server.port}")
    assert result.returncode == 1
    a_line_that_says(result.stderr, "error", "not ready after 2s: down: cache (refused)")
    server.close()


def test_wait_tells_a_stranger_by_its_status():
    server = faults.FaultServer(fake_http.respond(fake_http.answer(404, b"\033[2Jnot here")))
    result = run_program("wait", "--timeout=0", f"http://127.0.0.1:{server.port}")
    assert result.returncode == 1 and "\033" not in result.stderr
    a_line_that_says(result.stderr, "status 404")
    server.close()


# ---- get ----

def test_get_and_wait_speak_over_a_unix_socket(start, directory, good):
    path = f"{directory}/health.sock"
    with start({"dependencies": [{"name": "good", "url": good, **OFTEN}]},
               listen=f"unix:{path}"):
        for arguments in ([f"unix:{path}:/livez"], [f"--unix-socket={path}", "/livez"],
                          [f"--unix-socket={path}", "http://any.example/livez"]):
            result = run_program("get", *arguments)
            assert result.returncode == 0 and json.loads(result.stdout)["status"] == "up", result
        for arguments in ([f"unix:{path}"], [f"--unix-socket={path}"]):
            assert run_program("wait", "--timeout=5s", *arguments).returncode == 0
    result = run_program("get", f"unix:{directory}/absent.sock:/livez")
    assert result.returncode == 1
    a_line_that_says(result.stderr, f"unix:{directory}/absent.sock:/livez", "No such file")


def test_get_verifies_the_server(nginx, authority, other_authority):
    url = f"https://localhost:{nginx.tls_port}/ok"
    assert run_program("get", f"--tls.ca-file={authority.ca_file}", url).returncode == 0
    assert run_program("get", "--tls.insecure-skip-verify", url).returncode == 0
    for arguments in ([], [f"--tls.ca-file={other_authority.ca_file}"]):
        result = run_program("get", *arguments, url)
        assert result.returncode == 1 and result.stdout == ""
        a_line_that_says(result.stderr, "ertificate")
    wrong_name = f"https://127.0.0.1:{nginx.tls_port}/ok"
    assert run_program("get", f"--tls.ca-file={authority.ca_file}", wrong_name).returncode == 1


def test_get_authenticates_by_a_file(directory):
    server = faults.FaultServer(fake_http.respond(fake_http.answer(200, b"in\n")))
    password = directory / "password"
    password.write_text(secret("basic") + "\n", encoding="utf-8")
    url = f"http://127.0.0.1:{server.port}/metrics"
    result = run_program("get", "--user=me", f"--password-file={password}", url)
    assert result.returncode == 0 and result.stdout == "in\n"
    expected = base64.b64encode(f"me:{secret('basic')}".encode())
    assert b"Authorization: Basic " + expected + b"\r\n" in server.received
    server.close()


def test_get_goes_nowhere_else():
    server = faults.FaultServer(fake_http.respond(fake_http.answer(200, b"proxied")))
    redirecting = faults.FaultServer(fake_http.redirect(f"http://127.0.0.1:{server.port}/"))
    env = {name: f"http://127.0.0.1:{server.port}" for name in ("http_proxy", "ALL_PROXY")}
    result = run_program("get", f"http://127.0.0.1:{redirecting.port}/", env=env)
    assert result.returncode == 1
    a_line_that_says(result.stderr, "status 302")
    assert server.n_connections == 0
    server.close()
    redirecting.close()


@pytest.mark.parametrize("size", [10, 100_000])
def test_get_tells_that_it_cannot_print(size):
    server = faults.FaultServer(fake_http.respond(fake_http.answer(200, b"." * size)))
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PROGRAM, "get", f"http://127.0.0.1:{server.port}/"],
                                env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
                                check=False)
    assert result.returncode == 1
    a_line_that_says(result.stderr, "standard output cannot be written: No space left on device")
    server.close()


def test_get_passes_a_large_body_on():
    body = bytes(range(32, 127)) * 50000
    server = faults.FaultServer(fake_http.respond(fake_http.answer(200, body)))
    result = run_program("get", "--timeout=20s", f"http://127.0.0.1:{server.port}/metrics")
    assert result.returncode == 0 and result.stdout.encode() == body
    server.close()
