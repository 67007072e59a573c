# SPDX-License-Identifier: Apache-2.0
"""The HTTP side: routes, bodies, formats, and clients that do not behave."""
import os
import socket
import stat

import pytest

from harness import faults
from harness.client import read_to_end, request, status_of
from harness.exporter import OFTEN
from harness.waiting import free_port

ALIASES = {
    "/livez": ["/health", "/healthz", "/health/live"],
    "/readyz": ["/ready", "/health/ready", "/health/deep"],
    "/startupz": ["/health/startup", "/health/started"],
    "/health/good": ["/readyz/good"],
}

# ---- routes and bodies ----

def test_liveness_is_up(exporter):
    response = exporter.get("/livez")
    assert response.status == 200 and response.text.strip() == '{"status":"up"}'


def test_readiness_shows_each_dependency_and_nothing_more(exporter):
    body = exporter.get("/readyz").json()
    latencies = {name: check.pop("latency_ms") for name, check in body["checks"].items()}
    assert all(latency >= 0 for latency in latencies.values())
    model = body["checks"].pop("model")
    assert set(model) == {"status", "critical", "reason"}
    assert body == {"status": "degraded", "checks": {
        "good": {"status": "up"},
        "bad": {"status": "down", "critical": False, "reason": "refused"}}}


def test_readiness_is_down_when_a_critical_dependency_is_down(start, peer):
    arguments = [f"good=tcp://127.0.0.1:{peer.port}", f"bad=tcp://{faults.refused()}"]
    with start(None, arguments) as exporter:
        exporter.wait_for_state("bad", "down")
        exporter.wait_for_state("good", "up")
        response = exporter.get("/readyz")
        assert response.status == 503
        body = response.json()
        assert body["status"] == "down"
        assert set(body["checks"]["bad"]) == {"status", "reason", "latency_ms"}
        assert set(body["checks"]["good"]) == {"status", "latency_ms"}
        # No outage of a dependency becomes a restart.
        assert exporter.get("/livez").status == 200


def test_before_the_first_round_nothing_is_believed(start, peer):
    slow = {"interval": "20s", "timeout": "10s", "send": "x", "expect": "never"}
    config = {"dependencies": [{"name": "slow", "url": f"tcp://127.0.0.1:{peer.port}", **slow}]}
    with start(config) as exporter:
        ready, startup = exporter.get("/readyz"), exporter.get("/startupz")
        one = exporter.get("/health/slow")
        metrics = exporter.metrics()
    assert ready.status == 503
    assert ready.json() == {"status": "starting", "checks": {"slow": {"status": "unknown"}}}
    assert startup.status == 503
    assert startup.json() == {"status": "starting", "waiting_for": ["slow"]}
    assert one.status == 503 and one.json() == {"name": "slow", "status": "unknown"}
    assert metrics.value("health_service_ready") == 0
    assert metrics.value("health_service_started") == 0
    assert metrics.value("health_service_live") == 1


def test_startup_waits_for_what_it_requires(start, peer):
    config = {"startup_requires": ["model"], "dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{peer.port}", **OFTEN},
        {"name": "model", "url": "heartbeat:", "ttl": "1s", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("model", "down")
        exporter.wait_for_state("good", "up")
        response = exporter.get("/startupz")
        assert response.status == 503
        assert response.json() == {"status": "starting", "waiting_for": ["model"]}
        assert exporter.get("/-/heartbeat/model", method="PUT").status == 204
        exporter.wait_for(lambda: exporter.get("/startupz").status == 200, 3, "it has started")
        assert exporter.get("/startupz").text.strip() == '{"status":"up"}'
        # Once started, always started.
        exporter.wait_for_state("model", "down", "timeout")
        assert exporter.get("/startupz").status == 200


def test_one_dependency_is_shown_with_its_reason(exporter):
    good, bad = exporter.get("/health/good"), exporter.get("/health/bad")
    assert good.status == 200 and bad.status == 503
    assert set(good.json()) == {"name", "status", "latency_ms"}
    assert set(bad.json()) == {"name", "status", "reason", "latency_ms"}
    assert bad.json()["reason"] == "refused"


def test_an_unknown_dependency_is_not_found(exporter):
    response = exporter.get("/health/cash")
    assert response.status == 404
    assert response.json() == {"error": 'no dependency named "cash"'}


@pytest.mark.parametrize("path, aliases", ALIASES.items())
def test_aliases_answer_alike(exporter, path, aliases):
    for alias in aliases:
        one, other = exporter.get(path), exporter.get(alias)
        assert (one.status, without_times(one)) == (other.status, without_times(other)), alias


def without_times(response):
    def clean(value):
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if key != "latency_ms"}
        return value
    return clean(response.json())


def test_the_version_is_that_of_service_and_exporter(exporter):
    body = exporter.get("/version").json()
    assert set(body["exporter"]) == {"version", "revision"}
    version = body.pop("exporter")["version"]
    assert body == {"version": "1.4.2", "commit_hash": "abcdef1", "service": "checkout"}
    build, = exporter.metrics().series("health_exporter_build_info")
    assert build[0]["version"] == version


def test_prometheus_own_routes_answer(exporter):
    assert exporter.get("/-/healthy").status == 200
    assert exporter.get("/-/ready").status == 200


def test_the_status_page_leads_to_the_others(exporter):
    response = exporter.get("/")
    assert response.status == 200
    assert response.headers["content-type"].lower() == "text/html; charset=utf-8"
    for path in ("metrics", "livez", "readyz", "startupz"):
        assert f'"{path}"' in response.text


def test_public_bodies_hold_neither_messages_nor_addresses(exporter, peer):
    for path in ("/readyz", "/health/bad", "/health/good", "/metrics"):
        text = exporter.get(path).text
        assert "127.0.0.1" not in text and str(peer.port) not in text, path


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/", "/nothing"])
def test_answers_are_not_cached_nor_guessed(exporter, path):
    headers = exporter.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/health/bad", "/version",
                                  "/metrics", "/", "/-/healthy", "/nothing"])
def test_head_answers_as_get_without_a_body(exporter, path):
    get, head = exporter.get(path), exporter.get(path, method="HEAD")
    assert head.status == get.status and head.body == b""
    assert head.headers.get("content-type") == get.headers.get("content-type")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
@pytest.mark.parametrize("path", ["/livez", "/metrics", "/readyz", "/health/good"])
def test_other_methods_are_not_allowed(exporter, method, path):
    response = exporter.get(path, method=method)
    assert response.status == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert set(response.json()) == {"error"}


def test_a_heartbeat_is_only_put(exporter):
    response = exporter.get("/-/heartbeat/model")
    assert response.status == 405 and response.headers["allow"] == "PUT"


@pytest.mark.parametrize("path", ["/nothing", "/livez/", "/LIVEZ", "//livez", "/livez/x",
                                  "/health/", "/health/good/x", "/metrics/", "/metrics/..;/",
                                  "/../etc/passwd", "/./livez", "/-/", "/-/quit"])
def test_other_paths_are_not_found(exporter, path):
    response = exporter.endpoint.send_raw(request(f"GET {path} HTTP/1.1"))
    assert status_of(response) in (404, 400), (path, response[:100])


def test_an_encoded_path_is_the_path(exporter):
    assert exporter.get("/%6civez").status == 200
    assert exporter.get("/livez?x=1&y=%20").status == 200


def test_the_telemetry_path_moves_the_metrics_page(start):
    with start(None, ["--web.telemetry-path=/own/metrics", "host=memory:"]) as exporter:
        assert exporter.get("/own/metrics").status == 200
        assert exporter.get("/metrics").status == 404
        assert '"own/metrics"' in exporter.get("/").text


# ---- other listeners ----

def test_a_unix_socket_serves_and_is_removed(start, directory):
    path = f"{directory}/health.sock"
    with start(None, ["host=memory:"], listen=f"unix:{path}") as exporter:
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        assert exporter.get("/livez").status == 200
        assert exporter.metrics().value("health_service_live") == 1
    assert not os.path.exists(path)


def test_a_socket_that_a_killed_process_left_is_taken_over(start, directory):
    path = f"{directory}/health.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
    with start(None, ["host=memory:"], listen=f"unix:{path}") as exporter:
        assert exporter.get("/livez").status == 200


def test_several_listeners_serve_at_once(start, directory):
    port = free_port()
    with start(None, ["host=memory:", f"--web.listen-address=[::1]:{port}",
                      f"--web.listen-address=unix:{directory}/more.sock"]) as exporter:
        assert exporter.get("/livez").status == 200
        with socket.create_connection(("::1", port), timeout=2) as sock:
            sock.sendall(request())
            assert status_of(read_to_end(sock)) == 200
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(f"{directory}/more.sock")
            sock.sendall(request())
            assert status_of(read_to_end(sock)) == 200
