# SPDX-License-Identifier: Apache-2.0
"""Servers that speak PostgreSQL's protocol 3.0 far enough to be wrong in one place.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""
import struct

from harness.faults import close_at_once, hang

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104


def message(kind, payload=b""):
    return kind + struct.pack("!i", len(payload) + 4) + payload


def error(sqlstate, text="no", severity="FATAL"):
    fields = b"".join(field + value.encode() + b"\0" for field, value in
                      ((b"S", severity), (b"V", severity), (b"C", sqlstate), (b"M", text)))
    return message(b"E", fields + b"\0")


AUTHENTICATION_OK = message(b"R", struct.pack("!i", 0))
AUTHENTICATION_CLEARTEXT = message(b"R", struct.pack("!i", 3))
READY = message(b"Z", b"I")
GREETING = (AUTHENTICATION_OK + message(b"S", b"server_version\x0015.0\0")
            + message(b"K", struct.pack("!ii", 1, 2)) + READY)
ROW_DESCRIPTION = message(b"T", struct.pack("!h", 1) + b"?column?\0"
                          + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))
ROW = message(b"D", struct.pack("!hi", 1, 1) + b"1")
NOTICE = message(b"N", b"SNOTICE\0C00000\0Mhere\0\0")


def read_startup(connection):
    """Declines encryption as a server without it does; returns the startup message."""
    while True:
        size, = struct.unpack("!i", connection.receive_exactly(4))
        payload = connection.receive_exactly(size - 4)
        if struct.unpack("!i", payload[:4])[0] not in (SSL_REQUEST, GSS_REQUEST):
            return payload
        connection.send(b"N")


def at_startup(answer, then=close_at_once):
    """Answers the startup message, before anybody has logged in."""
    def behave(connection):
        read_startup(connection)
        connection.send(answer)
        then(connection)
    return behave


def ask_cleartext_then(answer):
    """Demands the password in clear text, and answers to it."""
    def behave(connection):
        read_startup(connection)
        connection.send(AUTHENTICATION_CLEARTEXT)
        connection.receive()
        connection.send(answer)
    return behave


def at_query(answer, then=hang):
    """Lets everybody in, and answers each statement with these bytes."""
    def behave(connection):
        read_startup(connection)
        connection.send(GREETING)
        while connection.receive():
            connection.send(answer)
            if then is not hang:
                then(connection)
                return
    return behave


def flood_at_query(chunk, head=b""):
    def behave(connection):
        read_startup(connection)
        connection.send(GREETING)
        connection.receive()
        connection.send(head)
        while True:
            connection.send(chunk)
    return behave
