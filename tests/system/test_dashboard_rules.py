# SPDX-License-Identifier: Apache-2.0
"""Each rule of tests/lint/check_dashboards finds what it is there for: a good dashboard is spoilt
in one way, and that rule, and no other, complains."""
import copy
import json
import sys

import pytest

from harness.exporter import ROOT

sys.path.insert(0, str(ROOT / "tests/lint"))
from dashboard_files import panels, selectors, variables  # noqa: E402
from dashboard_rules import LINTER_RULES, OWN_RULES, name_of  # noqa: E402

GOOD = json.loads((ROOT / "dashboards/exporter.json").read_text(encoding="utf-8"))
UNITS = set((ROOT / "tests/lint/grafana_units.txt").read_text(encoding="utf-8").split())
METRICS = {one.metric for panel in panels(GOOD) for target in panel.get("targets", ())
           for one in selectors(target["expr"])} | {"ALERTS"}


def panel(dashboard, title="Loop lag"):
    return next(one for one in panels(dashboard) if one["title"] == title)


def ask(dashboard, old, new):
    for one in panels(dashboard):
        for target in one.get("targets", ()):
            target["expr"] = target["expr"].replace(old, new)


SPOILT = {
    "template-datasource-rule": lambda d: d["templating"]["list"].pop(0),
    "template-job-rule": lambda d: variables(d)["job"].update(allValue=".*"),
    "template-instance-rule": lambda d: variables(d)["instance"].update(multi=False),
    "template-label-promql-rule": lambda d: variables(d)["job"]["query"].update(
        query="query_result(up)"),
    "template-on-time-change-reload-rule": lambda d: variables(d)["job"].update(refresh=1),
    "panel-datasource-rule": lambda d: panel(d)["datasource"].update(uid="prometheus"),
    "panel-title-description-rule": lambda d: panel(d).pop("description"),
    "panel-units-rule": lambda d: panel(d)["fieldConfig"]["defaults"].update(unit="seconds"),
    "panel-no-targets-rule": lambda d: panel(d).update(targets=[]),
    "target-rate-interval-rule": lambda d: ask(d, "[$__rate_interval]", "[5m]"),
    "target-job-rule": lambda d: ask(d, 'job=~"$job",', ""),
    "target-instance-rule": lambda d: ask(d, 'instance=~"$instance"', 'instance="a"'),
    "target-counter-agg-rule": lambda d: ask(d, "(rate(process_cpu_", "(deriv(process_cpu_"),
    "uneditable-dashboard-rule": lambda d: d.update(editable=True),
    "identity-rule": lambda d: panel(d).update(id=1),
    "layout-rule": lambda d: panel(d)["gridPos"].update(w=13),
    "panel-types-rule": lambda d: panel(d).update(type="graph"),
    "metrics-exist-rule": lambda d: ask(d, "process_threads", "process_thread"),
}


def complaints(dashboard):
    facts = {"panel_units": {"units": UNITS}, "metrics_exist": {"metrics": METRICS}}
    return {name_of(rule) for rule in (*LINTER_RULES, *OWN_RULES)
            if list(rule(dashboard, **facts.get(rule.__name__, {})))}


def test_a_good_dashboard_is_good():
    assert complaints(GOOD) == set()


@pytest.mark.parametrize("rule", SPOILT)
def test_a_rule_finds_what_it_is_for(rule):
    dashboard = copy.deepcopy(GOOD)
    SPOILT[rule](dashboard)
    assert complaints(dashboard) == {rule}


def test_every_rule_that_needs_no_promtool_is_tried():
    names = {name_of(rule) for rule in (*LINTER_RULES, *OWN_RULES)}
    assert names - SPOILT.keys() == {"target-promql-rule"}


@pytest.mark.parametrize("expr, expected", [
    ('sum by (job) (rate(a_total{x="b{c}"}[$__rate_interval])) > 0',
     [("a_total", '{x="b{c}"}', "$__rate_interval", "rate")]),
    ("a - on (instance) group_left (b) c offset 5m",
     [("a", "", None, None), ("c", "", None, None)]),
    ("time() - max_over_time(a:b:c{d=~\"$e\"}[$__range:1m])",
     [("a:b:c", '{d=~"$e"}', "$__range:1m", "max_over_time")]),
])
def test_selectors_are_found(expr, expected):
    assert [(one.metric, one.matchers, one.window, one.function)
            for one in selectors(expr)] == expected
