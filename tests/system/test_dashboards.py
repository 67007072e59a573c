# SPDX-License-Identifier: Apache-2.0
"""The dashboards ask a real Prometheus, which scrapes an exporter with dependencies in trouble."""
import json
import re
import ssl
import sys

import pytest

from harness import faults
from harness.exporter import OFTEN, ROOT, Exporter, run_program, write_config
from harness.prometheus import Prometheus
from harness.waiting import wait_until

sys.path.insert(0, str(ROOT / "tests/lint"))
from dashboard_files import annotations, panels, queries, substitute, variables  # noqa: E402

FILES = sorted((ROOT / "dashboards").glob("*.json"))
RANGE = 60
WINDOWS = 7  # that alerts/recording.yml has
# Panels and annotations that are rightly empty here.
EMPTY = {
    "Checks not run": "no check of this short run was skipped, and only what was is drawn",
    "Restarts": "the exporter did not restart",
    "Reloads": "the configuration was not read again",
    "Alerts": "the alerts are not loaded",
}


def complete(prometheus):
    """The slowest to come: each recorded window for all, and rates that need two scrapes."""
    recorded = prometheus.query(
        'count by (__name__) ({__name__=~"dependency:health_check_failures:ratio_rate.+"})')
    dependencies = prometheus.query("count(health_check_info)")
    return (len(recorded) == WINDOWS and
            {n for _, n in recorded} == {n for _, n in dependencies} and
            prometheus.query('increase(dependency_check_failures_total{reason="timeout"}[5m]) > 0')
            and prometheus.query("health_check_tls_certificate_expiry_timestamp_seconds") and
            prometheus.query("rate(health_exporter_http_requests_total[4s]) > 0"))


@pytest.fixture(scope="module")
def lost():
    """A peer that will go."""
    return faults.FaultServer(faults.hang)


@pytest.fixture(scope="module")
def settings(peer, lost, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("dashboards", "127.0.0.1"))
    secure = faults.FaultServer(faults.hang, tls=context)
    slow = faults.FaultServer(faults.drip(b"..x"))
    yield {"service": {"name": "checkout"}, "dependencies": [
        {"name": "good", "url": f"tcp://127.0.0.1:{peer.port}", **OFTEN},
        {"name": "slow", "url": f"tcp://127.0.0.1:{slow.port}", "send": "?", "expect": "x",
         "degraded_after": "20ms", "interval": "1s", "timeout": "900ms"},
        {"name": "refused", "url": f"tcp://{faults.refused()}", **OFTEN},
        {"name": "lost", "url": f"tcp://127.0.0.1:{lost.port}", **OFTEN},
        {"name": "hangs", "url": f"tcp://127.0.0.1:{peer.port}", "expect": "x", **OFTEN},
        {"name": "secure", "url": f"tls://127.0.0.1:{secure.port}",
         "tls": {"ca_file": authority.ca_file}, **OFTEN},
        {"name": "model", "url": "heartbeat:", "critical": False, **OFTEN},
        {"name": "disk", "url": "disk:/", **OFTEN}]}
    secure.close()
    slow.close()


@pytest.fixture(scope="module")
def prometheus(new_directory, settings, lost):
    rules = (ROOT / "alerts/recording.yml").read_text(encoding="utf-8")
    rules = re.sub(r"^ *interval: .*\n", "", rules, flags=re.MULTILINE)
    with Exporter(new_directory(), settings) as exporter:
        exporter.wait_for_state("lost", "up")
        lost.close()
        exporter.wait_for_state("lost", "down", "refused")
        exporter.wait_for_state("refused", "down")
        exporter.wait_for_state("slow", "degraded")
        with Prometheus(new_directory(), exporter.endpoint.port, rules=[rules]) as prometheus:
            wait_until(lambda: complete(prometheus), 30, "everything was measured", every=0.2)
            yield prometheus


@pytest.fixture(scope="module")
def printed(new_directory, settings):
    config = write_config(new_directory(), settings)
    done = run_program("--print-dashboard", f"--config.file={config}")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def ask(prometheus, dashboard, target, **values):
    expr = substitute(target["expr"], dashboard, **values)
    if target["instant"]:
        return prometheus.query(expr)
    return prometheus.query_range(expr, RANGE)


def panel(dashboard, title):
    return next(one for one in panels(dashboard) if one["title"] == title)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_finds_something(prometheus, path):
    dashboard = load(path)
    empty = [f"{one['title']}: {target['expr']}" for one in panels(dashboard)
             for target in one.get("targets", ())
             if not ask(prometheus, dashboard, target) and one["title"] not in EMPTY]
    empty += [f"{name}: {expr}" for name, expr in annotations(dashboard)
              if not prometheus.query_range(substitute(expr, dashboard), RANGE)
              and name not in EMPTY]
    assert not empty, "\n".join(empty)


def test_only_what_a_dashboard_has_is_excused():
    known = {name for path in FILES for name, _ in annotations(load(path))}
    known |= {one["title"] for path in FILES for one in panels(load(path))}
    assert EMPTY.keys() <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_variable_finds_its_values(prometheus, settings, path):
    dashboard = load(path)
    found = {}
    for name, one in variables(dashboard).items():
        if one["type"] == "query":
            asked = re.fullmatch(r"label_values\((.*), (\w+)\)", one["definition"])
            selector, label = asked.groups()
            found[name] = prometheus.label_values(label, substitute(selector, dashboard))
    assert found["job"] == ["health"]
    assert len(found["instance"]) == 1
    names = sorted(one["name"] for one in settings["dependencies"])
    assert found.get("dependency") in (None, names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_two_columns_of_a_table_keep_the_name_of_their_metric(prometheus, path):
    """Grafana joins rows by the labels that all have, and not those that differ in another."""
    dashboard = load(path)
    for one in panels(dashboard):
        if one["type"] == "table":
            named = [target["expr"] for target in one["targets"]
                     if any("__name__" in labels
                            for labels, _ in ask(prometheus, dashboard, target))]
            assert len(named) <= 1, f"{one['title']}: {named}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_empty_cell_does_not_say_what_an_empty_table_does(prometheus, path):
    dashboard = load(path)
    for one in panels(dashboard):
        if one["type"] != "table" or "noValue" not in one["fieldConfig"]["defaults"]:
            continue
        rows = {target["refId"]: len(ask(prometheus, dashboard, target))
                for target in one["targets"]}
        headings = one["transformations"][-1]["options"]["renameByName"]
        with_gaps = {headings.get(f"Value #{name}") for name, n in rows.items()
                     if n < max(rows.values())}
        own = {override["matcher"]["options"] for override in one["fieldConfig"]["overrides"]
               if any(part["id"] == "noValue" for part in override["properties"])}
        assert with_gaps <= own


def test_the_overview_shows_the_worst_first_and_says_why(prometheus):
    overview = load(ROOT / "dashboards/overview.json")
    tiles = ask(prometheus, overview, panel(overview, "Dependencies")["targets"][0])
    states = {labels["dependency"]: value for labels, value in tiles}
    assert states == {"refused": 0, "lost": 0, "hangs": 0, "model": 0, "slow": 2, "good": 3,
                      "secure": 3, "disk": 3}
    assert [value for _, value in tiles] == sorted(states.values())
    failing = panel(overview, "What fails, why, since when")["targets"]
    reasons = {labels["dependency"]: labels["reason"] for labels, _
               in ask(prometheus, overview, failing[1])}
    assert reasons == {"refused": "refused", "lost": "refused", "hangs": "timeout",
                       "model": "unavailable"}
    assert {labels["dependency"] for labels, _ in ask(prometheus, overview, failing[0])} == \
        {"refused", "lost", "hangs", "model"}
    since = ask(prometheus, overview, failing[2])
    assert [labels["dependency"] for labels, _ in since] == ["lost"]
    assert 0 < since[0][1] < RANGE


def test_the_numbers_at_the_top_count_the_trouble(prometheus):
    overview = load(ROOT / "dashboards/overview.json")
    found = {title: ask(prometheus, overview, panel(overview, title)["targets"][0])
             for title in ("Service", "Down", "Degraded", "Stale", "Exporters lost")}
    assert found == {"Service": [({}, 0)], "Down": [({}, 4)], "Degraded": [({}, 1)],
                     "Stale": [({}, 0)], "Exporters lost": [({}, 0)]}


def test_the_budget_of_what_never_works_is_overspent(prometheus):
    slo = load(ROOT / "dashboards/slo.json")
    left = {labels["dependency"]: value for labels, value
            in ask(prometheus, slo, panel(slo, "Error budget left")["targets"][0])}
    assert left["good"] == 1
    assert left["refused"] == pytest.approx(1 - 1 / (1 - 0.99))


# ---- made to measure ----

def test_the_printed_dashboard_has_a_section_for_each_dependency_in_order(printed, settings):
    names = [one["name"] for one in settings["dependencies"]]
    assert [one["title"] for one in printed["panels"] if one["type"] == "row"] == ["Now", *names]
    assert variables(printed)["dependency"]["query"] == ",".join(names)
    assert (printed["uid"], printed["title"]) == ("health-exporter-of-checkout",
                                                  "Health exporter / checkout")


def test_the_printed_latency_has_a_line_where_a_dependency_is_slow(printed):
    bounds = {}
    for row in printed["panels"]:
        for one in row.get("panels", ()):
            if one["title"] == "Latency":
                steps = one["fieldConfig"]["defaults"]["thresholds"]["steps"]
                bounds[row["title"]] = [step["value"] for step in steps]
    assert bounds.pop("slow") == [None, 0.02]
    assert set(map(tuple, bounds.values())) == {(None,)}


def test_every_query_of_the_printed_dashboard_finds_something(prometheus, printed):
    """In the section of at least one dependency: not all have a certificate, or values."""
    found = {}
    for one, index, _ in queries(printed):
        result = ask(prometheus, printed, one["targets"][index])
        found[one["title"], index] = found.get((one["title"], index)) or bool(result)
    assert [key for key, is_any in found.items() if not is_any and key[0] not in EMPTY] == []


def test_a_service_name_becomes_a_uid_that_grafana_takes(new_directory):
    names = ["Zahlung & Müll", "x" * 60, "Zahlung + Müll"]
    uids = []
    for name in names:
        config = {"service": {"name": name}, "dependencies": [{"name": "disk", "url": "disk:/"}]}
        done = run_program("--print-dashboard",
                           f"--config.file={write_config(new_directory(), config)}")
        dashboard = json.loads(done.stdout)
        uids.append(dashboard["uid"])
        assert dashboard["title"] == f"Health exporter / {name}"
    assert len(set(uids)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) for uid in uids), uids


def test_without_a_configuration_the_host_is_on_the_printed_dashboard():
    dashboard = json.loads(run_program("--print-dashboard").stdout)
    assert variables(dashboard)["dependency"]["query"] == "disk,memory"


def test_a_wrong_configuration_prints_no_dashboard(directory):
    config = write_config(directory, {"dependencies": [{"name": "a", "url": "nonsense://"}]})
    done = run_program("--print-dashboard", f"--config.file={config}")
    assert (done.returncode, done.stdout) == (2, "")
