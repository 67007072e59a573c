# SPDX-License-Identifier: Apache-2.0
"""Exporters with a web configuration, and clients that come from any address of loopback.

The harness itself asks over a unix socket, which is neither encrypted nor bound to a network.
"""
import base64
import contextlib
import ctypes
import http.client
import signal
import socket
import ssl

import yaml

from harness.client import Response
from harness.waiting import free_port

_libcrypt = ctypes.CDLL("libcrypt.so.1")
_libcrypt.crypt.restype = ctypes.c_char_p


def bcrypt(password, cost=4):
    hashed = _libcrypt.crypt(password.encode(), b"$2b$%02d$abcdefghijklmnopqrstuu" % cost)
    return hashed.decode()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Guarded:
    """An exporter behind a web configuration, with a TCP listener besides the harness's own."""

    def __init__(self, exporter, path, port):
        self.exporter = exporter
        self._path = path
        self.port = port

    def configure(self, config):
        """Puts another web configuration in the place and lets the exporter read it."""
        text = config if isinstance(config, str) else yaml.dump(config)
        self._path.write_text(text, encoding="utf-8")

    def reload(self, config=None):
        if config is not None:
            self.configure(config)
        n = self.reloads()
        self.exporter.process.send_signal(signal.SIGHUP)
        self.exporter.wait_for(lambda: self.reloads() > n, 5, "the reload is done")

    def reloads(self):
        return sum(1 for line in self.exporter.log.splitlines()
                   if "configuration" in line and "reloaded" in line)

    def connect(self, source="127.0.0.1", context=None, to="127.0.0.1"):
        sock = socket.create_connection((to, self.port), timeout=10, source_address=(source, 0))
        return context.wrap_socket(sock, server_hostname="localhost") if context else sock

    def ask(self, path="/livez", headers=None, method="GET", **where):
        with contextlib.closing(self.connect(**where)) as sock:
            return ask_over(sock, path, headers, method)


def ask_over(sock, path="/livez", headers=None, method="GET"):
    """One request over a connection, which stays open."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost",
             *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
    sock.sendall("\r\n".join(lines).encode())
    reply = http.client.HTTPResponse(sock, method=method)
    reply.begin()
    return Response(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())


@contextlib.contextmanager
def guarded(start, directory, config, args=(), address="127.0.0.1"):
    path = directory / "web.yml"
    port = free_port()
    guard = Guarded(None, path, port)
    guard.configure(config)
    flags = [f"--web.config.file={path}", f"--web.listen-address={address}:{port}", *args]
    with start(None, flags,
               listen=f"unix:{directory}/socket") as exporter:
        guard.exporter = exporter
        yield guard


def client_context(ca_file, cert=None, key=None, version=None):
    context = ssl.create_default_context(cafile=ca_file)
    if cert:
        context.load_cert_chain(cert, key)
    if version:
        context.minimum_version = context.maximum_version = version
    return context
