"""Reads conversations; :mod:`ringfold.adapters.conversations` says how they lie in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ringfold.adapters import codec
from ringfold.adapters.conversations import list_pk
from ringfold.adapters.directory import conversation_key
from ringfold.adapters.items import doc_of, request
from ringfold.adapters.texts import text_of, texts_pk
from ringfold.core import texts
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.texts import Text
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table

ROUNDS: Final = 10
"""A filter that leaves little is asked so many times for one page at most; the cursor goes on from there."""
MOST_TEXTS: Final = 200
"""As many of the newest texts a thread's transcript shows."""

Keep = Callable[[Item], bool]


class Conversations:
    """Finds conversations through the table's own client."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, organization_id: str, conversation_id: str) -> Item | None:
        """One conversation of this organization."""
        return self._table.get(conversation_key(OrganizationId(organization_id), ConversationId(conversation_id)))

    def page(
        self,
        organization_id: str,
        *,
        contact: str,
        since_ms: int,
        until_ms: int | None,
        keep: Keep,
        limit: int,
        after: str,
    ) -> tuple[list[Item], str]:
        """One page, the newest beginning first.

        Args:
            organization_id: Whose.
            contact: Only this contact's, E.164; ``""`` for everybody's.
            since_ms: Not begun before, epoch ms.
            until_ms: Not begun after.
            keep: What else must hold.
            limit: As many at most.
            after: The sort key the page before ended with.

        Returns:
            The conversations, and the sort key to go on from; ``""`` when there is no more.
        """
        pk = list_pk(f"{organization_id}#{contact}" if contact else organization_id)
        found: list[Item] = []
        sks: list[str] = []
        for _ in range(ROUNDS):
            places, more = self._table.span(pk, since_ms, until_ms, limit + 1, after)
            keys = {
                str(each["sk"]): conversation_key(
                    OrganizationId(organization_id), ConversationId(str(each["conversation_id"]))
                )
                for each in places
            }
            items = self._table.get_many(keys.values())
            for sk, key in keys.items():
                if key in items and keep(items[key]):
                    found.append(items[key])
                    sks.append(sk)
                    if len(found) > limit:
                        return found[:limit], sks[limit - 1]
            if not more:
                return found, ""
            after = str(places[-1]["sk"])
        return found, after

    def texts(self, item: Item) -> list[Text]:
        """The newest texts of a thread, oldest first."""
        organization_id, contact = str(item["organization_id"]), str(item["caller_number"])
        arguments: dict[str, Any] = {
            "TableName": self._table.name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": codec.dump_item({":pk": texts_pk(organization_id, contact)}),
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": 2 * MOST_TEXTS,
        }
        answer = request(self._table.client.query, "read texts", **arguments)
        found = [text_of(codec.load_item(each)) for each in answer.get("Items", [])]
        mine = [each for each in found if each.thread.conversation_id == item["conversation_id"]]
        return mine[:MOST_TEXTS][::-1]


def view(item: Item) -> dict[str, Any]:
    """A conversation as the API shows it."""
    return {
        "id": str(item["conversation_id"]),
        "organization_id": str(item["organization_id"]),
        "channel": str(item["channel"]),
        "state": str(item["state"]),
        "number": str(item.get("agent_number", "")),
        "contact": item.get("caller_number") or None,
        "agent_id": item.get("agent_id"),
        "call_sid": item.get("call_sid"),
        "call_status": item.get("call_status"),
        "end_reason": item.get("end_reason"),
        "continues": item.get("continues"),
        "started_at": str(item["created_at"]),
        "updated_at": str(item["updated_at"]),
    }


def call_lines(item: Item) -> tuple[list[dict[str, Any]], int]:
    """The lines of a call's transcript, and how many are left out; none while the call is not over."""
    doc: Mapping[str, Any] = doc_of(item) if "doc" in item else {}
    lines = [
        {
            "role": line["role"],
            "text": str(line.get("text", "")),
            "at": line.get("at"),
            "typed": bool(line.get("typed")),
            "tools": list(line.get("tools", ())),
            "message_id": None,
            "state": None,
        }
        for line in doc.get("transcript", ())
    ]
    return lines, int(doc.get("dropped", 0))


def text_line(text: Text) -> dict[str, Any]:
    """A text as a line of its conversation."""
    return {
        "role": "caller" if text.direction == "in" else "agent",
        "text": texts.told(text),
        "at": iso(text.at_ms),
        "typed": False,
        "tools": [],
        "message_id": text.message_id,
        "state": text.state,
    }
