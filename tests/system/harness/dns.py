# SPDX-License-Identifier: Apache-2.0
"""A DNS server on port 53 of a namespace, whose answers depend on the name that is asked for.

A zone maps names to functions (query type) -> answer; see the helpers at the end.
"""
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class DnsServer:
    def __init__(self, namespace, zone):
        self.zone = dict(zone)
        self.asked = []
        self._timers = []
        self._is_closing = threading.Event()
        with namespace.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 53))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        namespace.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")

    def _serve(self):
        while not self._is_closing.is_set():
            try:
                self._answer(*self._socket.recvfrom(4096))
            except TimeoutError:
                continue

    def _answer(self, query, peer):
        name, kind, question = parse_question(query)
        self.asked.append((name, kind))
        answer = self.zone.get(name, refuse(NXDOMAIN))(query, kind, question)
        if answer is None:
            return
        delay, data = answer if isinstance(answer, tuple) else (0, answer)
        if not delay:
            self._send(data, peer)
            return
        timer = threading.Timer(delay, self._send, (data, peer))
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _send(self, data, peer):
        try:
            self._socket.sendto(data, peer)
        except OSError:
            pass  # The asker has gone.

    def close(self):
        self._is_closing.set()
        self._thread.join()
        for timer in self._timers:
            timer.cancel()
        self._socket.close()


def parse_question(query):
    """(name, type, the bytes of the question)."""
    at, labels = 12, []
    while query[at]:
        size = query[at]
        labels.append(query[at + 1:at + 1 + size].decode("ascii"))
        at += 1 + size
    kind, = struct.unpack("!H", query[at + 1:at + 3])
    return ".".join(labels).lower(), kind, query[12:at + 5]


def encode_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def build(query, question, records=(), code=NOERROR):
    """records: (type, TTL in seconds, data), all of the name that was asked for."""
    flags = 0x8180 | code
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data
                    for kind, ttl, data in records)
    return header + question + body


# ---- answers ----

def addresses(*texts, ttl=1):
    def answer(query, kind, question):
        records = [(A, ttl, socket.inet_aton(text)) for text in texts] if kind == A else []
        return build(query, question, records)
    return answer


def refuse(code):
    return lambda query, kind, question: build(query, question, code=code)


def silence(query, kind, question):
    return None


def delayed(seconds, answer):
    return lambda query, kind, question: (seconds, answer(query, kind, question))


def garbage(query, kind, question):
    return query[:2] + b"\x81\x80" + b"\xff" * 40


def wrong_id(query, kind, question):
    return addresses("127.0.0.1")(bytes([query[0] ^ 0xff, query[1]]) + query[2:], kind, question)


def cname_to(target):
    def answer(query, kind, question):
        return build(query, question, [(CNAME, 1, encode_name(target))])
    return answer
