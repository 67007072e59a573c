# SPDX-License-Identifier: Apache-2.0
"""What operators see at /health/detailed."""
import datetime

from harness import faults
from harness.exporter import OFTEN
from harness.waiting import SLOW

KEYS = {"kind", "critical", "tags", "status", "since", "reason", "message", "latency_ms",
        "phases_ms", "values", "last_result", "last_run", "last_success", "checks_total",
        "failures_total", "consecutive_failures", "failure_threshold", "check_id", "breaker",
        "next_run"}


def details(exporter, query=""):
    response = exporter.get("/health/detailed" + query)
    assert response.status == 200, response
    return response.json()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_details_say_why_and_since_when(start):
    config = {"dependencies": [
        {"name": "cache", "url": f"tcp://{faults.refused()}", "tags": ["core"],
         "failure_threshold": 2, **OFTEN},
        {"name": "disk", "url": "disk:/", "critical": False, **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("cache", "down", "refused")
        exporter.wait_for_checks(["cache", "disk"], 2, 5)
        body = details(exporter)
        cache, disk = body["checks"]["cache"], body["checks"]["disk"]
        assert set(cache) == set(disk) == KEYS
        assert (cache["kind"], cache["critical"], cache["tags"]) == ("tcp", True, ["core"])
        assert (cache["status"], cache["reason"], cache["last_result"]) == (
            "down", "refused", "fail")
        assert "refused" in cache["message"] and cache["last_success"] is None
        assert cache["failure_threshold"] == 2
        assert cache["consecutive_failures"] >= 3 and cache["failures_total"] >= 3
        assert set(cache["phases_ms"]) <= {"resolve", "connect"}
        assert (disk["status"], disk["message"], disk["critical"]) == ("up", None, False)
        assert disk["values"]["free_bytes"] > 0 and disk["failures_total"] == 0
        assert moment(cache["since"]) <= moment(cache["last_run"]) < moment(cache["next_run"])
        # The log speaks of the same check.
        exporter.wait_for_line("dependency=cache", f"check_id={cache['check_id']}")
        assert set(details(exporter, "?tag=core")["checks"]) == {"cache"}
        assert details(exporter, "?exclude=cache")["status"] == "up"


def test_details_tell_of_the_exporter(exporter):
    body = details(exporter)
    assert body["service"] == {"name": "checkout", "version": "1.4.2", "commit_hash": "abcdef1"}
    now = datetime.datetime.now(datetime.timezone.utc)
    started, loaded = (moment(body["exporter"][key]) for key in ("started_at", "config_loaded_at"))
    assert started <= now and loaded <= now
    assert abs((now - started).total_seconds() - body["exporter"]["uptime_seconds"]) < 5


def test_thousands_of_dependencies_are_streamed(start):
    names = [f"d{number}" for number in range(3000)]
    config = {"defaults": {"interval": "60s", "timeout": "1s"},
              "dependencies": [{"name": name, "url": "heartbeat:", "ttl": "60s",
                                "tags": ["even" if int(name[1:]) % 2 == 0 else "odd"]}
                               for name in names]}
    with start(config) as exporter:
        body = details(exporter)
        assert list(body["checks"]) == names
        assert set(body["checks"]["d2999"]) == KEYS
        assert list(details(exporter, "?tag=odd")["checks"]) == names[1::2]
        response = exporter.get("/readyz?tag=odd&tag=even&exclude=d0")
        assert len(response.json()["checks"]) == 2999
        # Somebody who does not read his details does not make others wait.
        sock = exporter.endpoint.connect()
        sock.sendall(b"GET /health/detailed HTTP/1.1\r\nHost: x\r\n\r\n")
        assert exporter.get("/livez").status == 200
        sock.close()
        before = exporter.resident_bytes()
        for _ in range(20):
            details(exporter)
        assert exporter.resident_bytes() - before < 16 * 2**20 * SLOW
