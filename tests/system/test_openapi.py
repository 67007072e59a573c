# SPDX-License-Identifier: Apache-2.0
"""Every real answer in every state and dialect is as /openapi.json says."""
import json
import signal

import jsonschema
import pytest

from harness.exporter import OFTEN, write_config
from harness.openapi import Description
from harness.waiting import stopped_for

FORMATS = ("", "?format=json", "?format=health%2Bjson", "?format=spring", "?format=microprofile",
           "?format=kubernetes", "?verbose")
PROBES = ("/livez", "/health", "/healthz", "/health/live", "/readyz", "/ready", "/health/ready",
          "/health/deep", "/startupz", "/health/startup", "/health/started", "/health/db",
          "/readyz/db", "/health/reco")
OTHERS = ("/", "/?details", "/?status=none", "/?q=none", "/page/style.css", "/page/script.js",
          "/badge.svg", "/badge.svg?icon", "/health/db/badge.svg", "/health/none/badge.svg",
          "/health/detailed", "/health/detailed?exclude=db", "/version", "/metrics",
          "/openapi.json", "/-/healthy", "/-/ready", "/readyz?exclude=db&exclude=none&tag=core",
          "/readyz?exclude=none&format=health%2Bjson", "/readyz?verbose&exclude=none&exclude=db",
          "/readyz?tag=none", "/health/detailed?tag=none", "/health/none", "/livez?format=none")
LIFECYCLE = ["--web.enable-lifecycle"]


def config():
    heartbeat = {"url": "heartbeat:", "ttl": "60s", **OFTEN}
    return {"service": {"name": "checkout", "version": "1.4.2", "commit": "abcdef1"},
            "dependencies": [{"name": "db", "tags": ["core", "sql"], **heartbeat},
                             {"name": "reco", "critical": False, "tags": ["core"], **heartbeat}]}


def report(exporter, name, status):
    response = exporter.get(f"/-/heartbeat/{name}", method="PUT",
                            body=json.dumps({"status": status, "message": "no\n\"GPU\" é"}))
    assert response.status == 204, response


def check_everything(exporter, description, readiness):
    """All that can be read, in all dialects; the readiness is what it should be, before and after."""
    assert exporter.get("/readyz").json()["status"] == readiness
    for path in PROBES:
        statuses = set()
        for form in FORMATS:
            response = exporter.get(path + form)
            description.check(path + form, response)
            statuses.add(response.status)
        assert len(statuses) == 1, f"{path}: the dialect changes the status: {statuses}"
    for path in OTHERS:
        description.check(path, exporter.get(path))
    assert exporter.get("/readyz").json()["status"] == readiness


@pytest.fixture
def served(start):
    with start(config(), LIFECYCLE) as exporter:
        report(exporter, "db", "pass")
        report(exporter, "reco", "pass")
        exporter.wait_for_state("db", "up")
        exporter.wait_for_state("reco", "up")
        yield exporter, Description(exporter)


def test_the_description_is_sound(served):
    exporter, description = served
    document = description.document
    assert document["openapi"] == "3.1.0" and "@" not in document["info"]["version"]
    assert exporter.get("/version").json()["exporter"]["version"] == document["info"]["version"]
    for reference in description.references():
        description.resolve({"$ref": reference})
    for schema in description.schemas():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_path_that_is_described_is_there(served):
    exporter, description = served
    for path, item in description.document["paths"].items():
        real = path.replace("{name}", "db")
        for method in description.resolve(item):
            response = exporter.get(real, method=method.upper())
            assert response.status < 400, f"{method} {path}: {response}"
        refused = exporter.get(real, method="PATCH")
        assert refused.status == 405, path
        description.check(real, refused, next(iter(description.resolve(item))).upper())
        allowed = {method.strip().lower() for method in refused.headers["allow"].split(",")}
        assert allowed - {"head"} == set(description.resolve(item)), path


def test_answers_while_up_degraded_and_down(served):
    exporter, description = served
    check_everything(exporter, description, "up")
    report(exporter, "reco", "fail")
    exporter.wait_for_state("reco", "down")
    check_everything(exporter, description, "degraded")
    report(exporter, "db", "fail")
    exporter.wait_for_state("db", "down")
    check_everything(exporter, description, "down")


def test_answers_while_starting(start, peer):
    slow = {"interval": "20s", "timeout": "10s", "send": "x", "expect": "never"}
    dependencies = [{"name": "db", "url": f"tcp://127.0.0.1:{peer.port}", "tags": ["core"], **slow},
                    {"name": "reco", "url": "heartbeat:", "critical": False, **OFTEN}]
    with start({"dependencies": dependencies}) as exporter:
        exporter.wait_for_state("reco", "down")
        assert exporter.health("db")["status"] == "unknown"
        check_everything(exporter, Description(exporter), "starting")


def test_answers_just_after_waking(start):
    times = {"interval": "2s", "timeout": "500ms", "stale_after": "2500ms"}
    dependencies = [{"name": name, "url": "heartbeat:", "ttl": "60s", "tags": ["core"], **times}
                    for name in ("db", "reco")]
    with start({"dependencies": dependencies}) as exporter:
        for name in ("db", "reco"):
            report(exporter, name, "pass")
            exporter.wait_for_state(name, "up")
        description = Description(exporter)
        stopped_for(exporter.pid, 2.6)
        for form in FORMATS:  # stale, unless a check has been quicker
            description.check("/readyz" + form, exporter.get("/readyz" + form))


def test_answers_in_maintenance(served):
    exporter, description = served
    for body in ({"duration": "10m", "reason": "upgrade to \"15\" é"}, None):
        response = exporter.get("/-/maintenance", method="POST", body=body and json.dumps(body))
        assert response.status == 200, response
        description.check("/-/maintenance", response, "POST")
        check_everything(exporter, description, "maintenance")
        retry = exporter.get("/readyz").headers.get("retry-after")
        assert (580 <= int(retry) <= 600) if body else retry is None
        assert exporter.get("/livez").status == 200
    response = exporter.get("/-/maintenance", method="DELETE")
    assert response.status == 200, response
    description.check("/-/maintenance", response, "DELETE")
    check_everything(exporter, description, "up")
    response = exporter.get("/-/maintenance", method="POST", body=b"{\"duration\":\"soon\"}")
    assert response.status == 400
    description.check("/-/maintenance", response, "POST")


def test_answers_while_draining(start):
    with start(config(), ["--shutdown.delay=30s"]) as exporter:
        report(exporter, "db", "pass")
        report(exporter, "reco", "pass")
        exporter.wait_for_state("db", "up")
        exporter.wait_for_state("reco", "up")
        description = Description(exporter)
        exporter.process.send_signal(signal.SIGTERM)
        exporter.wait_for(lambda: exporter.get("/readyz").json()["status"] == "draining", 2,
                          "it drains")
        check_everything(exporter, description, "draining")
        assert exporter.get("/livez").status == 200


def test_answers_of_a_reload(start, directory):
    path = write_config(directory, config())
    with start(None, [f"--config.file={path}", *LIFECYCLE]) as exporter:
        description = Description(exporter)
        response = exporter.get("/-/reload", method="POST")
        assert response.status == 200, response
        assert response.json() == {"status": "reloaded", "added": [], "changed": [], "removed": [],
                                   "unchanged": 2}
        description.check("/-/reload", response, "POST")
        path.write_text(path.read_text(encoding="utf-8").replace("ttl:", "tttl:"), encoding="utf-8")
        response = exporter.get("/-/reload", method="PUT")
        assert response.status == 500, response
        description.check("/-/reload", response, "PUT")
        errors = response.json()["errors"]
        assert errors and all("tttl" in error["message"] and error["line"] > 0 for error in errors)


def test_without_lifecycle_the_writing_routes_say_how_to_enable_them(start):
    with start(config()) as exporter:
        description = Description(exporter)
        for method, path in (("POST", "/-/reload"), ("PUT", "/-/reload"),
                             ("POST", "/-/maintenance"), ("DELETE", "/-/maintenance")):
            response = exporter.get(path, method=method)
            assert response.status == 403 and "--web.enable-lifecycle" in response.json()["error"]
            description.check(path, response, method)
