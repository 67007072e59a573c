# SPDX-License-Identifier: Apache-2.0
"""The rules of grafana/dashboard-linter for Prometheus, and what else makes a dashboard importable.

Each rule yields what is wrong: (rule, panel title or "", index of the target or None, text). What
may be excepted is written to dashboards/.lint, as that linter reads it.
"""
import itertools
import re

from dashboard_files import annotations, panels, queries, selectors, variables

DATASOURCE = {"$datasource", "${datasource}"}
SHOWN = {"stat", "table", "timeseries", "gauge", "bargauge"}
RATES = {"rate", "irate", "increase"}
DEPRECATED = {"graph", "singlestat", "table-old"}


# ---- variables ----

def template_datasource(dashboard):
    found = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    if len(found) != 1:
        yield "", None, "there must be exactly one data source variable"
    for one in found:
        if (one["name"], one["label"], one["query"]) != ("datasource", "Data source", "prometheus"):
            yield "", None, "the data source variable must be datasource, Data source, prometheus"


def _template(dashboard, name):
    one = variables(dashboard).get(name)
    if one is None:
        return [("", None, f"there is no variable {name}")]
    wrong = [key for key, value in {"label": name, "type": "query", "multi": True,
                                    "includeAll": True, "allValue": ".+"}.items()
             if one.get(key) != value]
    wrong += [] if one.get("datasource", {}).get("uid") in DATASOURCE else ["datasource"]
    return [("", None, f"variable {name}: {key} is {one.get(key)!r}") for key in wrong]


def template_job(dashboard):
    return _template(dashboard, "job")


def template_instance(dashboard):
    return _template(dashboard, "instance")


def template_label_promql(dashboard):
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query" and not re.fullmatch(
                r"label_values\([a-z_]+(\{[^}]*\})?, \w+\)", one["query"]["query"]):
            yield "", None, f"variable {one['name']}: not label_values(selector, label)"


def template_on_time_change_reload(dashboard):
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query" and one["refresh"] != 2:
            yield "", None, f"variable {one['name']}: refresh must be 2, on change of the time"


# ---- panels ----

def panel_datasource(dashboard):
    for panel in panels(dashboard):
        sources = [panel, *panel.get("targets", ())] if panel["type"] != "row" else ()
        if any(one.get("datasource", {}).get("uid") not in DATASOURCE for one in sources):
            yield panel["title"], None, "the data source is not ${datasource}"


def panel_title_description(dashboard):
    for panel in panels(dashboard):
        if panel["type"] != "row" and not (panel.get("title") and panel.get("description")):
            yield panel.get("title", ""), None, "title or description is missing"


def panel_units(dashboard, units=frozenset()):
    for panel in panels(dashboard):
        if panel["type"] == "row":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        given = [one["value"] for change in panel["fieldConfig"]["overrides"]
                 for one in change["properties"] if one["id"] == "unit"]
        given += [defaults["unit"]] if "unit" in defaults else []
        if panel["type"] in SHOWN and "unit" not in defaults and not defaults["mappings"]:
            yield panel["title"], None, "there is no unit"
        for unit in set(given) - units:
            yield panel["title"], None, f"Grafana has no unit {unit!r}"


def panel_no_targets(dashboard):
    for panel in panels(dashboard):
        if panel["type"] != "row" and not panel.get("targets"):
            yield panel["title"], None, "there is no query"


# ---- queries ----

def target_promql(dashboard, parse=None):
    for panel, index, expr in queries(dashboard):
        problem = parse(expr, dashboard) if parse else None
        if problem:
            yield panel["title"], index, problem


def target_rate_interval(dashboard):
    for panel, index, expr in queries(dashboard):
        for one in selectors(expr):
            if one.function in RATES and one.window != "$__rate_interval":
                yield panel["title"], index, f"{one.function}({one.metric}[{one.window}])"


def _target_label(dashboard, label):
    for panel, index, expr in queries(dashboard):
        for one in selectors(expr):
            if f'{label}=~"${label}"' not in one.matchers:
                yield panel["title"], index, f"{one.metric}: no {label}=~\"${label}\""


def target_job(dashboard):
    return _target_label(dashboard, "job")


def target_instance(dashboard):
    return _target_label(dashboard, "instance")


def target_counter_agg(dashboard):
    for panel, index, expr in queries(dashboard):
        for one in selectors(expr):
            if one.metric.endswith("_total") and one.function not in RATES:
                yield panel["title"], index, f"{one.metric} is a counter, but stands in no rate"


def uneditable_dashboard(dashboard):
    if dashboard["editable"]:
        yield "", None, "it is editable"


# ---- what that linter does not look at ----

def identity(dashboard):
    if dashboard.get("id") is not None:
        yield "", None, "id must be left to Grafana"
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", dashboard["uid"]):
        yield "", None, f"the uid {dashboard['uid']!r} is not short and plain"
    if dashboard["schemaVersion"] != 42:
        yield "", None, "schemaVersion is not 42"
    if dashboard.get("__inputs"):
        yield "", None, "__inputs are only resolved by the import dialogue"
    for name in ("description", "links", "refresh", "tags", "time"):
        if not dashboard.get(name):
            yield "", None, f"{name} is missing"
    numbers = [panel["id"] for panel in panels(dashboard)]
    for number in {one for one in numbers if numbers.count(one) > 1 or one < 1}:
        yield "", None, f"the panel id {number} is not unique"


def layout(dashboard):
    """Nothing lies on another, and nothing sticks out."""
    for group in (dashboard["panels"], *(one.get("panels", ()) for one in dashboard["panels"])):
        for one in group:
            grid = one["gridPos"]
            if grid["x"] < 0 or grid["y"] < 0 or grid["x"] + grid["w"] > 24 or grid["h"] < 1:
                yield one["title"], None, "it sticks out of the 24 columns"
        for one, other in itertools.combinations(group, 2):
            if overlap(one["gridPos"], other["gridPos"]):
                yield one["title"], None, f"it lies on {other['title']!r}"


def overlap(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and
            a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def panel_types(dashboard):
    for panel in panels(dashboard):
        if panel["type"] in DEPRECATED:
            yield panel["title"], None, f"{panel['type']} is deprecated"
        letters = [one["refId"] for one in panel.get("targets", ())]
        if len(set(letters)) != len(letters):
            yield panel["title"], None, "a refId occurs twice"


def metrics_exist(dashboard, metrics=frozenset()):
    asked = [(panel["title"], index, expr) for panel, index, expr in queries(dashboard)]
    asked += [(name, None, expr) for name, expr in annotations(dashboard)]
    asked += [(one["name"], None, re.sub(r"^label_values\((.*), \w+\)$", r"\1",
                                         one["query"]["query"]))
              for one in dashboard["templating"]["list"] if one["type"] == "query"]
    for title, index, expr in asked:
        for one in selectors(expr):
            if one.metric not in metrics:
                yield title, index, f"no such metric: {one.metric}"


LINTER_RULES = (
    template_datasource, template_job, template_instance, template_label_promql,
    template_on_time_change_reload, panel_datasource, panel_title_description, panel_units,
    panel_no_targets, target_promql, target_rate_interval, target_job, target_instance,
    target_counter_agg, uneditable_dashboard)
OWN_RULES = (identity, layout, panel_types, metrics_exist)


def name_of(rule):
    return rule.__name__.replace("_", "-") + "-rule"
