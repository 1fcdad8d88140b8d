"""Texts are listed and shown to whose organization they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfold_admin.principal import Principal
from ringfold_admin.problems import not_found
from ringfold_admin.services.desk import Desk, Page
from ringfold_admin.stores.messages import Messages, view


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; an empty field narrows nothing."""

    number: str = ""
    contact: str = ""
    channel: str = ""
    direction: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


class MessageService:
    """What can be done with texts."""

    def __init__(self, messages: Messages, desk: Desk) -> None:
        self._messages, self._desk = messages, desk

    def list_page(
        self, principal: Principal, organization_id: str | None, wanted: Filter, limit: int, cursor: str | None
    ) -> Page:
        """A page of an organization's texts, the newest first.

        Raises:
            Problem: 404 for a foreign organization, 400 where the platform must name one and did not.
        """
        owner = str(principal.organization_of(organization_id))
        exact = {"channel": wanted.channel, "direction": wanted.direction, "state": wanted.state}

        def keep(text: Any) -> bool:
            told = {"channel": text.thread.channel, "direction": text.direction, "state": text.state}
            return all(not value or told[name] == value for name, value in exact.items())

        def read(after: str) -> tuple[list[dict[str, Any]], str]:
            texts, last = self._messages.page(
                owner,
                number=wanted.number,
                contact=wanted.contact,
                since_ms=_ms(wanted.since) or 0,
                until_ms=_ms(wanted.until),
                keep=keep,
                limit=limit,
                after=after,
            )
            return [view(text) for text in texts], last

        return self._desk.page(f"messages#{owner}#{wanted}", cursor, read, lambda shown: shown)

    def get(self, principal: Principal, message_id: str) -> dict[str, Any]:
        """One text.

        Raises:
            Problem: 404.
        """
        scope = None if principal.is_platform else principal.organization_id
        text = self._messages.get(scope, message_id)
        if text is None:
            raise not_found("message")
        return view(text)


def _ms(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None
