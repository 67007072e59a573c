# SPDX-License-Identifier: Apache-2.0
"""Broken peers behind the kinds tcp and tls."""
import pytest

from harness import faults
from harness.rows import Batch, Row, common_rows, selected_rows
from harness.waiting import MEMORY_NOISE

EXPECT = {"send": "PING\r\n", "expect": "PONG"}
URL = "tcp://127.0.0.1:{port}"
TLS_URL = "tls://127.0.0.1:{port}"

ROWS = [
    *common_rows("tcp", URL, b"PON" + b"g" * 100, EXPECT,
                 half_close="assertion"),
    Row("tcp_garbage", URL, ("assertion", "closed", "protocol"), faults.garbage(1), options=EXPECT,
        when="at once"),
    Row("tcp_endless", URL, "limit", faults.flood(b"x" * 65536), options=EXPECT),
    # Without an expectation a connection is all that is asked for.
    Row("tcp_connect_only_hang", URL, "", faults.hang, state="up", when="at once"),
    Row("tcp_connect_only_close", URL, "", faults.close_at_once, state="up", when="at once"),
    Row("tcp_connect_only_refused", URL, "refused", faults.Refusing, when="at once"),
    Row("tcp_ipv6_refused", "tcp://[::1]:{port}", "refused", faults.refusing_ipv6,
        when="at once"),
    Row("tls_hang", TLS_URL, "timeout", faults.hang, when="at the deadline"),
    Row("tls_close", TLS_URL, ("closed", "tls"), faults.close_after_request, when="at once"),
    Row("tls_reset", TLS_URL, "closed", faults.reset_after_request, when="at once"),
    Row("tls_plain_speaker", TLS_URL, "tls", faults.reply(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        when="at once"),
    Row("tls_garbage", TLS_URL, "tls", faults.garbage(2), when="at once"),
    # The head of a ServerHello record that never ends.
    Row("tls_drip", TLS_URL, "timeout", faults.drip(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76"),
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


def test_a_hundred_failures_leave_no_descriptor_behind(start):
    closed, hanging = faults.FaultServer(faults.close_at_once), faults.FaultServer(faults.hang)
    fast = {"interval": "50ms", "timeout": "20ms", **EXPECT}
    config = {"dependencies": [
        {"name": "closed", "url": f"tcp://127.0.0.1:{closed.port}", **fast},
        {"name": "hanging", "url": f"tcp://127.0.0.1:{hanging.port}", **fast},
        {"name": "refused", "url": f"tcp://{faults.refused()}", **fast},
        {"name": "cache", "url": f"redis://127.0.0.1:{hanging.port}", **fast_only(fast)},
        {"name": "site", "url": f"http://127.0.0.1:{hanging.port}", **fast_only(fast)},
        {"name": "database", "url": f"postgresql://health@127.0.0.1:{hanging.port}/app",
         **fast_only(fast)},
    ]}
    names = [dependency["name"] for dependency in config["dependencies"]]
    with start(config, ["--log.level=error"]) as exporter:
        exporter.wait_for_checks(names, 5, 10)
        before, memory = exporter.descriptors(), exporter.resident_bytes()
        exporter.wait_for_checks(names, 100, 30)
        exporter.wait_for(lambda: exporter.descriptors() <= before + len(names), 5,
                          f"descriptors are back at {before}")
        assert exporter.resident_bytes() <= memory + MEMORY_NOISE
    closed.close()
    hanging.close()


def fast_only(options):
    return {name: options[name] for name in ("interval", "timeout")}
