"""Checks the responses of a test run against the OpenAPI document of the API.

`TAKEBACK_CHECK_RESPONSES=1` fails the test whose response differs from the document;
`TAKEBACK_CHECK_RESPONSES=count` lets tests pass and prints the differences at the end.
"""

import gzip
import json
import os
import re
from collections import Counter
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs
import pytest
from django.http import HttpRequest
from django.http.response import HttpResponseBase

MODE = os.environ.get("TAKEBACK_CHECK_RESPONSES", "")
PREFIX = re.compile(r"^/api/(?:v1/|i1/)?")
"""All prefixes serve the same routes; the document shows `/api/v1/`."""
NO_BODY = {204, 304}
HEADERS = (
    "Content-Language",
    "ETag",
    "Idempotent-Replayed",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Headers that must be documented where they occur."""

_counted: Counter[str] = Counter()
"""Responses by their difference; those without one are under the empty text."""


class Operation(NamedTuple):
    """An operation of the document: its path with parameters, and its responses by status."""

    name: str
    responses: dict[str, Any]


class Checker:
    """Compares responses with one OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.components = document["components"]
        self.validators: dict[tuple[str, str], Any] = {}
        # A path with fewer parameters is the more specific one: it is tried first.
        self.paths = [
            (re.compile(re.sub(r"\\?{\w+\\?}", "[^/]+", re.escape(path.rstrip("/"))) + "/?"), path)
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]
        self.operations = {
            (path, method.upper()): Operation(f"{method.upper()} {path}", operation["responses"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method != "parameters"
        }

    def documents(self, path: str) -> bool:
        """Whether the document has operations of this path."""
        path = PREFIX.sub("/api/v1/", path)
        return any(pattern.fullmatch(path) for pattern, _ in self.paths)

    def operation(self, method: str, path: str) -> Operation | None:
        """The documented operation of a request, if there is one."""
        path = PREFIX.sub("/api/v1/", path)
        for pattern, template in self.paths:
            if pattern.fullmatch(path):
                method = "GET" if method == "HEAD" else method
                return self.operations.get((template, method))
        return None

    def difference(self, method: str, path: str, response: HttpResponseBase) -> str:
        """The first difference between a response and its documentation; empty if there is none."""
        operation = self.operation(method, path)
        if operation is None:
            return ""
        status = str(response.status_code)
        name = f"{operation.name} {status}"
        if status not in operation.responses:
            return f"{name}: status is not documented"
        documented = operation.responses[status]
        for header in HEADERS:
            if header in response.headers and header not in documented.get("headers", {}):
                return f"{name}: header {header} is not documented"
        content = documented.get("content", {})
        if not content or method == "HEAD" or response.status_code in NO_BODY:
            return ""
        return self._body_difference(operation, status, response)

    def _body_difference(
        self, operation: Operation, status: str, response: HttpResponseBase
    ) -> str:
        content = operation.responses[status]["content"]
        name = f"{operation.name} {status}"
        media_type = response.get("Content-Type", "").partition(";")[0]
        if "application/json" not in content:
            return "" if media_type.startswith("image/") else f"{name}: content type {media_type}"
        if media_type in content and media_type != "application/json":
            return ""
        if media_type != "application/json":
            return f"{name}: content type {media_type}"
        body = json.loads(_text(response))
        error = next(self._validator(operation, status).iter_errors(body), None)
        return "" if error is None else f"{name}: {_place(error)}: {error.message[:300]}"

    def _validator(self, operation: Operation, status: str) -> Any:
        key = operation.name, status
        if key not in self.validators:
            schema = operation.responses[status]["content"]["application/json"]["schema"]
            self.validators[key] = jsonschema_rs.Draft202012Validator(
                schema | {"components": self.components}, validate_formats=True
            )
        return self.validators[key]


def _text(response: HttpResponseBase) -> bytes:
    """The body before it was compressed."""
    content: bytes = getattr(response, "content", b"null")
    return gzip.decompress(content) if response.get("Content-Encoding") == "gzip" else content


def _place(error: Any) -> str:
    """The path to a value; all elements of a list are one place."""
    return ".".join("[]" if isinstance(step, int) else step for step in error.instance_path) or "."


@cache
def checker() -> Checker:
    """The checker of our document."""
    from takeback.api import openapi

    return Checker(json.loads(json.dumps(openapi.document(), default=str)))


def check(request: HttpRequest, response: HttpResponseBase) -> None:
    """Fail the running test, or count the difference, if the mode says so."""
    if not MODE:
        return
    difference = checker().difference(request.method or "", request.path_info, response)
    _counted[difference] += 1
    if difference and MODE != "count":
        pytest.fail(f"not as the OpenAPI document says: {difference}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a worker process to the process that started it."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["openapi_differences"] = dict(_counted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the counts of a worker process."""
    _counted.update(getattr(node, "workeroutput", {}).get("openapi_differences", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counted differences of all processes."""
    if MODE == "count":
        total = _counted.total()
        differing = total - _counted.pop("", 0)
        title = f"{differing} of {total} responses differ from the OpenAPI document"
        terminalreporter.section(title)
        for difference, count in _counted.most_common():
            terminalreporter.write_line(f"{count:5} {difference}")
