# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of the configuration against the program: on every example, good or bad, the two
are of one mind, except for what a schema cannot know."""
import json
import re

import jsonschema
import pytest
import yaml

from harness.exporter import ROOT, run_program

GOLDEN = ROOT / "tests" / "golden" / "config"
GOLDEN_FILES = sorted(GOLDEN.glob("*.yml"))
# Others there are for Kubernetes and for --web.config.file.
EXAMPLES = [path for path in sorted((ROOT / "deploy" / "examples").glob("*.yml"))
            if re.search(r"^dependencies:", path.read_text(encoding="utf-8"), re.MULTILINE)]

# What only the program sees. docs/command-line.md has the same list.
UNSEEN = {
    "duplicate keys": ["option_duplicate", "top_duplicate_key"],
    "duplicate and reserved names": ["name_duplicate", "name_reserved"],
    "names that no dependency has": ["startup_requires"],
    "whether a list rises, and its bounds": ["option_buckets_order"],
    "the environment": ["variable_missing", "variable_value"],
    "what files hold, and whether they are there": ["file_value_refused", "good_full"],
    "what a kind says of a URL behind its scheme": ["prepare_url"],
    "options that exclude each other": ["good_secrets", "policy_from_defaults", "policy_timeout"],
    "YAML itself": ["yaml_tag"],
}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it; without aliases, as the program."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
        ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789")):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


@pytest.fixture(scope="module")
def validator():
    result = run_program("--config.schema")
    assert result.returncode == 0 and result.stderr == ""
    schema = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def errors_of(validator, text):
    """What the schema has against the text; what is no YAML for PyYAML counts as one error."""
    try:
        document = yaml.load(text, Core)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return [error]
    return [error.message for error in validator.iter_errors(document)]


def is_accepted(path):
    # The files read others beside them.
    result = run_program("--config.check", f"--config.file={path.name}", cwd=path.parent,
                         env={"CANARY": "x", "RECO_TOKEN": "x"})
    assert result.returncode in (0, 2), result
    return result.returncode == 0


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
def test_it_judges_as_the_program_does(validator, path):
    # A plain "heartbeat:" is a text to the program's parser and an error to PyYAML.
    text = re.sub(rb"url: ([a-z]+:)$", rb'url: "\1"', path.read_bytes(), flags=re.MULTILINE)
    errors = errors_of(validator, text)
    is_unseen = any(path.stem in stems for stems in UNSEEN.values())
    if is_accepted(path):
        assert errors == []
    elif is_unseen:
        assert errors == [], "the schema sees it after all: the list is out of date"
    else:
        assert errors


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid(validator, path):
    assert errors_of(validator, path.read_bytes()) == []


def dependency(url="tcp://x:1", **options):
    return {"dependencies": [{"name": "a", "url": url, **options}]}


@pytest.mark.parametrize("config", [
    {}, {"dependencies": []}, {"service": {"version": 1.0}}, {"liveness_grace": "20s"},
    {"maintenance": {"windows": [{"weekly": "Sun 02:00-04:00", "reason": "backup"}]}},
    dependency(interval="1h30m", timeout="1.5s", critical=False, degraded_after=0),
    dependency(interval="${INTERVAL}", critical="${CRITICAL:-true}", failure_threshold="${N:-3}"),
    dependency("tls://x:1", failure_threshold="3", tls={"min_version": 1.3}, tags=["edge", 1]),
    dependency("rediss://x", tls={"min_version": "1.2"}, connection="fresh"),
    dependency("http://x", expect={"status": [200, "2xx", "200-299"]}, max_body="64KiB"),
    dependency("http://x", max_body=65536, expect={"json": {"/up": True}}, headers={"X-A": 1}),
    dependency("redis://x", password_file="/run/secret", database=3),
    dependency("disk:/", min_free="5%"), dependency("disk:/", min_free=1000000),
    dependency(buckets=["5ms", 0.25, 1, "2", "1m30s"]), dependency(buckets=["${BOUND}"]),
    dependency("${URL}", password="p"), dependency("${SCHEME:-http}://x", method="HEAD"),
    {"defaults": {"interval": "1m"}, "dependencies": [{"name": "a", "url_file": "/run/url"}]},
])
def test_it_takes_what_the_program_takes(validator, directory, config):
    assert list(validator.iter_errors(config)) == []
    if not re.search("_file|[$]", str(config)):
        path = directory / "checks.yml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        assert config == {} or is_accepted(path)


@pytest.mark.parametrize("config, said", [
    ({"dependencis": []}, "dependencis"), ({"defaults": {"method": "GET"}}, "method"),
    (dependency(intervall="1s"), "intervall"), (dependency(method="GET"), "method"),
    (dependency(interval=10), "10"), (dependency(interval="10"), "10"),
    (dependency(interval="1s1m"), "1s1m"), (dependency(interval="1.5m3s"), "1.5m3s"),
    (dependency(failure_threshold=0), "0"), (dependency(failure_threshold=1001), "1001"),
    (dependency(critical="yes"), "yes"), (dependency(critical=1), "1"),
    (dependency("http://x", connection="sometimes"), "sometimes"), (dependency(connection="keep"), "keep"),
    (dependency("redis://x", tls={"min_version": 1.3}), "too many properties"), (dependency(tags="edge"), "edge"),
    (dependency("tls://x:1", tls={"ca_fil": "x"}), "ca_fil"), (dependency(tls=True), "True"),
    (dependency("tls://x:1", tls={"ca_file_file": "x"}), "ca_file_file"),
    (dependency(buckets=[]), "[]"), (dependency(buckets="5ms"), "5ms"),
    (dependency(buckets=["fast"]), "fast"), (dependency(buckets=[0, 1]), "0"),
    (dependency(buckets=list(range(1, 32))), "too long"),
    (dependency("http://x", expect={"status": [99]}), "99"),
    (dependency("http://x", expect={"status": ["6xx"]}), "6xx"),
    (dependency("http://x", max_body="64kib"), "64kib"),
    (dependency("disk:/", min_free="101%"), "101%"),
    (dependency("redis://x", password="a", password_file="b"), "password"),
    (dependency("redis://x", password="${x-y}"), "x-y"),
    (dependency("gopher://x"), "gopher"), ({"dependencies": [{"name": "a"}]}, "a"),
    (dependency("tcp://x:1", url_file="/x"), "url_file"),
    ({"dependencies": [{"url": "memory:"}]}, "name"), (dependency(url=None), "None"),
    ({"maintenance": {"windows": [{"weekl": "x"}]}}, "weekl"), ([], "[]"),
])
def test_it_refuses_what_the_program_refuses(validator, directory, config, said):
    errors = [error.message for error in validator.iter_errors(config)]
    assert any(said in error for error in errors), errors
    path = directory / "checks.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert not is_accepted(path)


def test_editors_are_told_what_kinds_tells(validator):
    """Every option of every kind with its help and default."""
    definitions = validator.schema["$defs"]
    for line in run_program("kinds").stdout.splitlines()[1:]:
        kind = line.split(" ")[0]
        if not kind:
            continue
        told = run_program("kinds", kind).stdout
        for name, schema in definitions[f"kind_{kind}"]["properties"].items():
            if "$ref" in schema and name.endswith("_file") and not re.search(rf"^  {name} ", told,
                                                                              re.MULTILINE):
                name = name[:-len("_file")]
            assert re.search(rf"^  {name}[ .]", told, re.MULTILINE), (kind, name)
    common = definitions["common_options"]["properties"]
    assert common["interval"]["default"] == "10s" and "10ms to 1d" in common["interval"][
        "description"]
    assert common["critical"]["default"] is True and common["failure_threshold"]["default"] == 1
    assert set(common["tls"]["properties"]) >= {"ca_file", "min_version", "server_name_file"}
