# SPDX-License-Identifier: Apache-2.0
"""Broken peers behind the kind redis."""
import pytest

from harness import fake_redis, faults
from harness.rows import Batch, Row, common_rows, selected_rows
from harness.secrets import secret

URL = "redis://127.0.0.1:{port}"
WITH_PASSWORD = f"redis://:{secret('fake-redis')}@127.0.0.1:{{port}}/2"
# Lengths out of any range: our cap, or not the protocol; never gigabytes, never seconds.
ABSURD = ("limit", "protocol")


def error_row(name, error, reason, url=URL):
    return Row(f"redis_{name}", url, reason, fake_redis.refuse_everything(error), when="at once")


def reply_row(name, reply, reason, when="at once", state="down"):
    return Row(f"redis_{name}", URL, reason, faults.reply(reply), when=when, state=state)


ROWS = [
    *common_rows("redis", URL, b"+PON" + b"g" * 100),
    Row("redis_garbage", URL, "protocol", faults.garbage(3), when="at once"),
    Row("redis_pong_without_end", URL, "", fake_redis.pong, state="up", when="at once"),
    error_row("loading", b"-LOADING Redis is loading the dataset in memory", "unavailable"),
    error_row("loading_at_auth", b"-LOADING Redis is loading", "unavailable", WITH_PASSWORD),
    error_row("masterdown", b"-MASTERDOWN Link with MASTER is down", "unavailable"),
    error_row("busy", b"-BUSY Redis is busy running a script", "unavailable"),
    error_row("misconf", b"-MISCONF Redis is configured to save RDB snapshots", "unavailable"),
    error_row("clusterdown", b"-CLUSTERDOWN The cluster is down", "unavailable"),
    error_row("noauth", b"-NOAUTH Authentication required.", "auth"),
    error_row("wrongpass", b"-WRONGPASS invalid username-password pair", "auth", WITH_PASSWORD),
    error_row("noperm", b"-NOPERM this user has no permissions to run 'ping'", "auth"),
    error_row("denied", b"-DENIED Redis is running in protected mode", "auth"),
    error_row("readonly", b"-READONLY You can't write against a read only replica", "assertion"),
    error_row("moved", b"-MOVED 3999 127.0.0.1:6381", "status"),
    error_row("unknown_error", b"-ERR something else", "status"),
    Row("redis_max_clients", URL, "unavailable", fake_redis.too_many_clients, when="at once"),
    reply_row("array_of_two_billions", b"*2147483647\r\n", ABSURD),
    reply_row("array_beyond_32_bits", b"*4294967296\r\n", ABSURD),
    reply_row("bulk_of_two_gigabytes", b"$2147483647\r\n", ABSURD),
    reply_row("bulk_of_negative_length", b"$-5\r\n", ABSURD),
    Row("redis_nested_arrays", URL, ABSURD, fake_redis.nested(200), when="at once"),
    reply_row("resp3_map", b"%1\r\n+a\r\n+b\r\n", "protocol"),
    reply_row("unsolicited_replies", b"+PONG\r\n+PONG\r\n+PONG\r\n", ("protocol", "")),
    reply_row("a_pushed_message", b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n", "protocol"),
    reply_row("another_text", b"+OK\r\n", ("protocol", "status", "assertion")),
    reply_row("no_line_end", b"+PONG", "timeout", "at the deadline"),
    reply_row("http_speaker", b"HTTP/1.1 400 Bad Request\r\n\r\n", "protocol"),
    Row("redis_endless_line", URL, ABSURD, faults.flood(b"x" * 65536, b"+")),
    Row("redis_endless_bulk", URL, ABSURD, faults.flood(b"x" * 65536, b"$500000000\r\n")),
    Row("rediss_plain_speaker", "rediss://127.0.0.1:{port}", "tls",
        faults.reply(b"-ERR unknown command\r\n"), when="at once"),
    Row("rediss_hang", "rediss://127.0.0.1:{port}", "timeout", faults.hang,
        when="at the deadline"),
]


@pytest.fixture(scope="module")
def batch(request, new_directory):
    return Batch(selected_rows(request, ROWS), new_directory()).run()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_ends_with_its_state_and_reason_in_time(batch, row):
    batch.assert_row(row)


def test_everything_beside_the_faults_is_undisturbed(batch):
    batch.assert_undisturbed()


def test_at_most_one_connection_to_a_dependency(batch):
    assert not batch.crowded()


def test_a_refused_password_is_not_tried_twice_in_one_check(batch):
    server = batch.servers["redis_wrongpass"]
    # The last connection may have been dropped with the exporter, before anything was sent.
    assert 0 < server.received.count(b"AUTH") <= server.n_connections
