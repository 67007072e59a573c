# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions. This is the only place of the suite that sleeps."""
import os
import pathlib
import random
import signal
import socket
import time

# Sanitized builds are slower: their limits are five times as wide.
SLOW = 5 if os.environ.get("HX_SLOW") == "1" else 1

# How far the memory of a process may grow by chance; a sanitizer keeps what was freed.
MEMORY_NOISE = (8 if SLOW == 1 else 400) * 1024 * 1024

# Below the kernel's ephemeral range, so that no outgoing connection takes a port before its server.
PORTS = range(20000, 32000)


def pause_between_polls(seconds=0.02):
    time.sleep(seconds)


def wait_until(condition, timeout, what, every=0.02):
    """Polls until the condition returns something true, and returns it."""
    deadline = time.monotonic() + timeout * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout * SLOW:g} s: {what} (last: {value!r})")
        pause_between_polls(every)


def stop(pid):
    """The whole process stands still. SIGSTOP takes effect only when one of its threads has run, and
    until then the others may go on."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: set(_thread_states(pid)) == {"T"}, 5, f"{pid} is stopped", every=0.001)


def _thread_states(pid):
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        yield path.read_text(encoding="ascii", errors="replace").rpartition(") ")[2][0]


def stopped_for(pid, seconds):
    """The whole process stands still for a while."""
    stop(pid)
    pause_between_polls(seconds)
    os.kill(pid, signal.SIGCONT)


def accepts_connections(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


_ports = random.SystemRandom().sample(PORTS, len(PORTS))


def free_port(host="127.0.0.1"):
    """A port that nobody has, and that no later call returns again."""
    while True:
        port = _ports.pop()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
