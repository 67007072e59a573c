# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL cluster of the suite's own."""
import contextlib
import os
import shutil
import subprocess

import psycopg2

from harness.servers import Server, owner_for_postgres, require
from harness.waiting import wait_until

BIN = "/usr/lib/postgresql/15/bin"

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
fsync = off
max_connections = 30
superuser_reserved_connections = 3
shared_buffers = 16MB
password_encryption = 'scram-sha-256'
log_connections = on
log_line_prefix = '%m [%p] %u '
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
"""

HBA = """
local all postgres trust
host all nobody_may 127.0.0.1/32 reject
hostssl all only_tls 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
local all all scram-sha-256
"""


class Postgres(Server):
    """The database "app" with TLS on; roles come by create_role()."""

    def __init__(self, directory, certificate):
        self._owner = owner_for_postgres()
        super().__init__("postgres", directory, user=self._owner.pw_name if self._owner else None)
        self._data = self.directory / "data"
        self._initialize(certificate)

    def _initialize(self, certificate):
        self._give_away(self.directory)
        self._run(f"{BIN}/initdb", "--no-sync", "--no-locale", "--encoding=UTF8",
                  "--auth=trust", "--username=postgres", f"--pgdata={self._data}")
        with open(self._data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(port=self.port, directory=self.directory))
        (self._data / "pg_hba.conf").write_text(HBA, encoding="utf-8")
        for source, name in zip(certificate, ("server.crt", "server.key")):
            shutil.copy(source, self._data / name)
            os.chmod(self._data / name, 0o600)
            self._give_away(self._data / name)

    def _run(self, *command):
        require(*command[:1])
        options = {"user": self._user, "group": self._user} if self._user else {}
        subprocess.run(command, check=True, capture_output=True, cwd=self.directory, **options)

    def _give_away(self, path):
        if self._owner:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def _command(self):
        return [f"{BIN}/postgres", "-D", str(self._data)]

    def _is_ready(self):
        try:
            return self.query("SELECT 1") == [(1,)]
        except psycopg2.OperationalError:
            return False

    def connect(self, **options):
        connection = psycopg2.connect(**{"host": str(self.directory), "port": self.port,
                                         "user": "postgres", "dbname": "postgres",
                                         "application_name": "the tests", **options})
        connection.autocommit = True
        return connection

    def query(self, sql, *args, **options):
        """Runs one statement as superuser; its rows."""
        with contextlib.closing(self.connect(**options)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, args)
            return cursor.fetchall() if cursor.description else []

    def create_role(self, name, password):
        self.query(f"CREATE ROLE {name} LOGIN PASSWORD %s", password)

    def backends(self, role):
        """The sessions of a role: [(state, query)]."""
        return self.query("SELECT state, query FROM pg_stat_activity WHERE usename = %s", role)

    def logins(self, role):
        """How often somebody tried to log in as that role, by the server's own log."""
        return sum(f" {role} " in line and ("connection authorized" in line or "FATAL" in line)
                   for line in self.log.splitlines())

    @contextlib.contextmanager
    def configured(self, **settings):
        """Other settings for a while, by reload."""
        for name, value in settings.items():
            self.query(f"ALTER SYSTEM SET {name} = '{value}'")
        self._reload(settings)
        try:
            yield
        finally:
            self.ensure_running()
            before = {name: None for name in settings}
            for name in settings:
                self.query(f"ALTER SYSTEM RESET {name}")
            self._reload(before)

    def _reload(self, settings):
        self.query("SELECT pg_reload_conf()")
        for name, value in settings.items():
            if value is not None:
                wait_until(lambda name=name, value=value: self.query(f"SHOW {name}") == [(value,)],
                           5, f"PostgreSQL shows {name} = {value}")
