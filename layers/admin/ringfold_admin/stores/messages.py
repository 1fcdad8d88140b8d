"""Reads texts; :mod:`ringfold.adapters.texts` writes them and says how they lie in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringfold.adapters.items import Key
from ringfold.adapters.texts import id_key, text_of, texts_pk
from ringfold.core.texts import Text
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table, list_pk

KIND = "texts"
ROUNDS = 10
"""A filter that leaves little is asked so many times for one page at most; the cursor goes on from there."""

Keep = Callable[[Text], bool]


class Messages:
    """Finds texts through the table's own client."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, organization_id: str | None, message_id: str) -> Text | None:
        """One text, of this organization; of whichever, with ``None``."""
        key = id_key(message_id)
        found = self._table.get(key)
        if found is None:
            return None
        where: Key = (str(found["text_pk"]), str(found["text_sk"]))
        item = self._table.get(where)
        text = text_of(item) if item else None
        mine = text is not None and organization_id in (None, text.thread.organization_id)
        return text if mine else None

    def page(
        self,
        organization_id: str,
        *,
        number: str = "",
        contact: str = "",
        since_ms: int = 0,
        until_ms: int | None = None,
        keep: Keep,
        limit: int,
        after: str,
    ) -> tuple[list[Text], str]:
        """One page, the newest first.

        Args:
            organization_id: Whose.
            number: Only this number's, E.164.
            contact: Only this contact's.
            since_ms: Not older, epoch ms.
            until_ms: Not newer.
            keep: What else must hold.
            limit: As many at most.
            after: The sort key the page before ended with.

        Returns:
            The texts, and the sort key to go on from; ``""`` when there is no more.
        """
        scope = f"{organization_id}#{number}" if number else organization_id
        pk = texts_pk(organization_id, contact) if contact else list_pk(KIND, scope)
        found: list[Text] = []
        for _ in range(ROUNDS):
            items, more = self._table.span(pk, since_ms, until_ms, limit + 1, after)
            for place in self._whole(items):
                text = text_of(place)
                if keep(text) and (not number or text.thread.agent_number == number):
                    found.append(text)
                    if len(found) > limit:
                        return found[:limit], found[limit - 1].sort_key
            if not more:
                return found, ""
            after = str(items[-1]["sk"])
        return found, after

    def _whole(self, items: list[Item]) -> list[Item]:
        """The texts behind places in a list; a contact's partition holds the texts themselves."""
        if not items or "doc" in items[0]:
            return items
        keys = [(str(each["text_pk"]), str(each["sk"])) for each in items]
        found = self._table.get_many(keys)
        return [found[key] for key in keys if key in found]


def view(text: Text) -> dict[str, Any]:
    """A text as the API shows it."""
    thread = text.thread
    return {
        "id": text.message_id,
        "organization_id": thread.organization_id,
        "conversation_id": thread.conversation_id,
        "channel": thread.channel,
        "direction": text.direction,
        "number": thread.agent_number,
        "contact": thread.contact,
        "body": text.body,
        "media": [dict(each) for each in text.media],
        "state": text.state,
        "reason": text.reason,
        "error_code": text.error_code,
        "message_sid": text.sid,
        "segments": text.segments,
        "encoding": text.encoding,
        "reply_to": text.reply_to or None,
        "created_at": iso(text.at_ms),
        "updated_at": iso(text.state_ms or text.at_ms),
    }
