# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format 0.0.4: what is only tolerated elsewhere fails here.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""
import math
import re

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|Inf)|NaN")
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Malformed(AssertionError):
    pass


class Metrics:
    """The samples of one page, by name and labels."""

    def __init__(self, text):
        self.text = text
        self.types = {}
        self.helps = {}
        self.samples = {}
        self._read(text)
        self._check_histograms()

    def value(self, name, **labels):
        """The one sample with exactly these labels; KeyError when there is none."""
        return self.samples[name, frozenset(labels.items())]

    def get(self, name, default=None, **labels):
        return self.samples.get((name, frozenset(labels.items())), default)

    def series(self, name, **labels):
        """All samples of a name that have at least these labels: [(labels, value)]."""
        wanted = labels.items()
        return [(dict(have), value) for (n, have), value in self.samples.items()
                if n == name and wanted <= dict(have).items()]

    def _read(self, text):
        if not text.endswith("\n"):
            raise Malformed("the page does not end in a newline")
        family, closed = None, set()
        for number, line in enumerate(text[:-1].split("\n"), 1):
            try:
                family = self._read_line(line, family, closed)
            except Malformed as problem:
                raise Malformed(f"line {number}: {problem}: {line!r}") from None

    def _read_line(self, line, family, closed):
        if line.startswith("# "):
            _, keyword, name, rest = (line.split(" ", 3) + ["", ""])[:4]
            return self._read_comment(keyword, name, rest, family, closed)
        name, labels, value = self._parse_sample(line)
        if family is None or not self._belongs(name, family):
            raise Malformed("a sample outside its family")
        key = name, frozenset(labels.items())
        if key in self.samples:
            raise Malformed("a series that was there already")
        self.samples[key] = value
        return family

    def _read_comment(self, keyword, name, rest, family, closed):
        if not NAME.fullmatch(name):
            raise Malformed("no metric name")
        if name != family:
            if name in closed:
                raise Malformed("a family in two places")
            closed.add(name)
        if keyword == "HELP" and name not in self.helps and name not in self.types and rest:
            self.helps[name] = rest
        elif keyword == "TYPE" and name not in self.types and rest in SUFFIXES:
            if (rest == "counter") != name.endswith("_total"):
                raise Malformed("counters, and they alone, end in _total")
            self.types[name] = rest
        else:
            raise Malformed("neither a first HELP nor a first TYPE")
        return name

    def _belongs(self, name, family):
        suffixes = SUFFIXES[self.types[family]] if family in self.types else ()
        return any(name == family + suffix for suffix in suffixes)

    @staticmethod
    def _parse_sample(line):
        match = NAME.match(line)
        if not match:
            raise Malformed("no metric name")
        name, rest, labels = match.group(), line[match.end():], {}
        if rest.startswith("{"):
            rest = rest[1:]
            while not rest.startswith("}"):
                match = LABEL.match(rest)
                if not match or match.group(1) in labels:
                    raise Malformed("a bad or repeated label")
                labels[match.group(1)] = re.sub(r"\\.", lambda m: ESCAPES[m.group()],
                                                match.group(2))
                rest = rest[match.end():]
                if rest.startswith(","):
                    rest = rest[1:]
                elif not rest.startswith("}"):
                    raise Malformed("labels without a comma between them")
            rest = rest[1:]
        if not rest.startswith(" ") or not VALUE.fullmatch(rest[1:]):
            raise Malformed("no value, or a timestamp behind it")
        return name, labels, float(rest[1:])

    def _check_histograms(self):
        for family in (name for name, kind in self.types.items() if kind == "histogram"):
            series = {}
            for labels, value in self.series(family + "_bucket"):
                bound = float(labels.pop("le"))
                series.setdefault(frozenset(labels.items()), {})[bound] = value
            for labels, buckets in series.items():
                counts = [buckets[bound] for bound in sorted(buckets)]
                if counts != sorted(counts) or math.inf not in buckets:
                    raise Malformed(f"{family}: buckets fall, or +Inf is missing")
                if buckets[math.inf] != self.samples[family + "_count", labels]:
                    raise Malformed(f"{family}: the +Inf bucket is not the count")
                if (family + "_sum", labels) not in self.samples:
                    raise Malformed(f"{family}: no sum")

    def buckets(self, family, **labels):
        """The cumulated buckets of one histogram: {bound: count}."""
        return {float(have["le"]): value
                for have, value in self.series(family + "_bucket", **labels)}
