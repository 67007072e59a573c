# SPDX-License-Identifier: Apache-2.0
"""Reads a page as a browser without a script does, and more strictly: what a browser would have to
guess at is an error."""
import html.parser
import urllib.parse

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children = []

    def __getitem__(self, name):
        return self.attributes[name]

    def get(self, name):
        return self.attributes.get(name)

    @property
    def text(self):
        """Without the texts of pictures."""
        return "".join(child if isinstance(child, str) else child.text
                       for child in self.children
                       if isinstance(child, str) or child.tag != "svg")

    def walk(self):
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, tag=None, cls=None, **attributes):
        return [element for element in self.walk()
                if tag in (None, element.tag)
                and (cls is None or cls in (element.get("class") or "").split())
                and all(element.get(name) == value for name, value in attributes.items())]

    def one(self, tag=None, cls=None, **attributes):
        found = self.all(tag, cls, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {cls} {attributes}"
        return found[0]


class _Builder(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {}, None)

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: "" if value is None else value for name, value in attrs},
                          self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attrs):
        assert any(element.tag == "svg" for element in _line(self.at)), f"<{tag}/> outside of SVG"
        self.handle_starttag(tag, attrs)
        self.at = self.at.parent

    def handle_endtag(self, tag):
        assert self.at.tag == tag, f"</{tag}> where <{self.at.tag}> is open"
        self.at = self.at.parent

    def handle_data(self, data):
        assert "\0" not in data
        self.at.children.append(data)


def _line(element):
    while element:
        yield element
        element = element.parent


class Page:
    """The page of a response, asked for at a path."""

    def __init__(self, response, path="/"):
        assert response.headers["content-type"] == "text/html; charset=utf-8", response
        self.response = response
        self.path = path
        assert response.text.startswith("<!DOCTYPE html>\n")
        builder = _Builder()
        builder.feed(response.text)
        builder.close()
        assert builder.at is builder.root, f"<{builder.at.tag}> is not closed"
        self.root = builder.root.one("html")
        ids = [element["id"] for element in self.root.walk() if element.get("id") is not None]
        assert len(ids) == len(set(ids)), f"an id twice: {ids}"
        assert all(ids) and not any(" " in one for one in ids)

    def rows(self):
        """The dependencies by name, in the order of the page."""
        return {row.one("th").one("a", href=f"health/{row['id'][2:]}").text: row
                for row in self.root.one("main").all("tr") if row.get("id")}

    @property
    def title(self):
        return self.root.one("head").one("title").text

    def sections(self):
        """{heading or None: names}"""
        found = {}
        for section in self.root.all("section"):
            heading = section.all("h2")
            if heading:
                assert section["aria-labelledby"] == heading[0]["id"]
            found[heading[0].text if heading else None] = [
                row["id"][2:] for row in section.all("tr") if row.get("id")]
        return found

    def notes(self):
        return [note.text for note in self.root.all("p", "note")]

    def follow(self, link):
        """Where a link of the page leads, as a path to ask for."""
        url = urllib.parse.urljoin(f"http://x{self.path}", link["href"])
        return urllib.parse.urlunsplit(urllib.parse.urlsplit(url)._replace(
            scheme="", netloc="", fragment=""))

    def urls(self):
        return [element.attributes[name] for element in self.root.walk()
                for name in ("href", "src", "action", "poster", "data", "srcset", "formaction")
                if name in element.attributes]
