# SPDX-License-Identifier: Apache-2.0
"""Processes that share one configuration: together they check all of it, and nothing twice."""
import collections
import contextlib
import json

import pytest
import yaml

from harness import faults
from harness.exporter import ROOT, Exporter, a_line_that_says, run_program, write_config
from harness.fake_http import answer
from harness.html import Page
from harness.openapi import Description
from harness.prometheus import Prometheus
from harness.waiting import wait_until

N_SHARDS = 3
N_DEPENDENCIES = 300
# Of three shards "search" is in 0, "orders" in 1, "database" and "cache" in 2.
ONE_OF_EACH = ("search", "orders", "database")


def sharing(ordinal, total=N_SHARDS):
    return [f"--shard={ordinal}", f"--total-shards={total}", "--web.enable-lifecycle"]


def named(host):
    """Starts a program on a host of this name."""
    return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host]


class Counting:
    """Counts the requests for each path."""

    def __init__(self):
        self.paths = collections.Counter()
        self.server = faults.FaultServer(self._behave)

    def _behave(self, connection):
        head = connection.receive_until(b"\r\n\r\n")
        self.paths[head.split()[1].decode()] += 1
        connection.send(answer())

    def dependency(self, name):
        """It is checked once, in the first round, and then not for the time of a test."""
        return {"name": name, "url": f"http://127.0.0.1:{self.server.port}/{name}",
                "interval": "10m", "timeout": "5s"}


@pytest.fixture(scope="module")
def counting():
    counting = Counting()
    yield counting
    counting.server.close()


class Sharded:
    """All shards of a configuration."""

    def __init__(self, new_directory, config):
        self._config = config
        self._directories = [new_directory("shard") for _ in range(N_SHARDS)]
        self.exporters = [Exporter(directory, config, sharing(i))
                          for i, directory in enumerate(self._directories)]

    def reload(self, config):
        """What each says of it."""
        said = []
        for directory, exporter in zip(self._directories, self.exporters):
            write_config(directory, config)
            response = exporter.get("/-/reload", method="POST")
            said.append((response.status, response.json()))
        return said

    def names(self):
        """By shard: the dependencies on its metrics page."""
        return [[labels["dependency"] for labels, _ in exporter.metrics().series(
            "health_check_status")] for exporter in self.exporters]

    def wait_for_first_round(self):
        for exporter in self.exporters:
            exporter.wait_for(lambda e=exporter: e.get("/startupz").status == 200, 10,
                              "the first round is done")


@contextlib.contextmanager
def all_shards(new_directory, config):
    sharded = Sharded(new_directory, config)
    with contextlib.ExitStack() as stack:
        for exporter in sharded.exporters:
            stack.enter_context(exporter)
        yield sharded


def heartbeats(*names, **rest):
    return {"dependencies": [{"name": name, "url": "heartbeat:"} for name in names], **rest}


# ---- what they check together ----

def test_each_dependency_is_checked_once_by_one_of_them(new_directory, counting):
    names = [f"service-{i}" for i in range(N_DEPENDENCIES)]
    config = {"dependencies": [counting.dependency(name) for name in names]}
    with all_shards(new_directory, config) as sharded:
        sharded.wait_for_first_round()
        found = sharded.names()
        pages = [exporter.metrics() for exporter in sharded.exporters]
    assert sorted(name for shard in found for name in shard) == sorted(names)
    assert all(N_DEPENDENCIES / N_SHARDS / 2 < len(shard) for shard in found), "unevenly shared"
    assert counting.paths == {f"/{name}": 1 for name in names}
    for ordinal, (page, shard) in enumerate(zip(pages, found)):
        assert page.value("health_exporter_shard_ordinal") == ordinal
        assert page.value("health_exporter_total_shards") == N_SHARDS
        assert page.value("health_service_ready") == 1
        assert shard == [name for name in names if name in shard], "in the configuration's order"


def test_a_reload_adds_to_one_of_them(new_directory):
    with all_shards(new_directory, heartbeats(*ONE_OF_EACH)) as sharded:
        assert sharded.names() == [["search"], ["orders"], ["database"]]
        said = sharded.reload(heartbeats("database", "cache", "search"))
        assert [status for status, _ in said] == [200] * N_SHARDS
        assert [(body["added"], body["removed"]) for _, body in said] == [
            ([], []), ([], ["orders"]), (["cache"], [])]
        assert sharded.names() == [["search"], [], ["database", "cache"]]


def test_an_error_anywhere_is_an_error_everywhere(new_directory):
    with all_shards(new_directory, heartbeats(*ONE_OF_EACH)) as sharded:
        wrong = heartbeats(*ONE_OF_EACH)
        wrong["dependencies"][2]["intervall"] = "10s"
        said = sharded.reload(wrong)
        assert [status for status, _ in said] == [500] * N_SHARDS
        assert sharded.names() == [["search"], ["orders"], ["database"]]


def test_startup_waits_for_its_own(new_directory):
    config = heartbeats(*ONE_OF_EACH, startup_requires=list(ONE_OF_EACH))
    with all_shards(new_directory, config) as sharded:
        first = sharded.exporters[0]
        response = first.get("/startupz")
        assert response.status == 503 and response.json()["waiting_for"] == ["search"]
        assert first.get("/-/heartbeat/search", method="PUT").status == 204
        first.wait_for(lambda: first.get("/startupz").status == 200, 5, "it has started")


def test_asked_for_anothers_it_says_whose(new_directory):
    with all_shards(new_directory, heartbeats(*ONE_OF_EACH)) as sharded:
        first = sharded.exporters[0]
        for path, method in (("/health/database", "GET"), ("/readyz/database?format=spring", "GET"),
                             ("/-/heartbeat/database", "PUT")):
            response = first.get(path, method=method)
            assert response.status == 404, path
            assert response.json() == {"error": 'no dependency named "database" in this shard, '
                                       "0 of 3: shard 2 is the one for that name"}
        assert sharded.exporters[2].get("/health/database").status == 503


def test_operators_are_told_which_one_they_look_at(new_directory):
    with all_shards(new_directory, heartbeats(*ONE_OF_EACH)) as sharded:
        for ordinal, exporter in enumerate(sharded.exporters):
            details = exporter.get("/health/detailed")
            assert details.json()["exporter"]["shard"] == {"ordinal": ordinal, "total": N_SHARDS}
            Description(exporter).check("/health/detailed", details)
            page = Page(exporter.get("/"))
            assert page.root.one("p", "counts").text.startswith(
                f"1 dependency in this shard, {ordinal} of {N_SHARDS}: ")


def missing_shard_rule():
    """What HealthExporterShardMissing looks for."""
    file = yaml.safe_load((ROOT / "alerts/exporter.yml").read_text(encoding="utf-8"))
    return next(rule["expr"] for group in file["groups"] for rule in group["rules"]
                if rule.get("alert") == "HealthExporterShardMissing")


def test_prometheus_misses_a_shard_that_is_gone(new_directory):
    rule = missing_shard_rule()
    with all_shards(new_directory, heartbeats(*ONE_OF_EACH)) as sharded:
        ports = [exporter.endpoint.port for exporter in sharded.exporters]
        with Prometheus(new_directory("prometheus"), *ports) as prometheus:
            wait_until(lambda: prometheus.query("count(health_exporter_total_shards) == 3"), 10,
                       "all shards are scraped")
            assert prometheus.query(rule) == []
            assert sorted(labels["dependency"] for labels, _ in prometheus.query(
                "health_check_status")) == sorted(ONE_OF_EACH)
            sharded.exporters[1].stop()
            found = wait_until(lambda: prometheus.query(rule), 10, "a shard is missing")
            assert found == [({"job": "health"}, N_SHARDS)]


# ---- which one it is ----

def test_a_stateful_set_names_the_shard(start):
    args = sharing("auto")
    with start(heartbeats(*ONE_OF_EACH), args, prefix=named("health-exporter-1")) as exporter:
        assert exporter.metrics().value("health_exporter_shard_ordinal") == 1
        assert [labels["dependency"] for labels, _ in exporter.metrics().series(
            "health_check_info")] == ["orders"]
        exporter.wait_for_line("checking one shard", "shard=1", "total_shards=3")


def test_by_itself_it_is_shard_0_of_1(start):
    with start(heartbeats(*ONE_OF_EACH)) as exporter:
        assert exporter.metrics().value("health_exporter_shard_ordinal") == 0
        assert exporter.metrics().value("health_exporter_total_shards") == 1


WRONG = {
    "no ordinal": (["--total-shards=3"], "--total-shards=3 needs --shard"),
    "ordinal too high": (["--shard=3", "--total-shards=3"], "shard 3: expected 0 to 2"),
    "ordinal alone": (["--shard=1"], "shard 1: expected 0 to 0"),
    "ordinal no number": (["--shard=first"], "--shard=first: expected a number from 0 to 1023, or "
                          "auto"),
    "ordinal negative": (["--shard=-1", "--total-shards=3"], "--shard=-1: expected a number"),
    "total zero": (["--shard=0", "--total-shards=0"], "--total-shards=0: expected a number from 1"),
    "total too high": (["--shard=0", "--total-shards=1025"], "expected a number from 1 to 1024"),
}


@pytest.mark.parametrize("command", ([], ["check"]), ids=("run", "check"))
@pytest.mark.parametrize("case", WRONG)
def test_wrong_flags_are_refused(command, case):
    flags, said = WRONG[case]
    result = run_program(*command, *flags, "memory=memory:")
    assert result.returncode == 2
    a_line_that_says(result.stderr, "health_exporter: error:", said)


@pytest.mark.parametrize("host, said", (
    ("web", "does not end in a number"),
    ("web-7", "shard 7, by this host's name: expected 0 to 2")))
def test_a_host_without_a_fitting_number_is_refused(host, said):
    result = run_program(*sharing("auto"), "memory=memory:", prefix=named(host))
    assert result.returncode == 2
    a_line_that_says(result.stderr, "health_exporter: error: shard", said)


def test_check_checks_one_shard():
    arguments = [f"{name}=memory:" for name in ONE_OF_EACH]
    result = run_program("check", "--format=json", "--shard=1", "--total-shards=3", *arguments)
    assert result.returncode == 0
    assert list(json.loads(result.stdout)["checks"]) == ["orders"]


def test_rules_are_printed_for_all_shards():
    arguments = [f"{name}=memory:" for name in ONE_OF_EACH]
    alone = run_program("--print-alert-rules", *arguments)
    shard = run_program("--print-alert-rules", "--shard=1", "--total-shards=3", *arguments)
    assert shard.returncode == 0 and shard.stdout == alone.stdout
