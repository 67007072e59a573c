# SPDX-License-Identifier: Apache-2.0
"""HTTP clients for the exporter's side: a well-behaved one, and one that sends any bytes."""
import http.client
import json
import socket

from harness.namespace import OUTSIDE


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        assert self.headers["content-type"].split(";")[0] == "application/json", self.headers
        return json.loads(self.body, object_pairs_hook=_without_repeats)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def _without_repeats(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"repeated keys in JSON: {keys}"
    return dict(pairs)


class Endpoint:
    """Where an exporter listens: a TCP port in some namespace, or the path of a unix socket."""

    def __init__(self, port=None, path=None, namespace=OUTSIDE):
        self.port = port
        self.path = path
        self._namespace = namespace

    def connect(self, timeout=5):
        with self._namespace.entered():
            if self.path:
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(timeout)
                sock.connect(self.path)
                return sock
            return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def request(self, path, method="GET", headers=None, body=None, timeout=5):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.sock = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            reply = connection.getresponse()
            return Response(reply.status, {k.lower(): v for k, v in reply.getheaders()},
                            reply.read())
        finally:
            connection.close()

    def send_raw(self, data, timeout=5):
        """Sends the bytes on a connection of their own; all that came back until its end (or b""
        on a reset)."""
        with self.connect(timeout) as sock:
            try:
                sock.sendall(data)
                return read_to_end(sock)
            except ConnectionError:
                return b""


def read_to_end(sock):
    received = b""
    while True:
        chunk = sock.recv(65536)
        if not chunk:
            return received
        received += chunk


def read_reply(sock):
    """One reply from a connection that stays open: (status, headers, body)."""
    reply = http.client.HTTPResponse(sock)
    reply.begin()
    return Response(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())


def request(line="GET /livez HTTP/1.1", *fields, body=b"", end="\r\n"):
    """The bytes of a request, which may be as wrong as its parts are."""
    head = end.join([line, "Host: x", "Connection: close", *fields, "", ""])
    return head.encode("latin-1") + body


def status_of(response):
    """The status of a reply's bytes; None when there is none."""
    parts = response.split(b" ", 2)
    return int(parts[1]) if response.startswith(b"HTTP/1.") and len(parts) > 1 else None
