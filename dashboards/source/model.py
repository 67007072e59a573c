# SPDX-License-Identifier: Apache-2.0
"""Grafana's classic dashboard model, as far as these dashboards need it.

What all dashboards share stands here once: variables, links, annotations, the selector that every
query has, the colours of states. Panels are placed by their order: a row of panels is as high as
they are, and 24 columns wide.
"""
SCHEMA_VERSION = 42
TAG = "health-exporter"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# What every selector has, and what those of a dependency have.
EXPORTER = 'job=~"$job",instance=~"$instance"'
DEPENDENCY = EXPORTER + ',dependency=~"$dependency"'

GREEN, YELLOW, ORANGE, RED, BLUE, GREY, PURPLE = (
    "green", "yellow", "orange", "red", "blue", "text", "purple")

# One number for the four states, worst first, so that sorting shows trouble on top.
STATE = ("3 * health_check_status{%(d)s} - health_check_degraded{%(d)s} "
         "+ health_check_stale{%(d)s}" % {"d": DEPENDENCY})
STATES = {"0": ("DOWN", RED), "1": ("STALE", PURPLE), "2": ("DEGRADED", ORANGE), "3": ("UP", GREEN)}
# blocked, stale and internal mean "unknown", never that the dependency failed.
OWN_TROUBLE = 'reason!~"blocked|stale|internal"'


# ---- values ----

def value_map(words):
    """{"0": ("DOWN", "red")} as a mapping of values to texts."""
    return [{"type": "value", "options": {
        value: {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(words.items())}}]


def steps(first, *more):
    """A colour, then (bound, colour) from which on others hold."""
    return {"mode": "absolute", "steps": [{"color": first, "value": None}] + [
        {"color": colour, "value": bound} for bound, colour in more]}


def override(field, **properties):
    """Properties of one field; dots in their names are written as __."""
    return {"matcher": {"id": "byName", "options": field}, "properties": [
        {"id": name.replace("__", "."), "value": value} for name, value in properties.items()]}


# ---- queries ----

def query(expr, legend="", *, at="range", form="time_series"):
    """A query over the range, or at its end (at="instant")."""
    return {"datasource": DATASOURCE, "editorMode": "code", "exemplar": False, "expr": expr,
            "format": form, "instant": at == "instant", "legendFormat": legend or "__auto",
            "range": at == "range"}


def now(expr, legend=""):
    return query(expr, legend, at="instant")


def cells(expr):
    """A query that becomes columns of a table."""
    return query(expr, at="instant", form="table")


# ---- panels ----

def panel(kind, title, description, width, height, queries, *, unit=None, mappings=(),
          thresholds=None, overrides=(), options=None, custom=None, color=None, **defaults):
    """A panel without its place and id."""
    field = {"color": color or {"mode": "thresholds"}, "mappings": list(mappings),
             "thresholds": thresholds or steps(GREEN), **defaults}
    if unit:
        field["unit"] = unit
    if custom:
        field["custom"] = custom
    targets = [{**one, "refId": chr(ord("A") + number)} for number, one in enumerate(queries)]
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "gridPos": {"w": width, "h": height}, "targets": targets, "options": options or {},
            "fieldConfig": {"defaults": field, "overrides": list(overrides)}}


def stat(title, description, width, height, queries, *, colour_mode="background_solid",
         text_mode="value", calc="lastNotNull", orientation="auto", graph="none", **more):
    options = {"colorMode": colour_mode, "graphMode": graph, "justifyMode": "center",
               "orientation": orientation, "textMode": text_mode, "wideLayout": False,
               "reduceOptions": {"calcs": [calc], "fields": "", "values": False}}
    return panel("stat", title, description, width, height, queries, options=options, **more)


def lines(title, description, width, height, queries, *, stack=False, bars=False, fill=0,
          threshold_style="off", calcs=("lastNotNull", "max"), legend="table", place="bottom",
          log=False, **more):
    custom = {"drawStyle": "bars" if bars else "line", "lineWidth": 0 if bars or stack else 2,
              "fillOpacity": 80 if bars or stack else fill, "showPoints": "never",
              "lineInterpolation": "linear", "spanNulls": False, "gradientMode": "none",
              "axisSoftMin": 0, "stacking": {"mode": "normal" if stack else "none", "group": "A"},
              "thresholdsStyle": {"mode": threshold_style},
              "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"}}
    options = {"legend": {"calcs": list(calcs), "placement": place, "sortBy": "Max", "sortDesc": True,
                          "displayMode": legend or "list", "showLegend": legend is not None},
               "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": True}}
    return panel("timeseries", title, description, width, height, queries, options=options,
                 custom=custom, color={"mode": "palette-classic"}, **more)


def timeline(title, description, width, height, queries, **more):
    return panel("state-timeline", title, description, width, height, queries,
                 custom={"fillOpacity": 85, "lineWidth": 0, "spanNulls": False},
                 options={"alignValue": "center", "mergeValues": True, "rowHeight": 0.85,
                          "showValue": "auto", "perPage": 20,
                          "legend": {"displayMode": "list", "placement": "bottom",
                                     "showLegend": True},
                          "tooltip": {"mode": "single", "sort": "none"}}, **more)


def heatmap(title, description, width, height, queries, *, unit, scheme="Oranges"):
    options = {"calculate": False, "cellGap": 1, "cellValues": {"unit": "short"},
               "color": {"mode": "scheme", "scheme": scheme, "scale": "exponential",
                         "exponent": 0.5, "steps": 64, "reverse": False, "fill": "dark-orange"},
               "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-9},
               "legend": {"show": True}, "rowsFrame": {"layout": "auto"},
               "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": False},
               "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit}}
    return panel("heatmap", title, description, width, height, queries, unit=unit, options=options)


def table(title, description, width, height, queries, *, columns, sort=(), overrides=(), **more):
    """Instant queries joined by their labels. columns: {field: heading}, in order; all others are
    hidden, and a value that some query left out stays empty. No two queries may keep the name of
    their metric, or Grafana would not join their rows: `0 + ` drops it."""
    names = {field: heading for field, heading in columns.items() if field != heading}
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
        {"id": "organize", "options": {
            "excludeByName": {}, "renameByName": names,
            "indexByName": {field: index for index, field in enumerate(columns)}}}]
    options = {"cellHeight": "sm", "showHeader": True,
               "sortBy": [{"displayName": name, "desc": desc} for name, desc in sort]}
    made = panel("table", title, description, width, height, queries, options=options,
                 **{"unit": "none", **more},
                 overrides=overrides, custom={"align": "auto", "cellOptions": {"type": "auto"},
                                              "filterable": True})
    return {**made, "transformations": transformations}


def state_cell():
    return {"mappings": value_map(STATES), "custom__width": 110, "custom__align": "center",
            "custom__cellOptions": {"type": "color-background", "mode": "basic"}}


def link(title, uid, **variables):
    """A link to another dashboard in the same time range; variables: field of the same row, or a
    text with Grafana's own words."""
    parts = ["${datasource:queryparam}", "${__url_time_range}"]
    parts += [f"var-{name}={value}" for name, value in variables.items()]
    return {"title": title, "url": f"/d/{uid}?" + "&".join(parts), "targetBlank": False}


def row(title, repeat=None):
    made = {"type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"w": 24, "h": 1}}
    return {**made, "repeat": repeat} if repeat else made


def place(panels):
    """Gives each panel its id and its place: left to right, then the next line."""
    x = y = height = 0
    for number, one in enumerate(panels, 1):
        grid = one["gridPos"]
        if x + grid["w"] > 24:
            x, y, height = 0, y + height, 0
        one["id"] = number
        one["gridPos"] = {"h": grid["h"], "w": grid["w"], "x": x, "y": y}
        x, height = x + grid["w"], max(height, grid["h"])
    return panels


# ---- the dashboard ----

def variable(name, label, expr, description):
    return {"type": "query", "name": name, "label": label, "description": description,
            "datasource": DATASOURCE, "definition": expr, "query": {"query": expr, "refId": name},
            "multi": True, "includeAll": True, "allValue": ".+", "refresh": 2, "regex": "",
            "sort": 1, "hide": 0, "skipUrlSync": False, "options": [],
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}


def choice(name, label, description, values, default):
    """A variable with fixed values: {text: value}."""
    options = [{"text": text, "value": value, "selected": text == default}
               for text, value in values.items()]
    return {"type": "custom", "name": name, "label": label, "description": description,
            "query": ", ".join(f"{text} : {value}" for text, value in values.items()),
            "multi": False, "includeAll": False, "hide": 0, "skipUrlSync": False,
            "options": options, "current": next(one for one in options if one["selected"])}


def datasource():
    return {"type": "datasource", "name": "datasource", "label": "Data source",
            "description": "The Prometheus that scrapes health_exporter", "query": "prometheus",
            "multi": False, "includeAll": False, "refresh": 1, "regex": "", "hide": 0,
            "skipUrlSync": False, "options": [], "current": {}}


JOB = variable("job", "job", "label_values(health_exporter_build_info, job)",
               "Scrape jobs that have a health_exporter")
INSTANCE = variable("instance", "instance",
                    'label_values(health_exporter_build_info{job=~"$job"}, instance)',
                    "Exporters of the job")
DEPENDENCIES = variable("dependency", "dependency",
                        "label_values(health_check_status{%s}, dependency)" % EXPORTER,
                        "Dependencies that these exporters check")


def annotation(name, colour, expr, title, *, text="", enable=True, tags="instance"):
    return {"name": name, "datasource": DATASOURCE, "enable": enable, "hide": False,
            "iconColor": colour, "expr": expr, "step": "1m", "titleFormat": title,
            "textFormat": text, "tagKeys": tags, "useValueForTime": False}


ANNOTATIONS = [
    {"builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard", "enable": True,
     "hide": True, "iconColor": "rgba(0, 211, 255, 1)",
     "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
    annotation("Restarts", BLUE, "changes(process_start_time_seconds{%s}[2m]) > 0" % EXPORTER,
               "health_exporter restarted"),
    annotation("Reloads", PURPLE, "changes(health_exporter_config_last_reload_success_timestamp_"
               "seconds{%s}[2m]) > 0" % EXPORTER, "Configuration reloaded"),
    annotation("Alerts", RED, 'ALERTS{%s,alertstate="firing"}' % EXPORTER, "{{alertname}}",
               text="{{dependency}}", enable=False, tags="severity,dependency,instance"),
]


def dashboard(uid, title, description, panels, *, variables, time_from="now-1h"):
    return {
        "uid": uid, "title": title, "description": description, "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION, "version": 1, "editable": False, "timezone": "browser",
        "refresh": "30s", "time": {"from": time_from, "to": "now"}, "graphTooltip": 1,
        "fiscalYearStartMonth": 0, "weekStart": "", "liveNow": False, "preload": False,
        "links": [{"type": "dashboards", "title": "Health exporter", "tags": [TAG],
                   "asDropdown": True, "includeVars": True, "keepTime": True,
                   "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}],
        "timepicker": {}, "annotations": {"list": ANNOTATIONS},
        "templating": {"list": [datasource(), JOB, INSTANCE, *variables]},
        "panels": place(panels), "__inputs": [], "__requires": requirements(panels)}


def requirements(panels):
    """What the site for published dashboards wants to be told."""
    kinds = sorted({one["type"] for one in panels} - {"row"})
    return [{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.0.0"},
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
            *({"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds)]
