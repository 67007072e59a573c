# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus and a real Alertmanager with the rules and routes of alerts/, in a hurry.

What takes minutes there takes seconds here: every duration of the rules is divided by the same
number when they are copied, and nothing else about them is changed.
"""
import http.server
import json
import re
import threading
import urllib.parse

import yaml

from harness.client import Endpoint
from harness.exporter import ROOT
from harness.servers import Server, require
from harness.waiting import free_port

ALERTS = ROOT / "alerts"
HURRY = 40  # two minutes are three seconds: three scrapes
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def shortened(duration):
    seconds = sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", duration))
    return f"{max(1, round(seconds / HURRY))}s"


def shortened_rules(path):
    """The groups of a rule file, `for`, `keep_firing_for`, intervals and ranges shortened."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in groups["groups"]:
        for part in (group, *group["rules"]):
            for key in ("interval", "for", "keep_firing_for"):
                if key in part:
                    part[key] = shortened(part[key])
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"(?<=\[)\w+(?=\])", lambda m: shortened(m[0]), rule["expr"])
    return groups


class Prometheus(Server):
    """Scrapes one exporter each second, and tells an Alertmanager."""

    def __init__(self, directory, exporter_port, alertmanager_port):
        super().__init__("prometheus", directory)
        self._program, = require("prometheus")
        for path in ALERTS.glob("*.yml"):
            rules = yaml.safe_dump(shortened_rules(path))
            (self.directory / f"rules-{path.name}").write_text(rules, encoding="utf-8")
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules-*.yml"],
            "alerting": {"alertmanagers": [
                {"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]},
            "scrape_configs": [{"job_name": "health_exporter", "static_configs": [
                {"targets": [f"127.0.0.1:{exporter_port}"]}]}]}
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def _command(self):
        return [self._program, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
                "--rules.alert.resend-delay=1s"]

    def _is_ready(self):
        return _answers(self.port, "/-/ready")

    def query(self, promql):
        """What an instant query finds now: [] for nothing."""
        path = f"/api/v1/query?query={urllib.parse.quote(promql)}"
        return Endpoint(self.port).request(path).json()["data"]["result"]

    def firing(self):
        """Names of the alerts that fire."""
        alerts = Endpoint(self.port).request("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def broken_rules(self):
        """What went wrong in the last evaluation of any rule."""
        groups = Endpoint(self.port).request("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["health"] == "err"]


class Alertmanager(Server):
    """With the routes and inhibitions of alerts/; all receivers are one webhook's paths."""

    def __init__(self, directory, webhook_port):
        super().__init__("alertmanager", directory)
        self._program, = require("prometheus-alertmanager")
        path = ALERTS / "alertmanager" / "alertmanager.yml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["route"].update(group_wait="1s", group_interval="1s")
        for receiver in config["receivers"]:
            for webhook in receiver.get("webhook_configs", ()):
                webhook["url"] = f"http://127.0.0.1:{webhook_port}/{receiver['name']}"
        (self.directory / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def _command(self):
        return [self._program, "--config.file=alertmanager.yml", "--storage.path=data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
                "--log.level=warn"]

    def _is_ready(self):
        return _answers(self.port, "/-/ready")

    def tell(self, alerts):
        """These labels' alerts fire, as Prometheus would say it."""
        body = json.dumps([{"labels": labels} for labels in alerts])
        told = Endpoint(self.port).request("/api/v2/alerts", "POST", body=body,
                                           headers={"Content-Type": "application/json"})
        assert told.status == 200, told

    def alerts(self):
        """(labels, is it kept silent by another one) of each alert that fires."""
        alerts = Endpoint(self.port).request("/api/v2/alerts").json()
        return [(alert["labels"], bool(alert["status"]["inhibitedBy"])) for alert in alerts]

    def inhibited(self):
        """Names of the alerts that another one keeps silent."""
        return {labels["alertname"] for labels, is_silent in self.alerts() if is_silent}


class Webhook:
    """Takes what Alertmanager delivers."""

    def __init__(self):
        self._received = []
        received = self._received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.extend((self.path.lstrip("/"), alert) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.port = free_port()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def delivered(self, name, status):
        """(receiver, alert) of what came about an alert, "firing" or "resolved"."""
        return [(receiver, alert) for receiver, alert in self._received
                if alert["labels"]["alertname"] == name and alert["status"] == status]


def _answers(port, path):
    try:
        return Endpoint(port).request(path).status == 200
    except OSError:
        return False
