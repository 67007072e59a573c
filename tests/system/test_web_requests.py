# SPDX-License-Identifier: Apache-2.0
"""The HTTP side: requests that are none, and clients that take too long or too much."""
import contextlib
import random
import socket
import time

import pytest

from harness.client import read_reply, read_to_end, request, status_of
from harness.waiting import SLOW, wait_until


def get(path):
    return request(f"GET {path} HTTP/1.1")


# name: (bytes, the statuses that are right; None is a closed connection)
REFUSED = {
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (request("GET /livez HTTP/1.1", "Host: y"), {400}),
    "two lengths": (request("GET /livez HTTP/1.1", "Content-Length: 0", "Content-Length: 0"),
                    {400}),
    "two different lengths": (request("GET /livez HTTP/1.1", "Content-Length: 0",
                                      "Content-Length: 3", body=b"abc"), {400}),
    "length and chunks": (request("GET /livez HTTP/1.1", "Content-Length: 5",
                                  "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), {400}),
    "chunks": (request("GET /livez HTTP/1.1", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
               {400}),
    "odd transfer encoding": (request("GET /livez HTTP/1.1", "Transfer-Encoding: xchunked"), {400}),
    "negative length": (request("GET /livez HTTP/1.1", "Content-Length: -1"), {400}),
    "length with a sign": (request("GET /livez HTTP/1.1", "Content-Length: +1", body=b"x"), {400}),
    "length that is none": (request("GET /livez HTTP/1.1", "Content-Length: 1x", body=b"x"), {400}),
    "huge length": (request("GET /livez HTTP/1.1", f"Content-Length: {10**30}"), {400, 413}),
    "a body": (request("GET /livez HTTP/1.1", "Content-Length: 3", body=b"abc"), {400}),
    "expect": (request("GET /livez HTTP/1.1", "Expect: 100-continue"), {400, 417}),
    "NUL in the path": (get("/metrics%00x"), {400}),
    "NUL at its end": (get("/livez%00"), {400}),
    "encoded slash": (get("/health%2fgood"), {400}),
    "encoded line end": (get("/livez%0d%0aX:y"), {400}),
    "half an escape": (get("/livez%2"), {400}),
    "no escape": (get("/livez%zz"), {400}),
    "backslash": (get("/..\\livez"), {400}),
    "raw UTF-8": (get("/caf\xe9"), {400}),
    "fragment": (get("/livez#x"), {400}),
    "no slash": (get("livez"), {400}),
    "absolute form": (get("http://x/livez"), {400, 404}),
    "asterisk": (request("OPTIONS * HTTP/1.1"), {400, 405}),
    "connect": (request("CONNECT x:80 HTTP/1.1"), {400, 405}),
    "HTTP/9.9": (request("GET /livez HTTP/9.9"), {505, 400}),
    "HTTP/2.0": (request("GET /livez HTTP/2.0"), {505, 400}),
    "no version": (b"GET /livez\r\n\r\n", {400, 505, None}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505, None}),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600
                  + b"\r\n\r\n", {400, None}),
    "spaces before the colon": (request("GET /livez HTTP/1.1", "X-A : b"), {400}),
    "no colon": (request("GET /livez HTTP/1.1", "nonsense"), {400}),
    "control byte in a field": (request("GET /livez HTTP/1.1", "X-A: b\x01c"), {400}),
    "long path": (get("/" + "a" * 40000), {414, 431}),
    "long query": (get("/livez?" + "a" * 2000), {414}),
    "long field": (request("GET /livez HTTP/1.1", "X-A: " + "b" * 40000), {431}),
    "many fields": (request("GET /livez HTTP/1.1", *(f"X-{i}: {'b' * 20}" for i in range(1000))),
                    {431}),
    "random bytes": (b"\xff\xfe\xfd" * 300 + b"\r\n\r\n", {400, None}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_request_is_refused_at_once(exporter, name):
    data, statuses = REFUSED[name]
    began = time.monotonic()
    response = exporter.endpoint.send_raw(data)
    assert time.monotonic() - began < 0.5 * SLOW
    assert status_of(response) in statuses, response[:300]
    assert b"HTTP/1.1 2" not in response, f"a second request was smuggled in: {response}"
    assert exporter.get("/livez").status == 200


# What libmicrohttpd 0.9.75 does not show to its user: it may be taken for a good request, but only
# for one.
HIDDEN = {
    "raw NUL in the target": get("/livez\0x"),
    "an empty field name": request("GET /livez HTTP/1.1", ": x"),
    "bare LF": request("GET /livez HTTP/1.1", end="\n"),
    "bare LF with a body": request("PUT /-/heartbeat/model HTTP/1.1", "Content-Length: 2",
                                   body=b"{}", end="\n"),
    "folded field": request("GET /livez HTTP/1.1", "X-A: b\r\n c"),
    "bare LF before a hidden field": request("GET /livez HTTP/1.1",
                                             "X-A: b\nContent-Length: 0"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_an_oddity_is_one_request_at_most(exporter, name):
    response = exporter.endpoint.send_raw(HIDDEN[name])
    assert status_of(response) in (200, 204, 400, 404, None), response[:300]
    assert response.count(b"HTTP/1.1 2") <= 1, response


def test_mutated_requests_do_no_harm(exporter):
    """The same mutations each time. Each is answered by HTTP, or ended, or waited for to go on."""
    source = random.Random(20)
    seeds = [data for data, _ in REFUSED.values() if len(data) < 2000] + [request()]
    for _ in range(400):
        with contextlib.suppress(TimeoutError):
            response = exporter.endpoint.send_raw(mutate(source, source.choice(seeds)), 0.1)
            assert response == b"" or status_of(response), response[:100]
    assert exporter.get("/livez").status == 200


def mutate(source, data):
    data = bytearray(data)
    for _ in range(source.randint(1, 6)):
        at = source.randrange(len(data))
        action = source.randrange(4)
        if action == 0:
            data[at] = source.randrange(256)
        elif action == 1:
            del data[at:at + source.randint(1, 8)]
        elif action == 2:
            data[at:at] = source.choice([b"\r\n", b"\n", b":", b" ", b"\0", b"%", b"a" * 300])
        else:
            data[at:at] = data[:at]
        data = data or bytearray(b"x")
    return bytes(data)


def test_what_follows_a_refused_request_is_not_answered(exporter):
    smuggled = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    data = (b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: "
            + str(len(smuggled)).encode() + b"\r\n\r\n" + smuggled)
    response = exporter.endpoint.send_raw(data)
    assert status_of(response) == 400
    assert b"commit_hash" not in response


def test_pipelined_requests_are_answered_in_order(exporter):
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = request("GET /version HTTP/1.1")
    response = exporter.endpoint.send_raw(one * 20 + last)
    assert response.count(b"HTTP/1.1 200") == 21
    assert response.rindex(b"commit_hash") > response.rindex(b'{"status":"up"}')


def test_a_request_in_single_bytes_is_answered(exporter):
    with exporter.endpoint.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request():
            sock.sendall(bytes([byte]))
        assert status_of(read_to_end(sock)) == 200


def test_http_1_0_is_spoken(exporter):
    response = exporter.endpoint.send_raw(b"GET /livez HTTP/1.0\r\n\r\n")
    assert status_of(response) == 200 and response.endswith(b'{"status":"up"}')


def test_a_connection_is_kept_for_the_next_request(exporter):
    with exporter.endpoint.connect() as sock:
        for _ in range(3):
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_reply(sock).status == 200


# ---- clients that take too long, or too much ----

def test_a_slow_drip_of_a_header_ends_at_ten_seconds(exporter):
    """Each byte would start an inactivity timer again: the deadline is for the whole head."""
    with exporter.endpoint.connect(timeout=0.4) as sock:
        began = time.monotonic()
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        while time.monotonic() - began < 13:
            with contextlib.suppress(TimeoutError):
                try:
                    if sock.recv(4096) == b"":
                        break
                except ConnectionError:
                    break
            with contextlib.suppress(OSError):
                sock.sendall(b"a")
        assert 9 < time.monotonic() - began < 13
    assert exporter.get("/livez").status == 200


def test_a_crowd_of_idle_connections_does_not_lock_others_out(exporter):
    with contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(400):
            sock = stack.enter_context(exporter.endpoint.connect())
            sock.setblocking(False)
            crowd.append(sock)
        wait_until(lambda: sum(map(is_closed, crowd)) >= 100, 10, "those beyond it are closed")
        with socket.create_connection(("127.0.0.1", exporter.endpoint.port), timeout=2,
                                      source_address=("127.0.0.2", 0)) as other:
            other.sendall(request())
            assert status_of(read_to_end(other)) == 200
    exporter.wait_for(lambda: _answers(exporter), 5, "the crowd's places are free again")


def _answers(exporter):
    try:
        return exporter.get("/livez").status == 200
    except OSError:
        return False


def is_closed(sock):
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
