# SPDX-License-Identifier: Apache-2.0
"""The template of --print-dashboard: the top of the overview, and the section of a dependency.

What the program fills in stands between @ signs, and the section, once for each dependency, between
lines @begin@ and @end@. src/cli/print_dashboard.c knows the fields.
"""
import json
import re

import dependency
import overview
from model import dashboard, place, requirements


def fixed_variable():
    """The dependencies of the configuration, in its order: no query has to find them."""
    return {"type": "custom", "name": "dependency", "label": "dependency",
            "description": "Dependencies of the configuration", "query": "@names@", "multi": True,
            "includeAll": True, "hide": 0, "skipUrlSync": False, "options": "@options@",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}


def numbered(panels):
    """Placed panels, with the id and the line left to the program."""
    for one in place(panels):
        one["id"] = "@id@"
        one["gridPos"]["y"] = "@y %d@" % one["gridPos"]["y"]
    return panels


def section():
    """A collapsed row: Grafana runs its queries when it is opened."""
    row, *panels = numbered(dependency.section())
    for one in panels:
        if one["title"] == "Latency":
            one["fieldConfig"]["defaults"]["thresholds"]["steps"] = "@latency_steps@"
    row.pop("repeat")
    return row | {"collapsed": True, "panels": panels}


def height(panels):
    return max(one["gridPos"]["h"] + int(one["gridPos"]["y"][3:-1]) for one in panels)


def lines(value, depth):
    """The value as lines of JSON, at this depth of a document; fields lose their quotes where they
    are a value."""
    for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
        for field in ("@id@", "@names@", "@options@", "@uid@", "@title@", "@latency_steps@"):
            line = line.replace(f'"{field}"', field)
        yield "  " * depth + re.sub(r'"(@y \d+@)"', r"\1", line)


def text():
    top = numbered(overview.top())
    page = dashboard("@uid@", "@title@", "What the configuration names: state, history, and each "
                     "dependency in full.", [], variables=[fixed_variable()])
    page["panels"] = ["@panels@"]
    page["__requires"] = requirements([*top, *dependency.section()])
    whole = list(lines(page, 0))
    middle = next(number for number, line in enumerate(whole) if "@panels@" in line)
    # No comma behind the last panel: each section begins with one.
    above = "\n},\n".join("\n".join([*lines(one, 2)][:-1]) for one in top).split("\n")
    named = [line.replace("$dependency", "@name@") for line in lines(section(), 2)]
    return "\n".join([*whole[:middle], *above, "    }", "@begin %d@" % height(top), "    ,",
                      *named, "@end@", *whole[middle + 1:]]) + "\n"
