# SPDX-License-Identifier: Apache-2.0
"""Holds real answers against the description that the exporter gives of itself at /openapi.json."""
import json
import re

import jsonschema

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_time(value):
    """RFC 3339 in UTC with milliseconds, and no other way to write it."""
    return not isinstance(value, str) or _TIME.fullmatch(value) is not None


class Description:
    def __init__(self, exporter):
        response = exporter.get("/openapi.json")
        assert response.status == 200, response
        self.document = response.json()
        self._resolver = jsonschema.RefResolver.from_schema(self.document)
        self.seen = set()  # (path, method, status, media type) of what was held against it

    def resolve(self, node):
        while "$ref" in node:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def schemas(self):
        """Every schema that stands anywhere in the document."""
        def walk(node):
            if isinstance(node, list):
                for item in node:
                    yield from walk(item)
            elif isinstance(node, dict):
                yield from (value for key, value in node.items() if key == "schema")
                for value in node.values():
                    yield from walk(value)
        yield from self.document["components"]["schemas"].values()
        yield from walk(self.document)

    def references(self):
        return set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.document)))

    def _path_of(self, path):
        """The described path that this one is: itself, or with a {name} in it."""
        path = path.split("?")[0]
        if path in self.document["paths"]:
            return path
        for template in self.document["paths"]:
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                return template
        raise AssertionError(f"{path} is not described")

    def check(self, path, response, method="GET"):
        """The answer is one that the description allows."""
        template = self._path_of(path)
        operation = self.resolve(self.document["paths"][template])[method.lower()]
        responses = operation["responses"]
        described = self.resolve(responses.get(str(response.status), responses["default"]))
        where = f"{method} {path}: {response.status} {response.body[:400]!r}"
        for name in described.get("headers", ()):
            if name != "Retry-After":  # only where there is an end
                assert name.lower() in response.headers, f"no {name} in {where}"
        content = described.get("content")
        media_type = response.headers.get("content-type", "").split(";")[0]
        self.seen.add((template, method, response.status, media_type))
        if not content:
            assert response.body == b"", where
            return
        assert media_type in content, f"{media_type} is not described for {where}"
        schema = content[media_type].get("schema")
        if schema is None:
            return
        is_json = media_type.endswith("json")
        body = json.loads(response.body) if is_json else response.text
        validator = jsonschema.Draft202012Validator(schema, resolver=self._resolver,
                                                    format_checker=_FORMATS)
        problems = [problem.message for problem in validator.iter_errors(body)]
        assert not problems, f"{where}: {problems}"
