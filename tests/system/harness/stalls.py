# SPDX-License-Identifier: Apache-2.0
"""What the machine took from a process: time in which it was ready to run and did not.

A limit in milliseconds is a promise for a processor that is there. On a shared machine the kernel
lets a ready thread wait behind others (run delay, the second figure of a thread's schedstat) and a
hypervisor lets the whole machine wait (steal, the eighth of /proc/stat). A test that holds somebody
to such a limit watches both, and adds what they took; on a calm machine that is nothing.
https://docs.kernel.org/scheduler/sched-stats.html
https://docs.kernel.org/filesystems/proc.html
"""
import os
import pathlib
import threading
import time

from harness.waiting import pause_between_polls

PERIOD = 0.01
TICK = 1 / os.sysconf("SC_CLK_TCK")


class Stalls:
    """A context manager around what is measured. longest: the longest time in seconds in which the
    process, or these tests beside it, stood still for the machine's sake."""

    def __init__(self, pid):
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.longest = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _watch(self):
        waited, stolen, at = _waited(self._pid), _stolen(), time.monotonic()
        while not self._is_over.is_set():
            pause_between_polls(PERIOD)
            before, waited = waited, _waited(self._pid)
            stolen_before, stolen = stolen, _stolen()
            began, at = at, time.monotonic()
            grown = [now - before.get(thread, 0.0) for thread, now in waited.items()]
            self.longest = max(self.longest, at - began - PERIOD,
                               max(grown, default=0.0) + stolen - stolen_before)


def _waited(pid):
    """Seconds of run delay so far, by thread. A thread that ends while this reads is left out."""
    waited = {}
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            waited[path.parent.name] = int(path.read_text(encoding="ascii").split()[1]) / 1e9
        except OSError:
            continue
    return waited


def _stolen():
    with open("/proc/stat", encoding="ascii") as stat:
        return int(stat.readline().split()[8]) * TICK
