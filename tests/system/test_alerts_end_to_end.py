# SPDX-License-Identifier: Apache-2.0
"""From a Redis that is killed to the message that somebody reads, and to the one that it is over:
a real Prometheus and a real Alertmanager, with the rules and routes of alerts/."""
import pytest

from harness.alerting import Alertmanager, Prometheus, Webhook
from harness.exporter import OFTEN
from harness.secrets import assert_no_secret, secret
from harness.waiting import wait_until


@pytest.fixture
def webhook():
    webhook = Webhook()
    yield webhook
    webhook.close()


@pytest.fixture
def alertmanager(new_directory, webhook):
    server = Alertmanager(new_directory("alertmanager"), webhook.port).start()
    yield server
    server.stop()


@pytest.fixture
def exporter(start, redis):
    config = {"dependencies": [
        {"name": "cache", "url": f"redis://:{secret('redis')}@127.0.0.1:{redis.port}", **OFTEN},
        {"name": "host", "url": "memory:", **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("cache", "up")
        yield exporter


@pytest.fixture
def prometheus(new_directory, exporter, alertmanager):
    server = Prometheus(new_directory("prometheus"), exporter.endpoint.port,
                        alertmanager.port).start()
    yield server
    server.stop()


def fires(name, severity="critical", **labels):
    return {"alertname": name, "severity": severity, "instance": "a", **labels}


CACHE = {"dependency": "cache"}
DOWN = fires("DependencyDown", **CACHE)
MAINTENANCE = fires("ServiceInMaintenance", "info")
LOST = fires("HealthExporterTargetDown")
# (what fires, what fires beside it, is the latter silent)
BESIDE = [
    (MAINTENANCE, DOWN, True),
    (MAINTENANCE, fires("DependencyErrorBudgetBurn", **CACHE), True),
    (MAINTENANCE, fires("HealthCheckStale", "warning", **CACHE), True),
    (MAINTENANCE, fires("ServiceNotReady"), True),
    (MAINTENANCE, fires("HealthExporterStuck"), False),
    (MAINTENANCE, {**DOWN, "instance": "b"}, False),
    (LOST, DOWN, True),
    (LOST, fires("HealthExporterRestarting", "warning"), False),
    (LOST, fires("HealthExporterShardMissing"), True),
    (fires("HealthExporterStuck"), fires("HealthCheckStale", "warning", **CACHE), True),
    (DOWN, fires("ServiceNotReady"), True),
    (fires("DependencyDown", "warning", **CACHE), fires("ServiceNotReady"), False),
    (DOWN, fires("DependencyErrorBudgetBurn", **CACHE), True),
    (DOWN, fires("DependencyBreakerOpen", "warning", **CACHE), True),
    (DOWN, fires("DependencySlow", "warning", dependency="database"), False),
    (DOWN, fires("DependencyCertificateExpiring", "warning", **CACHE), False),
    (fires("DependencyCertificateExpiring", **CACHE),
     fires("DependencyCertificateExpiring", "warning", **CACHE), True),
]


def test_the_cause_speaks_for_what_follows_from_it(alertmanager):
    """Each pair by itself, as of a scrape job of its own."""
    pairs = [[{**one, "job": str(n)} for one in pair] for n, (*pair, _) in enumerate(BESIDE)]
    alertmanager.tell(one for pair in pairs for one in pair)
    expected = [(pair[1], is_silent) for pair, (*_, is_silent) in zip(pairs, BESIDE)]
    expected += [(pair[0], False) for pair in pairs]
    wait_until(lambda: all(one in alertmanager.alerts() for one in expected), 10,
               "Alertmanager keeps silent what it shall, and nothing else")


def test_a_killed_redis_is_told_and_so_is_its_return(exporter, redis, prometheus, alertmanager,
                                                      webhook):
    wait_until(lambda: prometheus.query('health_check_status{dependency="cache"} == 1'), 10,
               "Prometheus sees the cache up")
    redis.kill()
    (receiver, alert), *_ = wait_until(lambda: webhook.delivered("DependencyDown", "firing"), 20,
                                       "somebody is told that the cache is down")
    instance = f"127.0.0.1:{exporter.endpoint.port}"
    assert receiver == "on-call"
    assert alert["labels"] == {"alertname": "DependencyDown", "dependency": "cache",
                               "instance": instance, "job": "health_exporter",
                               "severity": "critical"}
    assert alert["annotations"]["summary"] == "Dependency cache is down"
    assert "refused" in alert["annotations"]["description"]
    assert "&var-dependency=cache" in alert["annotations"]["dashboard_url"]
    assert_no_secret(str(alert), "the alert")

    # The service is not ready because of it, which is no second message.
    wait_until(lambda: "ServiceNotReady" in alertmanager.inhibited(), 20,
               "the service's own alert is silent")
    assert not prometheus.broken_rules()

    redis.start()
    (receiver, alert), *_ = wait_until(lambda: webhook.delivered("DependencyDown", "resolved"), 20,
                                       "somebody is told that it is over")
    assert receiver == "on-call" and alert["labels"]["dependency"] == "cache"
    wait_until(lambda: "DependencyDown" not in prometheus.firing(), 5, "the alert is over")
    for status in ("firing", "resolved"):
        assert not webhook.delivered("ServiceNotReady", status)
