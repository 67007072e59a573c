# SPDX-License-Identifier: Apache-2.0
"""Broken name servers, blackholes and routes, in a network namespace of their own."""
import pytest

from harness import dns, fake_http, fake_postgres, fake_redis, faults
from harness.exporter import Exporter
from harness.rows import INTERVAL, TIMEOUT, Batch, Row, selected_rows
from harness.secrets import secret
from harness.undisturbed import Undisturbed

SECRET = secret("dns")
BLACKHOLE = "127.0.0.66"
GOOD = dns.addresses("127.0.0.1")

ZONE = {
    "good.test": GOOD,
    "silent.test": dns.silence,
    "nxdomain.test": dns.refuse(dns.NXDOMAIN),
    "servfail.test": dns.refuse(dns.SERVFAIL),
    "empty.test": dns.addresses(),
    "late.test": dns.delayed(3 * TIMEOUT, GOOD),
    "garbage.test": dns.garbage,
    "wrong-id.test": dns.wrong_id,
    "loop.test": dns.cname_to("loop.test"),
    "many.test": dns.addresses(*["127.0.0.1"] * 20),
    "first-refuses.test": dns.addresses("127.0.0.77", "127.0.0.1"),
    "first-silent.test": dns.addresses(BLACKHOLE, "127.0.0.1"),
}

URLS = {
    "tcp": "tcp://{host}:{port}",
    "redis": f"redis://:{SECRET}@{{host}}:{{port}}",
    "http": f"http://health:{SECRET}@{{host}}:{{port}}/",
    "postgres": f"postgresql://health:{SECRET}@{{host}}:{{port}}/app?sslmode=disable",
}
HEALTHY = {
    "tcp": faults.hang,
    "redis": fake_redis.pong,
    "http": fake_http.keep_alive(),
    "postgres": fake_postgres.at_query(
        fake_postgres.ROW_DESCRIPTION + fake_postgres.ROW
        + fake_postgres.message(b"C", b"SELECT 1\0") + fake_postgres.READY),
}


def rows_of(kind):
    def row(name, host, reason, when, state="down"):
        url = URLS[kind].replace("{host}", host)
        return Row(f"{kind}_{name}", url, reason, HEALTHY[kind], when=when, state=state)
    return [
        row("good", "good.test", "", "at once", "up"),
        row("hosts_file", "from-hosts.test", "", "at once", "up"),
        # A check that joins a query under way is told when that gives up.
        row("dns_silent", "silent.test", "timeout", None),
        row("nxdomain", "nxdomain.test", "dns", "at once"),
        row("blackhole", BLACKHOLE, "timeout", "at the deadline"),
        row("no_route", "10.67.0.1", "unreachable", "at once"),
        row("prohibited_route", "10.68.0.1", "internal", "at once", "unknown"),
    ]


ROWS = [
    *rows_of("tcp"), *rows_of("redis"), *rows_of("http"), *rows_of("postgres"),
    Row("servfail", "tcp://servfail.test:1", "dns"),
    Row("empty_answer", "tcp://empty.test:1", "dns", when="at once"),
    # The answer comes after the deadline, and serves the next check as long as it is fresh.
    Row("late_answer", "tcp://late.test:1", ("timeout", "refused")),
    Row("garbage_answer", "tcp://garbage.test:1", ("dns", "timeout")),
    # A lookup goes on when its check has ended: the check that is there at its end hears of it.
    Row("answer_to_another_question", "tcp://wrong-id.test:1", "timeout"),
    Row("cname_loop", "tcp://loop.test:1", "dns"),
    Row("many_addresses", "tcp://many.test:{port}", "", faults.hang, state="up", when="at once"),
    Row("first_address_refuses", "tcp://first-refuses.test:{port}", "", faults.hang, state="up"),
    *(Row(f"{kind}_first_address_silent", URLS[kind].replace("{host}", "first-silent.test"), "",
          HEALTHY[kind], state="up") for kind in URLS),
]


@pytest.fixture(scope="module")
def network(namespace):
    server = dns.DnsServer(namespace, ZONE)
    namespace.write("/etc/hosts", "127.0.0.1 localhost from-hosts.test\n")
    namespace.drop(address=BLACKHOLE)
    namespace.run("ip", "route", "add", "unreachable", "10.67.0.0/24")
    namespace.run("ip", "route", "add", "prohibit", "10.68.0.0/24")
    namespace.dns = server
    yield namespace
    server.close()


@pytest.fixture(scope="module")
def batch(request, new_directory, network):
    return Batch(selected_rows(request, ROWS), new_directory(), network).run()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault_ends_with_its_state_and_reason_in_time(batch, row):
    batch.assert_row(row)


def test_everything_beside_the_faults_is_undisturbed(batch):
    batch.assert_undisturbed()


def test_literals_and_names_of_the_hosts_file_are_never_asked_for(batch, network):
    asked = {name for name, _ in network.dns.asked}
    assert "good.test" in asked
    assert not asked - set(network.dns.zone)


@pytest.mark.parametrize("kind", URLS)
def test_a_silent_name_server_does_not_delay_the_others(kind, new_directory, network):
    """Libraries that look names up by themselves stand still for seconds here."""
    url = URLS[kind].replace("{host}", "silent.test").replace("{port}", "1234")
    config = {
        "defaults": {"interval": f"{INTERVAL}s", "timeout": f"{int(TIMEOUT * 1000)}ms"},
        "dependencies": [{"name": f"silent_{i}", "url": url} for i in range(64)]}
    names = [dependency["name"] for dependency in config["dependencies"]]
    beside = faults.FaultServer(faults.hang, network)
    config["dependencies"].append(
        {"name": "healthy", "url": f"tcp://127.0.0.1:{beside.port}", "interval": "500ms"})
    with Exporter(new_directory(), config, namespace=network) as exporter:
        with Undisturbed(exporter):
            exporter.wait_for_checks(names, 2, 10)
        for name in names:
            assert set(exporter.failures(name)) == {"timeout"}
    beside.close()


def test_a_changed_address_is_followed_after_its_ttl(new_directory, network):
    server = faults.FaultServer(faults.hang, network)
    config = {"dependencies": [{
        "name": "moving", "url": f"tcp://moving.test:{server.port}", "interval": "500ms",
        "timeout": "300ms"}]}
    network.dns.zone["moving.test"] = GOOD
    with Exporter(new_directory(), config, namespace=network) as exporter:
        exporter.wait_for_state("moving", "up")
        network.dns.zone["moving.test"] = dns.addresses("127.0.0.99")
        exporter.wait_for_state("moving", "down", "refused", timeout=4)
        network.dns.zone["moving.test"] = GOOD
        exporter.wait_for_state("moving", "up", timeout=4)
    server.close()


def test_a_name_server_that_comes_back_is_used_again(new_directory, network):
    server = faults.FaultServer(faults.hang, network)
    config = {"dependencies": [{
        "name": "back", "url": f"tcp://back.test:{server.port}", "interval": "500ms",
        "timeout": "300ms"}]}
    network.dns.zone["back.test"] = dns.silence
    with Exporter(new_directory(), config, namespace=network) as exporter:
        exporter.wait_for_state("back", "down", "timeout")
        network.dns.zone["back.test"] = GOOD
        exporter.wait_for_state("back", "up", timeout=5)
    server.close()


def test_a_lack_of_local_ports_is_our_own_trouble(new_directory, network):
    server = faults.FaultServer(faults.hang, network)
    held = []
    network.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40003")
    try:
        with network.entered():
            held = hold_ports(server.port)
        config = {"dependencies": [{
            "name": "portless", "url": f"tcp://127.0.0.1:{server.port}", "interval": "500ms",
            "timeout": "300ms"}]}
        with Exporter(new_directory(), config, namespace=network,
                      listen=f"unix:{new_directory()}/web") as exporter:
            exporter.wait_for_state("portless", "unknown", "internal")
    finally:
        for sock in held:
            sock.close()
        network.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")
        server.close()


def hold_ports(port):
    """Takes each local port that a connection to that port could have."""
    import socket
    held = []
    while True:
        try:
            held.append(socket.create_connection(("127.0.0.1", port), timeout=2))
        except OSError:
            return held
