# SPDX-License-Identifier: Apache-2.0
"""The program under test, as a process with everything that can be asked of it.

    with Exporter(directory, {"dependencies": [...]}) as exporter:
        exporter.wait_for_state("cache", "up")

Leaving the block ends it by SIGTERM and asserts what holds for every run: exit code 0 within two
seconds, no report of a sanitizer, and no secret in anything it said.
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

import yaml

from harness.client import Endpoint
from harness.metrics import Metrics
from harness.namespace import OUTSIDE
from harness.secrets import assert_no_secret
from harness.waiting import SLOW, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = str((ROOT / os.environ.get("HX_PROGRAM", "build/health_exporter")).resolve())

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer"
                       r"|runtime error:")
# The times of a dependency in most tests.
OFTEN = {"interval": "500ms", "timeout": "300ms"}
# Where no check may fail: a machine that others use too lets a peer wait for longer than 300 ms.
UNHURRIED = {"interval": "1s", "timeout": "950ms"}

# Stands before a command to run it as a user who may do nothing.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
PAGES = ("/livez", "/readyz", "/startupz", "/version", "/metrics", "/", "/health/detailed",
         "/-/healthy", "/-/ready", "/no-such-page")


def environment(extra=None):
    """A clean environment: what the tests' own one holds must not decide anything."""
    kept = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **(extra or {})}


class _PlainDumper(yaml.SafeDumper):
    """Writes what occurs twice out twice: no anchors."""

    def ignore_aliases(self, data):
        return True


def write_config(directory, config, name="checks.yml"):
    path = pathlib.Path(directory) / name
    if isinstance(config, bytes):
        path.write_bytes(config)
    elif isinstance(config, str):
        path.write_text(config, encoding="utf-8")
    else:
        path.write_text(yaml.dump(config, Dumper=_PlainDumper, sort_keys=False), encoding="utf-8")
    return path


def run_program(*args, env=None, prefix=(), timeout=10, **options):
    """Runs the program to its end; never the one to serve with."""
    result = subprocess.run([*prefix, PROGRAM, *map(str, args)], env=environment(env), text=True,
                            capture_output=True, timeout=timeout * SLOW, check=False,
                            stdin=subprocess.DEVNULL, **options)
    assert not SANITIZER.search(result.stderr), result.stderr
    assert_no_secret(result.stdout + result.stderr, f"the output of {args}")
    return result


def a_line_that_says(output, *parts):
    """One line has all of the parts."""
    lines = [line for line in output.splitlines() if all(part in line for part in parts)]
    assert lines, f"no line with {parts} in:\n{output}"
    return lines[0]


class Exporter:
    def __init__(self, directory, config=None, args=(), *, namespace=OUTSIDE, env=None,
                 listen=None, stderr=None, prefix=()):
        self._directory = pathlib.Path(directory)
        self._log_path = self._directory / "log"
        path = listen[len("unix:"):] if listen and listen.startswith("unix:") else None
        port = None if path else free_port()
        self.endpoint = Endpoint(port, path, namespace)
        self._names = [d["name"] for d in (config or {}).get("dependencies", ())]
        self._names += [arg.split("=")[0] for arg in args if not arg.startswith("-")]
        flags = [f"--web.listen-address={listen or f'127.0.0.1:{port}'}"]
        if config is not None:
            flags.append(f"--config.file={write_config(directory, config)}")
        if not any(arg.startswith("--log.level") for arg in args):
            flags.append("--log.level=debug")
        if not any(arg.startswith("--shutdown.delay") for arg in map(str, args)):
            flags.append("--shutdown.delay=0s")
        self._command = [*namespace.prefix(), *prefix, PROGRAM, *flags, *map(str, args)]
        self._env = environment(env)
        self._stderr = stderr
        self._is_stopped = False
        self.process = None

    def __enter__(self):
        with open(self._log_path, "ab") as log:
            self.process = subprocess.Popen(self._command, env=self._env, text=True,
                                            stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=self._stderr or log)
        try:
            wait_until(self._is_answering, 5, f"{self._command} answers")
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self._abandon()
        elif self.process.poll() is None:
            self.stop()
        elif not self._is_stopped:
            raise AssertionError(f"it ended by itself with {self.process.returncode}:\n{self.log}")

    def _is_answering(self):
        assert self.process.poll() is None, f"it ended at its start:\n{self.log}"
        try:
            return self.get("/livez").status
        except OSError:
            return None

    def _abandon(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        print(f"the log's end:\n{self.log[-4000:]}")

    @property
    def pid(self):
        """The program's own process, behind whatever was put before it to start it."""
        pids = [self.process.pid]
        for pid in pids:
            try:
                if os.readlink(f"/proc/{pid}/exe") == PROGRAM:
                    return pid
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
                pids += map(int, children.read_text(encoding="ascii").split())
            except OSError:
                continue
        return self.process.pid

    @property
    def log(self):
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    # ---- what it answers ----

    def get(self, path, **options):
        return self.endpoint.request(path, **options)

    def metrics(self):
        response = self.get("/metrics")
        assert response.status == 200, response
        return Metrics(response.text)

    def health(self, name):
        """The public record of one dependency."""
        return self.get(f"/health/{name}").json()

    def checks(self, name, metrics=None):
        """How many checks of it are done."""
        metrics = metrics or self.metrics()
        return metrics.value("health_check_duration_seconds_count", dependency=name)

    def failures(self, name, metrics=None):
        """Failed checks by reason; reasons without any are left out."""
        metrics = metrics or self.metrics()
        return {labels["reason"]: value for labels, value
                in metrics.series("dependency_check_failures_total", dependency=name) if value}

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def cpu_seconds(self):
        """What it has had of the processors, which others on this machine do not disturb."""
        # The clock of another process, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime(~self.pid << 3 | 2)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # ---- waiting ----

    def wait_for(self, condition, timeout, what):
        def poll():
            assert self.process.poll() is None, f"it ended by itself:\n{self.log[-4000:]}"
            return condition()
        return wait_until(poll, timeout, what)

    def wait_for_checks(self, names, n, timeout):
        """Until each of these dependencies has done n more checks."""
        before = self.metrics()

        def poll():
            now = self.metrics()
            return all(self.checks(name, now) >= self.checks(name, before) + n for name in names)
        self.wait_for(poll, timeout, f"{n} checks of each of {list(names)}")

    def wait_for_state(self, name, state, reason=None, timeout=5):
        """Until the dependency is in that state (for that reason); returns its record."""
        last = {}

        def poll():
            last.update(record=self.health(name))
            record = last["record"]
            return record["status"] == state and reason in (None, record.get("reason")) and record
        try:
            return self.wait_for(poll, timeout, f"{name} is {state} {reason or ''}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}; it is {last}; failures: {self.failures(name)}\n"
                                 f"{self.log_of(name)}") from None

    def wait_for_line(self, *parts, timeout=3):
        """Until one line of the log has all of the parts; returns it. A thread of its own writes the
        log: a line may come after the answer to the request that it speaks of."""
        def poll():
            return [line for line in self.log.splitlines() if all(part in line for part in parts)]
        return self.wait_for(poll, timeout, f"a line with {parts}")[0]

    def log_of(self, name):
        return "\n".join([line for line in self.log.splitlines() if name in line][-5:])

    # ---- its end ----

    def everything_it_says(self):
        """All that anybody can read of it: {where: text}."""
        said = {"the log": self.log}
        cmdline = pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes()
        said["/proc/PID/cmdline"] = cmdline.decode("utf-8", "replace")
        for path in (*PAGES, *(f"/health/{name}" for name in self._names)):
            response = self.get(path)
            said[path] = f"{response.headers}{response.body.decode('utf-8', 'replace')}"
        return said

    def assert_says_no_secret(self):
        for where, text in self.everything_it_says().items():
            assert_no_secret(text, where)

    def stop(self, by=signal.SIGTERM):
        """Ends it as an orchestrator does."""
        self._is_stopped = True
        try:
            self.assert_says_no_secret()
            os.kill(self.pid, by)
            code = self.process.wait(timeout=2 * SLOW)
        except BaseException:
            self._abandon()
            raise
        log = self.log
        assert not SANITIZER.search(log), log
        assert code == 0, f"exit code {code}:\n{log[-4000:]}"
        assert_no_secret(log, "the log")
