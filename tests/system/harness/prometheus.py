# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus that scrapes each second, and what it answers."""
import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from harness.servers import require
from harness.waiting import free_port, wait_until

CONFIG = """global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: health
    static_configs:
      - targets: [{targets}]
"""


class Prometheus:
    """As a context manager: runs from the first answer on. rules: texts of rule files."""

    def __init__(self, directory, *ports, rules=()):
        self._directory = directory
        self.port = free_port()
        names = []
        for number, text in enumerate(rules):
            (directory / f"rules-{number}.yml").write_text(text, encoding="utf-8")
            names.append(f"rules-{number}.yml")
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
        (directory / "prometheus.yml").write_text(
            CONFIG.format(rules=", ".join(names), targets=targets), encoding="utf-8")

    def __enter__(self):
        binary, = require("prometheus")
        with open(self._directory / "prometheus.log", "wb") as log:
            self._process = subprocess.Popen(
                [binary, f"--config.file={self._directory}/prometheus.yml",
                 f"--storage.tsdb.path={self._directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdout=log, stderr=log, cwd=self._directory)
        try:
            wait_until(self._is_ready, 20, "Prometheus answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=20)

    def _is_ready(self):
        assert self._process.poll() is None, (self._directory / "prometheus.log").read_text()
        with contextlib.suppress(OSError):
            return self.query("vector(1)")
        return None

    def _ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(
            parameters, doseq=True)
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:
                raise
            raise AssertionError(f"{parameters}: {refused.read().decode()}") from None

    def query(self, expr):
        """[(labels, value)] now, in Prometheus' order."""
        return [(one["metric"], float(one["value"][1]))
                for one in self._ask("query", query=expr)["result"]]

    def query_range(self, expr, seconds):
        """[(labels, values)] of the last seconds, one value each."""
        now = time.time()
        return [(one["metric"], [float(value) for _, value in one["values"]])
                for one in self._ask("query_range", query=expr, start=now - seconds, end=now,
                                     step=1)["result"]]

    def label_values(self, label, selector):
        return self._ask(f"label/{label}/values", **{"match[]": selector})
