# SPDX-License-Identifier: Apache-2.0
"""Ten thousand clients: who only sit there, and who leave in the middle of a reply."""
import contextlib
import errno
import resource
import select
import socket
import struct

import pytest

from harness.client import read_to_end, request, status_of
from harness.waiting import MEMORY_NOISE, SLOW, wait_until

N_CLIENTS = 10_000
N_ADDRESSES = 50  # 127.0.1.1 and on: each keeps below the limit of one address
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = N_CLIENTS + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.fail(f"the hard limit of descriptors is {hard}, this test needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def begin_connect(port, i):
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((f"127.0.1.{1 + i % N_ADDRESSES}", 0))
    assert sock.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
    return sock


def n_open(poller):
    """How many of the crowd the exporter has not closed."""
    return N_CLIENTS - len([1 for _, events in poller.poll(0, N_CLIENTS) if events & select.EPOLLRDHUP])


def ask_from_elsewhere(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5,
                                  source_address=("127.0.0.2", 0)) as sock:
        sock.sendall(request())
        assert status_of(read_to_end(sock)) == 200


def test_ten_thousand_idle_connections_leave_room_for_a_probe(start, many_descriptors):
    with start({"dependencies": [{"name": "memory", "url": "memory:"}]}) as exporter:
        port = exporter.endpoint.port
        exporter.wait_for_state("memory", "up")
        rss_before, descriptors_before = exporter.resident_bytes(), exporter.descriptors()
        with contextlib.ExitStack() as stack:
            poller = stack.enter_context(contextlib.closing(select.epoll()))
            for i in range(N_CLIENTS):
                sock = stack.enter_context(begin_connect(port, i))
                poller.register(sock.fileno(), select.EPOLLRDHUP)
            wait_until(lambda: n_open(poller) <= 512, 10, "all beyond the limit are closed")
            for _ in range(50):
                ask_from_elsewhere(port)
            assert exporter.descriptors() - descriptors_before <= 520
            assert exporter.resident_bytes() - rss_before <= 20 * 2**20 * SLOW
        wait_until(lambda: exporter.descriptors() <= descriptors_before, 15,
                   "all descriptors are closed")


def test_ten_thousand_clients_that_leave_in_mid_reply_leave_nothing(start):
    with start({"dependencies": [{"name": "memory", "url": "memory:"}]}) as exporter:
        exporter.wait_for_state("memory", "up")

        def leave(path):
            with contextlib.closing(exporter.endpoint.connect()) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                sock.sendall(request(f"GET {path} HTTP/1.1"))
                sock.recv(1)

        paths = ["/metrics", "/readyz", "/health/detailed", "/"]
        for i in range(400):  # what is allocated once is allocated then
            leave(paths[i % len(paths)])
        wait_until(lambda: exporter.get("/livez").status == 200, 5, "it answers")
        rss_before, descriptors_before = exporter.resident_bytes(), exporter.descriptors()
        for i in range(N_CLIENTS):
            leave(paths[i % len(paths)])
        assert exporter.get("/livez").status == 200
        wait_until(lambda: exporter.descriptors() <= descriptors_before, 15,
                   "all descriptors are closed")
        assert exporter.resident_bytes() - rss_before <= (2**20 if SLOW == 1 else MEMORY_NOISE)
