# SPDX-License-Identifier: Apache-2.0
"""A network and mount namespace of its own: port 53, /etc/resolv.conf, routes and packet filters
that nobody else sees. Only root can make one.

A holder process keeps it alive. Programs are started in it by nsenter; the tests' own sockets are
made by a thread that enters it for a moment, and stay in it afterwards.
"""
import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    def __init__(self, directory):
        self._directory = directory
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", "ip link set lo up && echo up && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._holder.stdout.readline() == "up\n", "no network namespace: is this root?"
        self._net = os.open(f"/proc/{self._holder.pid}/ns/net", os.O_RDONLY)
        self._own_net = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def prefix(self):
        """What stands before a command to run it inside."""
        return ["nsenter", f"--target={self._holder.pid}", "--net", "--mount"]

    def run(self, *command):
        subprocess.run([*self.prefix(), *command], check=True, capture_output=True, text=True)

    def write(self, path, text):
        """Puts another file in the place of one of the system's."""
        stand_in = os.path.join(self._directory, os.path.basename(path))
        is_mounted = os.path.exists(stand_in)
        with open(stand_in, "w", encoding="utf-8") as file:
            file.write(text)
        if not is_mounted:
            self.run("mount", "--bind", stand_in, path)

    def drop(self, port=None, address=None, protocol="tcp"):
        """A blackhole: packets to it vanish."""
        where = [*(["-d", address] if address else []), "-p", protocol,
                 *(["--dport", str(port)] if port else [])]
        self.run("iptables", "-A", "INPUT", *where, "-j", "DROP")

    def undrop(self):
        self.run("iptables", "-F", "INPUT")

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside; what sockets it makes belong there for good."""
        self._set(self._net)
        try:
            yield
        finally:
            self._set(self._own_net)

    @staticmethod
    def _set(namespace):
        if _libc.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def close(self):
        os.close(self._net)
        os.close(self._own_net)
        self._holder.communicate(timeout=10)


class Outside:
    """The same interface for the namespace the tests run in."""

    @staticmethod
    def prefix():
        return []

    @staticmethod
    @contextlib.contextmanager
    def entered():
        yield


OUTSIDE = Outside()
