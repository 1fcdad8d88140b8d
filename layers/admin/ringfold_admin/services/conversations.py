"""Conversations are listed and shown, with their transcripts, to whose organization they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ringfold_admin.principal import Principal
from ringfold_admin.problems import not_found
from ringfold_admin.services.desk import Desk, Page
from ringfold_admin.services.people import PeopleService
from ringfold_admin.stores.conversations import Conversations, call_lines, text_line, view
from ringfold_admin.stores.table import Item


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; an empty field narrows nothing."""

    number: str = ""
    contact: str = ""
    profile_id: str = ""
    channel: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


class ConversationService:
    """What can be done with conversations."""

    def __init__(self, conversations: Conversations, people: PeopleService, desk: Desk) -> None:
        self._conversations, self._people, self._desk = conversations, people, desk

    def list_page(
        self, principal: Principal, organization_id: str | None, wanted: Filter, limit: int, cursor: str | None
    ) -> Page:
        """A page of an organization's conversations, the newest first; of a person's, by any of their numbers.

        Raises:
            Problem: 404 for a foreign organization or profile, 400 where the platform must name an organization.
        """
        owner = str(principal.organization_of(organization_id))
        contacts = [wanted.contact] if wanted.contact else [""]
        if wanted.profile_id:
            numbers = self._people.numbers(principal, organization_id, wanted.profile_id)
            contacts = [each for each in numbers if wanted.contact in ("", each)]
        exact = {"agent_number": wanted.number, "channel": wanted.channel, "state": wanted.state}

        def keep(item: Item) -> bool:
            return all(not value or item.get(name) == value for name, value in exact.items())

        def read(after: str) -> tuple[list[Item], str]:
            merged: dict[str, Item] = {}
            ends: list[str] = []
            for contact in contacts:
                items, last = self._conversations.page(
                    owner,
                    contact=contact,
                    since_ms=_ms(wanted.since) or 0,
                    until_ms=_ms(wanted.until),
                    keep=keep,
                    limit=limit,
                    after=after,
                )
                merged |= {_place(each): each for each in items}
                ends += [last] if last else []
            # Where one number's list was not read to its end, nothing older than that may be shown of the others.
            floor = max(ends, default="")
            newest = [key for key in sorted(merged, reverse=True) if key >= floor]
            shown = newest[:limit]
            more = bool(ends) or len(newest) > limit
            last_shown = shown[-1] if shown and (len(newest) > limit or not ends) else floor
            return [merged[key] for key in shown], last_shown if more else ""

        return self._desk.page(f"conversations#{owner}#{wanted}", cursor, read, view)

    def get(self, principal: Principal, organization_id: str | None, conversation_id: str) -> dict[str, Any]:
        """One conversation with its transcript.

        Raises:
            Problem: 404.
        """
        owner = str(principal.organization_of(organization_id))
        item = self._conversations.get(owner, conversation_id)
        if item is None:
            raise not_found("conversation")
        return self.full(item)

    def full(self, item: Item) -> dict[str, Any]:
        """A conversation as the API shows it, with its transcript."""
        if item.get("channel") == "voice":
            lines, omitted = call_lines(item)
        else:
            lines, omitted = [text_line(each) for each in self._conversations.texts(item)], 0
        return {**view(item), "transcript": lines, "omitted": omitted}


def _place(item: Item) -> str:
    """Where it stands in its lists."""
    began_ms = int(datetime.fromisoformat(str(item["created_at"])).timestamp() * 1000)
    return f"{began_ms:013d}#{item['conversation_id']}"


def _ms(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None
