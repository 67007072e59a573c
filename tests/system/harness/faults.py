# SPDX-License-Identifier: Apache-2.0
"""The fault server: what a broken peer does to a connection, one behaviour a function.

A behaviour is called with each accepted connection, in a thread of its own; when it returns, the
connection is closed. Behaviours that speak a protocol are in fake_redis, fake_postgres, fake_http.
"""
import functools
import random
import select
import socket
import struct
import threading

from harness.namespace import OUTSIDE

RST = struct.pack("ii", 1, 0)
# ESTABLISHED, FIN_WAIT1 and FIN_WAIT2 of linux/tcp.h: the peer has not closed its side.
PEER_IS_THERE = (1, 4, 5)


class Connection:
    """One accepted connection, as behaviours see it."""

    def __init__(self, server, sock):
        self._server = server
        self._sock = sock
        self._received = b""

    def receive(self, n=65536):
        """What the peer sends next; b"" at its end."""
        data = self._sock.recv(n)
        self._server.note(data)
        return data

    def receive_exactly(self, n):
        while len(self._received) < n:
            data = self.receive()
            if not data:
                raise ConnectionError("the peer has gone")
            self._received += data
        taken, self._received = self._received[:n], self._received[n:]
        return taken

    def receive_until(self, end):
        while end not in self._received:
            data = self.receive()
            if not data:
                raise ConnectionError("the peer has gone")
            self._received += data
        taken, _, self._received = self._received.partition(end)
        return taken + end

    def send(self, data):
        self._sock.sendall(data)

    def send_slowly(self, data, seconds=0.2):
        """A byte at a time, until the peer goes."""
        for byte in data:
            self.send(bytes([byte]))
            if select.select([self._sock], [], [], seconds)[0] and not self.receive():
                return

    def hold(self):
        """Says nothing until the peer goes or the server ends, reading what comes."""
        while self.receive():
            pass

    def finish_sending(self):
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        self._sock.close()


def _peer_is_there(sock):
    """The kernel knows it at once; a thread that serves the connection hears of it when it runs."""
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in PEER_IS_THERE
    except OSError:
        return False


class FaultServer:
    """A listener on a free port with one behaviour."""

    def __init__(self, behave, namespace=OUTSIDE, tls=None):
        self._behave = behave
        self._tls = tls
        self._lock = threading.Lock()
        self._open = {}
        self._received = []
        self.n_connections = 0
        self.most_at_once = 0
        with namespace.entered():
            self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def received(self):
        """All bytes that any peer has sent."""
        with self._lock:
            return b"".join(self._received)

    def note(self, data):
        with self._lock:
            self._received.append(data)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            key = object()
            with self._lock:
                self.n_connections += 1
                self._open[key] = sock.dup()  # TLS takes the other one over.
                at_once = sum(map(_peer_is_there, self._open.values()))
                self.most_at_once = max(self.most_at_once, at_once)
            threading.Thread(target=self._serve, args=(key, sock), daemon=True).start()

    def _serve(self, key, sock):
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._behave(Connection(self, sock))
        except OSError:
            pass  # The exporter gave up on it, as it should.
        finally:
            sock.close()
            with self._lock:
                self._open.pop(key).close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open.values())
        for sock in still_open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Refusing:
    """A port that nobody listens on, and that nobody can take meanwhile: it is bound."""

    def __init__(self, namespace=OUTSIDE, host="127.0.0.1"):
        with namespace.entered():
            self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.bind((host, 0))
        self.port = self._socket.getsockname()[1]
        self.received = b""

    def close(self):
        self._socket.close()


def refusing_ipv6(namespace=OUTSIDE):
    return Refusing(namespace, "::1")


@functools.cache
def _refusing():
    return Refusing()


def refused():
    """host:port of a peer that refuses, as long as these tests run."""
    return f"127.0.0.1:{_refusing().port}"


class BacklogFull:
    """A listener whose process accepts nothing and whose queue is full."""

    def __init__(self, namespace=OUTSIDE):
        self._queued = []
        with namespace.entered():
            self._listener = socket.socket()
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(0)
            self.port = self._listener.getsockname()[1]
            for _ in range(4):
                waiting = socket.socket()
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", self.port))
                self._queued.append(waiting)
        self.received = b""

    def close(self):
        for waiting in (*self._queued, self._listener):
            waiting.close()


# ---- behaviours of any protocol ----

def hang(connection):
    """Accepts, then silence."""
    connection.hold()


def close_at_once(connection):
    """Accepts, then FIN."""


def close_after_request(connection):
    connection.receive()


def reset_at_once(connection):
    connection.reset()


def reset_after_request(connection):
    connection.receive()
    connection.reset()


def reply(data, then=hang):
    """Waits for a request, answers with these bytes, then behaves as told."""
    def behave(connection):
        connection.receive()
        connection.send(data)
        then(connection)
    return behave


def greet(data, then=hang):
    """Speaks first."""
    def behave(connection):
        connection.send(data)
        then(connection)
    return behave


def drip(data):
    """Answers with a valid beginning, a byte each 0.2 s, and never gets to the end."""
    def behave(connection):
        connection.receive()
        connection.send_slowly(data)
        connection.hold()
    return behave


def half_close(data):
    """Sends half a reply, says that it sends no more, and goes on reading."""
    def behave(connection):
        connection.receive()
        connection.send(data)
        connection.finish_sending()
        connection.hold()
    return behave


def flood(chunk, head=b""):
    """Answers without an end."""
    def behave(connection):
        connection.receive()
        connection.send(head)
        while True:
            connection.send(chunk)
    return behave


def garbage(seed):
    """Random bytes, the same for the same seed."""
    data = random.Random(seed).randbytes(4096)
    return reply(data, then=close_at_once)
