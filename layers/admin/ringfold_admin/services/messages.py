"""Texts are listed and shown to whose organization they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from ringfold.adapters.texts import Texts
from ringfold.core.texts import ANSWERED, MOST_MEDIA, Text, Thread, parse_address
from ringfold.service.texting import message_id_of
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.carrier.messages import OldText, page_of
from ringfold_admin.carrier.problems import problem_of
from ringfold_admin.principal import Principal
from ringfold_admin.problems import conflict, not_found
from ringfold_admin.services.desk import Desk, Page
from ringfold_admin.services.numbers import NumberService
from ringfold_admin.services.webhooks import Webhooks
from ringfold_admin.stores.messages import Messages, view

WAYS: Final = (("to", ""), ("from_", ""), ("to", "whatsapp:"), ("from_", "whatsapp:"))
"""What Twilio is asked for, one after the other: texts to the number, and from it, on each channel."""


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
    """What can be done with texts.

    Args:
        messages: Finds them.
        texts: Keeps them.
        numbers: Knows the numbers.
        webhooks: Knows Twilio's side of a number.
    """

    def __init__(
        self, messages: Messages, texts: Texts, numbers: NumberService, webhooks: Webhooks, desk: Desk
    ) -> None:
        self._messages, self._texts, self._numbers, self._webhooks = messages, texts, numbers, webhooks
        self._desk = desk

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

    def backfill(
        self, principal: Principal, number_id: str, since: date | None, until: date | None, cursor: str | None
    ) -> dict[str, Any]:
        """Fetch one page of a number's older texts from Twilio, and keep those that are not known.

        First those that came to the number, then those that were sent from it; then the same for WhatsApp.

        Raises:
            Problem: 404, 403 for a viewer, 409 without credentials or organization, or what Twilio refuses.
        """
        principal.require_manage()
        record = self._numbers.record(principal, number_id)
        if record.organization_id is None:
            raise conflict("no_organization", "The number serves no organization: whose texts would they be?")
        name = f"backfill#{number_id}#{since}#{until}"
        at, _, token = (self._desk.cursors.read(name, cursor) if cursor else "0/").partition("/")
        way, prefix = WAYS[int(at)]
        begin = datetime.combine(since, time.min, UTC) if since else None
        end = datetime.combine(until, time.min, UTC) + timedelta(days=1) if until else None
        try:
            client = self._webhooks.client(record.account)
            old, following = page_of(client, {way: f"{prefix}{record.phone_number}"}, begin, end, token)
        except CarrierError as exc:
            raise problem_of(exc) from exc
        added = 0
        for each in sorted(old, key=lambda one: one.at_ms):
            if end is not None and each.at_ms >= end.timestamp() * 1000:
                continue
            text = _text_of(each, record.organization_id, str(record.item["account_id"]))
            added += text is not None and self._texts.adopt(text)
        more = f"{int(at) + 1}/" if int(at) + 1 < len(WAYS) else ""
        after = f"{at}/{following}" if following else more
        return {
            "fetched": len(old),
            "added": added,
            "next_cursor": self._desk.cursors.make(name, after) if after else None,
        }


def _text_of(old: OldText, organization_id: str, account_id: str) -> Text | None:
    """A text of Twilio's as it is kept; ``None`` for one that is between no person and a number of ours."""
    ours, theirs = (
        parse_address(each) for each in ((old.recipient, old.sender) if old.is_inbound else (old.sender, old.recipient))
    )
    if ours is None or theirs is None:
        return None
    return Text(
        message_id=message_id_of(old.sid),
        thread=Thread(organization_id, ours.number, ours.channel, theirs.number),
        direction="in" if old.is_inbound else "out",
        body=old.body,
        at_ms=old.at_ms,
        account_id=account_id,
        sid=old.sid,
        media=tuple({"url": "", "content_type": ""} for _ in range(min(old.media, MOST_MEDIA))),
        state=ANSWERED if old.is_inbound else old.status,
        state_ms=old.at_ms,
        error_code=old.error_code,
        segments=old.segments,
    )


def _ms(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None
