# SPDX-License-Identifier: Apache-2.0
"""Completion in bash: what it offers is what --help and `kinds` say, no more and no less."""
import re
import shutil
import subprocess

import pytest

from harness.exporter import ROOT, environment, run_program

SCRIPT = ROOT / "deploy" / "completion" / "health_exporter.bash"
COMMANDS = ["check", "wait", "get", "kinds"]

# The words that end a line of the prompt, as bash would hand them to the function.
DRIVER = """
. "$1"
COMP_LINE=$2
COMP_POINT=${#2}
_health_exporter
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(line):
    """What bash would put in the place of the line's last word, behind "=" and ":"."""
    result = subprocess.run([shutil.which("bash"), "--norc", "-uc", DRIVER, "bash", SCRIPT, line],
                            env=environment(), capture_output=True, text=True, timeout=30,
                            check=True)
    assert result.stderr == "", result.stderr
    return result.stdout.split()


def helped_flags(*command):
    """The flags of --help, with "=" when they take a value."""
    result = run_program(*command, "--help")
    assert result.returncode == 0, result
    found = re.findall(r"^  (?:-h, )?(--[a-z.-]+)(=)?", result.stdout, re.MULTILINE)
    return {name + equals for name, equals in found}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_it_offers_the_flags_of_help(command):
    words = [command] if command else []
    offered = complete(" ".join(["health_exporter", *words, "--"]))
    assert set(offered) == helped_flags(*words)
    assert len(offered) == len(set(offered))


def test_it_offers_the_subcommands_of_help():
    named = re.findall(r"^(?:usage:|      ) health_exporter (\w+)", run_program("--help").stdout,
                       re.MULTILINE)
    assert sorted(complete("health_exporter ")) == sorted(named) == sorted(COMMANDS)
    assert complete("health_exporter ch") == ["check"]


def test_it_offers_all_kinds_and_schemes():
    rows = [line.split("  ") for line in run_program("kinds").stdout.splitlines()[1:]]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows if row[0]]
    assert set(complete("health_exporter kinds ")) == {row[0] for row in rows}
    schemes = {scheme for row in rows for scheme in row[1].split()}
    for line in ("health_exporter a=", "health_exporter check a="):
        assert {offer.split(":")[0] for offer in complete(line)} == schemes
    assert complete("health_exporter check --format=json cache=rediss:") == ["//"]


@pytest.mark.parametrize("line, flag", [
    ("health_exporter", "--log.level"), ("health_exporter", "--log.format"),
    ("health_exporter check", "--format"), ("health_exporter wait", "--for")])
def test_it_offers_the_choices_of_a_flag(line, flag):
    offered = complete(f"{line} {flag}=")
    assert offered and complete(f"{line} {flag} ") == offered
    refusal = run_program(*line.split()[1:], f"{flag}=no-such-choice")
    assert refusal.returncode == 2
    assert refusal.stderr.rstrip().endswith("expected one of " + ", ".join(offered))
    assert complete(f"{line} {flag}={offered[0][:2]}") == [offered[0]]


def test_it_offers_files_where_a_file_is_wanted(directory):
    (directory / "checks.yml").touch()
    for line in (f"health_exporter --config.file={directory}/ch",
                 f"health_exporter check --config.file {directory}/ch",
                 f"health_exporter get --password-file={directory}/ch"):
        assert complete(line) == [f"{directory}/checks.yml"], line


def test_it_offers_nothing_where_only_the_user_knows():
    for line in ("health_exporter --web.telemetry-path=", "health_exporter wait --timeout ",
                 "health_exporter a=memory: b"):
        assert complete(line) == [], line
