# SPDX-License-Identifier: Apache-2.0
"""The status page as it comes from the server: for whom, what, in which order. Without a script."""
import contextlib
import gzip
import json
import socket
import urllib.parse
import xml.etree.ElementTree

import pytest

from harness import faults
from harness.exporter import OFTEN, Exporter
from harness.html import Page
from harness.secrets import secret
from harness.waiting import wait_until
from harness.web_config import ask_over, basic, bcrypt, guarded

PASSWORD = secret("page")
USERS = {"basic_auth_users": {"alice": bcrypt(PASSWORD)}}
POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
          "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
SEEN = "connection refused"  # in a message, and nowhere else
SVG = "{http://www.w3.org/2000/svg}"


def page_of(exporter, path="/", status=200):
    response = exporter.get(path)
    assert response.status == status, response
    return Page(response, path)


# ---- what stands on it ----

def test_page_is_sound_and_loads_nothing_from_elsewhere(exporter):
    page = page_of(exporter)
    for url in page.urls():
        parts = urllib.parse.urlsplit(url)
        assert not parts.scheme and not parts.netloc and not url.startswith("/"), url
    for element in page.root.walk():
        assert "style" not in element.attributes and element.tag != "style"
        assert not any(name.startswith("on") for name in element.attributes), element.attributes
        if element.tag == "script":
            assert element["src"] and not element.text
        if element.tag == "svg":
            assert element["role"] == "img" and element["aria-label"]
    for path in ("page/style.css", "page/script.js", "badge.svg?icon"):
        assert path in page.urls()
    for link in page.root.one("footer").all("a"):
        assert exporter.get(page.follow(link)).status == 200, link["href"]


def test_links_hold_below_the_prefix_of_a_proxy(exporter):
    page = page_of(exporter)
    for url in page.urls():
        assert urllib.parse.urljoin("http://proxy/health/checkout/", url).startswith(
            "http://proxy/health/checkout/"), url


def test_page_tells_what_is_up_and_what_is_not(exporter):
    page = page_of(exporter)
    assert page.title == "degraded: checkout"
    assert page.root.one("h1").text == "checkout is degraded"
    assert page.root.one("header")["data-status"] == "degraded"
    why = page.root.one("p", "why")
    assert {link.text: link["href"] for link in why.all("a")} == {"bad": "#d-bad",
                                                                  "model": "#d-model"}
    assert "bad refused" in why.text
    assert {name: row["data-status"] for name, row in page.rows().items()} == {
        "good": "up", "bad": "down", "model": "down"}
    bad = page.rows()["bad"]
    assert bad.one("span", "reason").text == "refused"
    assert bad.one("small", "optional").text == "not critical"
    assert bad.one("td", "since").one("time")["datetime"].endswith("Z")
    assert bad.one("td", "latency").one("span").text.endswith("ms")
    assert page.sections() == {"Not up": ["bad", "model"], "Up": ["good"]}
    counts = page.root.one("p", "counts")
    assert counts.text == "3 dependencies: 2 down 1 up"


def test_history_is_drawn(exporter):
    row = page_of(exporter).rows()["bad"]
    label = row.one("svg", "bars")["aria-label"]
    assert label.startswith("last 24 h: 0 % available, down for "), label
    assert [bar["class"] for bar in row.one("svg", "bars").all("rect")] == ["down"]
    assert "UTC: down for " in row.one("svg", "bars").one("title").text
    assert row.one("span", "availability").text == "0 %"
    good = page_of(exporter).rows()["good"]
    assert good.one("span", "availability").text == "100 %"
    assert good.one("svg", "sparkline")["aria-label"].startswith("mean latency, last 24 h: ")


def test_page_does_without_history(start):
    with start(down(), ["--web.history=0"]) as exporter:
        exporter.wait_for_state("db", "down", "refused")
        page = page_of(exporter)
        assert not page.root.all("svg") and "Last" not in page.root.one("thead").text
        assert len(page.rows()["db"].all("td")) == len(page.root.one("thead").all("th")) - 1
    with start(down(), ["--web.history=7d"]) as exporter:
        exporter.wait_for_state("db", "down", "refused")
        page = page_of(exporter)
        assert page.root.one("thead").all("th")[-1].text == "Last 7 d"
        assert page.root.one("footer").one("p").text.endswith("history of the last 7 d")


def test_every_text_stays_a_text(start):
    script = "<script>alert('1')</script>\"&"
    config = {"service": {"name": script},
              "dependencies": [{"name": "db", "url": "heartbeat:", **OFTEN}]}
    with start(config, ["--web.enable-lifecycle"]) as exporter:
        body = json.dumps({"status": "fail", "message": script})
        assert exporter.get("/-/heartbeat/db", method="PUT", body=body).status == 204
        body = json.dumps({"reason": script})
        assert exporter.get("/-/maintenance", method="POST", body=body).status == 200
        exporter.wait_for_state("db", "down")
        for query in ("", f"?tag={urllib.parse.quote(script)}",
                      f"?q={urllib.parse.quote(script)}"):
            page = page_of(exporter, f"/{query}")
            assert len(page.root.all("script")) == 1
            assert page.root.one("h1").text == f"{script} is in maintenance"
            assert page.root.one("p", "maintenance").text == f"Maintenance: {script}"
        chosen = page_of(exporter, f"/?tag={urllib.parse.quote(script)}&q={urllib.parse.quote(script)}")
        assert chosen.root.one("option", selected="")["value"] == script
        assert chosen.root.one("input", name="q")["value"] == script
        assert script in page_of(exporter).rows()["db"].one("p", "message").text
        badge = exporter.get("/badge.svg")
        assert xml.etree.ElementTree.fromstring(badge.text).find(f"{SVG}title").text == (
            f"{script}: maintenance")


# ---- asking for some ----

@pytest.fixture(scope="module")
def many(new_directory):
    """A thousand dependencies, ten of them up."""
    names = [f"d{number}" for number in range(1000)]
    config = {"defaults": {"interval": "10s", "timeout": "1s"},
              "dependencies": [{"name": name, "url": "heartbeat:", "ttl": "1h", "critical": False,
                                "tags": [f"team-{int(name[1:]) % 3}", "all"]} for name in names]}
    with Exporter(new_directory(), config) as exporter:
        for name in names[::100]:
            assert exporter.get(f"/-/heartbeat/{name}", method="PUT").status == 204
        exporter.wait_for(lambda: "990 down 10 up" in page_of(exporter).root.one("p", "counts").text,
                          30, "all have been looked at")
        yield exporter


def test_pages_lead_from_one_to_the_next(many):
    names, page = [], page_of(many)
    for number in range(1, 6):
        assert len(page.rows()) == 200
        names += page.rows()
        nav = page.root.one("nav", "pages")
        assert nav.one("span").text == f"{200 * number - 199} to {200 * number:,} of 1,000"
        links = {link["rel"]: link for link in nav.all("a")}
        assert set(links) == ({"next"} if number == 1 else {"prev"} if number == 5 else
                              {"prev", "next"})
        if number < 5:
            page = page_of(many, page.follow(links["next"]))
    # What is not up comes first, in the order of the configuration, then the rest by tag.
    up = [f"d{number}" for number in range(0, 1000, 100)]
    assert names[:-10] == [f"d{n}" for n in range(1000) if f"d{n}" not in up]
    assert names[-10:] == sorted(up, key=lambda name: int(name[1:]) % 3)


def test_filters_hold_for_the_server_alone(many):
    page = page_of(many)
    for link in page.root.one("p", "counts").all("a"):
        found = page_of(many, page.follow(link))
        assert {row["data-status"] for row in found.rows().values()} == {link["data-status"]}
    found = page_of(many, "/?q=D99&status=down&tag=team-0")
    assert list(found.rows()) == ["d99", "d990", "d993", "d996", "d999"]
    assert found.notes() == ["5 are like that. Show all"]
    form = found.root.one("form")
    assert (form["method"], form["action"]) == ("get", "./")
    assert form.one("input", name="q")["value"] == "D99"
    assert [option["value"] for option in form.all("option", selected="")] == ["down", "team-0"]
    assert page_of(many, found.follow(found.root.one("p", "note").one("a"))).notes() == []
    # A filter stays from page to page.
    found = page_of(many, "/?tag=all&status=down")
    following = page_of(many, found.follow(found.root.one("nav", "pages").one("a")))
    assert following.path == "/?status=down&tag=all&page=2" and len(following.rows()) == 200


@pytest.mark.parametrize("query, status, note", [
    ("?status=broken", 400, "There is no status “broken”: it is up, degraded, down or unknown."),
    ("?status=%3Cb%3E", 400, "There is no status “<b>”: it is up, degraded, down or unknown."),
    ("?page=0", 400, "There is no page “0”: pages are numbers, from 1 on."),
    ("?page=-1", 400, "There is no page “-1”: pages are numbers, from 1 on."),
    ("?page=99", 200, "There is no page 99: the last one is page 5."),
    ("?q=nobody", 200, "No dependency is like that. Show all"),
    ("?tag=nobody", 200, "No dependency is like that. Show all")])
def test_page_says_what_it_cannot_find(many, query, status, note):
    page = page_of(many, f"/{query}", status)
    assert page.notes() == [note]
    assert page.root.one("form")


def test_groups_are_those_of_the_first_tag(many):
    page = page_of(many, "/?status=up")
    assert page.sections() == {"team-0": ["d0", "d300", "d600", "d900"],
                               "team-1": ["d100", "d400", "d700"],
                               "team-2": ["d200", "d500", "d800"]}
    assert [tag.text for tag in page.rows()["d0"].all("a", "tag")] == ["all"]


# ---- what a client has already ----

def test_page_that_looks_the_same_is_not_sent_again(many):
    def is_known_again(path):
        first = many.get(path)
        again = many.get(path, headers={"If-None-Match": first.headers["etag"]})
        if again.status == 200:  # a check was done in between
            return False
        assert (again.status, again.body) == (304, b""), path
        return again.headers["etag"] == first.headers["etag"]

    for path in ("/", "/?status=up", "/?details", "/badge.svg", "/page/style.css",
                 "/page/script.js"):
        wait_until(lambda path=path: is_known_again(path), 5, f"a 304 for {path}")
    kept = many.get("/page/style.css").headers["cache-control"]
    assert kept == "public, no-cache"
    assert many.get("/").headers["cache-control"] == "no-store"


def test_page_changes_with_what_it_shows(start):
    config = {"dependencies": [{"name": name, "url": "heartbeat:", "ttl": "60s",
                                "interval": "30s", "timeout": "1s"} for name in ("one", "two")]}
    with start(config) as exporter:
        for name in ("one", "two"):
            assert exporter.get(f"/-/heartbeat/{name}", method="PUT").status == 204
            exporter.wait_for_state(name, "up")
        tag = exporter.get("/?q=one").headers["etag"]
        assert exporter.get("/-/heartbeat/two", method="PUT", body='{"status":"fail"}').status == 204
        exporter.wait_for_state("two", "down")
        changed = exporter.get("/?q=one", headers={"If-None-Match": tag})
        assert changed.status == 200  # the verdict is another
        tag = changed.headers["etag"]
        assert exporter.get("/-/heartbeat/one", method="PUT", body='{"status":"fail"}').status == 204
        exporter.wait_for_state("one", "down")
        assert exporter.get("/?q=one", headers={"If-None-Match": tag}).status == 200


def test_page_is_compressed_for_whom_it_may(many):
    plain = many.get("/?status=up")
    packed = many.get("/?status=up", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 4


def test_head_is_get_without_the_body(many):
    for path in ("/", "/?status=broken", "/?q=d10", "/badge.svg", "/health/d0/badge.svg",
                 "/health/none/badge.svg", "/page/style.css"):
        get, head = many.get(path), many.get(path, method="HEAD")
        assert (head.status, head.body) == (get.status, b""), path
        for name in ("content-type", "cache-control", "content-security-policy",
                     "x-content-type-options", "referrer-policy"):
            assert head.headers.get(name) == get.headers.get(name), (path, name)


# ---- for whom ----

def test_browsers_are_told_what_the_page_may_do(exporter):
    for path in ("/", "/?status=broken"):
        headers = exporter.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_policy_of_the_web_configuration_wins(start, directory):
    config = {"http_server_config": {"headers": {"Content-Security-Policy": "default-src 'self'"}}}
    with guarded(start, directory, config) as web:
        assert web.ask("/").headers["content-security-policy"] == "default-src 'self'"
        web.reload({"http_server_config": {"headers": {"X-Frame-Options": "deny"}}})
        headers = web.ask("/").headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-frame-options"] == "deny"


def down():
    return {"dependencies": [{"name": "db", "url": f"tcp://{faults.refused()}", "tags": ["core"],
                              **OFTEN}]}


@pytest.fixture
def with_users(start, directory):
    path = directory / "web.yml"
    path.write_text(json.dumps(USERS), encoding="utf-8")
    with start(down(), [f"--web.config.file={path}"]) as exporter:
        exporter.wait_for_state("db", "down", "refused")
        yield exporter


def test_message_is_for_users_only(with_users):
    exporter, right = with_users, basic("alice", PASSWORD)
    for headers in ({}, right, basic("alice", "wrong")):
        for path in ("/", "/?q=db", "/?status=down", "/?tag=core", "/?page=1&q=&status="):
            response = exporter.get(path, headers=headers)
            page = Page(response, path)
            assert response.status == 200 and SEEN not in response.text
            assert not page.root.all("p", "message") and not page.root.all("small", "kind")
            sign_in, = [link for link in page.root.all("a") if "Sign in" in link.text]
            refused = exporter.get(page.follow(sign_in))
            assert refused.status == 401
            assert refused.headers["www-authenticate"] == 'Basic realm="health_exporter"'
            shown = exporter.get(page.follow(sign_in), headers=right)
            assert SEEN in Page(shown).rows()["db"].one("p", "message").text
    for path in ("/?details", "/?details=", "/?details=0", "/?q=db&details", "/?det%61ils"):
        assert exporter.get(path).status == 401, path
        assert exporter.get(path, method="HEAD").status == 401, path
        assert exporter.get(path, headers=basic("alice", "wrong")).status in (401, 429), path


def test_page_of_an_operator_is_nobody_elses(with_users):
    right = basic("alice", PASSWORD)
    shown = with_users.get("/?details", headers=right)
    assert shown.status == 200 and SEEN in shown.text
    assert shown.headers["cache-control"] == "no-store"
    theirs = with_users.get("/", headers={"If-None-Match": shown.headers["etag"]})
    assert theirs.status == 200 and SEEN not in theirs.text
    assert with_users.get("/?details",
                          headers={"If-None-Match": shown.headers["etag"]}).status == 401
    # Whoever has signed in stays so from link to link.
    page = Page(shown, "/?details")
    for link in page.root.one("main").all("a"):
        if link["href"].startswith("?"):
            assert "details" in urllib.parse.parse_qs(
                link["href"][1:], keep_blank_values=True), link["href"]
    assert page.root.one("form").one("input", name="details")["type"] == "hidden"
    assert not [link for link in page.root.all("a") if "Sign in" in link.text]


def test_passwords_tried_at_the_page_are_limited(with_users):
    statuses = [with_users.get("/?details", headers=basic("alice", f"wrong{n}")).status
                for n in range(12)]
    assert set(statuses) == {401, 429} and statuses[0] == 401 and statuses[-1] == 429
    assert with_users.get("/").status == 200


def test_without_users_messages_are_for_this_host(namespace, start):
    namespace.run("ip", "address", "add", "192.0.2.2/24", "dev", "lo")
    flags = ["--web.listen-address=192.0.2.2:20002"]
    with start(down(), flags, namespace=namespace) as exporter:
        exporter.wait_for_state("db", "down", "refused")
        local = exporter.get("/")
        assert SEEN in Page(local).rows()["db"].one("p", "message").text
        with namespace.entered():
            sock = socket.create_connection(("192.0.2.2", 20002), timeout=5)
        with contextlib.closing(sock):
            response = ask_over(sock, "/", {"If-None-Match": local.headers["etag"]})
            assert response.status == 200 and SEEN not in response.text
            assert "Sign in" not in response.text
            assert ask_over(sock, "/?details").status == 403


# ---- badges ----

def test_badges_say_what_is(exporter):
    for path, label in (("/badge.svg", "checkout: degraded"),
                        ("/health/bad/badge.svg", "bad: down"),
                        ("/health/good/badge.svg", "good: up")):
        response = exporter.get(path)
        assert response.status == 200
        assert response.headers["content-type"] == "image/svg+xml"
        assert response.headers["cache-control"] == "no-store"
        picture = xml.etree.ElementTree.fromstring(response.text)
        assert picture.find(f"{SVG}title").text == picture.get("aria-label") == label
        assert "127.0.0.1" not in response.text
    missing = exporter.get("/health/none/badge.svg")
    assert missing.status == 404
    assert missing.json() == {"error": 'no dependency named "none"'}


def test_a_slow_dependency_tells_its_limit(start):
    config = {"dependencies": [{"name": "slow", "url": "disk:/", "degraded_after": "1us"}]}
    with start(config) as exporter:
        exporter.wait_for_state("slow", "degraded")
        row = page_of(exporter).rows()["slow"]
        assert row.one("span", "reason").text == "slower than 1us"
