# SPDX-License-Identifier: Apache-2.0
"""Services that report about themselves."""
import json

import pytest

from harness.exporter import OFTEN


def put(exporter, body=None, name="model"):
    return exporter.get(f"/-/heartbeat/{name}", method="PUT",
                        body=body if body is None or isinstance(body, bytes) else json.dumps(body))


def test_a_heartbeat_brings_its_dependency_up_and_down(start):
    config = {"dependencies": [{"name": "model", "url": "heartbeat:", "ttl": "2s", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("model", "down", "unavailable")
        for body in (None, {}, {"status": "pass"}, {"status": "pass", "message": "warm"}):
            response = put(exporter, body)
            assert response.status == 204 and response.body == b"", body
            exporter.wait_for_state("model", "up")
            assert put(exporter, {"status": "fail", "message": "loading weights"}).status == 204
            exporter.wait_for_state("model", "down", "status")
            # Messages are for operators.
            assert "loading weights" not in exporter.get("/readyz").text
        put(exporter)
        exporter.wait_for_state("model", "up")
        exporter.wait_for_state("model", "down", "timeout")


@pytest.mark.parametrize("body, status", [
    (b"{", 400), (b"[]", 400), (b'"pass"', 400), (b"null", 400), (b"\xff\xfe", 400),
    (b'{"status":"good"}', 400), (b'{"status":1}', 400), (b'{"status":"pass","x":1}', 400),
    (b'{"status":"pass","message":7}', 400), (b'{"message":"a\\u0000b"}', 400),
    (b'{"status":"pass"}x', 400), (b"[" * 4000, 400), (b" " * 5000, 413),
], ids=lambda value: repr(value)[:30])
def test_a_bad_heartbeat_is_refused_and_changes_nothing(exporter, body, status):
    before = exporter.health("model")["status"]
    response = put(exporter, body)
    assert response.status == status, response
    assert set(response.json()) == {"error"}
    assert exporter.health("model")["status"] == before


def test_a_heartbeat_for_something_else_is_refused(exporter):
    assert put(exporter, name="cash").status == 404
    response = put(exporter, name="good")
    assert 400 <= response.status < 500 and set(response.json()) == {"error"}
