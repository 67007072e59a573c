# SPDX-License-Identifier: Apache-2.0
"""Processes on a CPU of their own, and what they cost."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

_CPUS = sorted(os.sched_getaffinity(0))
# The subject has a CPU to itself; targets, load and this driver share another.
SUBJECT_CPU = _CPUS[0]
OTHER_CPU = _CPUS[-1]


class Absent(Exception):
    """A program that a row needs is not installed."""


def program(name, *more_directories):
    """The path of an installed program."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin", *more_directories])
    found = shutil.which(name, path=path)
    if not found:
        raise Absent(f"{name} is not installed")
    return found


def prepare():
    """Once, before anything is started: what is started inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {OTHER_CPU})


@contextlib.contextmanager
def pinned_to(cpu):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port():
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        return sock.getsockname()[1]


def accepts_connections(port):
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds, what, every=0.01):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(every)


class Process:
    """A program in the foreground, ended at the end of the block."""

    def __init__(self, command, cpu, directory, end_by=signal.SIGTERM, **options):
        self._end_by = end_by
        self.name = os.path.basename(command[0])
        self._log = pathlib.Path(directory) / f"{self.name}.log"
        with open(self._log, "wb") as log, pinned_to(cpu):
            self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log,
                                           stdout=subprocess.PIPE, cwd=directory, **options)
        self.pid = self._popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def assert_runs(self):
        if self._popen.poll() is not None:
            raise RuntimeError(f"{self.name} ended by itself: {self.log[-2000:]}")
        return True

    def wait_for(self, condition, seconds, what):
        wait_until(lambda: self.assert_runs() and condition(), seconds, f"{self.name} {what}")

    def read_line(self):
        """The next line that it prints."""
        return self._popen.stdout.readline().decode()

    def stop(self):
        """Ends it; what else it printed."""
        if self._popen.returncode is not None:
            return ""
        if self._popen.poll() is None:
            self._popen.send_signal(self._end_by)
        try:
            return self._popen.communicate(timeout=10)[0].decode()
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.communicate()
            raise

    def cpu_seconds(self):
        """User and system time of all its threads, which the scheduler counts in nanoseconds."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def _status_kb(self, field):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M).group(1))

    def rss_kb(self):
        return self._status_kb("VmRSS")

    def peak_rss_kb(self):
        """The most since reset_peak_rss()."""
        return self._status_kb("VmHWM")

    def reset_peak_rss(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


def connections_opened():
    """By everybody on this machine, since it runs."""
    names, values = [line.split() for line in pathlib.Path("/proc/net/snmp").read_text().split("\n")
                     if line.startswith("Tcp:")]
    return int(values[names.index("ActiveOpens")])
