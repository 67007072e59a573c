# SPDX-License-Identifier: Apache-2.0
"""The formats of the metrics page against each other, and protobuf against a real Prometheus."""
import gzip
import json
import math
import subprocess
import urllib.parse
import urllib.request

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from harness import faults
from harness.exporter import OFTEN, Exporter
from harness.metrics import Metrics
from harness.protobuf import Page
from harness.servers import require
from harness.waiting import free_port, wait_until

PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
NATIVE = ["--metrics.native-histograms"]
DURATION = "health_check_duration_seconds"
# Between two scrapes these change by themselves.
RESTLESS = ("process_", "health_exporter_")
# Checked once, so that a page shows the same when it is asked for again.
ONCE = {"interval": "1h", "timeout": "1s"}


@pytest.fixture(scope="module")
def still(new_directory):
    """An exporter whose dependencies were checked once: one up, one down, one that waits."""
    peer = faults.FaultServer(faults.hang)
    config = {"dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{peer.port}", **ONCE},
        {"name": "bad", "url": f"tcp://{faults.refused()}", "tags": ["a", "b"], **ONCE},
        {"name": "model", "url": "heartbeat:", "ttl": "30s", **ONCE}]}
    with Exporter(new_directory(), config, NATIVE) as exporter:
        exporter.wait_for_state("good", "up")
        exporter.wait_for_state("bad", "down", "refused")
        yield exporter
    peer.close()


def page_of(exporter):
    response = exporter.get("/metrics", headers={"Accept": PROTOBUF})
    assert response.status == 200
    assert response.headers["content-type"] == PROTOBUF
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    return Page(response.body)


def calm(samples):
    return {key: value for key, value in samples.items() if not key[0].startswith(RESTLESS)}


def with_float_bounds(samples):
    return {(name, frozenset((label, str(float(text)) if label == "le" else text)
                             for label, text in labels)): value
            for (name, labels), value in samples.items()}


def test_protobuf_holds_what_the_text_holds(still):
    page, text = page_of(still), still.metrics()
    assert page.types == text.types
    assert page.helps == text.helps
    assert (with_float_bounds(calm(page.samples)) == with_float_bounds(calm(text.samples)))
    assert page.units[DURATION] == "seconds"
    assert page.units["health_check_status"] == ""


def test_native_histograms_agree_with_the_classic_ones(still):
    page = page_of(still)
    assert {dict(labels)["dependency"] for _, labels in page.natives} == {"good", "bad", "model"}
    for (name, labels), native in page.natives.items():
        assert native.zero_threshold == 2.0 ** -128
        assert native.total == page.samples[name + "_count", labels]
        if native.total != 1:
            continue
        # One observation: the sum is its value.
        value = page.samples[name + "_sum", labels]
        (index, _), = native.buckets.items()
        base = 2.0 ** 2.0 ** -native.schema
        assert base ** (index - 1) * (1 - 1e-9) <= value <= base ** index * (1 + 1e-9)


def test_without_the_flag_there_are_none(exporter):
    page = page_of(exporter)
    assert not page.natives
    assert page.types[DURATION] == "histogram"


def test_compression_changes_nothing_but_the_size(still):
    plain = still.get("/metrics?name[]=health_check_failures", headers={"Accept": PROTOBUF})
    assert plain.body == b""
    for accept in ("text/plain", OPENMETRICS, PROTOBUF):
        headers = {"Accept": accept}
        plain = still.get(f"/metrics?name[]={DURATION}&name[]=dependency_check_failures_total",
                          headers=headers)
        packed = still.get(f"/metrics?name[]={DURATION}&name[]=dependency_check_failures_total",
                           headers={**headers, "Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body


def states(exporter, start, peer):
    """Exporters in every state of a dependency and of the service."""
    yield exporter
    slow = {"interval": "20s", "timeout": "10s", "send": "x", "expect": "never"}
    with start({"dependencies": [{"name": "slow", "url": f"tcp://127.0.0.1:{peer.port}",
                                  **slow}]}) as unknown:
        yield unknown
    with start({"dependencies": [{"name": "late", "url": f"tcp://127.0.0.1:{peer.port}",
                                  "degraded_after": "1ns", **OFTEN}]}, NATIVE) as degraded:
        degraded.wait_for_state("late", "degraded")
        yield degraded


def test_openmetrics_is_valid_in_every_state_and_says_its_units(exporter, start, peer):
    for each in states(exporter, start, peer):
        text = each.get("/metrics", headers={"Accept": OPENMETRICS}).text
        families = {family.name: family for family
                    in openmetrics.text_string_to_metric_families(text)}
        for name, family in families.items():
            suffix = name.rpartition("_")[2]
            assert family.unit == (suffix if suffix in ("seconds", "bytes") else ""), name
        assert families[DURATION].unit == "seconds"
        assert families["process_cpu_seconds"].unit == "seconds"
        assert not any(sample.name.endswith("_created") for family in families.values()
                       for sample in family.samples)
        Metrics(each.get("/metrics").text)
        Page(each.get("/metrics", headers={"Accept": PROTOBUF}).body)


class Prometheus:
    """Debian's, with native histograms, which it asks for by protobuf."""

    def __init__(self, directory, target):
        program, = require("prometheus")
        self.port = free_port()
        (directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n"
            f"  - job_name: health\n    static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n",
            encoding="utf-8")
        self.log = directory / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={directory}/prometheus.yml",
                 "--enable-feature=native-histograms", f"--storage.tsdb.path={directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdout=log, stderr=log, cwd=directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def query(self, expression):
        """[(labels, value)]; [] while it starts."""
        url = (f"http://127.0.0.1:{self.port}/api/v1/query?"
               + urllib.parse.urlencode({"query": expression}))
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                return [(one["metric"], one.get("value", one.get("histogram"))[1])
                        for one in json.load(reply)["data"]["result"]]
        except OSError:
            return []

    def number(self, expression):
        """The one value; NaN while there is none."""
        result = self.query(expression)
        return float(result[0][1]) if len(result) == 1 else math.nan


def test_a_real_prometheus_answers_from_native_histograms(start, directory, peer):
    config = {"dependencies": [{"name": "good", "url": f"tcp://127.0.0.1:{peer.port}", **OFTEN},
                               {"name": "bad", "url": f"tcp://{faults.refused()}", **OFTEN}]}
    with start(config, NATIVE) as exporter, Prometheus(directory, exporter.endpoint.port) as server:
        wait_until(lambda: server.number("up") == 1, 20, "it was scraped")
        good = f'{DURATION}{{dependency="good"}}'
        wait_until(lambda: server.number(f"histogram_count({good})") >= 3, 20, "checks are seen")
        # It is native: the classic name has no series then.
        assert server.query(f"{DURATION}_bucket") == []
        quantile = server.number(f"histogram_quantile(0.9, {good})")
        assert 0 < quantile < 1
        mean = server.number(f"histogram_sum({good}) / histogram_count({good})")
        assert 0 < mean < 1
        wait_until(lambda: server.number(f"histogram_quantile(0.5, rate({good}[1m]))") > 0, 20,
                   "a rate has a quantile")
        assert server.number('health_check_status{dependency="bad"}') == 0
        assert server.query('dependency_check_failures_total{dependency="bad",reason="refused"}')
    warnings = [line for line in server.log.read_text(encoding="utf-8").splitlines()
                if "level=warn" in line and "SIGTERM" not in line]
    assert not warnings


def test_a_real_prometheus_takes_a_family_in_several_messages(start, directory, peer):
    names = [f"dependency_{i:04}" for i in range(3000)]
    config = {"dependencies": [{"name": name, "url": f"tcp://127.0.0.1:{peer.port}", **ONCE}
                               for name in names]}
    family = "dependency_check_failures_total"
    with start(config, NATIVE) as exporter, Prometheus(directory, exporter.endpoint.port) as server:
        page = page_of(exporter)
        assert page.messages[family] > 1
        wanted = sum(name == family for name, _ in page.samples)
        wait_until(lambda: server.number(f"count({family})") == wanted, 30, "all samples are there")
        assert server.number(f"count(count by (dependency) ({family}))") == len(names)
        wait_until(lambda: server.number(f"count(histogram_count({DURATION}))") == len(names), 20,
                   "all histograms are there")
        assert server.number("up") == 1
