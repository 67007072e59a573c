# SPDX-License-Identifier: Apache-2.0
"""The same health in the words of those who ask: Accept, ?format=, ?verbose, ?exclude=, ?tag=."""
import json

import pytest

from harness import faults
from harness.exporter import OFTEN, Exporter

HEALTH_JSON = "application/health+json"
SPRING = "application/vnd.spring-boot.actuator.v3+json"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture(scope="module")
def exporter(new_directory, peer):
    config = {"service": {"name": "checkout", "version": "1.4.2", "commit": "abcdef1"},
              "dependencies": [
                  {"name": "queue", "url": f"tcp://127.0.0.1:{peer.port}",
                   "tags": ["core", "slow"], **OFTEN},
                  {"name": "cache", "url": f"tcp://{faults.refused()}", "tags": ["core"], **OFTEN},
                  {"name": "api", "url": f"tcp://{faults.refused()}", "critical": False,
                   "tags": ["slow"], **OFTEN}]}
    with Exporter(new_directory(), config) as exporter:
        exporter.wait_for_state("queue", "up")
        exporter.wait_for_state("cache", "down", "refused")
        exporter.wait_for_state("api", "down", "refused")
        yield exporter


def ask(exporter, path, accept=None):
    return exporter.get(path, headers={"Accept": accept} if accept else None)


def test_health_json_names_the_service_and_each_response_time(exporter):
    response = ask(exporter, "/readyz", HEALTH_JSON)
    assert response.status == 503 and response.headers["content-type"] == HEALTH_JSON
    assert response.headers["vary"] == "Accept"
    body = json.loads(response.body)
    assert [body[key] for key in ("status", "version", "releaseId", "serviceId", "output")] == [
        "fail", "1.4.2", "abcdef1", "checkout", "down"]
    assert set(body["checks"]) == {f"{name}:responseTime" for name in ("queue", "cache", "api")}
    [cache] = body["checks"]["cache:responseTime"]
    assert cache["status"] == "fail" and cache["output"] == "refused"
    [queue] = body["checks"]["queue:responseTime"]
    assert queue["status"] == "pass" and "output" not in queue
    assert queue["observedUnit"] == "ms" and queue["observedValue"] >= 0


def test_spring_sorts_its_components(exporter):
    response = ask(exporter, "/readyz", SPRING)
    assert response.status == 503 and response.headers["content-type"] == SPRING
    body = json.loads(response.body)
    assert body["status"] == "DOWN" and list(body["components"]) == ["api", "cache", "queue"]
    assert body["components"]["queue"]["status"] == "UP"
    assert body["components"]["cache"]["details"]["reason"] == "refused"


def test_microprofile_lists_its_checks(exporter):
    body = ask(exporter, "/readyz?format=microprofile").json()
    assert body["status"] == "DOWN"
    assert [(check["name"], check["status"]) for check in body["checks"]] == [
        ("queue", "UP"), ("cache", "DOWN"), ("api", "DOWN")]


def test_kubernetes_reads_its_own_words(exporter):
    response = ask(exporter, "/readyz?verbose")
    assert response.status == 503 and response.headers["content-type"] == TEXT
    assert response.text == ("[+]queue ok\n[-]cache failed: refused\n"
                             "[-]api failed: refused (not critical)\nreadyz check failed\n")
    assert ask(exporter, "/livez", "text/plain").text == "ok"


def test_exclusion_changes_the_verdict(exporter):
    response = ask(exporter, "/readyz?exclude=cache")
    assert response.status == 200 and response.json()["status"] == "degraded"
    assert set(response.json()["checks"]) == {"queue", "api"}
    response = ask(exporter, "/readyz?exclude=cache&exclude=api&exclude=nobody")
    assert response.status == 200 and response.json()["status"] == "up"
    assert response.json()["ignored"] == ["nobody"]
    assert ask(exporter, "/readyz?exclude=api").status == 503


def test_tags_select_their_union(exporter):
    assert set(ask(exporter, "/readyz?tag=core").json()["checks"]) == {"queue", "cache"}
    assert set(ask(exporter, "/readyz?tag=slow").json()["checks"]) == {"queue", "api"}
    assert ask(exporter, "/readyz?tag=slow").status == 200
    assert set(ask(exporter, "/readyz?tag=slow&tag=core").json()["checks"]) == {
        "queue", "cache", "api"}
    response = ask(exporter, "/readyz?tag=slwo")
    assert response.status == 404 and "slwo" in response.json()["error"]


@pytest.mark.parametrize("accept", [
    "", ",", ";", "*", "*/*;q=0", "application/health+json;q=2;q=0.1", "text/plain;q=", "/;q=0.1",
    "a" * 4000, "application/json;charset=\"", "application/health+json" * 100, "\t \t", ",,,,;;;;q"])
def test_junk_in_accept_gets_an_answer(exporter, accept):
    response = ask(exporter, "/readyz", accept)
    assert response.status == 503


@pytest.mark.parametrize("query", [
    "?", "?&", "?=", "?exclude", "?exclude=", "?tag=%00", "?exclude=%0a%0d", "?exclude=%ff",
    "?verbose&verbose", "?exclude=" + "a" * 900, "?format", "?format=%20", "?tag"])
def test_junk_in_the_query_gets_an_answer(exporter, query):
    response = ask(exporter, "/readyz" + query)
    assert response.status in (400, 404, 503)
    if response.headers["content-type"] == "application/json":
        response.json()
