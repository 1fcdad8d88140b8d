"""A REST API with MOCK integrations, as API Gateway answers it by itself: mapping templates and nothing behind them.

airspeed renders the templates (Velocity). What they may use is little, and checked when they are read: whatever else
API Gateway knows would silently be nothing here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import airspeed

from local.cloudformation import TemplateError
from local.http_api import HttpAnswer, message
from local.resources import MockApi, MockMethod
from local.shapes import HttpRequest

JSON: Final = "application/json"
_REFERENCE: Final = re.compile(r"\$!?\{?([A-Za-z_][\w-]*)((?:\.[A-Za-z_][\w-]*\(?)*)")
_SET: Final = re.compile(r"#set\(\s*\$([A-Za-z_][\w-]*)\s*=")
_DIRECTIVE: Final = re.compile(r"#(\w+|#|\*|\[)")
_DIRECTIVES: Final = frozenset({"set", "if", "else", "elseif", "end"})
_CONTEXT: Final = re.compile(r"\.requestOverride\.(path|querystring|header)\.\w+")
_METHODS: Final = frozenset({".matches(", ".replaceAll("})


class JavaText(str):
    """A string with the methods of Java's that templates use."""

    __slots__ = ()

    def matches(self, pattern: str) -> bool:
        """Whether the whole text matches; airspeed's own looks at its beginning only."""
        return re.fullmatch(pattern, self) is not None

    def replaceAll(self, pattern: str, replacement: str) -> "JavaText":  # noqa: N802 - Java's name
        """Replace every match."""
        return JavaText(re.sub(pattern, replacement, self))


class _Input:
    """`$input`."""

    def __init__(self, request: HttpRequest) -> None:
        self._values = dict(request.headers) | dict(parse_qsl(request.query, keep_blank_values=True))

    def params(self, name: str) -> JavaText:
        """A parameter from the query, else from the headers; empty when there is none."""
        return JavaText(self._values.get(name, ""))


class MockGateway:
    """Answers for a REST API.

    Args:
        api: The API.
        prefix: The path below which it is mounted, in place of AWS's stage.

    Raises:
        TemplateError: If a template uses what is not known here.
    """

    def __init__(self, api: MockApi, prefix: str) -> None:
        self._prefix = prefix
        self._methods = api.methods
        for (method, path), mock in api.methods.items():
            for text in (*mock.request_templates.values(), mock.response.template):
                for unknown in strangers(text):
                    where = f"{api.logical_id} {method} {path}"
                    raise TemplateError(f"{where}: the local run does not know {unknown}; teach local/mock_api.py")

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request; never raises."""
        mock = self._methods.get((request.method, request.path.removeprefix(self._prefix)))
        if mock is None:
            return message(403, "Missing Authentication Token")  # what a REST API says of a path it does not have
        template = mock.request_templates.get(_media_type(request))
        if template is None:
            return message(415, "Unsupported Media Type")
        try:
            return _answer(mock, template, request)
        except (airspeed.TemplateError, LookupError, TypeError, ValueError):
            return message(500, "Internal server error")


def _answer(mock: MockMethod, template: str, request: HttpRequest) -> HttpAnswer:
    override: dict[str, dict[str, Any]] = {"path": {}, "querystring": {}, "header": {}}
    names = {"input": _Input(request), "context": {"requestOverride": override}}
    int(json.loads(_render(template, names))["statusCode"])  # any status gets the default response; none is an error
    body = _render(mock.response.template, names)
    headers = [(name.lower(), value) for name, value in mock.response.headers.items()]
    if "content-type" not in dict(headers):
        headers.append(("content-type", JSON))
    return HttpAnswer(mock.response.status, tuple(headers), body.encode())


def _render(template: str, names: Mapping[str, Any]) -> str:
    return str(airspeed.Template(template).merge(dict(names)))


def _media_type(request: HttpRequest) -> str:
    for name, value in request.headers:
        if name.lower() == "content-type":
            return value.partition(";")[0].strip().lower()
    return JSON


def strangers(template: str) -> Iterator[str]:
    """What of a mapping template is not known here."""
    own = set(_SET.findall(template))
    for name, rest in _REFERENCE.findall(template):
        known = (
            (name == "input" and rest == ".params(")
            or (name == "context" and _CONTEXT.fullmatch(rest))
            or (name in own and (not rest or rest in _METHODS))
        )
        if not known:
            yield f"${name}{rest}"
    yield from (f"#{name}" for name in _DIRECTIVE.findall(template) if name not in _DIRECTIVES)
