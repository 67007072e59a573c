# SPDX-License-Identifier: Apache-2.0
"""Runs a command with a listening socket as descriptor 3, as systemd does for a .socket unit.

    activate.py stream|datagram HOST PORT COMMAND...
"""
import os
import socket
import sys

TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM}


def main():
    kind, host, port, *command = sys.argv[1:]
    sock = socket.socket(socket.AF_INET, TYPES[kind])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, int(port)))
    if kind == "stream":
        sock.listen(128)
    if sock.fileno() == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(sock.fileno(), 3)
    environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
