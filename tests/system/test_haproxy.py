# SPDX-License-Identifier: Apache-2.0
"""The examples for load balancers do what they say: traffic follows readiness."""
import contextlib
import json
import re

import pytest

from harness.backend import backend
from harness.client import Endpoint
from harness.exporter import OFTEN, ROOT
from harness.servers import Server, require
from harness.waiting import wait_until

CONFIG = {"dependencies": [{"name": "model", "url": "heartbeat:", "ttl": "1h", **OFTEN}]}


def report(exporter, status):
    answer = exporter.get("/-/heartbeat/model", method="PUT", body=json.dumps({"status": status}))
    assert answer.status == 204, answer


class Haproxy(Server):
    """deploy/haproxy/haproxy.cfg with addresses of this host, and checks that come sooner."""

    def __init__(self, directory, servers):
        super().__init__("haproxy", directory)
        self._program, = require("haproxy")
        text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text(encoding="utf-8")
        text, n_binds = re.subn(r"bind :8080\b", f"bind 127.0.0.1:{self.port}", text)
        text, n_checks = re.subn(r"check port 10119 inter 2s\b", "check inter 100ms", text)
        text, n_servers = re.subn(r"^    server .*\n", "", text, flags=re.MULTILINE)
        assert (n_binds, n_checks, n_servers) == (1, 1, len(servers))
        for name, (port, exporter) in servers.items():
            text += (f"    server {name} 127.0.0.1:{port} port {exporter.endpoint.port}\n")
        (self.directory / "haproxy.cfg").write_text(text, encoding="utf-8")

    def _command(self):
        return [self._program, "-db", "-f", "haproxy.cfg"]


class Nginx(Server):
    """deploy/nginx/health_exporter.conf with ports of this host."""

    def __init__(self, directory, service, exporter):
        super().__init__("nginx", directory)
        self._program, = require("nginx")
        text = (ROOT / "deploy/nginx/health_exporter.conf").read_text(encoding="utf-8")
        for old, new in {"listen 8080": f"listen 127.0.0.1:{self.port}",
                         "127.0.0.1:8081": f"127.0.0.1:{service}",
                         "127.0.0.1:10119": f"127.0.0.1:{exporter.endpoint.port}"}.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.directory / "site.conf").write_text(text, encoding="utf-8")
        (self.directory / "nginx.conf").write_text(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {}\n"
            "http { access_log off; include site.conf; }\n", encoding="utf-8")

    def _command(self):
        return [self._program, "-p", str(self.directory), "-c", "nginx.conf", "-e", "error.log"]


@pytest.fixture
def running():
    """Starts servers that are stopped at the end."""
    with contextlib.ExitStack() as stack:
        def run(server):
            stack.callback(server.kill)
            return server.start()
        yield run


def served(balancer, n=6):
    """Who answers some requests in a row; a status instead when nobody could."""
    answers = [Endpoint(balancer.port).request("/") for _ in range(n)]
    return {answer.text if answer.status == 200 else answer.status for answer in answers}


def wait_for_servers(balancer, *names):
    wait_until(lambda: served(balancer) == set(names), 5, f"requests go to {names}")


def test_haproxy_sends_requests_where_the_exporter_is_ready(directory, start, running):
    with backend("one") as one, backend("two") as two, \
            start(CONFIG) as first, start(CONFIG) as second:
        report(first, "pass")
        report(second, "pass")
        haproxy = running(Haproxy(directory, {"one": (one, first), "two": (two, second)}))
        wait_for_servers(haproxy, "one", "two")

        report(first, "fail")
        wait_for_servers(haproxy, "two")
        report(second, "fail")
        wait_for_servers(haproxy, 503)

        report(first, "pass")
        wait_for_servers(haproxy, "one")
        report(second, "pass")
        wait_for_servers(haproxy, "one", "two")


def test_haproxy_sends_nothing_to_a_service_whose_exporter_is_gone(directory, start, running):
    with backend("one") as one, backend("two") as two, start(CONFIG) as first:
        report(first, "pass")
        with start(CONFIG) as second:
            report(second, "pass")
            haproxy = running(Haproxy(directory, {"one": (one, first), "two": (two, second)}))
            wait_for_servers(haproxy, "one", "two")
        wait_for_servers(haproxy, "one")


def test_nginx_shows_probes_and_keeps_the_rest_inside(directory, start, running):
    with backend("service") as service, start(CONFIG) as exporter:
        nginx = running(Nginx(directory, service, exporter))
        endpoint = Endpoint(nginx.port)

        def wait_for_readiness(status):
            wait_until(lambda: endpoint.request("/readyz").status == status, 5, f"a {status}")

        report(exporter, "pass")
        wait_for_readiness(200)
        report(exporter, "fail")
        wait_for_readiness(503)
        assert endpoint.request("/livez").json() == {"status": "up"}
        for path in ("/metrics", "/health/detailed", "/-/reload", "/readyz/model", "/"):
            assert endpoint.request(path).text == "service", path


def test_nginx_is_not_ready_when_the_exporter_is_gone(directory, start, running):
    with backend("service") as service:
        with start(CONFIG) as exporter:
            report(exporter, "pass")
            nginx = running(Nginx(directory, service, exporter))
            wait_until(lambda: Endpoint(nginx.port).request("/readyz").status == 200, 5, "a 200")
        assert Endpoint(nginx.port).request("/readyz").status == 502
        assert served(nginx) == {"service"}
