# SPDX-License-Identifier: Apache-2.0
"""Maintenance: asked for, by a file, or planned. Only readiness changes; checks go on."""
import datetime
import json

import pytest

from harness import faults
from harness.exporter import OFTEN, Exporter, write_config
from harness.waiting import wait_until

LIFECYCLE = ["--web.enable-lifecycle"]


@pytest.fixture(scope="module")
def good():
    server = faults.FaultServer(faults.hang)
    yield {"name": "good", "url": f"tcp://127.0.0.1:{server.port}", **OFTEN}
    server.close()


def begin(exporter, **wish):
    response = exporter.get("/-/maintenance", method="POST", body=json.dumps(wish))
    assert response.status == 200, response
    return response.json()


def readiness(exporter):
    response = exporter.get("/readyz")
    return response.json()["status"]


def is_in_maintenance(exporter):
    return readiness(exporter) == "maintenance"


def utc(seconds_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc)
    moment += datetime.timedelta(seconds=seconds_from_now)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def assert_only_readiness_is_off(exporter, reason):
    response = exporter.get("/readyz")
    assert response.status == 503
    body = response.json()
    assert body["status"] == "maintenance"
    assert body["maintenance"].get("reason", "") == reason
    assert body["checks"]["good"]["status"] == "up"
    assert exporter.get("/livez").status == 200
    assert exporter.get("/startupz").status == 200
    assert exporter.get("/health/good").status == 200
    metrics = exporter.metrics()
    assert metrics.value("health_service_maintenance") == 1
    assert metrics.value("health_service_ready") == 0
    assert metrics.value("health_service_live") == 1
    assert metrics.value("health_check_status", dependency="good") == 1
    exporter.wait_for_checks(["good"], 1, 5)
    return response


def test_it_is_asked_for_and_ended(start, good):
    with start({"dependencies": [good]}, LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        assert readiness(exporter) == "up"
        begin(exporter, duration="30m", reason="schema upgrade")
        response = assert_only_readiness_is_off(exporter, "schema upgrade")
        assert 1790 <= int(response.headers["retry-after"]) <= 1800
        assert exporter.get("/-/maintenance", method="DELETE").json() == {"status": "ended"}
        assert readiness(exporter) == "up"
        assert exporter.metrics().value("health_service_maintenance") == 0
        exporter.wait_for_line('msg="maintenance begins"', "source=request")
        exporter.wait_for_line('msg="maintenance ends"', "source=request")


def test_it_ends_by_itself(start, good):
    with start({"dependencies": [good]}, LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        begin(exporter, duration="1500ms", reason="short")
        assert is_in_maintenance(exporter)
        exporter.wait_for(lambda: readiness(exporter) == "up", 3, "its end")
        exporter.wait_for_line('msg="maintenance ends"')


def test_it_survives_a_reload(start, good):
    with start({"dependencies": [good]}, LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        begin(exporter, duration="30m", reason="upgrade")
        assert exporter.get("/-/reload", method="POST").status == 200
        assert_only_readiness_is_off(exporter, "upgrade")


def test_a_file_that_is_there_means_maintenance(directory, good):
    flag = directory / "maintenance"
    config = {"maintenance": {"file": str(flag)}, "dependencies": [good]}
    with Exporter(directory, config) as exporter:
        exporter.wait_for_state("good", "up")
        assert readiness(exporter) == "up"
        flag.write_text("new disks\nsecond line\n", encoding="utf-8")
        exporter.wait_for(lambda: is_in_maintenance(exporter), 3, "the file is seen")
        response = assert_only_readiness_is_off(exporter, "new disks")
        assert response.json()["maintenance"]["until"] is None
        flag.unlink()
        exporter.wait_for(lambda: readiness(exporter) == "up", 3, "its end is seen")


def test_a_file_that_is_there_at_the_start_counts_from_the_first_answer_on(directory, good):
    flag = directory / "maintenance"
    flag.touch()
    config = {"maintenance": {"file": str(flag)}, "dependencies": [good]}
    with Exporter(directory, config) as exporter:
        seen = set()

        def is_checked():
            seen.add(readiness(exporter))
            return exporter.health("good")["status"] == "up"
        wait_until(is_checked, 5, "the first round")
        assert seen == {"maintenance"}


def test_a_window_that_is_open_ends_by_itself(directory, good):
    config = {"maintenance": {"windows": [
        {"from": utc(-3600), "to": utc(4), "reason": "planned"},
        {"from": utc(3600), "to": utc(7200), "reason": "later"}]}, "dependencies": [good]}
    with Exporter(directory, config) as exporter:
        assert is_in_maintenance(exporter)
        body = exporter.get("/readyz").json()["maintenance"]
        assert body["reason"] == "planned"
        exporter.wait_for(lambda: readiness(exporter) == "up", 8, "the window's end")
        exporter.wait_for_line('msg="maintenance ends"', "source=window")


def test_a_window_that_is_to_come_begins_by_itself(directory, good):
    config = {"maintenance": {"windows": [{"from": utc(2), "to": utc(3600)}]},
              "dependencies": [good]}
    with Exporter(directory, config) as exporter:
        exporter.wait_for(lambda: is_in_maintenance(exporter), 6, "the window's begin")
        assert_only_readiness_is_off(exporter, "")


def test_windows_follow_the_file(directory, good):
    # A week that is maintenance as a whole: the test does not depend on the day.
    weekly = {"weekly": "Mon 00:00-Sun 24:00", "reason": "always"}
    config = {"maintenance": {"windows": [weekly]}, "dependencies": [good]}
    with Exporter(directory, config, LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        assert_only_readiness_is_off(exporter, "always")
        write_config(directory, {"dependencies": [good]})
        assert exporter.get("/-/reload", method="POST").json()["unchanged"] == 1
        assert readiness(exporter) == "up"


def test_it_lasts_while_any_source_wants_it(directory, good):
    flag = directory / "maintenance"
    config = {"maintenance": {"file": str(flag)}, "dependencies": [good]}
    with Exporter(directory, config, LIFECYCLE) as exporter:
        exporter.wait_for_state("good", "up")
        begin(exporter, duration="30m", reason="asked")
        flag.touch()
        exporter.wait_for_line("source=file")
        exporter.get("/-/maintenance", method="DELETE")
        assert is_in_maintenance(exporter)
        flag.unlink()
        exporter.wait_for(lambda: readiness(exporter) == "up", 3, "nobody wants it any more")
