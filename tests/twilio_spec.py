"""Judges requests and answers by Twilio's own OpenAPI description of the 2010 API.

The description is not part of the repository: `TWILIO_OPENAPI` names it, by default it lies in `../shared/data/`. Tests
that need it carry :data:`needs_spec` and skip where it is absent.

    spec = load_spec()
    assert [] == spec.request_problems("POST", path, form=[("PhoneNumber", "+15125550101")], content_type=FORM)
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

ROOT: Final = Path(__file__).parents[1]
SPEC_FILE: Final = Path(os.environ.get("TWILIO_OPENAPI") or ROOT.parent / "shared" / "data" / "twilio_api_v2010.json")
FORM: Final = "application/x-www-form-urlencoded"
NAME: Final = "urn:twilio"
ERROR_KEYS: Final = {"code", "message", "more_info", "status"}

needs_spec = pytest.mark.skipif(
    not SPEC_FILE.exists(), reason=f"Twilio's OpenAPI description is not at {SPEC_FILE}; TWILIO_OPENAPI names another"
)

Pairs = Sequence[tuple[str, str] | list[str]]


@functools.cache
def load_spec() -> TwilioSpec:
    """The description, read once."""
    return TwilioSpec(json.loads(SPEC_FILE.read_text(encoding="utf-8")))


class TwilioSpec:
    """Twilio's description.

    Args:
        document: An OpenAPI 3.0 document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = _as_json_schema(document)
        resource = Resource.from_contents(self._document, default_specification=DRAFT4)
        self._registry: Registry[Any] = Registry().with_resource(NAME, resource)
        self._paths = sorted(
            ((_path_pattern(path), path) for path in self._document["paths"]), key=lambda each: each[1].count("{")
        )

    def describes(self, path: str) -> bool:
        """Whether the path is of the API that is described; what Twilio serves on other hosts is not."""
        return path.startswith("/2010-04-01/")

    def template(self, path: str) -> str | None:
        """The path as the description writes it, or ``None``."""
        return next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)

    def parameters(self, method: str, template: str) -> tuple[set[str], set[str]]:
        """The names that may stand in the query and in the form of an operation."""
        operation = self._document["paths"][template][method.lower()]
        body = operation.get("requestBody", {}).get("content", {})
        form = {name for each in body.values() for name in each["schema"]["properties"]}
        return set(self._described(operation)["query"]), form

    # -- requests --------------------------------------------------------------------------------------------------

    def request_problems(
        self, method: str, path: str, query: Pairs = (), form: Pairs | None = (), content_type: str = FORM
    ) -> list[str]:
        """What is wrong with a request; empty if nothing is.

        Args:
            method: GET, POST or DELETE.
            path: Without query, from ``/2010-04-01`` on.
            query: As sent, names and values in order.
            form: As sent; ``None`` for a body that is no form.
            content_type: Of the body, if there is one.
        """
        found = self._operation(method, path)
        if isinstance(found, str):
            return [found]
        operation, at = found
        described = self._described(operation)
        problems = [
            problem
            for name, value in at.items()
            for problem in self._value_problems(name, [value], described["path"].get(name, {}), QUERY)
        ]
        problems += self._pairs_problems("query", query, described["query"], QUERY)
        body = operation.get("requestBody", {}).get("content", {})
        if form is None or (form and content_type.partition(";")[0].strip() not in body):
            expected = " or ".join(body) or "no body"
            return [*problems, f"the body is {content_type or 'of no type'}; expected {expected}"]
        schema = next(iter(body.values()))["schema"] if body else {}
        fields = {
            name: {"schema": each, "required": name in schema.get("required", [])}
            for name, each in schema.get("properties", {}).items()
        }
        return problems + self._pairs_problems("form", form, fields, REQUEST)

    def _operation(self, method: str, path: str) -> tuple[Mapping[str, Any], Mapping[str, str]] | str:
        for pattern, template in self._paths:
            if parts := pattern.fullmatch(path):
                operation = self._document["paths"][template].get(method.lower())
                return (operation, parts.groupdict()) if operation else f"{template} knows no {method}"
        return f"no such path: {path}"

    def _described(self, operation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The operation's parameters, by where they stand and by name."""
        places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for each in operation.get("parameters", []):
            places[each["in"]][each["name"]] = each
        return places

    def _pairs_problems(
        self, where: str, pairs: Pairs, described: Mapping[str, Any], formats: FormatChecker
    ) -> list[str]:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        problems = [f"unknown parameter {name} in the {where}" for name in values if name not in described]
        for name, each in described.items():
            if name in values:
                problems += self._value_problems(name, values[name], each, formats)
            elif each.get("required"):
                problems.append(f"required parameter {name} is missing in the {where}")
        return problems

    def _value_problems(
        self, name: str, texts: Sequence[str], described: Mapping[str, Any], formats: FormatChecker
    ) -> list[str]:
        schema = self._resolved(described.get("schema", {}))
        if schema.get("type") == "array":
            items = self._resolved(schema["items"])
            return [problem for text in texts for problem in self._text_problems(name, text, items, formats)]
        repeated = [f"{name} is given {len(texts)} times"] if len(texts) > 1 else []
        return repeated + self._text_problems(name, texts[0], schema, formats)

    def _text_problems(self, name: str, text: str, schema: Mapping[str, Any], formats: FormatChecker) -> list[str]:
        """Read a text as the schema's type, as a form can only hold texts, and check it."""
        kind = schema.get("type", "string")
        value: object = text
        if kind in READ:
            pattern, read = READ[kind]
            if not re.fullmatch(pattern, text):
                return [f"{name}: {text!r} is not of type {kind}"]
            value = read(text)
        error = next(self._validator(schema, formats).iter_errors(value), None)
        return [f"{name}: {error.message}"] if error else []

    # -- answers ---------------------------------------------------------------------------------------------------

    def answer_problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; empty if nothing is.

        A success must be of the operation's schema and hold every property of its resource, whether or not the
        description requires it; pages may leave out what a single page does not need. An error has Twilio's shape.

        Args:
            method: The request's.
            path: The request's.
            status: The answer's.
            body: Its JSON; ``None`` when there was none.
        """
        if status >= 400:
            return _error_problems(status, body)
        found = self._operation(method, path)
        if isinstance(found, str):
            return [found]
        responses = found[0]["responses"]
        if str(status) not in responses:
            return [f"status {status}; expected {' or '.join(responses)}"]
        content = responses[str(status)].get("content")
        if not content:
            return [] if body is None else [f"a body with status {status}"]
        schema = self._resolved(content["application/json"]["schema"])
        problems = [
            f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message}"
            for error in self._validator(schema, ANSWER).iter_errors(body)
        ]
        return problems + self._completeness(schema, body)

    def _completeness(self, schema: Mapping[str, Any], body: Any) -> list[str]:
        lists = {name: each for name, each in schema["properties"].items() if each.get("type") == "array"}
        if schema.get("title", "").endswith("Response") and lists:
            (name, each), *_ = lists.items()
            extra = sorted(set(body) - set(schema["properties"]))
            items = self._resolved(each["items"])
            return [f"unknown {extra}"] * bool(extra) + [
                problem for item in body[name] for problem in _key_problems(items, item)
            ]
        return _key_problems(schema, body)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._registry.resolver().lookup(schema["$ref"]).contents
        return schema

    def _validator(self, schema: Mapping[str, Any], formats: FormatChecker) -> Draft4Validator:
        return Draft4Validator(dict(schema), registry=self._registry, format_checker=formats)


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema lists ``null``; references get the document's name."""
    if isinstance(value, list):
        return [_as_json_schema(each) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _as_json_schema(each) for name, each in value.items()}
    if isinstance(value.get("$ref"), str):
        changed["$ref"] = NAME + value["$ref"]
    if value.get("nullable") is True:
        if isinstance(value.get("type"), str):
            changed["type"] = [value["type"], "null"]
        if isinstance(value.get("enum"), list):
            changed["enum"] = [*value["enum"], None]
    return changed


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    )


def _key_problems(schema: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    described = set(schema["properties"])
    missing, extra = sorted(described - set(body)), sorted(set(body) - described)
    return [f"missing {missing}"] * bool(missing) + [f"unknown {extra}"] * bool(extra)


def _error_problems(status: int, body: Any) -> list[str]:
    if not isinstance(body, dict) or not set(body) >= ERROR_KEYS:
        return [f"an error without {', '.join(sorted(ERROR_KEYS))}: {body!r}"]
    kinds = {"code": int, "message": str, "more_info": str, "status": int}
    problems = [f"{name} is {body[name]!r}" for name, kind in kinds.items() if not isinstance(body[name], kind)]
    return problems + ([] if body["status"] == status else [f"status {body['status']} in an answer of {status}"])


READ: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "integer": (r"-?\d+", int),
    "number": (r"-?\d+(\.\d+)?", float),
    "boolean": (r"true|false", lambda text: text == "true"),
}


# -- formats -----------------------------------------------------------------------------------------------------------


def _texts(check: Callable[[str], bool]) -> Callable[[object], bool]:
    """A check of texts; everything else is the type's business."""
    return lambda value: not isinstance(value, str) or check(value)


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except (ValueError, TypeError):
        return False
    return True


def _web_url(value: str) -> bool:
    return value == "" or (urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname))


def _checker(formats: Mapping[str, Callable[[str], bool]], objects: Iterable[str] = ()) -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, check in {**COMMON, **formats}.items():
        checker.checks(name)(_texts(check))
    for name in objects:
        checker.checks(name)(lambda value: value is None or isinstance(value, dict))
    return checker


NUMBER: Final = r"\+[1-9]\d{6,14}|\d{3,8}|(client|sip|whatsapp|messenger|rcs):\S+"
COMMON: Final[dict[str, Callable[[str], bool]]] = {
    "http-method": lambda value: value in ("GET", "POST"),
    "iso-country-code": lambda value: re.fullmatch("[A-Z]{2}", value) is not None,
    "currency": lambda value: re.fullmatch("[A-Z]{3}", value) is not None,
    "date-time-rfc-2822": lambda value: _parses(parsedate_to_datetime, value),
    "date-time": lambda value: _parses(datetime.fromisoformat, value),
    "date": lambda value: re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None,
}
# A URL may be emptied, which is how a number loses it; Twilio's own examples show that.
REQUEST: Final = _checker({"uri": _web_url, "phone-number": lambda value: re.fullmatch(NUMBER, value) is not None})
# A list may be asked for a part of a number, with * for any digit.
QUERY: Final = _checker(
    {"uri": _web_url, "phone-number": lambda value: re.fullmatch(rf"\+?[\d*]+|{NUMBER}", value) is not None}
)
# Answers hold paths where the description says uri, and friendly names where it says phone-number.
ANSWER: Final = _checker(
    {"uri": lambda value: value.startswith("/") or _web_url(value)}, ("uri-map", "phone-number-capabilities")
)
