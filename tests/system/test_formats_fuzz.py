# SPDX-License-Identifier: Apache-2.0
"""Names, help texts and label values of any kind: what the registry takes is read back by the readers
of Prometheus' Python client and by ours, in every format; what is no name it refuses."""
import random
import re

import pytest
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics

from harness import registry as library
from harness.metrics import Metrics
from harness.protobuf import Page
from harness.registry import Refused, Registry

N_PAGES = 60
N_FAMILIES = 12
KINDS = ("counter", "gauge", "histogram")
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SAMPLE_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created")
UNESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


def pick_text(chance, length):
    """Text of characters that make trouble, or of any."""
    trouble = "\\\"\n\t\r ,={}#'nü€\u2028\u0085😀"
    return "".join(
        chance.choice(trouble) if chance.random() < 0.6
        else chr(chance.choice((chance.randrange(1, 0xD800), chance.randrange(0xE000, 0x110000))))
        for _ in range(chance.randrange(length)))


def pick_name(chance):
    """Mostly a name, sometimes nearly one."""
    name = "".join(chance.choice("abZ0__") for _ in range(chance.choice((1, 1, 1, 2, 8))))
    name += chance.choice(("", "", "_seconds", "_bytes", "_info", *SAMPLE_SUFFIXES))
    if chance.random() < 0.15:
        at = chance.randrange(len(name) + 1)
        name = name[:at] + (pick_text(chance, 3) or chance.choice(":-. 5")) + name[at:]
    return name


def is_valid(kind, name, text):
    def ends_in(suffix):
        return name.endswith(suffix) and name != suffix
    if not NAME.fullmatch(name) or not text:
        return False
    if kind == "counter":
        if not ends_in("_total"):
            return False
        name = name.removesuffix("_total")
    return not any(map(ends_in, SAMPLE_SUFFIXES))


def pick_labels(chance, kind):
    names = {pick_name(chance) for _ in range(chance.randrange(3))}
    labels = {name: pick_text(chance, 20) for name in names}
    is_good = all(NAME.fullmatch(name) and not name.startswith("__") for name in names)
    return labels, is_good and not (kind == "histogram" and "le" in names)


def fill(registry, chance):
    """Adds families; {name: (kind, help, labels, value)} of those that were taken."""
    taken, refused = {}, 0
    for _ in range(N_FAMILIES):
        kind, name = chance.choice(KINDS), pick_name(chance)
        if kind == "counter" and chance.random() < 0.8:
            name += "_total"
        text = pick_text(chance, 30)
        labels, has_good_labels = pick_labels(chance, kind)
        value = float(chance.randrange(1, 9))
        should_be_taken = is_valid(kind, name, text) and has_good_labels
        try:
            registry.add(kind, name, text, labels, value)
        except Refused as refusal:
            # What is valid may be taken: by the same name, or by a counter's without its "_total".
            assert not should_be_taken or re.search("there is a|already", str(refusal))
            refused += 1
            continue
        assert should_be_taken, (kind, name, text, labels)
        taken[name] = kind, text, labels, value
    return taken, refused


def key_of(name, kind, labels):
    return (name + "_count" if kind == "histogram" else name), frozenset(labels.items())


def assert_text(page, taken):
    metrics = Metrics(page)
    assert set(metrics.types) == set(taken)
    families = {family.name: family for family in text_parser.text_string_to_metric_families(page)}
    for name, (kind, text, labels, value) in taken.items():
        raw = re.sub(r"\\.", lambda found: UNESCAPED[found.group()], metrics.helps[name])
        assert (metrics.types[name], raw) == (kind, text)
        assert metrics.samples[key_of(name, kind, labels)] == (1 if kind == "histogram" else value)
        family = families[name.removesuffix("_total") if kind == "counter" else name]
        # This reader drops what is blank around a line.
        assert (family.type, family.documentation.strip()) == (kind, text.strip())
        assert all({n: v for n, v in sample.labels.items() if n != "le" or kind != "histogram"}
                   == labels for sample in family.samples)


def assert_openmetrics(page, taken):
    families = {family.name: family
                for family in openmetrics.text_string_to_metric_families(page)}
    assert len(families) == len(taken)
    for name, (kind, text, labels, value) in taken.items():
        family = families[name.removesuffix("_total") if kind == "counter" else name]
        assert (family.type, family.documentation) == (kind, text)
        wanted = key_of(name, kind, labels)
        values = [sample.value for sample in family.samples
                  if (sample.name, frozenset(sample.labels.items())) == wanted]
        assert values == [1 if kind == "histogram" else value]


def assert_protobuf(page, taken):
    decoded = Page(page)
    assert set(decoded.types) == set(taken)
    for name, (kind, text, labels, value) in taken.items():
        assert (decoded.types[name], decoded.helps[name]) == (kind, text)
        key = key_of(name, kind, labels)
        assert decoded.samples[key] == (1 if kind == "histogram" else value)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_registry_takes_reads_back_in_every_format(seed):
    chance = random.Random(seed)
    n_taken = n_refused = 0
    for _ in range(N_PAGES):
        with Registry() as registry:
            taken, refused = fill(registry, chance)
            n_taken, n_refused = n_taken + len(taken), n_refused + refused
            if not taken:
                continue
            assert_text(registry.page(library.TEXT).decode(), taken)
            assert_openmetrics(registry.page(library.OPENMETRICS).decode(), taken)
            assert_protobuf(registry.page(library.PROTOBUF), taken)
    # Neither half of the test is empty.
    assert n_taken > N_PAGES and n_refused > N_PAGES
