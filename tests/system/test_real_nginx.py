# SPDX-License-Identifier: Apache-2.0
"""The kinds http, https, tcp and tls against a real nginx."""
import datetime
import subprocess

import pytest

from harness import fake_http, faults
from harness.exporter import OFTEN, UNHURRIED
from harness.secrets import CANARY, secret
from harness.servers import require
from harness.undisturbed import Undisturbed

TOKEN = secret("token")


def states(exporter, expected):
    """expected: {name: (state, reason)}; all of them must come."""
    for name, (state, reason) in expected.items():
        record = exporter.wait_for_state(name, state, reason)
        assert state != "up" or not exporter.failures(name), (record, exporter.failures(name))


def test_expectations_decide(start, nginx):
    base = f"http://127.0.0.1:{nginx.port}"
    table = {
        "plain": ("/ok", {}, "up", None),
        "contains": ("/ok", {"expect": {"body_contains": "is well"}}, "up", None),
        "does_not_contain": ("/ok", {"expect": {"body_contains": "is lost"}}, "down", "assertion"),
        "matches": ("/ok", {"expect": {"body_matches": "^all .* well$"}}, "up", None),
        "does_not_match": ("/ok", {"expect": {"body_matches": "^well"}}, "down", "assertion"),
        "json": ("/json", {"expect": {"json": {"/status": "UP", "/parts/0/name": "a"}}},
                 "up", None),
        "json_differs": ("/json", {"expect": {"json": {"/status": "DOWN"}}}, "down", "assertion"),
        "error": ("/error", {}, "down", "status"),
        "expected_error": ("/error", {"expect": {"status": [500]}}, "up", None),
        "class_of_statuses": ("/absent", {"expect": {"status": ["4xx"]}}, "up", None),
        "range_of_statuses": ("/absent", {"expect": {"status": ["400-410"]}}, "up", None),
        "not_expected": ("/ok", {"expect": {"status": [204]}}, "down", "status"),
        "method": ("/asked", {"method": "OPTIONS"}, "up", None),
        "head": ("/ok", {"method": "HEAD"}, "up", None),
        "header": ("/private", {"headers": {"X-Token": TOKEN}}, "up", None),
        "no_header": ("/private", {}, "down", "auth"),
        "redirect_followed": ("/moved", {"max_redirects": 2}, "up", None),
        "redirect_wanted": ("/moved", {"max_redirects": 0, "expect": {"status": [302]}},
                            "up", None),
    }
    config = {"dependencies": [
        {"name": name, "url": base + path, **UNHURRIED, **options}
        for name, (path, options, _, _) in table.items()]}
    with start(config) as exporter:
        states(exporter, {name: row[2:] for name, row in table.items()})
    assert any(line.startswith("HEAD /ok") for line in nginx.requests)
    assert any(line.startswith("OPTIONS /asked") for line in nginx.requests)


def test_credentials_do_not_follow_a_redirect_to_another_origin(start, nginx):
    elsewhere = faults.FaultServer(fake_http.keep_alive())
    origin = faults.FaultServer(fake_http.redirect(f"http://127.0.0.1:{elsewhere.port}/there"))
    config = {"dependencies": [{
        "name": "redirected", "url": f"http://health:{secret('basic')}@127.0.0.1:{origin.port}/",
        "headers": {"Authorization-Token": TOKEN, "Cookie": TOKEN}, "max_redirects": 3,
        **UNHURRIED}]}
    with start(config) as exporter:
        exporter.wait_for_checks(["redirected"], 2, 5)
        exporter.wait_for_state("redirected", "up")
    assert b"GET /there" in elsewhere.received
    assert CANARY.encode() in origin.received, "the origin itself must get the token"
    assert b"Authorization: Basic" in origin.received
    assert b"uthorization" not in elsewhere.received, elsewhere.received
    assert CANARY.encode() not in elsewhere.received, elsewhere.received
    origin.close()
    elsewhere.close()


def test_https_is_verified(start, nginx, authority, other_authority):
    def site(name, host="localhost", port=nginx.tls_port, **tls):
        return {"name": name, "url": f"https://{host}:{port}/ok", "tls": tls, **UNHURRIED}
    config = {"dependencies": [
        site("verified", ca_file=authority.ca_file),
        site("system_store"),
        site("wrong_authority", ca_file=other_authority.ca_file),
        site("wrong_host", "127.0.0.1", ca_file=authority.ca_file),
        site("named", "127.0.0.1", ca_file=authority.ca_file, server_name="localhost"),
        site("not_verified", insecure_skip_verify=True),
        site("expired", port=nginx.expired_port, ca_file=authority.ca_file),
    ]}
    with start(config) as exporter:
        states(exporter, {
            "verified": ("up", None), "named": ("up", None), "not_verified": ("up", None),
            "system_store": ("down", "tls"), "wrong_authority": ("down", "tls"),
            "wrong_host": ("down", "tls"), "expired": ("down", "tls")})


def test_bare_tls_is_verified(start, nginx, authority, other_authority):
    def bare(name, host="localhost", port=nginx.tls_port, **tls):
        return {"name": name, "url": f"tls://{host}:{port}", "tls": tls, **UNHURRIED}
    config = {"dependencies": [
        bare("verified", ca_file=authority.ca_file),
        bare("wrong_authority", ca_file=other_authority.ca_file),
        bare("wrong_host", "127.0.0.1", ca_file=authority.ca_file),
        bare("named", "127.0.0.1", ca_file=authority.ca_file, server_name="localhost"),
        bare("not_verified", insecure_skip_verify=True),
        bare("expired", port=nginx.expired_port, ca_file=authority.ca_file),
        {"name": "connected", "url": f"tcp://localhost:{nginx.port}", **UNHURRIED},
        {"name": "spoken_to", "url": f"tcp://localhost:{nginx.port}",
         "send": "GET /ok HTTP/1.0\r\n\r\n", "expect": "all is well", **UNHURRIED},
    ]}
    with start(config) as exporter:
        states(exporter, {
            "verified": ("up", None), "named": ("up", None), "not_verified": ("up", None),
            "wrong_authority": ("down", "tls"), "wrong_host": ("down", "tls"),
            "expired": ("down", "tls"), "connected": ("up", None), "spoken_to": ("up", None)})


def expiry_by_openssl(port):
    openssl, = require("openssl")
    shown = subprocess.run([openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-servername",
                            "localhost"], stdin=subprocess.DEVNULL, capture_output=True,
                           check=False).stdout
    text = subprocess.run([openssl, "x509", "-noout", "-enddate"], input=shown, check=True,
                          capture_output=True).stdout.decode()
    end = datetime.datetime.strptime(text.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
    return end.replace(tzinfo=datetime.timezone.utc).timestamp()


def test_the_certificate_s_expiry_is_what_openssl_reads_also_when_it_is_refused(start, nginx,
                                                                                authority):
    tls = {"tls": {"ca_file": authority.ca_file}, **UNHURRIED}
    config = {"dependencies": [
        {"name": "good_https", "url": f"https://localhost:{nginx.tls_port}/ok", **tls},
        {"name": "good_tls", "url": f"tls://localhost:{nginx.tls_port}", **tls},
        {"name": "expired_https", "url": f"https://localhost:{nginx.expired_port}/ok", **tls},
        {"name": "expired_tls", "url": f"tls://localhost:{nginx.expired_port}", **tls}]}
    expected = {"good": expiry_by_openssl(nginx.tls_port),
                "expired": expiry_by_openssl(nginx.expired_port)}
    with start(config) as exporter:
        for dependency in config["dependencies"]:
            name = dependency["name"]
            exporter.wait_for(lambda name=name: exporter.checks(name), 5, f"a check of {name}")
            metrics = exporter.metrics()
            assert metrics.get("health_check_tls_certificate_expiry_timestamp_seconds",
                               dependency=name) == expected[name.split("_")[0]], name


def test_phases_of_a_check_are_shown_and_unreached_ones_are_absent(start, nginx, authority):
    config = {"dependencies": [
        {"name": "site", "url": f"https://localhost:{nginx.tls_port}/ok", "connection": "fresh",
         "tls": {"ca_file": authority.ca_file}, **UNHURRIED},
        {"name": "refused", "url": f"http://{faults.refused()}/", **UNHURRIED}]}
    with start(config) as exporter:
        exporter.wait_for_state("site", "up")
        exporter.wait_for_state("refused", "down", "refused")
        metrics = exporter.metrics()
        phases = {labels["phase"]: value for labels, value in
                  metrics.series("health_check_phase_duration_seconds", dependency="site")}
        assert {"resolve", "connect", "tls", "receive"} <= set(phases), phases
        assert all(value >= 0 for value in phases.values())
        assert phases["tls"] > 0
        assert not metrics.series("health_check_phase_duration_seconds", dependency="refused",
                                  phase="receive")


@pytest.mark.parametrize("connection", ["keep", "fresh"])
def test_a_frozen_server_is_a_timeout_and_comes_back(start, nginx, connection):
    beside = faults.FaultServer(faults.hang)
    config = {"dependencies": [
        {"name": "healthy", "url": f"tcp://127.0.0.1:{beside.port}", **OFTEN},
        {"name": "site", "url": f"http://127.0.0.1:{nginx.port}/ok", "connection": connection,
         **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("site", "up")
        with Undisturbed(exporter):
            with nginx.frozen():
                exporter.wait_for_state("site", "down", "timeout")
            exporter.wait_for_state("site", "up")
        assert set(exporter.failures("site")) == {"timeout"}
    beside.close()


def test_a_killed_server_is_refused_and_comes_back(start, nginx):
    config = {"dependencies": [
        {"name": "site", "url": f"http://127.0.0.1:{nginx.port}/ok", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("site", "up")
        nginx.kill()
        exporter.wait_for_state("site", "down", "refused")
        nginx.start()
        exporter.wait_for_state("site", "up")
        assert set(exporter.failures("site")) <= {"closed", "refused"}


def test_a_restart_between_two_checks_is_no_failure(start, nginx):
    """The kept connection is dead, the server is well: that is no outage."""
    config = {"dependencies": [
        {"name": "site", "url": f"http://127.0.0.1:{nginx.port}/ok", "interval": "8s",
         "timeout": "2s"}]}
    with start(config) as exporter:
        exporter.wait_for_state("site", "up")
        checks = exporter.checks("site")
        nginx.stop()
        nginx.start()
        assert exporter.checks("site") == checks, "the restart took longer than the interval"
        exporter.wait_for(lambda: exporter.checks("site") > checks, 12, "the next check")
        assert not exporter.failures("site"), exporter.failures("site")


def test_a_slow_answer_is_degraded_and_still_ready(start):
    slow = faults.FaultServer(delayed_answer)
    config = {"dependencies": [
        {"name": "slow", "url": f"http://127.0.0.1:{slow.port}/", "degraded_after": "50ms",
         **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("slow", "degraded")
        response = exporter.get("/readyz")
        assert response.status == 200 and response.json()["status"] == "degraded"
        metrics = exporter.metrics()
        assert metrics.value("health_check_degraded", dependency="slow") == 1
        assert metrics.value("health_check_status", dependency="slow") == 1
    slow.close()


def delayed_answer(connection):
    connection.receive_until(b"\r\n\r\n")
    connection.send_slowly(b"H", 0.12)
    connection.send(fake_http.answer()[1:])
