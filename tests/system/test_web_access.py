# SPDX-License-Identifier: Apache-2.0
"""Users, networks and rates of the web configuration, at the real program."""
import contextlib
import socket
import statistics
import threading
import time

import pytest

from harness.exporter import a_line_that_says, run_program
from harness.secrets import secret
from harness.stalls import Stalls
from harness.waiting import SLOW, pause_between_polls
from harness.web_config import ask_over, basic, bcrypt, guarded

PASSWORD = secret("web")
USERS = {"basic_auth_users": {"alice": bcrypt(PASSWORD)}}
OPEN = ["/livez", "/health", "/healthz", "/health/live", "/readyz", "/ready", "/health/ready",
        "/health/deep", "/startupz", "/health/startup", "/health/started", "/health/disk",
        "/readyz/disk", "/version", "/-/healthy", "/-/ready", "/", "/page/style.css",
        "/page/script.js", "/badge.svg", "/health/disk/badge.svg"]
GUARDED = ["/metrics", "/?details", "/health/detailed", "/openapi.json"]


@pytest.fixture
def guard(start, directory):
    with contextlib.ExitStack() as stack:
        yield lambda config, *args, **options: stack.enter_context(
            guarded(start, directory, config, args, **options))


# ---- users ----

def test_only_what_tells_more_than_a_state_asks_for_a_password(guard):
    web = guard(USERS, "--web.enable-lifecycle")
    for path in OPEN:
        assert web.ask(path).status in (200, 503), path
        assert web.ask(path, basic("alice", "wrong")).status in (200, 503), path
    for path in GUARDED:
        refused = web.ask(path)
        assert refused.status == 401, path
        assert refused.headers["www-authenticate"] == 'Basic realm="health_exporter"'
        assert "error" in refused.json()
        assert web.ask(path, basic("alice", PASSWORD)).status == 200, path
    for method, path in (("POST", "/-/reload"), ("POST", "/-/maintenance"),
                         ("DELETE", "/-/maintenance"), ("PUT", "/-/heartbeat/disk")):
        assert web.ask(path, {"Content-Length": "0"}, method).status == 401, path
        fields = {"Content-Length": "0", **basic("alice", PASSWORD)}
        assert web.ask(path, fields, method).status != 401, path


def test_details_without_users_are_for_this_host(guard):
    web = guard({})
    assert web.ask("/health/detailed").status == 200
    assert web.exporter.get("/health/detailed").status == 200


def test_details_without_users_are_not_for_other_hosts(namespace, start):
    namespace.run("ip", "address", "add", "192.0.2.1/24", "dev", "lo")
    flags = ["--web.listen-address=192.0.2.1:20001"]
    with start(None, flags, namespace=namespace) as exporter:
        with namespace.entered():
            sock = socket.create_connection(("192.0.2.1", 20001), timeout=5)
        with contextlib.closing(sock):
            assert ask_over(sock, "/health/detailed").status == 403
            assert ask_over(sock, "/livez").status == 200
        assert exporter.get("/health/detailed").status == 200


def test_users_are_read_again_on_a_reload_and_connections_stay(guard):
    web = guard(USERS)
    other = secret("other")
    with contextlib.closing(web.connect()) as sock:
        assert ask_over(sock, "/metrics", basic("alice", PASSWORD)).status == 200
        web.reload({"basic_auth_users": {"bob": bcrypt(other)}})
        assert ask_over(sock, "/metrics", basic("alice", PASSWORD)).status == 401
        assert ask_over(sock, "/metrics", basic("bob", other)).status == 200


def test_broken_web_configuration_changes_nothing(guard):
    web = guard(USERS)
    web.reload({"basic_auth_users": {"alice": PASSWORD}})
    assert web.ask("/metrics").status == 401
    assert web.ask("/metrics", basic("alice", PASSWORD)).status == 200
    assert web.exporter.get("/livez").status == 200


def test_program_does_not_start_with_a_broken_web_configuration(directory):
    path = directory / "web.yml"
    path.write_text(f"basic_auth_users:\n  alice: {PASSWORD}\n", encoding="utf-8")
    result = run_program(f"--web.config.file={path}")
    assert result.returncode == 2
    a_line_that_says(result.stderr, "web.yml:2:10", 'user "alice": expected a bcrypt hash')


# ---- brute force ----

class Flood:
    """Requests one after the other, from one address, until it is stopped."""

    def __init__(self, web, source, path, fields):
        self.statuses = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(web, source, path, fields),
                                        daemon=True)

    def _run(self, web, source, path, fields):
        n = 0
        while not self._is_over.is_set():
            n += 1
            with contextlib.suppress(OSError):
                self.statuses.append(web.ask(path, fields(n), source=source).status)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()


def test_brute_force_disturbs_nobody_else(guard):
    web = guard({"basic_auth_users": {"alice": bcrypt(PASSWORD, 10)}})
    took, logins = [], []
    with contextlib.ExitStack() as stack:
        stalls = stack.enter_context(Stalls(web.exporter.pid))
        floods = [stack.enter_context(Flood(web, f"127.0.1.{i}", "/metrics",
                                            lambda n: basic("alice", f"wrong{n}")))
                  for i in range(1, 4)]
        starts = time.monotonic()
        sources = iter(range(1, 250))
        while time.monotonic() < starts + 4:
            began = time.monotonic()
            assert web.ask("/livez").status == 200
            took.append(time.monotonic() - began)
            began = time.monotonic()
            status = web.ask("/metrics", basic("alice", PASSWORD),
                             source=f"127.0.2.{next(sources)}").status
            logins.append((status, time.monotonic() - began))
            pause_between_polls(0.05)
    seconds = time.monotonic() - starts
    assert statistics.quantiles(took, n=20)[-1] <= 0.05 * SLOW + stalls.longest
    assert {status for status, _ in logins} == {200}
    assert max(seconds for _, seconds in logins) <= 0.5 * SLOW + 2 * stalls.longest
    for flood in floods:
        assert set(flood.statuses) == {401, 429}
        # Five at once, and then one every two seconds.
        assert 5 <= flood.statuses.count(401) <= 5 + seconds / 2 + 1


def test_refused_attempts_say_when_to_come_back(guard):
    web = guard(USERS)
    replies = [web.ask("/metrics", basic("alice", f"wrong{n}")) for n in range(8)]
    assert [reply.status for reply in replies] == [401] * 5 + [429] * 3
    assert all(1 <= int(reply.headers["retry-after"]) <= 2 for reply in replies[5:])
    # Another address is not held up, and neither is who needs no password.
    assert web.ask("/metrics", basic("alice", PASSWORD), source="127.0.0.9").status == 200
    assert web.ask("/livez").status == 200


def test_unknown_user_takes_as_long_as_a_wrong_password(guard):
    web = guard({"basic_auth_users": {"alice": bcrypt(PASSWORD, 9)}})
    took = {"alice": [], "nobody": []}
    for i in range(1, 61):
        for user, times in took.items():
            with contextlib.closing(web.connect(source=f"127.0.3.{i}")) as sock:
                before = web.exporter.cpu_seconds()
                assert ask_over(sock, "/metrics", basic(user, "wrong")).status == 401
                times.append(web.exporter.cpu_seconds() - before)
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) / known <= 0.15, (known, unknown)


# ---- networks ----

def test_only_allowed_networks_are_served(guard):
    web = guard({"allowed_networks": ["127.0.4.0/24", "::1"]})
    for path in ("/livez", "/metrics", "/", "/no-such-page", "/health/detailed", "/%2e%2e/livez"):
        refused = web.ask(path, {"X-Forwarded-For": "127.0.4.7", "Forwarded": "for=127.0.4.7"})
        assert refused.status == 403, path
        assert "allowed networks" in refused.json()["error"]
    assert web.ask("/livez", {}, "POST").status == 403
    assert web.ask("/livez", source="127.0.4.7").status == 200
    assert web.ask("/livez", source="127.0.5.7").status == 403
    # A unix socket is always allowed.
    assert web.exporter.get("/metrics").status == 200


def test_ipv4_clients_of_an_ipv6_socket_are_judged_as_ipv4(guard):
    web = guard({"allowed_networks": ["127.0.4.0/24"]}, address="[::]")
    assert web.ask("/livez", source="127.0.4.7").status == 200
    assert web.ask("/livez", source="127.0.5.7").status == 403
    assert web.ask("/livez", source="::1", to="::1").status == 403
    web.reload({"allowed_networks": ["::/0"]})
    assert web.ask("/livez", source="::1", to="::1").status == 200
    assert web.ask("/livez", source="127.0.4.7").status == 403
    web.reload({"allowed_networks": ["::ffff:127.0.5.0/120"]})
    assert web.ask("/livez", source="127.0.5.7").status == 200


# ---- rates ----

def assert_rate(web, seconds, interval, burst, **where):
    """Asks as fast as it can; what is answered with 200 is the bucket's rate within 5 %. Time in
    which these tests themselves stood still, and the bucket was full, does not count; on a machine
    too busy to ask more often than that, only that it is not more."""
    n, n_asked, lost = 0, 0, 0.0
    with contextlib.closing(web.connect(**where)) as sock:
        began = last = time.monotonic()
        while last - began < seconds:
            reply = ask_over(sock)
            assert reply.status in (200, 429)
            n_asked += 1
            n += reply.status == 200
            assert reply.status == 200 or int(reply.headers["retry-after"]) >= 1
            now = time.monotonic()
            lost += max(0.0, now - last - interval * burst)
            last = now
    expected = burst + (last - began - lost) / interval
    assert n <= 1.05 * expected + 1, (n, expected, lost)
    assert n >= 0.95 * expected - 1 or n_asked < 3 * expected, (n, n_asked, expected, lost)


def test_rate_limit_is_kept_within_five_percent(guard):
    web = guard({"rate_limit": {"interval": "10ms", "burst": 20}})
    pause_between_polls(0.3)
    assert_rate(web, 3, 0.01, 20)


def test_each_client_has_a_rate_of_its_own(guard):
    web = guard({"rate_limit_per_client": {"interval": "20ms", "burst": 5}})
    for i in range(1, 4):
        assert_rate(web, 1, 0.02, 5, source=f"127.0.6.{i}")


def test_header_fields_are_on_every_reply(guard):
    web = guard({"http_server_config": {"headers": {
        "Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "deny",
        "Strict-Transport-Security": "max-age=31536000"}}, **USERS})
    for path in (*OPEN, *GUARDED, "/no-such-page"):
        headers = web.ask(path).headers
        assert headers["x-frame-options"] == "deny", path
        assert headers["content-security-policy"] == "default-src 'none'", path
        assert headers["strict-transport-security"] == "max-age=31536000", path
