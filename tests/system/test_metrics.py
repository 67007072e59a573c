# SPDX-License-Identifier: Apache-2.0
"""The metrics page: its families, its formats, and what Prometheus makes of it."""
import json
import ssl
import subprocess
import urllib.parse
import urllib.request

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from harness import faults
from harness.exporter import OFTEN, Exporter
from harness.metrics import Metrics
from harness.servers import require
from harness.waiting import free_port, wait_until

# What Prometheus 2.x sends, word by word.
ACCEPT = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          "application/openmetrics-text;version=0.0.1;q=0.5,"
          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
          "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")

FAMILIES = {
    "health_check_status": "gauge",
    "health_check_degraded": "gauge",
    "health_check_stale": "gauge",
    "health_check_last_result": "gauge",
    "health_check_duration_seconds": "histogram",
    "dependency_check_failures_total": "counter",
    "health_check_phase_duration_seconds": "gauge",
    "health_check_breaker_open": "gauge",
    "health_check_consecutive_failures": "gauge",
    "health_check_transitions_total": "counter",
    "health_check_skipped_total": "counter",
    "health_check_last_run_timestamp_seconds": "gauge",
    "health_check_last_success_timestamp_seconds": "gauge",
    "health_check_tls_certificate_expiry_timestamp_seconds": "gauge",
    "health_check_value": "gauge",
    "health_check_info": "gauge",
    "health_check_interval_seconds": "gauge",
    "health_check_timeout_seconds": "gauge",
    "health_service_live": "gauge",
    "health_service_ready": "gauge",
    "health_service_started": "gauge",
    "health_service_degraded": "gauge",
    "health_service_maintenance": "gauge",
    "health_exporter_build_info": "gauge",
    "health_exporter_shard_ordinal": "gauge",
    "health_exporter_total_shards": "gauge",
    "health_exporter_loop_lag_seconds": "histogram",
    "health_exporter_checks_in_flight": "gauge",
    "health_exporter_checks_queued": "gauge",
    "health_exporter_dependency_connections": "gauge",
    "health_exporter_http_requests_total": "counter",
    "health_exporter_http_connections": "gauge",
    "health_exporter_scrape_duration_seconds": "gauge",
    "health_exporter_scrape_bytes": "gauge",
    "health_exporter_scrape_sent_bytes": "gauge",
    "health_exporter_log_dropped_total": "counter",
    "process_cpu_seconds_total": "counter",
    "process_open_fds": "gauge",
    "process_max_fds": "gauge",
    "process_virtual_memory_bytes": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
    "process_threads": "gauge",
}
# A value that was not measured yet is absent: a zero there would lie.
ONCE_MEASURED = {
    "health_check_last_result", "health_check_phase_duration_seconds",
    "health_check_last_run_timestamp_seconds", "health_check_last_success_timestamp_seconds",
    "health_check_tls_certificate_expiry_timestamp_seconds", "health_check_value",
}


@pytest.fixture(scope="module")
def complete(new_directory, peer, authority):
    """An exporter that has measured all there is to measure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("metrics", "127.0.0.1"))
    secure = faults.FaultServer(faults.hang, tls=context)
    config = {"dependencies": [
        {"name": "tcp", "url": f"tcp://127.0.0.1:{peer.port}", **OFTEN},
        {"name": "host", "url": "memory:", **OFTEN},
        {"name": "tls", "url": f"tls://127.0.0.1:{secure.port}",
         "tls": {"ca_file": authority.ca_file}, **OFTEN}]}
    with Exporter(new_directory(), config) as exporter:
        for name in ("tcp", "host", "tls"):
            exporter.wait_for_state(name, "up")
        yield exporter
    secure.close()


def test_all_families_are_there_and_no_other(complete):
    types = complete.metrics().types
    for family, kind in FAMILIES.items():
        assert types.get(family) == kind, family
    unknown = {name for name in types if name not in FAMILIES
               and not name.startswith(("process_", "health_exporter_"))}
    assert not unknown


def test_all_series_exist_from_the_start(start, peer):
    slow = {"interval": "20s", "timeout": "10s", "send": "x", "expect": "never"}
    config = {"dependencies": [{"name": "slow", "url": f"tcp://127.0.0.1:{peer.port}", **slow}]}
    with start(config) as exporter:
        metrics = exporter.metrics()
    for family in set(FAMILIES) - ONCE_MEASURED:
        assert family in metrics.types, family
        if family.startswith(("health_check_", "dependency_")):
            name = family + "_count" if metrics.types[family] == "histogram" else family
            assert metrics.series(name, dependency="slow"), family
    reasons = {labels["reason"]: value for labels, value
               in metrics.series("dependency_check_failures_total", dependency="slow")}
    assert {"dns", "refused", "unreachable", "timeout", "closed", "internal"} <= set(reasons)
    assert set(reasons.values()) == {0}
    assert metrics.series("health_exporter_http_requests_total", route="/readyz", code="503")


def test_no_series_comes_or_goes_later(exporter):
    before = set(exporter.metrics().samples)
    exporter.get("/nothing-like-this")
    exporter.get("/livez")
    exporter.wait_for_checks(["good", "bad"], 2, 5)
    assert set(exporter.metrics().samples) == before


def test_values_agree_with_the_probe_endpoints(exporter):
    metrics = exporter.metrics()
    assert metrics.value("health_check_status", dependency="good") == 1
    assert metrics.value("health_check_status", dependency="bad") == 0
    assert metrics.value("health_check_last_result", dependency="good") == 1
    assert metrics.value("health_check_last_result", dependency="bad") == 0
    assert metrics.value("health_check_consecutive_failures", dependency="bad") > 0
    assert metrics.value("health_check_interval_seconds", dependency="good") == 0.5
    assert metrics.value("health_check_timeout_seconds", dependency="good") == 0.3
    assert metrics.value("health_service_live") == 1
    assert metrics.value("health_service_ready") == 1
    assert metrics.value("health_service_degraded") == 1
    info, = metrics.series("health_check_info", dependency="bad")
    assert info[0]["kind"] == "tcp" and info[0]["critical"] == "false"


def test_failures_are_counted_with_the_checks(exporter):
    exporter.wait_for_checks(["bad"], 2, 4)
    metrics = exporter.metrics()
    assert exporter.failures("bad", metrics) == {"refused": exporter.checks("bad", metrics)}


def test_requests_are_counted_by_route(exporter):
    def count():
        return exporter.metrics().value("health_exporter_http_requests_total", route="/livez",
                                        code="200")
    before = count()
    for path in ("/livez", "/healthz", "/health"):
        exporter.get(path)
    assert count() == before + 3


def test_the_text_format_is_the_default(exporter):
    for headers in ({}, *({"Accept": text} for text in
                          ("*/*", "text/html", "application/json", "", "garbage;;q=x,,"))):
        response = exporter.get("/metrics", headers=headers)
        assert response.status == 200
        content_type = response.headers["content-type"]
        assert content_type.startswith("text/plain; version=0.0.4; charset=utf-8"), headers
        Metrics(response.text)


def test_prometheus_own_accept_header_gets_openmetrics(complete):
    response = complete.get("/metrics", headers={"Accept": ACCEPT})
    assert response.headers["content-type"].startswith(
        "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert response.text.endswith("\n# EOF\n")
    families = {family.name: family for family
                in openmetrics.text_string_to_metric_families(response.text)}
    for name, kind in FAMILIES.items():
        family = families[name.removesuffix("_total") if kind == "counter" else name]
        assert family.type == kind


def test_both_formats_hold_the_same_samples(complete):
    text = complete.metrics()
    response = complete.get("/metrics", headers={"Accept": ACCEPT})
    names = {(sample.name, frozenset((k, canonical(k, v)) for k, v in sample.labels.items()))
             for family in openmetrics.text_string_to_metric_families(response.text)
             for sample in family.samples}
    assert names == {(name, frozenset((k, canonical(k, v)) for k, v in labels))
                     for name, labels in text.samples}


def canonical(label, value):
    return str(float(value)) if label == "le" else value


def test_promtool_finds_nothing_to_say(exporter):
    promtool, = require("promtool")
    result = subprocess.run([promtool, "check", "metrics"], input=exporter.get("/metrics").body,
                            capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_a_real_prometheus_scrapes_it(exporter, directory):
    prometheus, = require("prometheus")
    port = free_port()
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n"
        "  - job_name: health\n    static_configs:\n"
        f"      - targets: ['127.0.0.1:{exporter.endpoint.port}']\n", encoding="utf-8")
    with open(directory / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [prometheus, f"--config.file={directory}/prometheus.yml",
             f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log, cwd=directory)
    try:
        wait_until(lambda: query(port, "up") == [({"job": "health"}, 1)], 20, "it was scraped")
        assert query(port, 'health_check_status{dependency="good"}')[0][1] == 1
        assert query(port, 'health_check_status{dependency="bad"}')[0][1] == 0
        assert query(port, "histogram_quantile(0.9, health_check_duration_seconds_bucket)")
        assert query(port, 'dependency_check_failures_total{dependency="bad",reason="refused"}')
    finally:
        process.terminate()
        process.wait(timeout=20)


def query(port, expression):
    """[(labels without instance and name, value)] of an instant query; [] while it starts."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            result = json.load(reply)["data"]["result"]
    except OSError:
        return []
    return [(without(one["metric"], "instance", "__name__"), float(one["value"][1]))
            for one in result]


def without(labels, *names):
    return {name: text for name, text in labels.items() if name not in names}
