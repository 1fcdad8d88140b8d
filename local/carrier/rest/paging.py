"""Pages of a list, newest first, as the SDK follows them.

A page token names the entry the page starts after, not a position, so that a list that grows or shrinks between two
pages is still read whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from local.carrier.rest.errors import malformed
from local.carrier.rest.operation import Asked
from local.carrier.rest.params import PAGE_SIZE, PAGING

Item = TypeVar("Item")
AFTER: Final = "PA"
BEFORE: Final = "PB"


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page: its items, its number and size, and the tokens of its neighbours where there are any."""

    items: Sequence[Item]
    number: int
    size: int
    next_token: str | None
    previous_token: str | None


def page_of(asked: Asked, items: Sequence[Item], serial: Callable[[Item], int]) -> Page[Item]:
    """The page that is asked for.

    Args:
        asked: The request.
        items: All that would be listed.
        serial: Grows with every item; the highest is listed first.
    """
    number, size = asked.values.get("Page", 0), asked.values.get("PageSize", PAGE_SIZE)
    token = asked.values.get("PageToken", "")
    if number and not token:
        raise malformed("Page without PageToken: follow next_page_uri")
    ordered = sorted(items, key=serial, reverse=True)
    kind, mark = _mark(token)
    if kind == AFTER:
        chosen = [item for item in ordered if serial(item) < mark][:size]
    elif kind == BEFORE:
        chosen = [item for item in ordered if serial(item) > mark][-size:]
    else:
        chosen = ordered[:size]
    more = bool(chosen) and serial(ordered[-1]) < serial(chosen[-1])
    less = number > 0 and bool(chosen) and serial(ordered[0]) > serial(chosen[0])
    return Page(
        chosen,
        number,
        size,
        f"{AFTER}{serial(chosen[-1]):032x}" if more else None,
        f"{BEFORE}{serial(chosen[0]):032x}" if less else None,
    )


def listing(
    asked: Asked,
    name: str,
    items: Sequence[Item],
    serial: Callable[[Item], int],
    dump: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """A page in the form of the 2010 API: relative URIs beside the list."""
    page = page_of(asked, items, serial)
    start = page.number * page.size
    return {
        name: [dump(item) for item in page.items],
        "first_page_uri": _address(asked, page.size, 0),
        "next_page_uri": _address(asked, page.size, page.number + 1, page.next_token) if page.next_token else None,
        "previous_page_uri": (
            _address(asked, page.size, page.number - 1, page.previous_token) if page.previous_token else None
        ),
        "page": page.number,
        "page_size": page.size,
        "start": start,
        "end": start + max(0, len(page.items) - 1),
        "uri": _address(asked, page.size, page.number, asked.values.get("PageToken")),
    }


def meta_listing(
    asked: Asked,
    host: str,
    name: str,
    items: Sequence[Item],
    serial: Callable[[Item], int],
    dump: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """A page in the form of the newer APIs: absolute URLs, on Twilio's own host, below ``meta``."""
    page = page_of(asked, items, serial)
    at = f"https://{host}"
    next_uri = _address(asked, page.size, page.number + 1, page.next_token) if page.next_token else ""
    previous_uri = _address(asked, page.size, page.number - 1, page.previous_token) if page.previous_token else ""
    return {
        name: [dump(item) for item in page.items],
        "meta": {
            "key": name,
            "page": page.number,
            "page_size": page.size,
            "url": at + _address(asked, page.size, page.number, asked.values.get("PageToken")),
            "first_page_url": at + _address(asked, page.size, 0),
            "next_page_url": at + next_uri if next_uri else None,
            "previous_page_url": at + previous_uri if previous_uri else None,
        },
    }


def _mark(token: str) -> tuple[str, int]:
    if not token:
        return "", 0
    parts = re.fullmatch(rf"({AFTER}|{BEFORE})([0-9a-f]{{32}})", token)
    if parts is None:
        raise malformed(f"PageToken {token!r} is none of ours")
    return parts[1], int(parts[2], 16)


def _address(asked: Asked, size: int, number: int, token: str | None = None) -> str:
    filters = [(name, value) for name, value in asked.query if name not in PAGING]
    paging = [("PageSize", str(size)), ("Page", str(number)), *([("PageToken", token)] if token else [])]
    return f"{asked.path}?{urlencode(filters + paging)}"
