# SPDX-License-Identifier: Apache-2.0
"""The option `buckets`: the histogram of a dependency has its bounds, in every format, and a reload
that changes them begins another one."""
import subprocess

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from harness import faults
from harness.exporter import Exporter, write_config
from harness.protobuf import Page
from harness.servers import require

LIFECYCLE = ["--web.enable-lifecycle"]
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
DURATION = "health_check_duration_seconds"
USUAL = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10]
OWN = ["150us", "5ms", 0.3, "1m30s"]
OWN_BOUNDS = [.00015, .005, .3, 90]
ONCE = {"interval": "1h", "timeout": "1s"}


def config(own=None, **defaults):
    refused = f"tcp://{faults.refused()}"
    return {"defaults": {**ONCE, **defaults}, "dependencies": [
        {"name": "own", "url": refused, **({"buckets": own} if own else {})},
        {"name": "usual", "url": refused}]}


def wait_until_checked(exporter, *names):
    for name in names:
        exporter.wait_for_state(name, "down", "refused")


def bounds(samples, name):
    """{bound: count} of the dependency, by number."""
    found = {}
    for (family, labels), value in samples.items():
        labels = dict(labels)
        if family == f"{DURATION}_bucket" and labels["dependency"] == name:
            found[float(labels["le"])] = value
    return found


def with_infinity(numbers):
    return [*numbers, float("inf")]


@pytest.fixture
def exporter(start):
    with start(config(OWN)) as exporter:
        wait_until_checked(exporter, "own", "usual")
        yield exporter


def test_each_dependency_has_its_own_bounds(exporter):
    samples = exporter.metrics().samples
    assert list(bounds(samples, "own")) == with_infinity(OWN_BOUNDS)
    assert list(bounds(samples, "usual")) == with_infinity(USUAL)
    assert bounds(samples, "own")[90] == bounds(samples, "own")[float("inf")] == 1


def test_text_is_what_prometheus_takes(exporter):
    require("promtool")
    page = exporter.get("/metrics").body
    result = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True,
                            timeout=30, check=False)
    assert result.returncode == 0, result
    assert b'{dependency="own",le="0.00015"}' in page and b'{dependency="own",le="90"}' in page


def test_openmetrics_has_them_in_its_own_writing(exporter):
    page = exporter.get("/metrics", headers={
        "Accept": "application/openmetrics-text;version=1.0.0"}).body.decode()
    assert '{dependency="own",le="90.0"}' in page
    family = next(family for family in openmetrics.text_string_to_metric_families(page)
                  if family.name == DURATION)
    found = [float(sample.labels["le"]) for sample in family.samples
             if sample.name.endswith("_bucket") and sample.labels["dependency"] == "own"]
    assert found == with_infinity(OWN_BOUNDS)


def test_protobuf_has_them(exporter):
    page = Page(exporter.get("/metrics", headers={"Accept": PROTOBUF}).body)
    assert sorted(bounds(page.samples, "own")) == with_infinity(OWN_BOUNDS)
    assert sorted(bounds(page.samples, "usual")) == with_infinity(USUAL)


def test_defaults_are_for_all_and_a_dependency_may_have_others(start):
    with start(config(["1s"], buckets=["2s", "3s"])) as exporter:
        wait_until_checked(exporter, "own", "usual")
        samples = exporter.metrics().samples
        assert list(bounds(samples, "own")) == with_infinity([1])
        assert list(bounds(samples, "usual")) == with_infinity([2, 3])


def test_a_reload_that_changes_them_begins_another_histogram(directory):
    with Exporter(directory, config(OWN), LIFECYCLE) as exporter:
        wait_until_checked(exporter, "own", "usual")
        write_config(directory, config(["1ms", "2s"]))
        answer = exporter.get("/-/reload", method="POST").json()
        assert (answer["changed"], answer["unchanged"]) == (["own"], 1)
        wait_until_checked(exporter, "own")
        samples = exporter.metrics().samples
        assert list(bounds(samples, "own")) == with_infinity([.001, 2])
        assert bounds(samples, "own")[float("inf")] == 1
        # The same bounds in other words are no change.
        write_config(directory, config([0.001, 2]))
        answer = exporter.get("/-/reload", method="POST").json()
        assert (answer["changed"], answer["unchanged"]) == ([], 2)
