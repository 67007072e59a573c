# SPDX-License-Identifier: Apache-2.0
"""TLS of the listeners: openssl and curl as clients, and everything read again on a reload."""
import contextlib
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from harness.exporter import ROOT, Exporter, write_config
from harness.waiting import SLOW, wait_until
from harness.web_config import ask_over, client_context, guarded

TLS12 = ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def server_certificate(authority):
    return authority.issue("web-server", "localhost", "127.0.0.1")


@pytest.fixture
def tls(start, directory, server_certificate):
    """Starts an exporter with TLS and these further keys of tls_server_config."""
    with contextlib.ExitStack() as stack:
        def make(**more):
            shutil.copy(server_certificate[0], directory / "server.pem")
            shutil.copy(server_certificate[1], directory / "server.key")
            config = {"tls_server_config": {"cert_file": "server.pem", "key_file": "server.key",
                                            **more}}
            return stack.enter_context(guarded(start, directory, config))
        yield make


@pytest.fixture(scope="module")
def tls_default(new_directory, server_certificate):
    def start_exporter(config, args, **options):
        return Exporter(new_directory(), config, args, **options)
    config = {"tls_server_config": {"cert_file": server_certificate[0],
                                    "key_file": server_certificate[1]}}
    with guarded(start_exporter, new_directory(), config) as web:
        yield web


def s_client(web, *args):
    """What `openssl s_client` says; security level 0, so that it offers what is long refused."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-servername",
               "localhost", *args]
    return subprocess.run(command, input="", text=True, capture_output=True, timeout=10 * SLOW,
                          check=False)


def is_accepted(web, *args):
    result = s_client(web, *args)
    return "Cipher is (NONE)" not in result.stdout and "Cipher is " in result.stdout


# ---- versions and ciphers ----

@pytest.mark.parametrize("config, accepted", [
    ({}, {"-tls1_2", "-tls1_3"}),
    ({"min_version": "TLS13"}, {"-tls1_3"}),
    ({"max_version": "TLS12"}, {"-tls1_2"}),
])
def test_only_these_versions_are_spoken(tls, config, accepted):
    web = tls(**config)
    versions = ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"]
    found = {version for version in versions
             if is_accepted(web, version, "-cipher", "ALL:@SECLEVEL=0")}
    assert found == accepted


@pytest.mark.parametrize("cipher", [
    "NULL-SHA256", "AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-NULL-SHA", "AECDH-AES128-SHA", "ADH-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"])
def test_weak_ciphers_are_refused(tls_default, cipher):
    assert not is_accepted(tls_default, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_strong_ciphers_are_accepted(tls_default, cipher):
    assert is_accepted(tls_default, "-tls1_2", "-cipher", cipher)


def test_cipher_suites_and_curves_are_those_of_the_configuration(tls):
    web = tls(cipher_suites=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
              curve_preferences=["CurveP384"])
    assert is_accepted(web, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
    assert not is_accepted(web, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert is_accepted(web, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")
    assert not is_accepted(web, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
    assert is_accepted(web, "-groups", "P-384")
    assert not is_accepted(web, "-groups", "P-256")


# ---- what clients may not do ----

def test_client_cannot_renegotiate(tls, authority):
    web = tls()
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{web.port}", "-tls1_2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as client:
        client.stdin.write("R\n")
        client.stdin.flush()
        # It ends by itself, its input still open: the server has closed.
        assert client.wait(timeout=5 * SLOW) is not None
        assert "RENEGOTIATING" in client.stdout.read()
    assert web.ask(context=client_context(authority.ca_file)).status == 200


def test_session_is_not_resumed(tls, authority):
    web = tls()
    context = client_context(authority.ca_file, version=TLS12)
    with web.connect(context=context) as first:
        ask_over(first)
        session = first.session
    sock = socket.create_connection(("127.0.0.1", web.port), timeout=10)
    with context.wrap_socket(sock, server_hostname="localhost", session=session) as second:
        assert ask_over(second).status == 200
        assert not second.session_reused


def test_plain_http_gets_no_reply(tls):
    web = tls()
    with contextlib.closing(web.connect()) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"HTTP/" not in sock.recv(4096)


def test_silent_handshake_ends_with_the_deadline_of_a_head(tls, authority):
    web = tls()
    began = time.monotonic()
    with contextlib.closing(web.connect()) as sock:
        sock.settimeout(15 * SLOW)
        sock.sendall(b"\x16\x03\x01")
        with contextlib.suppress(ConnectionError):
            assert sock.recv(16) == b""
    assert 9 <= time.monotonic() - began <= 13 * SLOW
    assert web.ask(context=client_context(authority.ca_file)).status == 200


def test_aborted_handshakes_leave_nothing(tls, authority):
    web = tls()
    context = client_context(authority.ca_file)
    assert web.ask(context=context).status == 200
    before = web.exporter.descriptors()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    greeting = outgoing.read()
    for _ in range(500):
        with contextlib.closing(web.connect()) as sock:
            sock.sendall(greeting)
    assert web.ask(context=context).status == 200
    wait_until(lambda: web.exporter.descriptors() <= before, 5, "all descriptors are closed")


def test_unix_socket_stays_plain(tls):
    assert tls().exporter.get("/livez").status == 200


# ---- client certificates ----

def curl(web, authority, *args):
    result = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.ca_file,
         *args, f"https://localhost:{web.port}/livez"],
        text=True, capture_output=True, timeout=10 * SLOW, check=False)
    return result.stdout == "200"


@pytest.fixture(scope="module")
def clients(authority, other_authority):
    def arguments(pair):
        return ["--cert", pair[0], "--key", pair[1]]
    return {"none": [],
            "good": arguments(authority.issue("client", "prometheus.internal", "10.0.0.7")),
            "other_name": arguments(authority.issue("client2", "else.internal")),
            "server": arguments(authority.issue("client4", "prometheus.internal", for_servers=True)),
            "other_ca": arguments(other_authority.issue("client3", "prometheus.internal"))}


@pytest.mark.parametrize("kind, has_ca, sans, served", [
    ("NoClientCert", False, None, {"none", "good", "other_name", "server", "other_ca"}),
    ("RequestClientCert", False, None, {"none", "good", "other_name", "server", "other_ca"}),
    ("RequireAnyClientCert", False, None, {"good", "other_name", "server", "other_ca"}),
    ("RequireAnyClientCert", False, ["prometheus.internal"], {"good", "server", "other_ca"}),
    ("VerifyClientCertIfGiven", True, None, {"none", "good", "other_name"}),
    ("RequireAndVerifyClientCert", True, None, {"good", "other_name"}),
    ("RequireAndVerifyClientCert", True, ["prometheus.internal"], {"good"}),
    ("RequireAndVerifyClientCert", True, ["10.0.0.7"], {"good"}),
    ("RequireAndVerifyClientCert", True, ["*.internal"], set()),
])
def test_client_certificates_are_judged(tls, authority, clients, kind, has_ca, sans, served):
    more = {"client_auth_type": kind}
    if has_ca:
        more["client_ca_file"] = authority.ca_file
    if sans:
        more["client_allowed_sans"] = sans
    web = tls(**more)
    for version in (["--tls-max", "1.2"], ["--tlsv1.3"]):
        found = {name for name, args in clients.items() if curl(web, authority, *version, *args)}
        assert found == served, version


# ---- reload ----

def serial_of(web, context):
    with web.connect(context=context) as sock:
        return sock.getpeercert()["serialNumber"]


def test_new_certificate_is_served_after_a_reload_and_old_connections_go_on(tls, directory,
                                                                          authority):
    web = tls()
    context = client_context(authority.ca_file)
    before = serial_of(web, context)
    with web.connect(context=context) as old:
        assert ask_over(old).status == 200
        for part, path in zip(authority.issue("renewed", "localhost"), ("server.pem", "server.key")):
            shutil.copy(part, directory / path)
        web.reload()
        wait_until(lambda: serial_of(web, context) != before, 5, "the new certificate is served")
        assert ask_over(old).status == 200
        assert old.getpeercert()["serialNumber"] == before


def test_client_authorities_change_with_a_reload(tls, authority, other_authority, clients):
    web = tls(client_auth_type="RequireAndVerifyClientCert", client_ca_file=authority.ca_file)
    assert curl(web, authority, *clients["good"])
    web.reload({"tls_server_config": {
        "cert_file": "server.pem", "key_file": "server.key",
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": other_authority.ca_file}})
    assert not curl(web, authority, *clients["good"])
    assert curl(web, authority, *clients["other_ca"])


def test_broken_certificate_is_not_taken(tls, directory, authority):
    web = tls()
    context = client_context(authority.ca_file)
    before = serial_of(web, context)
    shutil.copy(authority.issue("unfitting", "localhost")[1], directory / "server.key")
    web.reload()
    web.exporter.wait_for_line("do not match")
    assert serial_of(web, context) == before


def test_new_certificate_is_served_without_being_asked(start, directory, authority,
                                                       server_certificate):
    shutil.copy(server_certificate[0], directory / "server.pem")
    shutil.copy(server_certificate[1], directory / "server.key")
    checks = write_config(directory, {"reload_on_change": True})
    config = {"tls_server_config": {"cert_file": "server.pem", "key_file": "server.key"}}
    with guarded(start, directory, config, [f"--config.file={checks}"]) as web:
        context = client_context(authority.ca_file)
        before = serial_of(web, context)
        for part, path in zip(authority.issue("rotated", "localhost"), ("server.pem", "server.key")):
            shutil.copy(part, directory / path)
        web.exporter.wait_for(lambda: serial_of(web, context) != before, 5, "it is served")


def test_tls_is_not_switched_off_by_a_reload(tls, authority):
    web = tls()
    web.reload({})
    web.exporter.wait_for_line("TLS can be switched off by a restart only")
    assert web.ask(context=client_context(authority.ca_file)).status == 200


def test_metrics_page_comes_whole(tls, authority):
    web = tls()
    context = client_context(authority.ca_file)
    for _ in range(20):
        assert web.ask("/metrics", context=context).text.endswith("\n")


def test_example_is_what_it_says(start, directory, authority, server_certificate):
    (directory / "tls").mkdir()
    for path, name in zip(server_certificate, ("server.pem", "server.key")):
        shutil.copy(path, directory / "tls" / name)
    example = (ROOT / "deploy/examples/web.yml").read_text(encoding="utf-8")
    with guarded(start, directory, example) as web:
        context = client_context(authority.ca_file)
        assert web.ask(context=context).status == 200
        assert web.ask("/metrics", context=context).status == 401
        # One of the file would take the place of the policy that the page needs.
        policy = web.ask("/", context=context).headers["content-security-policy"]
        assert "script-src 'self'" in policy
