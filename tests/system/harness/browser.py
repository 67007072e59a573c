# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, as people look at the status page with it.

    with browser.page(exporter.url("/"), colorScheme="dark") as page:
        page.wait_for("document.title === 'up: checkout'")

A page that reports a problem (an error on the console, a breach of the Content-Security-Policy, a
request to another origin) fails the test that leaves it.
"""
import contextlib
import itertools
import json
import pathlib
import shutil
import subprocess

from harness.waiting import SLOW, wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "browser"
PHONE = {"width": 360, "height": 740}


class Browser:
    def __init__(self):
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen(
            ["node", FOLDER / "driver.js", shutil.which("chromium")], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, command, **parameters):
        print(json.dumps({"command": command, **parameters}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, f"the browser ended with {self._process.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    @contextlib.contextmanager
    def page(self, url, expected=(), clock=False, **options):
        """A page in a context of its own: no cookies, no history. Problems that contain one of the
        expected texts are passed over. With a clock, page.forward() moves its time."""
        page = Page(self, next(self._numbers))
        self.ask("open", id=page.id, url=url, options=options, clock=clock)
        try:
            yield page
        finally:
            problems = page.close()
        assert not [one for one in problems if not any(text in one for text in expected)], problems

    def close(self):
        """Ends the browser with it."""
        self._process.stdin.close()
        assert self._process.wait(timeout=20) == 0


class Page:
    def __init__(self, browser, number):
        self.id = number
        self._browser = browser

    def call(self, method, *args):
        return self._browser.ask("call", id=self.id, method=method, args=args)

    def evaluate(self, expression):
        return self.call("evaluate", expression)

    def wait_for(self, expression, timeout=5):
        """Until the expression is true in the page; returns its value."""
        return wait_until(lambda: self.evaluate(expression), timeout, expression)

    def text(self, selector):
        """What the first such element says; "" when there is none."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def all(self, selector):
        """What each such element says."""
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})]"
                             ".map(element => element.innerText)")

    def press(self, *keys):
        for key in keys:
            self.call("keyboard.press", key)

    def type(self, text):
        self.call("keyboard.type", text)

    def forward(self, milliseconds):
        """Moves the page's clock on; what is due runs once."""
        self.call("clock.fastForward", milliseconds)

    @property
    def statuses(self):
        """How each request of the page's script was answered: a status, or the text of an error."""
        return self._browser.ask("statuses", id=self.id)

    def violations(self, without=()):
        """What axe-core finds wrong for people who see, hear or move differently; without some of
        its rules."""
        return self._browser.ask("axe", id=self.id, without=without)

    def close(self):
        return self._browser.ask("close", id=self.id)
