"""Texts that Twilio has of a number, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from twilio.rest import Client

from ringfold_admin.carrier.client import ask

PAGE: Final = 100
"""As many texts as are asked for at once."""


@dataclass(frozen=True)
class OldText:
    """A text as Twilio has it.

    Attributes:
        sender: As Twilio writes an address.
        recipient: The same.
        status: Twilio's.
        media: How many pictures or files came with it.
    """

    sid: str
    sender: str
    recipient: str
    body: str
    is_inbound: bool
    status: str
    error_code: str
    at_ms: int
    segments: int
    media: int


def page_of(
    client: Client, filters: Mapping[str, str], since: datetime | None, until: datetime | None, token: str
) -> tuple[list[OldText], str]:
    """One page of an account's texts, the newest first.

    Args:
        client: Of the account.
        filters: ``to`` or ``from_``, an address.
        since: Only texts of that day (UTC) or later.
        until: Only texts of that day or earlier.
        token: Of the page, as the one before gave it; ``""`` for the first.

    Returns:
        The texts, and the token of the next page; ``""`` when there is no more.
    """
    dates: dict[str, Any] = {}
    if since is not None:
        dates["date_sent_after"] = since
    if until is not None:
        dates["date_sent_before"] = until
    if token:
        number, _, page_token = token.partition(":")
        dates |= {"page_number": int(number), "page_token": page_token}
    page = ask("list messages", lambda: client.messages.page(page_size=PAGE, **filters, **dates))
    query = parse_qs(urlsplit(page.next_page_url or "").query)
    following = f"{query['Page'][0]}:{query['PageToken'][0]}" if {"Page", "PageToken"} <= query.keys() else ""
    return [_read(each) for each in page], following


def _read(message: Any) -> OldText:
    at: datetime | None = message.date_sent or message.date_created
    return OldText(
        sid=str(message.sid),
        sender=str(message.from_ or ""),
        recipient=str(message.to or ""),
        body=str(message.body or ""),
        is_inbound=str(message.direction) == "inbound",
        status=str(message.status),
        error_code=str(message.error_code or ""),
        at_ms=int(at.timestamp() * 1000) if at else 0,
        segments=int(message.num_segments or 0),
        media=int(message.num_media or 0),
    )
