# SPDX-License-Identifier: Apache-2.0
"""The kind postgres against a real PostgreSQL 15."""
import contextlib
import datetime
import subprocess

import pytest

from harness import faults
from harness.exporter import OFTEN, UNHURRIED
from harness.secrets import secret
from harness.servers import require
from harness.undisturbed import Undisturbed

PASSWORD = secret("postgres")
WRONG = secret("wrong")


def url(server, host="127.0.0.1", password=PASSWORD, user="health", database="app", query=""):
    return f"postgresql://{user}:{password}@{host}:{server.port}/{database}{query}"


def database(address, **options):
    return {"dependencies": [{"name": "database", "url": address, **OFTEN, **options}]}


@pytest.fixture
def beside():
    """A peer that is well, for the dependency that must not notice."""
    server = faults.FaultServer(faults.hang)
    yield {"name": "healthy", "url": f"tcp://127.0.0.1:{server.port}", **OFTEN}
    server.close()


def test_is_up_with_its_password_as_an_option(start, postgres, directory):
    (directory / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    address = f"postgresql://health@127.0.0.1:{postgres.port}/app"
    config = {"dependencies": [
        {"name": "from_url", "url": url(postgres), **UNHURRIED},
        {"name": "from_option", "url": address, "password": PASSWORD, **UNHURRIED},
        {"name": "from_file", "url": address, "password_file": str(directory / "password"),
         **UNHURRIED},
        {"name": "from_environment", "url": address, "password": "${DB_PASSWORD}", **UNHURRIED},
        {"name": "by_socket", "url": f"postgresql://health@/app?host={postgres.directory}"
                                     f"&port={postgres.port}", "password": PASSWORD, **UNHURRIED},
        {"name": "own_query", "url": url(postgres), "query": "SELECT count(*) FROM pg_class",
         **UNHURRIED},
        {"name": "fresh", "url": url(postgres), "connection": "fresh", **UNHURRIED},
    ]}
    with start(config, env={"DB_PASSWORD": PASSWORD}) as exporter:
        for dependency in config["dependencies"]:
            exporter.wait_for_state(dependency["name"], "up")
            assert not exporter.failures(dependency["name"])


@pytest.mark.parametrize("address, reason", [
    ({"password": WRONG}, "auth"),
    ({"user": "nobody_at_all"}, "auth"),
    ({"database": "no_such_database"}, "status"),
], ids=["wrong_password", "unknown_role", "unknown_database"])
def test_a_refusal_is_down_with_its_reason(start, postgres, address, reason):
    with start(database(url(postgres, **address))) as exporter:
        exporter.wait_for_state("database", "down", reason)


def test_a_query_that_fails_is_down_by_status(start, postgres):
    config = database(url(postgres), query="SELECT 1 FROM no_such_table")
    with start(config) as exporter:
        exporter.wait_for_state("database", "down", "status")


def test_a_refused_password_is_not_tried_a_second_time(start, postgres):
    """Two logins a check would lock accounts out twice as fast."""
    postgres.query("CREATE ROLE once LOGIN PASSWORD 'x'")
    with start(database(url(postgres, user="once", password=WRONG), interval="400ms")) as exporter:
        exporter.wait_for_checks(["database"], 4, 5)
        # The server's log is written before its reply; a check may be on its way.
        logins, checks = postgres.logins("once"), exporter.checks("database")
        assert checks - 1 <= logins <= checks + 1
    postgres.query("DROP ROLE once")


def test_one_backend_for_a_dependency(start, postgres):
    postgres.create_role("one_backend", PASSWORD)
    config = {"dependencies": [
        {"name": "kept", "url": url(postgres, user="one_backend"), **UNHURRIED},
        {"name": "fresh", "url": url(postgres, user="one_backend"), "connection": "fresh",
         **UNHURRIED}]}
    most = 0
    with start(config) as exporter:
        exporter.wait_for_state("kept", "up")
        before = exporter.checks("fresh")
        while exporter.checks("fresh") < before + 4:
            most = max(most, len(postgres.backends("one_backend")))
    assert 1 <= most <= 2


def test_a_kept_connection_logs_in_once(start, postgres):
    postgres.create_role("kept", PASSWORD)
    with start(database(url(postgres, user="kept"), **UNHURRIED)) as exporter:
        exporter.wait_for_checks(["database"], 5, 10)
        assert postgres.logins("kept") == 1


def test_a_kept_connection_is_renewed_at_its_age(start, postgres):
    postgres.create_role("renewed", PASSWORD)
    config = database(url(postgres, user="renewed"), max_connection_age="1s", **UNHURRIED)
    with start(config) as exporter:
        exporter.wait_for(lambda: postgres.logins("renewed") >= 3, 10, "it logs in again")
        assert not exporter.failures("database")


def test_nothing_is_left_running_after_timeouts(start, postgres):
    postgres.create_role("sleeper", PASSWORD)
    config = database(url(postgres, user="sleeper"), query="SELECT pg_sleep(60)")
    with start(config) as exporter:
        exporter.wait_for_checks(["database"], 4, 6)
        assert set(exporter.failures("database")) == {"timeout"}
        exporter.wait_for(lambda: len(postgres.backends("sleeper")) <= 1, 5, "no pile")
        exporter.wait_for(lambda: not [query for state, query in postgres.backends("sleeper")
                                       if state == "active" and "pg_sleep" in query], 2,
                          "the server has given the query up")


def test_a_lock_is_a_timeout_and_does_not_pile_up(start, postgres):
    postgres.create_role("waiter", PASSWORD)
    postgres.query("CREATE TABLE held (x int)", dbname="app")
    postgres.query("GRANT SELECT ON held TO waiter", dbname="app")
    with contextlib.closing(postgres.connect(dbname="app")) as holder:
        holder.autocommit = False
        holder.cursor().execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        config = database(url(postgres, user="waiter"), query="SELECT count(*) FROM held")
        with start(config) as exporter:
            exporter.wait_for_checks(["database"], 4, 6)
            assert set(exporter.failures("database")) == {"timeout"}
            exporter.wait_for(lambda: len(postgres.backends("waiter")) <= 1, 5, "no pile")
            holder.rollback()
            exporter.wait_for_state("database", "up")
    postgres.query("DROP TABLE held", dbname="app")


def test_a_frozen_server_is_a_timeout_and_comes_back(start, postgres, beside):
    config = {"dependencies": [
        beside,
        {"name": "kept", "url": url(postgres), **OFTEN},
        {"name": "fresh", "url": url(postgres), "connection": "fresh", **OFTEN}]}
    with start(config) as exporter:
        for name in ("kept", "fresh"):
            exporter.wait_for_state(name, "up")
        with Undisturbed(exporter):
            with postgres.frozen():
                for name in ("kept", "fresh"):
                    exporter.wait_for_state(name, "down", "timeout")
            for name in ("kept", "fresh"):
                exporter.wait_for_state(name, "up")
                assert set(exporter.failures(name)) == {"timeout"}


def test_a_killed_server_is_refused_and_comes_back(start, postgres, beside):
    config = {"dependencies": [beside, {"name": "database", "url": url(postgres), **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("database", "up")
        with Undisturbed(exporter):
            postgres.kill()
            exporter.wait_for_state("database", "down", "refused")
            postgres.start()
            exporter.wait_for_state("database", "up")
        assert set(exporter.failures("database")) <= {"closed", "refused", "unavailable"}


def test_a_restart_between_two_checks_is_no_failure(start, postgres):
    """The kept connection is dead, the server is well: that is no outage."""
    config = database(url(postgres), interval="8s", timeout="2s")
    with start(config) as exporter:
        exporter.wait_for_state("database", "up")
        checks = exporter.checks("database")
        postgres.stop()
        postgres.start()
        assert exporter.checks("database") == checks, "the restart took longer than the interval"
        exporter.wait_for(lambda: exporter.checks("database") > checks, 12, "the next check")
        assert not exporter.failures("database"), exporter.failures("database")


def test_a_terminated_backend_is_no_failure_of_the_next_check(start, postgres):
    postgres.create_role("ended", PASSWORD)
    with start(database(url(postgres, user="ended"), **UNHURRIED)) as exporter:
        exporter.wait_for_state("database", "up")
        postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE usename = 'ended'")
        exporter.wait_for_checks(["database"], 2, 5)
        assert exporter.health("database")["status"] == "up"
        assert not exporter.failures("database"), exporter.failures("database")


def test_a_full_server_is_unavailable(start, postgres):
    with contextlib.ExitStack() as stack:
        postgres.create_role("filler", "x")
        filler = {"host": str(postgres.directory), "user": "filler", "password": "x"}
        with pytest.raises(Exception, match="remaining connection slots|too many clients"):
            for _ in range(40):
                stack.enter_context(contextlib.closing(postgres.connect(**filler)))
        with start(database(url(postgres))) as exporter:
            exporter.wait_for_state("database", "down", "unavailable")
            stack.close()
            exporter.wait_for_state("database", "up")
    postgres.query("DROP ROLE filler")


# ---- TLS ----

def has_tls(postgres, role):
    rows = postgres.query("SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)"
                          " WHERE a.usename = %s", role)
    return [ssl for ssl, in rows]


def test_without_a_word_about_it_tls_is_used_where_the_server_has_it(start, postgres):
    postgres.create_role("auto_tls", PASSWORD)
    with start(database(url(postgres, user="auto_tls"))) as exporter:
        exporter.wait_for_state("database", "up")
        assert has_tls(postgres, "auto_tls") == [True]


def test_without_a_word_about_it_a_server_without_tls_is_up_at_the_first_check(start, postgres):
    postgres.create_role("auto_plain", PASSWORD)
    with postgres.configured(ssl="off"):
        with start(database(url(postgres, user="auto_plain"), **UNHURRIED)) as exporter:
            exporter.wait_for_state("database", "up")
            assert has_tls(postgres, "auto_plain") == [False]
            assert not exporter.failures("database")
            assert postgres.logins("auto_plain") == 1


def test_tls_that_is_required_and_not_there_is_down_by_tls(start, postgres):
    with postgres.configured(ssl="off"):
        with start(database(url(postgres, query="?sslmode=require"))) as exporter:
            exporter.wait_for_state("database", "down", "tls")


def test_verification_needs_the_right_authority_and_the_right_name(start, postgres, authority,
                                                                   other_authority):
    def dependency(name, host, ca_file):
        return {"name": name, "url": url(postgres, host=host, query="?sslmode=verify-full"),
                "tls": {"ca_file": ca_file}, **UNHURRIED}
    config = {"dependencies": [
        dependency("verified", "localhost", authority.ca_file),
        dependency("wrong_authority", "localhost", other_authority.ca_file),
        dependency("wrong_host", "127.0.0.1", authority.ca_file),
        {"name": "authority_only", "url": url(postgres, query="?sslmode=verify-ca"),
         "tls": {"ca_file": authority.ca_file}, **UNHURRIED}]}
    with start(config) as exporter:
        exporter.wait_for_state("verified", "up")
        exporter.wait_for_state("authority_only", "up")
        exporter.wait_for_state("wrong_authority", "down", "tls")
        exporter.wait_for_state("wrong_host", "down", "tls")
        assert not exporter.failures("verified")


def test_the_certificate_s_expiry_is_what_openssl_reads(start, postgres, authority):
    config = database(url(postgres, host="localhost", query="?sslmode=verify-full"),
                      tls={"ca_file": authority.ca_file})
    openssl, = require("openssl")
    with start(config) as exporter:
        exporter.wait_for_state("database", "up")
        text = subprocess.run([openssl, "x509", "-noout", "-enddate", "-in",
                               postgres.directory / "data" / "server.crt"],
                              check=True, capture_output=True, text=True).stdout
        end = datetime.datetime.strptime(text.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
        expected = end.replace(tzinfo=datetime.timezone.utc).timestamp()
        assert exporter.metrics().value("health_check_tls_certificate_expiry_timestamp_seconds",
                                        dependency="database") == expected
