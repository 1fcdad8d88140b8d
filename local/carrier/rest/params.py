"""Reading the parameters of a request, strictly: each has a reader, and what has none does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from local.carrier.rest.errors import ApiError, malformed, refused

Reader = Callable[[str, str], Any]
"""Takes a parameter's name and text; returns its value or raises :class:`ApiError`."""

Readers = Mapping[str, Reader]
PHONE_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
MAX_URL_CHARS: Final = 4000


def read(pairs: Iterable[tuple[str, str]], readers: Readers, required: Iterable[str] = ()) -> dict[str, Any]:
    """Read a query or a form.

    Raises:
        ApiError: If a parameter is not known, comes twice, is missing or cannot be read.
    """
    values: dict[str, Any] = {}
    for name, text in pairs:
        reader = readers.get(name)
        if reader is None:
            known = ", ".join(sorted(readers)) or "none"
            raise malformed(f"unknown parameter {name}; known here: {known}")
        if name in values:
            raise malformed(f"the parameter {name} is given twice")
        values[name] = reader(name, text)
    if missing := [name for name in required if values.get(name) in (None, "")]:
        raise malformed(f"missing required parameter {', '.join(missing)}")
    return values


def text(max_chars: int = 1000) -> Reader:
    def check(name: str, value: str) -> str:
        if len(value) > max_chars:
            raise malformed(f"{name} may have {max_chars} characters; it has {len(value)}")
        return value

    return check


def flag(name: str, value: str) -> bool:
    """The SDK sends ``true`` and ``false``; older ones sent Python's words."""
    if value.lower() not in ("true", "false"):
        raise malformed(f"{name} is {value!r}; expected true or false")
    return value.lower() == "true"


def whole(low: int, high: int) -> Reader:
    def check(name: str, value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise malformed(f"{name} is {value!r}; expected a whole number from {low} to {high}")
        return int(value)

    return check


def one_of(*allowed: str) -> Reader:
    def check(name: str, value: str) -> str:
        if value not in allowed:
            raise malformed(f"{name} is {value!r}; expected one of {', '.join(allowed)}")
        return value

    return check


def sid(prefix: str, code: int = 20001) -> Reader:
    """A SID of this kind; an empty one takes it away."""

    def check(name: str, value: str) -> str | None:
        if value and not re.fullmatch(rf"{prefix}[0-9a-fA-F]{{32}}", value):
            raise ApiError(400, code, f"{name} is {value!r}; expected {prefix} and 32 hexadecimal digits")
        return value or None

    return check


def url(name: str, value: str) -> str:
    """An absolute URL; an empty one takes it away."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")
    except ValueError:
        usable = False
    if value and (not usable or len(value) > MAX_URL_CHARS or re.search(r"\s", value)):
        raise refused(21402, f"{name} is not a valid URL: {value}")
    return value


def method(name: str, value: str) -> str:
    if value not in ("GET", "POST"):
        raise refused(21403, f"{name} is {value!r}; expected GET or POST")
    return value


def country(name: str, value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise malformed(f"{name} is {value!r}; expected an ISO country code of two capitals")
    return value


def given(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The values of these parameters that were given, under the fields' names: ``VoiceUrl`` becomes ``voice_url``."""
    return {field_name(name): values[name] for name in names if name in values}


def field_name(parameter: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).lower()


PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000


def page_size(name: str, value: str) -> int:
    size: int = whole(1, 10**9)(name, value)
    if size > MAX_PAGE_SIZE:
        raise ApiError(400, 20007, f"Page size too large: {size}; the maximum is {MAX_PAGE_SIZE}", violation=True)
    return size


PAGING: Final[Readers] = {"PageSize": page_size, "Page": whole(0, 10**9), "PageToken": text(100)}
