# SPDX-License-Identifier: Apache-2.0
"""The tools that others attack and judge servers with, each for some seconds."""
import re
import subprocess

import pytest

from harness.waiting import SLOW, free_port, pause_between_polls
from harness.web_config import guarded


def plain(text):
    """Without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("attack", [["-H"], ["-B", "-t", "PUT"]], ids=["headers", "bodies"])
def test_slowhttptest_is_cut_off_and_nobody_notices(start, directory, attack):
    port = free_port()
    command = ["slowhttptest", "-c", "300", *attack, "-i", "1", "-r", "200", "-x", "24", "-p", "3",
               "-l", "25", "-u", f"http://127.0.0.1:{port}/-/heartbeat/x"]
    flags = [f"--web.listen-address=127.0.0.1:{port}"]
    with start(None, flags, listen=f"unix:{directory}/socket") as exporter:
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              stderr=subprocess.STDOUT) as tool:
            while tool.poll() is None:
                assert exporter.get("/livez", timeout=5 * SLOW).status == 200
                pause_between_polls()
            said = plain(tool.stdout.read())
    ended = re.search(r"Test ended on (\d+)th second\s+Exit status: No open connections left", said)
    assert ended, said
    # The deadline of a head is 10 s, and the last connection came in the second second; by itself
    # the tool would go on for 25 s.
    assert int(ended.group(1)) <= 20 * SLOW


def test_testssl_finds_nothing(start, directory, authority):
    certificate, key = authority.issue("testssl", "localhost")
    config = {"tls_server_config": {"cert_file": certificate, "key_file": key}}
    with guarded(start, directory, config) as web:
        # Not --renegotiation: it takes a client that ended by itself, its input being at its end, for
        # one that was served. test_web_tls.py waits for the server to close instead.
        command = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip",
                   "127.0.0.1", "--nodns", "none", "--protocols", "--std",
                   "--heartbleed", "--ticketbleed", "--crime", f"localhost:{web.port}"]
        result = subprocess.run(command, text=True, capture_output=True, timeout=180 * SLOW,
                                check=False, stdin=subprocess.DEVNULL)
    said = plain(result.stdout)
    assert re.search(r"TLS 1\.3 +offered \(OK\)", said), said
    assert re.search(r"TLS 1\.2 +offered \(OK\)", said), said
    for line in said.splitlines():
        assert not re.search(r"NOT ok|\bVULNERABLE", line), line
    for old in ("SSLv2", "SSLv3", "TLS 1 ", "TLS 1.1"):
        assert re.search(rf"{re.escape(old)} +not offered", said), old
