# SPDX-License-Identifier: Apache-2.0
"""What all files of the suite share: servers started once, directories, the exporter itself."""
import importlib
import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

from harness import faults
from harness.browser import FOLDER
from harness.exporter import OFTEN, PROGRAM, Exporter
from harness.namespace import Namespace
from harness.pki import DAY, Authority
from harness.postgres import BIN, Postgres
from harness.secrets import secret
from harness.servers import Nginx, Redis

NEEDED = ("redis-server", "nginx", "haproxy", "prometheus", "promtool", "prometheus-alertmanager",
          "openssl", "unshare", "nsenter", "setpriv", "iptables", "ip", "bash", "curl",
          "slowhttptest", "testssl", "chromium", "node",
          f"{BIN}/initdb", f"{BIN}/postgres")
PACKAGES = ("playwright-core", "axe-core")
MODULES = ("psycopg2", "redis", "yaml", "prometheus_client", "cryptography", "jsonschema")


def pytest_sessionstart(session):
    """Nothing is skipped: what is missing ends the run."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if not shutil.which(name, path=path)]
    missing += [f"Python module {name}" for name in MODULES if not _is_importable(name)]
    missing += [f"npm package {name} (run make setup-test)" for name in PACKAGES
                if not (FOLDER / "node_modules" / name).is_dir()]
    if not os.access(PROGRAM, os.X_OK):
        missing.append(f"the program {PROGRAM} (run make, or set HX_PROGRAM)")
    if os.geteuid() != 0:
        missing.append("root, to make network namespaces and to give up rights")
    if missing and not session.config.option.collectonly:
        pytest.exit("missing: " + ", ".join(missing), returncode=2)


def _is_importable(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


@pytest.fixture(scope="session")
def new_directory():
    """Makes directories that other users can enter; all are gone at the end."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="health-exporter-tests-"))
    base.chmod(0o755)
    numbers = itertools.count(1)

    def make(label="run"):
        directory = base / f"{label}-{next(numbers)}"
        directory.mkdir(mode=0o755)
        return directory
    yield make
    shutil.rmtree(base)


@pytest.fixture
def directory(new_directory):
    return new_directory()


@pytest.fixture
def start(new_directory):
    """Starts exporters: start(config, args, ...) is a context manager."""
    def make(config=None, args=(), **options):
        return Exporter(new_directory(), config, args, **options)
    return make


@pytest.fixture(scope="module")
def namespace(new_directory):
    namespace = Namespace(new_directory("namespace"))
    yield namespace
    namespace.close()


@pytest.fixture(scope="session")
def authority(new_directory):
    return Authority(new_directory("ca"))


@pytest.fixture(scope="session")
def other_authority(new_directory):
    """A CA that signed nothing here."""
    return Authority(new_directory("other-ca"), "another CA")


@pytest.fixture(scope="session")
def postgres_server(new_directory, authority):
    # Its certificate is for the name alone, so that the address is a wrong host.
    certificate = authority.issue("postgres", "localhost")
    server = Postgres(new_directory("postgres"), certificate).start()
    server.create_role("health", secret("postgres"))
    server.query("CREATE DATABASE app OWNER health")
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server):
    """A running PostgreSQL, whatever the test before did to it."""
    postgres_server.ensure_running()
    yield postgres_server
    postgres_server.ensure_running()


@pytest.fixture(scope="session")
def redis_process(new_directory, authority):
    server = Redis(new_directory("redis"), authority.issue("redis", "localhost", "127.0.0.1"),
                   secret("redis"), "health", secret("acl")).start()
    yield server
    server.stop()


@pytest.fixture
def redis(redis_process):
    redis_process.ensure_running()
    yield redis_process
    redis_process.ensure_running()


@pytest.fixture(scope="session")
def nginx_process(new_directory, authority):
    server = Nginx(new_directory("nginx"), authority.issue("nginx", "localhost", valid_for=7 * DAY),
                   authority.issue("expired", "localhost", valid_for=-3 * DAY)).start()
    yield server
    server.stop()


@pytest.fixture
def nginx(nginx_process):
    nginx_process.ensure_running()
    yield nginx_process
    nginx_process.ensure_running()


# ---- one exporter for all that only look at it ----

@pytest.fixture(scope="module")
def peer():
    server = faults.FaultServer(faults.hang)
    yield server
    server.close()


@pytest.fixture(scope="module")
def config(peer):
    return {
        "service": {"name": "checkout", "version": "1.4.2", "commit": "abcdef1"},
        "dependencies": [
            {"name": "good", "url": f"tcp://127.0.0.1:{peer.port}", **OFTEN},
            {"name": "bad", "url": f"tcp://{faults.refused()}", "critical": False, **OFTEN},
            {"name": "model", "url": "heartbeat:", "ttl": "30s", "critical": False, **OFTEN}]}


@pytest.fixture(scope="module")
def exporter(new_directory, config):
    with Exporter(new_directory(), config) as exporter:
        exporter.wait_for_state("good", "up")
        exporter.wait_for_state("bad", "down", "refused")
        exporter.wait_for_state("model", "down")
        yield exporter
