# SPDX-License-Identifier: Apache-2.0
"""Servers that speak RESP far enough to be wrong in one place."""
from harness.faults import hang, reply

PONG = b"+PONG\r\n"


def refuse_everything(error):
    """Answers each command with the same error, as a server that is loading does."""
    def behave(connection):
        while data := connection.receive():
            for _ in range(max(1, data.count(b"*"))):
                connection.send(error + b"\r\n")
    return behave


def too_many_clients(connection):
    """What Redis does at maxclients: the error unasked, then the end."""
    connection.send(b"-ERR max number of clients reached\r\n")


def pong(connection):
    """A healthy server that lets everybody in."""
    while data := connection.receive():
        n_pings = data.upper().count(b"PING")
        connection.send(b"+OK\r\n" * (data.count(b"*") - n_pings) + PONG * n_pings)


def nested(depth):
    return reply(b"*1\r\n" * depth, then=hang)
