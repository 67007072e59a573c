# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the delimited protobuf format, by hand, so that it shares nothing with ours.

https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
"""
import collections
import struct

TYPES = {0: "counter", 1: "gauge", 4: "histogram"}


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _signed(value):
    return value >> 1 ^ -(value & 1)


def fields(data):
    """[(number, value)] of a message: an integer, a float, or bytes."""
    found, at = [], 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            assert wire == 2, f"wire type {wire}"
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        found.append((number, value))
    return found


def _all(message, number):
    return [value for n, value in message if n == number]


def _one(message, number):
    value, = _all(message, number)
    return value


class Native:
    """The native part of a histogram: {index: count}."""

    def __init__(self, message):
        self.schema = _signed(_one(message, 5))
        self.zero_threshold = _one(message, 6)
        self.zero_count = _one(message, 7)
        self.buckets = {}
        packed = _all(message, 13)
        deltas, at, index, count = packed[0] if packed else b"", 0, 0, 0
        for span in _all(message, 12):
            span = dict(fields(span))
            index += _signed(span[1])
            for _ in range(span[2]):
                delta, at = _varint(deltas, at)
                count += _signed(delta)
                assert count >= 0
                self.buckets[index] = count
                index += 1
        assert at == len(deltas)

    @property
    def total(self):
        return self.zero_count + sum(self.buckets.values())


class Page:
    """samples as the text format has them, by name and labels; native histograms by labels."""

    def __init__(self, data):
        self.types, self.helps, self.units = {}, {}, {}
        self.samples, self.natives = {}, {}
        self.messages = collections.Counter()  # how many each family came in
        at = 0
        while at < len(data):
            size, at = _varint(data, at)
            self._family(fields(data[at:at + size]))
            at += size
        assert at == len(data)

    def _family(self, message):
        name = _one(message, 1).decode()
        self.messages[name] += 1
        self.helps[name] = _one(message, 2).decode()
        self.types[name] = TYPES[_one(message, 3)]
        self.units[name] = b"".join(_all(message, 5)).decode()
        for metric in map(fields, _all(message, 4)):
            labels = {}
            for pair in map(fields, _all(metric, 1)):
                labels[_one(pair, 1).decode()] = _one(pair, 2).decode()
            self._metric(name, labels, metric)

    def _metric(self, name, labels, metric):
        if self.types[name] != "histogram":
            value = fields(_one(metric, 3 if self.types[name] == "counter" else 2))
            self._add(name, labels, _one(value, 1))
            return
        histogram = fields(_one(metric, 7))
        self._add(name + "_count", labels, _one(histogram, 1))
        self._add(name + "_sum", labels, _one(histogram, 2))
        for bucket in map(fields, _all(histogram, 3)):
            self._add(name + "_bucket", {**labels, "le": repr(_one(bucket, 2))}, _one(bucket, 1))
        self._add(name + "_bucket", {**labels, "le": "+Inf"}, _one(histogram, 1))
        if _all(histogram, 5):
            self.natives[name, frozenset(labels.items())] = Native(histogram)

    def _add(self, name, labels, value):
        key = name, frozenset(labels.items())
        assert key not in self.samples
        self.samples[key] = value
