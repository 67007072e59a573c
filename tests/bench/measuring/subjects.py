# SPDX-License-Identifier: Apache-2.0
"""Who checks: the exporter, a limit program, haproxy; each on the subject's CPU."""
import collections
import http.client
import pathlib
import re
import time

from measuring.machine import SUBJECT_CPU, Process, connections_opened, free_port, program
from measuring.targets import ADDRESSES
from measuring.web_client import Load, is_answered


class Disturbed(RuntimeError):
    """Not done in time what was counted on."""


def insist(look):
    """Looks once more when the machine was too busy with something else."""
    try:
        return look()
    except Disturbed:
        return look()


class Pace:
    """So many dependencies, each checked once an interval."""

    def __init__(self, n, interval_ms):
        self.n = n
        self.interval_ms = interval_ms

    @property
    def per_second(self):
        return self.n * 1000 / self.interval_ms


class Exporter(Process):
    """url may name {address}, which differs from dependency to dependency."""

    def __init__(self, bench, url, pace, options=""):
        directory = bench.directory()
        self._tolerance = bench.tolerance
        self.web_port = free_port()
        config = directory / "checks.yml"
        config.write_text(self._config(url, pace, options), encoding="utf-8")
        self.began = time.monotonic()
        super().__init__([str(bench.program), f"--config.file={config}",
                          f"--web.listen-address=127.0.0.1:{self.web_port}",
                          "--shutdown.delay=0"],
                         SUBJECT_CPU, directory)

    @staticmethod
    def _config(url, pace, options):
        timeout_ms = min(900, pace.interval_ms * 9 // 10)
        lines = [f"defaults: {{interval: {pace.interval_ms}ms, timeout: {timeout_ms}ms}}",
                 "dependencies:"]
        lines += [f"  - {{name: dependency-{i:05}, "
                  f"url: \"{url.format(address=ADDRESSES[i % len(ADDRESSES)])}\"{options}}}"
                  for i in range(pace.n)]
        return "\n".join(lines) + "\n"

    def get(self, path):
        """Status and body, the status 0 while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=20)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read()
        except ConnectionError:
            return 0, b""
        finally:
            connection.close()

    def wait_until_ready(self):
        """Everything has been checked, and what is kept is connected."""
        self.wait_for(lambda: self.get("/readyz")[0] == 200, 30, "finds everything up")

    def totals(self):
        """What the metrics page says now. It is read later: that takes longer than to get it."""
        return Totals(*self.get("/metrics"), time.monotonic())

    def cpu_us_per_check(self, seconds):
        """In a window without any request of ours; the rate is that of a somewhat wider one."""
        before = self.totals()
        cpu = cpu_share(self, seconds)
        after = self.totals()
        n_checks = after.checks() - before.checks()
        was_failed = before.failed()
        failed = {reason: n - was_failed[reason] for reason, n in after.failed().items()
                  if n > was_failed[reason]}
        if n_checks == 0 or sum(failed.values()) > n_checks * self._tolerance:
            raise Disturbed(f"of {n_checks:.0f} checks there failed {failed}")
        return cpu / (n_checks / (after.at - before.at)) * 1e6


class Totals:
    """Sums over all dependencies, from a metrics page."""

    def __init__(self, status, page, at):
        assert status == 200, status
        self._page = page
        self.at = at

    def _family(self, name):
        begin = self._page.index(b"\n# TYPE %s " % name)
        end = self._page.find(b"\n# HELP ", begin)
        return self._page[begin:end]

    def _sums(self, family, pattern):
        """By what the pattern's first group matches; the second is the value."""
        sums = collections.Counter()
        for key, value in re.findall(pattern, self._family(family), re.M):
            sums[key.decode()] += float(value)
        return sums

    def checks(self):
        return self._sums(b"health_check_duration_seconds", rb"(_count)\{.*\} (\S+)$").total()

    def failed(self):
        """By reason."""
        return self._sums(b"dependency_check_failures_total", rb'reason="(\w+)".*\} (\S+)$')

    def skipped(self):
        """By cause."""
        return self._sums(b"health_check_skipped_total", rb'cause="(\w+)".*\} (\S+)$')

    def lag(self):
        """Turns of the loop that were not later than so many seconds."""
        sums = self._sums(b"health_exporter_loop_lag_seconds", rb'_bucket\{le="(\S+)"\} (\S+)$')
        return {float(bound): n for bound, n in sums.items()}


class Limit(Process):
    """A limit program of this directory."""

    def __init__(self, bench, name, port, pace, *args):
        self._pace = pace
        self._tolerance = bench.tolerance
        super().__init__([str(bench.programs / name), str(port), str(pace.n),
                          str(pace.interval_ms), *args], SUBJECT_CPU, bench.directory())
        if self.read_line() != "ready\n":
            raise RuntimeError(f"{name} does not start: {self.log}")
        self._began = time.monotonic()

    def wait_until_ready(self):
        time.sleep(self._pace.interval_ms / 1000 + 0.2)

    def cpu_us_per_check(self, seconds):
        return cpu_share(self, seconds) / self._pace.per_second * 1e6

    def stop(self):
        """Also judges whether it did what was counted on."""
        took = time.monotonic() - self._began
        printed = super().stop()
        if printed:
            started, done, failed, busy = map(int, printed.split())
            least = 0.9 - self._tolerance
            if (failed + busy > started * self._tolerance or done < started * least
                    or started < self._pace.per_second * took * least):
                raise Disturbed(f"{self.name}: {printed.strip()} in {took:.1f} s")
        return printed


HAPROXY = """
global
    nbthread 1
    maxconn 100
defaults
    mode {mode}
    timeout connect 1s
    timeout client 1s
    timeout server 1s
    timeout check 900ms
listen targets
    bind 127.0.0.1:{port}
    {check}
    default-server check inter {interval_ms}ms
{servers}
"""


class Haproxy(Process):
    """Its health checks; each opens a connection, by which they are counted."""

    def __init__(self, bench, port, pace, check="", mode="tcp"):
        directory = bench.directory()
        servers = "\n".join(f"    server s{i} {ADDRESSES[i % len(ADDRESSES)]}:{port}"
                            for i in range(pace.n))
        config = pathlib.Path(directory, "haproxy.cfg")
        config.write_text(HAPROXY.format(mode=mode, port=free_port(), check=check, servers=servers,
                                         interval_ms=pace.interval_ms), encoding="ascii")
        super().__init__([program("haproxy"), "-db", "-f", str(config)], SUBJECT_CPU, directory)
        self._pace = pace

    def wait_until_ready(self):
        time.sleep(self._pace.interval_ms / 1000 + 0.5 + self._pace.n / 10000)
        self.assert_runs()

    def cpu_us_per_check(self, seconds):
        began = connections_opened()
        cpu = cpu_share(self, seconds)
        n_checks = connections_opened() - began
        # What it did is counted; it only must not have been hindered.
        if n_checks < self._pace.per_second * seconds / 2:
            raise Disturbed(f"haproxy did {n_checks} checks in {seconds} s")
        return cpu * seconds / n_checks * 1e6


def cpu_share(process, seconds):
    """Of a CPU, by the process, over so many seconds from now."""
    cpu, began = process.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (process.cpu_seconds() - cpu) / (time.monotonic() - began)


BLACKBOX = """
modules:
  http: {prober: http, http: {preferred_ip_protocol: ip4}}
"""


class Blackbox(Process):
    """prometheus-blackbox-exporter, which checks once for each request of ours: its best case."""

    def __init__(self, bench, url):
        directory, self._port = bench.directory(), free_port()
        config = pathlib.Path(directory, "blackbox.yml")
        config.write_text(BLACKBOX, encoding="ascii")
        super().__init__([program("prometheus-blackbox-exporter"), f"--config.file={config}",
                          f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=error"],
                         SUBJECT_CPU, directory)
        self._path = f"/probe?module=http&target={url}"

    def wait_until_ready(self):
        self.wait_for(lambda: is_answered(self._port, self._path), 10, "answers")

    def cpu_us_per_check(self, seconds):
        cpu = self.cpu_seconds()
        load = Load(self._port, self._path, seconds, is_kept=True)
        return (self.cpu_seconds() - cpu) / load.n_requests * 1e6
