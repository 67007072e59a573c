# SPDX-License-Identifier: Apache-2.0
"""What the checks of deploy/ share: reading its files, running tools, collecting what is wrong."""
import pathlib
import subprocess
import tempfile

import yaml

DEPLOY = pathlib.Path("deploy")
EXPORTER = "health-exporter"

problems = []


def wrong(where, text):
    problems.append(f"{where}: {text}")


def expect(holds, where, text):
    if not holds:
        wrong(where, text)


def run(*command, **options):
    """The exit code, and all that was said."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            timeout=60, check=False, **options)
    return result.returncode, result.stdout + result.stderr


def must_pass(*command, **options):
    code, said = run(*command, **options)
    expect(code == 0, " ".join(str(word) for word in command), f"\n{said}")


def must_be_silent(*command, **options):
    code, said = run(*command, **options)
    expect(code == 0 and not said, " ".join(str(word) for word in command), f"\n{said}")


class _Loader(yaml.SafeLoader):
    """Refuses keys that occur twice: kubectl would, and PyYAML takes the last."""


def _mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
    if repeated:
        raise yaml.constructor.ConstructorError(None, None, f"repeated: {', '.join(repeated)}",
                                                node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def documents(path):
    """All documents of a file; none, and a problem, when it is no YAML."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except (OSError, yaml.YAMLError) as error:
        wrong(path, str(error))
        return []


def mappings(value):
    """Every mapping in a value, the outer ones first."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            yield from mappings(part)


def check_configuration(program, where, text):
    """Is this a configuration of ours? Files that only the target has are stood in for."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "checks.yml"
        password = pathlib.Path(directory) / "password"
        password.write_text("for a check alone", encoding="utf-8")
        text = text.replace("/run/secrets/health/password", str(password))
        file.write_text(text, encoding="utf-8")
        code, said = run(program, "--config.check", f"--config.file={file}")
    expect(code == 0, where, f"is refused:\n{said}")
