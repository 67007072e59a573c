# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser: it stays true without a reload, and everybody can use it.

Time within a page is moved on where a test would otherwise wait for the next request of the page.
"""
import contextlib
import json

import pytest

from harness import faults
from harness.browser import PHONE, Browser
from harness.exporter import OFTEN, Exporter, write_config
from harness.secrets import secret
from harness.waiting import wait_until
from harness.web_config import bcrypt, guarded

DESKTOP = {"width": 1280, "height": 800}
INTERVAL = 5000  # of script.js
ROWS = "document.querySelectorAll('tbody tr').length"


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def peer():
    server = faults.FaultServer(faults.hang)
    yield server
    server.close()


def tcp(name, at, **options):
    return {"name": name, "url": f"tcp://{at}", **OFTEN, **options}


@pytest.fixture(scope="module")
def config(peer):
    here = f"127.0.0.1:{peer.port}"
    return {
        "service": {"name": "checkout"},
        "dependencies": [
            tcp("ledger", here, tags=["payments"]),
            tcp("card-acquirer", here, tags=["payments", "abroad"]),
            tcp("recommendations", faults.refused(), critical=False, tags=["shop"]),
            {"name": "model", "url": "heartbeat:", "ttl": "1h", "tags": ["shop"], **OFTEN},
            tcp("a-name-of-sixty-four-letters-is-the-longest-that-anybody-may-use",
                here)]}


def url(exporter, path="/"):
    return f"http://127.0.0.1:{exporter.endpoint.port}{path}"


def report(exporter, status):
    """Turns the dependency model up or down."""
    body = json.dumps({"status": status, "message": f"it is a {status}"})
    assert exporter.get("/-/heartbeat/model", method="PUT", body=body).status == 204
    exporter.wait_for_state("model", "up" if status == "pass" else "down")


def wait_for_all(exporter, config):
    """Until each dependency is in the state in which it stays."""
    for dependency in config["dependencies"]:
        is_bad = dependency["name"] in ("model", "recommendations")
        exporter.wait_for_state(dependency["name"], "down" if is_bad else "up")


@pytest.fixture
def degraded(exporter):
    """The shared exporter, with everything critical up."""
    report(exporter, "pass")
    return exporter


@pytest.fixture(scope="module")
def exporter(start_once, config):
    with start_once(config, ["--web.enable-lifecycle"]) as exporter:
        wait_for_all(exporter, config)
        yield exporter


@pytest.fixture(scope="module")
def start_once(new_directory):
    return lambda *args, **options: Exporter(new_directory(), *args, **options)


def hurry_until(page, condition, step=INTERVAL):
    """Until the condition, an expression or a function, holds; the page's time goes faster."""
    def poll():
        value = condition() if callable(condition) else page.evaluate(condition)
        if not value:
            page.forward(step)
        return value
    return wait_until(poll, 10, condition, every=0.2)


def state_of(name):
    return f"document.getElementById('d-{name}').dataset.status"


# ---- it stays true ----

def test_a_dependency_goes_down_and_up_before_the_eyes(start, browser, redis):
    cache = f"redis://:{secret('redis')}@127.0.0.1:{redis.port}"
    config = {"service": {"name": "checkout"},
              "dependencies": [{"name": "cache", "url": cache, **OFTEN}]}
    with start(config) as exporter:
        exporter.wait_for_state("cache", "up")
        with browser.page(url(exporter)) as page:
            assert page.call("title") == "up: checkout"
            page.evaluate("window.row = document.getElementById('d-cache')")
            redis.stop()
            page.wait_for("document.title === 'down: checkout'", 8)
            assert page.text("h1") == "checkout is down"
            assert "refused" in page.text(".why") and "cache" in page.text(".why")
            assert page.evaluate("row.isConnected && row.dataset.status") == "down"
            assert page.text(".live").startswith("checkout is down")
            redis.start()
            page.wait_for("document.title === 'up: checkout'", 8)
            # The very row, in the very document.
            assert page.evaluate("row.isConnected && row.dataset.status") == "up"
            assert page.text(".live").startswith("checkout is up")


def test_a_lost_connection_is_told_and_found_again(start, browser, config):
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(start(config))
        wait_for_all(exporter, config)
        page = stack.enter_context(browser.page(url(exporter), clock=True,
                                                expected=["ERR_CONNECTION_REFUSED"]))
        assert page.evaluate("document.querySelector('.live').textContent") == ""
        exporter.stop()
        hurry_until(page, "document.querySelector('.live[data-lost]')")
        said = page.text(".live")
        assert said.startswith("Connection lost, data of ") and said.count(":") == 2
        # What is old is still shown, and asked for less often.
        assert page.evaluate(ROWS) == len(config["dependencies"])
        requests = len(page.statuses)
        page.forward(INTERVAL)
        assert len(page.statuses) == requests
        exporter.__enter__()
        wait_for_all(exporter, config)
        hurry_until(page, "!document.querySelector('.live[data-lost]')", 60000)
        assert page.text(".live") == "Connected again"


def test_a_limit_of_rate_is_kept(start, directory, browser):
    limits = {"rate_limit_per_client": {"interval": "60s", "burst": 8}}
    with guarded(start, directory, limits) as guard:
        with browser.page(f"http://127.0.0.1:{guard.port}/", clock=True, expected=["429"]) as page:
            hurry_until(page, "document.querySelector('.live[data-lost]')")
            assert page.text(".live").startswith("The server answers 429, data of ")
            requests = len(page.statuses)
            for _ in range(5):
                page.forward(2 * INTERVAL)
            assert page.statuses[-1] == 429 and len(page.statuses) == requests
            hurry_until(page, lambda: len(page.statuses) > requests, 60000)


def test_a_hidden_page_asks_nothing_and_one_shown_again_at_once(degraded, browser):
    def hide(page, is_hidden):
        page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {is_hidden}, "
                      "configurable: true}),"
                      "document.dispatchEvent(new Event('visibilitychange'))")

    with browser.page(url(degraded), clock=True) as page:
        hurry_until(page, lambda: page.statuses)
        hide(page, "true")
        requests = len(page.statuses)
        page.forward(10 * INTERVAL)
        report(degraded, "fail")
        assert len(page.statuses) == requests
        hide(page, "false")
        page.wait_for(f"{state_of('model')} === 'down'")


def test_what_has_not_changed_is_not_sent_again(start, browser, peer):
    ledger = {"name": "ledger", "url": f"tcp://127.0.0.1:{peer.port}", "interval": "1h"}
    with start({"dependencies": [ledger]}) as exporter:
        exporter.wait_for_state("ledger", "up")
        with browser.page(url(exporter), clock=True) as page:
            hurry_until(page, lambda: page.statuses[-3:] == [304] * 3)


def test_an_update_keeps_focus_selection_scroll_and_typed_text(degraded, browser):
    with browser.page(url(degraded), clock=True, viewport={"width": 800, "height": 500}) as page:
        page.evaluate("scrollTo(0, 150),"
                      "document.querySelector('#d-ledger a').focus({preventScroll: true}),"
                      "getSelection().selectAllChildren(document.querySelector('#d-ledger th a'))")
        # Typed, but the page has not acted on it yet.
        page.evaluate("document.querySelector('input').value = 'led'")
        assert page.evaluate("scrollY") == 150
        report(degraded, "fail")
        hurry_until(page, f"{state_of('model')} === 'down'")
        assert page.evaluate("document.activeElement.closest('tr').id") == "d-ledger"
        assert page.evaluate("String(getSelection())") == "ledger"
        assert page.evaluate("document.querySelector('input').value") == "led"
        # The browser itself keeps in view what was, when something above it grows.
        assert page.evaluate("scrollY") >= 150


def test_the_focus_goes_with_a_row_that_moves(degraded, browser):
    with browser.page(url(degraded), clock=True) as page:
        page.evaluate("window.row = document.getElementById('d-model'),"
                      "row.querySelector('a').focus()")
        section = page.evaluate("row.closest('section').innerText")
        report(degraded, "fail")
        hurry_until(page, f"{state_of('model')} === 'down'")
        assert page.evaluate("row.closest('section').innerText") != section
        assert page.evaluate("row.contains(document.activeElement)")


def test_times_are_told_as_people_do(degraded, browser):
    with browser.page(url(degraded), clock=True) as page:
        since = "document.querySelector('#d-ledger .since time')"
        assert page.wait_for(f"/^(just now|[0-9]+ (s|min) ago)$/.test({since}.textContent)")
        assert page.evaluate(f"{since}.title").endswith(" UTC")


# ---- search and filters ----

def test_search_narrows_while_typing(degraded, browser):
    with browser.page(url(degraded)) as page:
        history = page.evaluate("history.length")
        page.press("/")
        page.type("Card")
        page.wait_for(f"{ROWS} === 1")
        assert page.all("tbody th a:first-child") == ["card-acquirer"]
        assert page.evaluate("document.activeElement.value") == "Card"
        assert page.evaluate("location.search") == "?q=Card"
        assert page.evaluate("history.length") == history
        page.press(*["Backspace"] * 4)
        page.wait_for(f"{ROWS} === 5")
        assert page.evaluate("location.search") == ""


def test_filters_act_when_picked(degraded, browser):
    with browser.page(url(degraded)) as page:
        page.call("selectOption", "[name=status]", "down")
        page.wait_for(f"{ROWS} === 1")
        assert page.all("tbody th a:first-child") == ["recommendations"]
        page.call("selectOption", "[name=status]", "")
        page.call("selectOption", "[name=tag]", "payments")
        page.wait_for(f"{ROWS} === 2")
        assert page.evaluate("location.search") == "?tag=payments"


def tab_to(page, selector):
    for _ in range(30):
        page.press("Tab")
        if page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


def test_the_keyboard_alone_filters(degraded, browser):
    with browser.page(url(degraded)) as page:
        page.press("Tab")
        assert page.text(":focus") == "Skip to the dependencies"
        tab_to(page, ".counts [data-status=down]")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.press("Enter")
        page.wait_for(f"{ROWS} === 1")
        assert page.evaluate("location.search") == "?status=down"
        assert page.evaluate("document.querySelector('[name=status]').value") == "down"
        page.call("goBack")
        page.wait_for(f"{ROWS} === 5")
        assert page.evaluate("document.querySelector('[name=status]').value") == ""


def test_everything_works_without_javascript(degraded, browser):
    with browser.page(url(degraded), javaScriptEnabled=False) as page:
        assert page.text("h1") == "checkout is degraded"
        assert page.evaluate(ROWS) == 5
        page.call("fill", "[name=q]", "card")
        page.call("click", "form button")
        page.wait_for(f"{ROWS} === 1")
        assert page.all("tbody th a:first-child") == ["card-acquirer"]
        page.call("fill", "[name=q]", "")
        page.call("selectOption", "[name=status]", "down")
        page.call("click", "form button")
        page.wait_for(f"{ROWS} === 1 && document.getElementById('d-recommendations')")
        page.call("goto", url(degraded))
        page.call("click", ".counts [data-status=up]")
        page.wait_for(f"{ROWS} === 4")


def test_who_has_signed_in_stays_so(start, directory, browser, config):
    password = secret("page")
    users = {"basic_auth_users": {"operator": bcrypt(password)}}
    with guarded(start, directory, users, [f"--config.file={write_config(directory, config)}"]) as guard:
        guard.exporter.wait_for_state("recommendations", "down")
        at = f"127.0.0.1:{guard.port}/"
        with browser.page(f"http://{at}") as page:
            assert page.evaluate(ROWS) == 5 and page.all(".message") == []
        with browser.page(f"http://operator:{password}@{at}?details", clock=True) as page:
            assert any("connection refused" in message for message in page.all(".message"))
            hurry_until(page, lambda: page.statuses)
            page.call("selectOption", "[name=tag]", "shop")
            hurry_until(page, f"{ROWS} === 2")
            assert page.evaluate("new URLSearchParams(location.search).has('details')")
            assert "connection refused" in page.text("#d-recommendations .message")
            assert page.evaluate("document.querySelector('.live[data-lost]')") is None


def test_the_policy_lets_no_other_script_run(degraded, browser):
    with browser.page(url(degraded), expected=["policy: script-src", "Content Security Policy"]) as page:
        page.evaluate("document.body.append(Object.assign(document.createElement('script'),"
                      " {textContent: 'window.isBroken = true'}))")
        assert page.evaluate("window.isBroken") is None


# ---- for everybody ----

def assert_fits(page, where):
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("innerWidth"), f"{where} is {width} wide"


LOOKS = [("light", DESKTOP), ("dark", PHONE)]
MAINTENANCE = "/-/maintenance"


def begin_maintenance(exporter):
    body = json.dumps({"duration": "30m", "reason": "upgrade of the ledger's database"})
    assert exporter.get(MAINTENANCE, method="POST", body=body).status == 200


def end_maintenance(exporter):
    exporter.get(MAINTENANCE, method="DELETE")


STATES = {"degraded": lambda exporter: None,
          "down": lambda exporter: report(exporter, "fail"),
          "maintenance": begin_maintenance}


@pytest.mark.parametrize("state", STATES)
def test_nobody_is_shut_out(degraded, browser, state):
    STATES[state](degraded)
    try:
        for scheme, size in LOOKS:
            with browser.page(url(degraded), colorScheme=scheme, viewport=size) as page:
                assert page.evaluate("document.querySelector('header').dataset.status") == state
                assert page.violations() == []
                assert_fits(page, f"{state}, {scheme}")
    finally:
        end_maintenance(degraded)


def test_nobody_is_shut_out_when_all_is_well(start, browser, peer):
    config = {"dependencies": [tcp("ledger", f"127.0.0.1:{peer.port}")]}
    with start(config) as exporter:
        exporter.wait_for_state("ledger", "up")
        for scheme, size in LOOKS:
            with browser.page(url(exporter), colorScheme=scheme, viewport=size) as page:
                assert page.evaluate("document.querySelector('header').dataset.status") == "up"
                assert page.violations() == []
                assert_fits(page, scheme)


def test_a_thousand_dependencies_are_found_one_by_one(start, browser, peer):
    many = [{"name": f"dependency-{i:04}", "url": "heartbeat:", "ttl": "1h", "interval": "30s",
             "tags": [f"team-{i % 250}"], "critical": i % 10 == 0} for i in range(1000)]
    with start({"dependencies": many}) as exporter:
        with browser.page(url(exporter), colorScheme="dark", viewport=PHONE) as page:
            # The contrast of a row is that of all, and slow to find.
            assert page.violations(without=["color-contrast"]) == []
            assert_fits(page, "a phone")
            page.call("setViewportSize", DESKTOP)
            assert_fits(page, "a desktop")
            page.press("/")
            page.type("-0777")
            page.wait_for(f"{ROWS} === 1")
            assert page.all("tbody th a:first-child") == ["dependency-0777"]
            page.call("goto", url(exporter))
            # More tags than the form offers at first: the one that was picked is there.
            page.call("click", "#d-dependency-0240 .tag")
            page.wait_for(f"{ROWS} === 4")
            assert page.evaluate("document.querySelector('[name=tag]').value") == "team-240"
