# SPDX-License-Identifier: Apache-2.0
"""Broken peers behind the kind http."""
import pytest

from harness import fake_http as fake
from harness import faults
from harness.rows import Batch, Row, common_rows, selected_rows
from harness.waiting import MEMORY_NOISE

URL = "http://127.0.0.1:{port}/health"
WANTS_BODY = {"expect": {"body_contains": "all is well"}}


def row(name, reason, server, when="at once", state="down", url=URL, **options):
    return Row(f"http_{name}", url, reason, server, options=options, when=when, state=state)


def status(code, reason, **options):
    return row(f"status_{code}", reason, fake.respond(fake.answer(code)), **options)


ROWS = [
    *common_rows("http", URL, b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100),
    row("garbage", "protocol", faults.garbage(6)),
    row("drip_of_the_body", "timeout",
        faults.reply(fake.head(200, "Content-Length: 9"), then=faults.hang), "at the deadline",
        **WANTS_BODY),
    row("kept_connection", "", fake.keep_alive(), state="up"),
    row("full_reply_without_an_end", "", fake.respond(fake.answer(), faults.hang), state="up"),
    status(200, "", state="up"),
    status(204, "", state="up"),
    status(500, "status"),
    status(404, "status"),
    status(503, "unavailable"),
    status(429, "unavailable"),
    status(401, "auth"),
    status(403, "auth"),
    row("redirect_loop", "limit", fake.redirect_loop, max_redirects=3),
    row("redirect_to_a_file", "blocked", fake.redirect("file:///etc/passwd"), state="unknown",
        max_redirects=3),
    row("gzip_bomb", ("limit", "assertion", "protocol"), fake.respond_with_gzip_bomb(), None,
        **WANTS_BODY),
    row("endless_body", "limit", fake.flood_after(fake.CHUNKED_HEAD, fake.CHUNK), None,
        **WANTS_BODY),
    row("endless_body_with_length", "limit",
        fake.flood_after(fake.head(200, "Content-Length: 1000000000"), b"x" * 65536), None,
        **WANTS_BODY),
    row("header_flood", "limit", fake.flood_after(b"HTTP/1.1 200 OK\r\n", b"X-Y: zzzz\r\n" * 5000),
        None),
    row("one_endless_header", "limit", fake.flood_after(b"HTTP/1.1 200 OK\r\nX: ", b"z" * 65536),
        None),
    row("endless_informational_replies", ("limit", "timeout"),
        fake.flood_after(b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100), None),
    row("short_body", "closed", fake.respond(fake.head(200, "Content-Length: 100") + b"short")),
    row("http_0_9", "protocol", fake.respond(b"all is well\n")),
    row("bad_chunk", ("protocol", "closed"),
        fake.respond(fake.CHUNKED_HEAD + b"zz\r\nall is well\r\n")),
    row("negative_length", "protocol", fake.respond(fake.head(200, "Content-Length: -5") + b"ok")),
    row("body_does_not_contain", "assertion", fake.respond(fake.answer(body=b"all is lost")),
        **WANTS_BODY),
    row("body_does_not_match", "assertion", fake.respond(fake.answer(body=b"no")),
        expect={"body_matches": "^yes$"}),
    # A match limit stops what would take longer than the universe has.
    row("catastrophic_pattern", ("limit", "assertion"),
        fake.respond(fake.answer(body=b"a" * 100000 + b"!")), None,
        expect={"body_matches": "^(a+)+$"}),
    row("json_is_not_equal", "assertion", fake.respond(fake.answer(body=b'{"status":"DOWN"}')),
        expect={"json": {"/status": "UP"}}),
    row("json_is_absent", "assertion", fake.respond(fake.answer(body=b"{}")),
        expect={"json": {"/status": "UP"}}),
    row("json_is_none", ("protocol", "assertion"), fake.respond(fake.answer(body=b"all is well")),
        expect={"json": {"/status": "UP"}}),
    row("json_too_deep", ("protocol", "assertion", "limit"),
        fake.respond(fake.answer(body=b"[" * 100000)), expect={"json": {"/status": "UP"}}),
    row("unexpected_status", "status", fake.respond(fake.answer(200)), expect={"status": [201]}),
    row("https_plain_speaker", "tls", faults.reply(fake.answer()),
        url="https://127.0.0.1:{port}/health"),
    row("https_hang", "timeout", faults.hang, "at the deadline",
        url="https://127.0.0.1:{port}/health"),
]


@pytest.fixture(scope="module")
def batch(request, new_directory):
    return Batch(selected_rows(request, ROWS), new_directory()).run()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_ends_with_its_state_and_reason_in_time(batch, row):
    batch.assert_row(row)


def test_everything_beside_the_faults_is_undisturbed(batch):
    batch.assert_undisturbed()


def test_a_loop_of_redirects_is_followed_no_further_than_told(batch):
    server = batch.servers["http_redirect_loop"]
    checks = batch.metrics.value("health_check_duration_seconds_count",
                                 dependency="http_redirect_loop")
    assert server.received.count(b"GET /") <= (checks + 1) * 4


def test_bombs_and_floods_do_not_fill_the_memory(start):
    bomb = faults.FaultServer(fake.respond_with_gzip_bomb())
    endless = faults.FaultServer(fake.flood_after(fake.CHUNKED_HEAD, fake.CHUNK))
    often = {"interval": "250ms", "timeout": "200ms", **WANTS_BODY}
    config = {"dependencies": [
        {"name": "calm", "url": f"http://127.0.0.1:{bomb.port}/", **often},
        {"name": "flood", "url": f"http://127.0.0.1:{endless.port}/", **often}]}
    with start(config) as exporter:
        before = exporter.resident_bytes()
        exporter.wait_for_checks(["calm", "flood"], 10, 20)
        # The body's cap is 1 MiB for each of the two; the rest is the allocator's.
        assert exporter.resident_bytes() <= before + MEMORY_NOISE
    bomb.close()
    endless.close()
