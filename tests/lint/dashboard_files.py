# SPDX-License-Identifier: Apache-2.0
"""Reading dashboards: their panels, queries and variables, and the words of PromQL in them."""
import re

# What Grafana puts for its own variables, with a data source that is scraped each second.
GRAFANA = {"__rate_interval": "4s", "__interval": "1s", "__range": "60s", "__range_s": "60",
           "datasource": "prometheus"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
# A name, matchers, a range; or a call.
SELECTOR = re.compile(r"(?<![\w:$.\[])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\[[^\]]*\])?(\s*\()?")
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan",
         "group_left", "group_right"}


def panels(dashboard):
    """All panels, those in collapsed rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def queries(dashboard):
    """(panel, index of the target, expression)"""
    for panel in panels(dashboard):
        for index, target in enumerate(panel.get("targets", ())):
            yield panel, index, target["expr"]


def variables(dashboard):
    return {one["name"]: one for one in dashboard["templating"]["list"]}


def annotations(dashboard):
    """(name, expression) of those that ask Prometheus."""
    return [(one["name"], one["expr"]) for one in dashboard["annotations"]["list"]
            if "expr" in one]


def default(variable):
    """What Grafana puts for a variable that nobody has touched: of all values the allValue, or
    all of them as alternatives."""
    value = variable["current"].get("value", "")
    if value != ["$__all"]:
        return "|".join(value) if isinstance(value, list) else value
    named = [one["value"] for one in variable["options"] if one["value"] != "$__all"]
    return variable.get("allValue") or "(" + "|".join(named) + ")"


def substitute(expr, dashboard, **values):
    """The expression as Prometheus gets it. values: of variables, else their defaults."""
    known = {name: default(one) for name, one in variables(dashboard).items()}
    known = {**known, **GRAFANA, **values}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known[match.group(1)], expr)


class Selector:
    """One selector of an expression: the metric, its matchers, its range and what it stands in."""

    def __init__(self, metric, matchers, window, function):
        self.metric = metric
        self.matchers = matchers
        self.window = window
        self.function = function


def selectors(expr):
    # Texts become as many dots, so that nothing in them is taken for PromQL and places stay.
    blank = STRING.sub(lambda match: '"' + "." * (len(match.group()) - 2) + '"', expr)
    blank = GROUPING.sub(lambda match: " " * len(match.group()), blank)
    found = []
    for match in SELECTOR.finditer(outside_braces(blank)):
        metric, braces, window, call = match.groups()
        if call or metric in WORDS:
            continue
        before = re.search(r"(\w+)\s*\(\s*$", blank[:match.start()])
        found.append(Selector(metric, expr[slice(*match.span(2))] if braces else "",
                              window and window[1:-1], before and before.group(1)))
    return found


def outside_braces(text):
    """The same text with the words inside of braces and brackets blanked, the marks kept."""
    return re.sub(r"([{\[])([^}\]]*)", lambda match: match.group(1) + (
        match.group(2) if match.group(1) == "[" else "." * len(match.group(2))), text)
