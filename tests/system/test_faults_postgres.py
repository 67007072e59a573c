# SPDX-License-Identifier: Apache-2.0
"""Broken peers behind the kind postgres."""
import struct

import pytest

from harness import fake_postgres as fake
from harness import faults
from harness.rows import Batch, Row, common_rows, selected_rows
from harness.secrets import secret

AUTO = f"postgresql://health:{secret('fake-postgres')}@127.0.0.1:{{port}}/app"
URL = f"{AUTO}?sslmode=disable"


def row(name, reason, server, when="at once", url=URL, state="down"):
    return Row(f"postgres_{name}", url, reason, server, when=when, state=state)


def fatal(name, sqlstate, reason):
    return row(name, reason, fake.at_startup(fake.error(sqlstate)))


def query_error(name, sqlstate, reason):
    answer = fake.error(sqlstate, severity="ERROR") + fake.READY
    return row(name, reason, fake.at_query(answer))


ROWS = [
    *common_rows("postgres", URL, fake.error("28P01", "x" * 200)),
    row("garbage", "protocol", faults.garbage(4)),
    row("garbage_at_ssl_request", "protocol", faults.garbage(5), url=AUTO),
    row("http_speaker", "protocol", faults.reply(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    row("hang_at_ssl_request", "timeout", faults.hang, "at the deadline", AUTO),
    fatal("too_many_connections", "53300", "unavailable"),
    fatal("starting_up", "57P03", "unavailable"),
    fatal("shutting_down", "57P01", "unavailable"),
    fatal("wrong_password", "28P01", "auth"),
    fatal("no_pg_hba_line", "28000", "auth"),
    fatal("no_such_database", "3D000", "status"),
    row("cleartext_demand", "auth", fake.ask_cleartext_then(fake.error("28P01"))),
    row("unknown_authentication", "auth",
        fake.at_startup(fake.message(b"R", struct.pack("!i", 99)), faults.hang)),
    row("garbage_as_sasl", ("protocol", "auth"),
        fake.at_startup(fake.message(b"R", struct.pack("!i", 10) + b"NO-SUCH\0\0"), faults.hang)),
    row("silent_after_login", "timeout", fake.at_query(b""), "at the deadline"),
    row("healthy", "", fake.at_query(fake.ROW_DESCRIPTION + fake.ROW
                                     + fake.message(b"C", b"SELECT 1\0") + fake.READY),
        state="up"),
    row("closed_in_reply", "closed",
        fake.at_query(fake.ROW_DESCRIPTION + fake.ROW[:6], faults.close_at_once)),
    row("terminated_in_query", "unavailable",
        fake.at_query(fake.error("57P01"), faults.close_at_once)),
    query_error("cancelled_by_its_statement_timeout", "57014", "timeout"),
    query_error("lock_not_available", "55P03", "timeout"),
    query_error("read_only", "25006", "assertion"),
    query_error("no_right", "42501", "auth"),
    query_error("no_such_table", "42P01", "status"),
    row("endless_rows", ("limit", "timeout"),
        fake.flood_at_query(fake.ROW * 1000, fake.ROW_DESCRIPTION), None),
    row("endless_notices", ("limit", "timeout", "protocol"),
        fake.flood_at_query(fake.NOTICE * 1000), None),
    row("row_of_a_gigabyte", ("limit", "timeout", "protocol"),
        fake.flood_at_query(b"x" * 65536,
                            fake.ROW_DESCRIPTION + b"D" + struct.pack("!ihi", 1 << 30, 1, 1 << 29)),
        None),
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
