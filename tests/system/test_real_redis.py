# SPDX-License-Identifier: Apache-2.0
"""The kind redis against a real Redis 7."""
import contextlib
import threading

import pytest
import redis as client

from harness import faults
from harness.exporter import OFTEN, UNHURRIED
from harness.secrets import secret
from harness.undisturbed import Undisturbed

PASSWORD = secret("redis")


def url(server, login=f":{PASSWORD}", scheme="redis", host="127.0.0.1", path=""):
    port = server.tls_port if scheme == "rediss" else server.port
    at = f"{login}@" if login else ""
    return f"{scheme}://{at}{host}:{port}{path}"


def cache(address, **options):
    return {"dependencies": [{"name": "cache", "url": address, **OFTEN, **options}]}


@pytest.fixture
def connection(redis):
    connection = client.Redis(port=redis.port, password=PASSWORD)
    yield connection
    connection.close()


def test_is_up_with_each_way_to_log_in(start, redis, authority, directory):
    (directory / "password").write_text(PASSWORD, encoding="utf-8")
    tls = {"tls": {"ca_file": authority.ca_file}}
    config = {"dependencies": [
        {"name": "password", "url": url(redis), **UNHURRIED},
        {"name": "acl_user", "url": url(redis, f"health:{secret('acl')}"), **UNHURRIED},
        {"name": "option", "url": url(redis, ""), "password": PASSWORD, **UNHURRIED},
        {"name": "file", "url": url(redis, ""), "password_file": str(directory / "password"),
         **UNHURRIED},
        {"name": "database_3", "url": url(redis, path="/3"), **UNHURRIED},
        {"name": "fresh", "url": url(redis), "connection": "fresh", **UNHURRIED},
        {"name": "encrypted", "url": url(redis, scheme="rediss"), **tls, **UNHURRIED},
        {"name": "encrypted_by_name", "url": url(redis, scheme="rediss", host="localhost"),
         **tls, **UNHURRIED}]}
    with start(config) as exporter:
        for dependency in config["dependencies"]:
            exporter.wait_for_state(dependency["name"], "up")
            assert not exporter.failures(dependency["name"])


def test_refusals_are_down_with_their_reasons(start, redis, other_authority):
    config = {"dependencies": [
        {"name": "no_password", "url": url(redis, ""), **OFTEN},
        {"name": "wrong_password", "url": url(redis, f":{secret('wrong')}"), **OFTEN},
        {"name": "wrong_user", "url": url(redis, f"health:{secret('wrong')}"), **OFTEN},
        {"name": "no_such_database", "url": url(redis, path="/999"), **OFTEN},
        {"name": "unknown_authority", "url": url(redis, scheme="rediss"),
         "tls": {"ca_file": other_authority.ca_file}, **OFTEN}]}
    with start(config) as exporter:
        for name in ("no_password", "wrong_password", "wrong_user"):
            exporter.wait_for_state(name, "down", "auth")
        exporter.wait_for_state("no_such_database", "down", "status")
        exporter.wait_for_state("unknown_authority", "down", "tls")


def test_a_kept_connection_is_one_client(start, redis, connection):
    with start(cache(url(redis), **UNHURRIED)) as exporter:
        exporter.wait_for_state("cache", "up")
        before = connection.info("stats")["total_connections_received"]
        exporter.wait_for_checks(["cache"], 5, 10)
        assert connection.info("stats")["total_connections_received"] == before


def test_nothing_is_changed_on_the_server(start, redis, connection):
    before = connection.info("stats"), connection.dbsize()
    with start(cache(url(redis))) as exporter:
        exporter.wait_for_checks(["cache"], 3, 5)
        commands = connection.info("commandstats")
        assert connection.dbsize() == before[1]
        assert not {"cmdstat_set", "cmdstat_del", "cmdstat_flushall"} & set(commands)


def test_a_busy_server_is_unavailable_and_comes_back(start, redis, connection):
    connection.config_set("busy-reply-threshold", 50)
    config = cache(url(redis))
    with start(config) as exporter:
        exporter.wait_for_state("cache", "up")
        with endless_script(redis):
            exporter.wait_for_state("cache", "down", "unavailable")
        exporter.wait_for_state("cache", "up")


@contextlib.contextmanager
def endless_script(redis):
    looping = client.Redis(port=redis.port, password=PASSWORD)

    def loop():
        with contextlib.suppress(client.RedisError):
            looping.eval("while true do end", 0)
    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        killer = client.Redis(port=redis.port, password=PASSWORD)
        killer.execute_command("SCRIPT", "KILL")
        thread.join()
        killer.close()
        looping.close()


def test_a_full_server_is_unavailable(start, redis, connection):
    connection.config_set("maxclients", 33)
    with contextlib.ExitStack() as stack:
        with pytest.raises(client.RedisError):
            for _ in range(60):
                one = stack.enter_context(
                    contextlib.closing(client.Redis(port=redis.port, password=PASSWORD)))
                one.ping()
        with start(cache(url(redis))) as exporter:
            exporter.wait_for_state("cache", "down", "unavailable")
            stack.close()
            connection.config_set("maxclients", 10000)
            exporter.wait_for_state("cache", "up")


def test_a_sleeping_server_is_a_timeout_and_comes_back(start, redis):
    with start(cache(url(redis))) as exporter:
        exporter.wait_for_state("cache", "up")
        sleeper = client.Redis(port=redis.port, password=PASSWORD)
        sleeper.execute_command("DEBUG", "SLEEP", "1.2")
        exporter.wait_for(lambda: exporter.failures("cache"), 3, "a failure")
        exporter.wait_for_state("cache", "up")
        assert set(exporter.failures("cache")) == {"timeout"}
        sleeper.close()


def test_a_frozen_server_is_a_timeout_and_comes_back(start, redis):
    beside = faults.FaultServer(faults.hang)
    config = {"dependencies": [
        {"name": "healthy", "url": f"tcp://127.0.0.1:{beside.port}", **OFTEN},
        {"name": "kept", "url": url(redis), **OFTEN},
        {"name": "fresh", "url": url(redis), "connection": "fresh", **OFTEN}]}
    with start(config) as exporter:
        for name in ("kept", "fresh"):
            exporter.wait_for_state(name, "up")
        with Undisturbed(exporter):
            with redis.frozen():
                for name in ("kept", "fresh"):
                    exporter.wait_for_state(name, "down", "timeout")
            for name in ("kept", "fresh"):
                exporter.wait_for_state(name, "up")
                assert set(exporter.failures(name)) == {"timeout"}
    beside.close()


def test_a_killed_server_is_refused_and_comes_back(start, redis):
    with start(cache(url(redis))) as exporter:
        exporter.wait_for_state("cache", "up")
        redis.kill()
        exporter.wait_for_state("cache", "down", "refused")
        redis.start()
        exporter.wait_for_state("cache", "up")
        assert set(exporter.failures("cache")) <= {"closed", "refused"}


def test_a_restart_between_two_checks_is_no_failure(start, redis):
    """The kept connection is dead, the server is well: that is no outage."""
    with start(cache(url(redis), interval="8s", timeout="2s")) as exporter:
        exporter.wait_for_state("cache", "up")
        checks = exporter.checks("cache")
        redis.stop()
        redis.start()
        assert exporter.checks("cache") == checks, "the restart took longer than the interval"
        exporter.wait_for(lambda: exporter.checks("cache") > checks, 12, "the next check")
        assert not exporter.failures("cache"), exporter.failures("cache")
