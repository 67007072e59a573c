# SPDX-License-Identifier: Apache-2.0
"""--print-alert-rules: the rules follow the configuration. That they are good rules, and fire as
they should, is tests/lint/check_alerts."""
import pytest
import yaml

from harness.exporter import ROOT, run_program, write_config
from harness.secrets import secret

DOWN, FLAPPING, BURN, SLOW = ("DependencyDown", "DependencyFlapping", "DependencyErrorBudgetBurn",
                              "DependencySlow")


@pytest.fixture
def rules(directory):
    """The rules of one dependency, by alert and severity."""
    def make(**options):
        dependency = {"name": "cache", "url": "redis://127.0.0.1:1", **options}
        path = write_config(directory, {"dependencies": [dependency]})
        group, = printed(f"--config.file={path}")
        return {(rule["alert"], rule["labels"]["severity"]): rule for rule in group["rules"]}
    return make


def printed(*args):
    result = run_program("--print-alert-rules", *args)
    assert (result.returncode, result.stderr) == (0, "")
    return yaml.safe_load(result.stdout)["groups"]


def test_each_dependency_has_a_group_and_its_rules_read_no_other(directory):
    names = ["a", "no", "x" * 64]
    groups = printed(*(f"{name}=memory:" for name in names))
    assert [group["name"] for group in groups] == [f"health_exporter.dependencies.{name}"
                                                   for name in names]
    for name, group in zip(names, groups):
        for rule in group["rules"]:
            assert rule["labels"]["dependency"] == name
            assert f'{{dependency="{name}"' in rule["expr"]
            assert rule["expr"].count("dependency=") == rule["expr"].count(f'"{name}"')
            assert "dependency!=" not in rule["expr"]


def test_without_any_dependency_it_is_what_would_be_checked():
    assert [group["name"] for group in printed()] == ["health_exporter.dependencies.disk",
                                                      "health_exporter.dependencies.memory"]


@pytest.mark.parametrize("critical, severity", [(True, "critical"), (False, "warning")])
def test_severity_follows_critical(rules, critical, severity):
    assert [key for key in rules(critical=critical) if key[0] == DOWN] == [(DOWN, severity)]


@pytest.mark.parametrize("options, wait", [
    ({}, "1m"),
    ({"interval": "59s", "timeout": "1s"}, "1m"),
    ({"interval": "59s", "timeout": "1500ms"}, "1m1s"),
    ({"interval": "1h", "timeout": "10s"}, "1h10s"),
    ({"interval": "1h", "timeout": "10s", "failure_threshold": 2}, "1m")])
def test_where_one_failure_is_down_the_wait_holds_another_check(rules, options, wait):
    assert rules(**options)[DOWN, "critical"]["for"] == wait


@pytest.mark.parametrize("interval, span", [("10s", "30m"), ("90s", "30m"), ("2m", "40m")])
def test_flapping_looks_at_twenty_checks(rules, interval, span):
    rule = rules(interval=interval)[FLAPPING, "warning"]
    assert f"[{span}]" in rule["expr"]
    assert rule["annotations"]["description"].endswith(f"within {span}.")


@pytest.mark.parametrize("degraded_after, matcher, words", [
    ("1ms", 'le="0.001"', "0.001 s"), ("250ms", 'le="0.25"', "0.25 s"),
    ("251ms", 'le="0.5"', "0.5 s"), ("1s", 'le=~"1|1[.]0"', "1 s"), ("2s", 'le="2.5"', "2.5 s"),
    ("10s", 'le=~"10|10[.]0"', "10 s")])
def test_slow_is_the_bucket_of_degraded_after(rules, degraded_after, matcher, words):
    rule = rules(degraded_after=degraded_after, interval="30s")[SLOW, "warning"]
    assert rule["expr"].count(matcher) == rule["expr"].count("le=") == 3
    assert rule["annotations"]["description"].endswith(f"longer than {words}.")


@pytest.mark.parametrize("buckets, degraded_after, matcher, words", [
    (["1ms", "300ms", 2], "250ms", 'le="0.3"', "0.3 s"),
    (["1ms", "300ms", 2], "300ms", 'le="0.3"', "0.3 s"),
    (["1ms", "300ms", 2], "301ms", 'le=~"2|2[.]0"', "2 s"),
    (["1.234567ms", 1], "1ms", 'le="0.001234567"', "0.001234567 s")])
def test_slow_is_a_bucket_of_the_dependency_s_own(rules, buckets, degraded_after, matcher, words):
    rule = rules(buckets=buckets, degraded_after=degraded_after)[SLOW, "warning"]
    assert rule["expr"].count(matcher) == rule["expr"].count("le=") == 3
    assert rule["annotations"]["description"].endswith(f"longer than {words}.")


def test_slow_is_left_out_when_all_of_its_buckets_are_below(rules):
    assert (SLOW, "warning") not in rules(buckets=["1ms", "300ms"], degraded_after="301ms")


@pytest.mark.parametrize("options, absent", [
    ({}, {SLOW, "DependencyBreakerOpen", "DependencyCertificateExpiring"}),
    ({"url": "rediss://127.0.0.1:1", "breaker": {"failures": 5}, "degraded_after": "1s"}, set()),
    ({"url": "rediss://127.0.0.1:1", "breaker": {"failures": 5}, "degraded_after": "11s"}, {SLOW}),
    ({"url": "rediss://127.0.0.1:1", "breaker": {"failures": 5, "max_interval": "2h"},
      "degraded_after": "1s", "interval": "61s"}, {SLOW, (BURN, "critical")}),
    ({"url": "rediss://127.0.0.1:1", "breaker": {"failures": 5, "max_interval": "2h"},
      "degraded_after": "1s", "interval": "31m"}, {SLOW, BURN})])
def test_what_cannot_fire_is_left_out(rules, options, absent):
    every = {(rule["alert"], rule["labels"]["severity"]) for rule in every_rule()} - {
        (DOWN, "warning")}
    expected = {key for key in every if key[0] not in absent and key not in absent}
    assert set(rules(**options)) == expected


def every_rule():
    text = (ROOT / "alerts" / "dependencies.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["groups"][0]["rules"]


def test_a_wrong_configuration_prints_errors_and_no_rules(directory):
    path = write_config(directory, {"dependencies": [{"name": "a", "url": "memory:", "tpyo": 1}]})
    result = run_program("--print-alert-rules", f"--config.file={path}")
    assert (result.returncode, result.stdout) == (2, "")
    assert 'unknown option "tpyo"' in result.stderr


def test_no_secret_is_in_the_rules():
    result = run_program("--print-alert-rules", f"a=redis://:{secret('rules')}@127.0.0.1:1")
    assert result.returncode == 0
