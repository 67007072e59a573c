# SPDX-License-Identifier: Apache-2.0
"""deploy/debian/control against .ci/setup, which everybody who adds a library changes first."""
import pathlib
import re

from deploy_files import DEPLOY, expect

CONTROL = DEPLOY / "debian" / "control"
SETUP = pathlib.Path(".ci/setup")
# What every Debian build has; and debhelper, which .ci/setup has in a part of its own.
ESSENTIAL = {"gcc", "make", "libc6-dev"}
DEBHELPER = "debhelper-compat (= 13)"


def field(paragraph, name):
    """The comma-separated values of a field."""
    match = re.search(rf"^{name}:((?:.*\n)(?: .*\n)*)", paragraph, re.MULTILINE)
    return {value.strip() for value in match.group(1).split(",") if value.strip()}


def check_debian():
    setup = re.search(r"^build='([^']*)'", SETUP.read_text(encoding="utf-8"), re.MULTILINE)
    needed = set(setup.group(1).split()) - ESSENTIAL
    source, *packages = (CONTROL.read_text(encoding="utf-8") + "\n").split("\n\n")
    expect(field(source + "\n", "Build-Depends") - {DEBHELPER} == needed, CONTROL,
           f"Build-Depends is what {SETUP} installs for a build")
    dev, = [package for package in packages if package.startswith("Package: libhealth-exporter-dev\n")]
    linked = {name for name in field(dev + "\n", "Depends") if re.fullmatch(r"\S+-dev", name)}
    expect(linked == {name for name in needed if name.endswith("-dev")}, CONTROL,
           f"libhealth-exporter-dev depends on the libraries that {SETUP} installs for a build")
