# SPDX-License-Identifier: Apache-2.0
"""Clients of the web side: one that asks once, one that reads fast, and wrk."""
import re
import socket
import subprocess

from measuring.machine import OTHER_CPU, program


def _request(path, fields=""):
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{fields}\r\n".encode()


def is_answered(port, path="/livez"):
    """True when there is a 200; a refused connection costs next to nothing."""
    with socket.socket() as sock:
        sock.settimeout(5)
        if sock.connect_ex(("127.0.0.1", port)) != 0:
            return False
        sock.sendall(_request(path))
        return sock.recv(64).startswith(b"HTTP/1.1 200")


def read_all(port, path, fields=""):
    """Reads a reply to its end as fast as it comes; the number of its bytes."""
    buffer = bytearray(1 << 20)
    n_bytes = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(_request(path, fields))
        while n := sock.recv_into(buffer):
            n_bytes += n
    return n_bytes


class Load:
    """What wrk did."""

    def __init__(self, port, path, seconds, is_kept):
        command = ["taskset", "-c", str(OTHER_CPU), program("wrk"), "-t1", "-c16",
                   f"-d{max(1, round(seconds))}s", f"http://127.0.0.1:{port}{path}"]
        if not is_kept:
            command += ["-H", "Connection: close"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in text:
            raise RuntimeError(f"wrk: {text}")
        self.n_requests = int(re.search(r"(\d+) requests in", text).group(1))
        self.per_second = float(re.search(r"Requests/sec:\s+(\S+)", text).group(1))
