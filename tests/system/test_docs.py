# SPDX-License-Identifier: Apache-2.0
"""What the program shows is in the manual, and what the manual names exists."""
import re

import pytest

from harness.exporter import ROOT, run_program

PAGES = ("README.md", "docs/metrics.md", "docs/configuration.md")
FAMILY = re.compile(r"\b((?:health_(?:check|service|exporter)|dependency_check|process)_[a-z_]+)\b")
FLAG = re.compile(r"--[a-z]+(?:[.-][a-z]+)*")
# Names that look like families and are none.
NO_FAMILY = re.compile(r"health_check_duration_seconds_(?:bucket|sum|count)"
                       r"|health_exporter_loop_lag_seconds_(?:bucket|sum|count)")


def page(name):
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def text_of(*names):
    return "\n".join(page(name) for name in names)


@pytest.mark.parametrize("name", PAGES)
def test_the_manual_has_its_pages(name):
    assert len(page(name)) > 500


def test_each_family_is_in_the_manual(start):
    with start(None, ["host=memory:"]) as exporter:
        families = set(exporter.metrics().types)
    named = set(FAMILY.findall(text_of("docs/metrics.md")))
    assert not families - named, "families that docs/metrics.md does not name"


def test_each_family_of_the_manual_exists(start):
    with start(None, ["host=memory:"]) as exporter:
        families = set(exporter.metrics().types)
    named = set(FAMILY.findall(text_of("README.md", "docs/metrics.md")))
    named = {name for name in named if not NO_FAMILY.fullmatch(name)}
    assert not named - families, "families that no page of metrics has"


def test_each_flag_is_in_the_manual():
    flags = set(FLAG.findall(run_program("--help").stdout))
    text = text_of("README.md", "docs/configuration.md")
    assert flags
    assert not {flag for flag in flags if flag not in text}


def test_each_option_of_each_kind_is_in_the_manual():
    text = text_of("README.md", "docs/configuration.md")
    for kind in ("postgres", "redis", "http", "tcp", "tls", "disk", "memory", "heartbeat"):
        shown = run_program("kinds", kind).stdout
        options = re.findall(r"^  ([a-z_]+(?:\.[a-z_]+)*)\b", shown, re.MULTILINE)
        missing = [option for option in options if option not in text]
        assert not missing, f"{kind}: {missing}"


def test_the_annotated_example_is_a_good_configuration():
    path = ROOT / "deploy/examples/health_exporter.yml"
    assert path.is_file(), f"{path} is missing"
    environment = {name: "x" for name in re.findall(r"\$\{([A-Z_]+)\}", path.read_text("utf-8"))}
    result = run_program("--config.check", f"--config.file={path}", env=environment)
    assert result.returncode == 0, result.stderr
