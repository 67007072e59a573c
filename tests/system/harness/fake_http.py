# SPDX-License-Identifier: Apache-2.0
"""Servers that speak HTTP far enough to be wrong in one place."""
import functools
import struct
import zlib

from harness.faults import close_at_once


def head(status=200, *headers):
    lines = [f"HTTP/1.1 {status} Whatever", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answer(status=200, body=b"ok", headers=()):
    return head(status, f"Content-Length: {len(body)}", "Connection: close", *headers) + body


def respond(data, then=close_at_once):
    """Reads a request's head, answers with these bytes, then behaves as told."""
    def behave(connection):
        connection.receive_until(b"\r\n\r\n")
        connection.send(data)
        then(connection)
    return behave


def keep_alive(status=200, body=b"ok"):
    """A healthy server that keeps its connections."""
    def behave(connection):
        while True:
            connection.receive_until(b"\r\n\r\n")
            connection.send(head(status, f"Content-Length: {len(body)}") + body)
    return behave


def redirect(location):
    return respond(answer(302, b"", [f"Location: {location}"]))


def redirect_loop(connection):
    respond(answer(302, b"", ["Location: /again"]))(connection)


@functools.cache
def gzip_bomb(megabytes=200):
    """200 MB of zeros in 200 kB: the same compressed megabyte again and again."""
    megabyte = bytes(1 << 20)
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(megabyte, checksum)
    size = (megabytes << 20) & 0xffffffff
    return (b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block * megabytes + packer.flush()
            + struct.pack("<II", checksum, size))


def respond_with_gzip_bomb():
    bomb = gzip_bomb()
    return respond(head(200, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)


def flood_after(first, chunk):
    """Answers a request without an end."""
    def behave(connection):
        connection.receive_until(b"\r\n\r\n")
        connection.send(first)
        while True:
            connection.send(chunk)
    return behave


CHUNKED_HEAD = head(200, "Transfer-Encoding: chunked")
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
