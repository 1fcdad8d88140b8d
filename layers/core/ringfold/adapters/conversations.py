"""Where conversations are found, and what state they are in; calls and texts have one form.

| item | pk | sk |
|---|---|---|
| a conversation | ``ORG#{organization_id}`` | ``CONVERSATION#{conversation_id}`` |
| its place in lists | ``LIST#conversations#{scope}`` | ``{epoch ms of its beginning}#{conversation_id}`` |

A scope is an organization, or ``{organization_id}#{contact}``.

A call is ``active`` until it is over, then ``closed``. A thread of texts is ``active`` while it goes on, ``inactive``
once it has been quiet, and active again with the next answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from ringfold.adapters import codec
from ringfold.adapters.directory import conversation_key
from ringfold.adapters.items import update_if, wire_key
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.texts import Thread

CLAIM_S: Final = 120
"""How long one worker has a conversation for itself; less than until its message comes again."""


def places(organization_id: str, contact: str, conversation_id: str, created_ms: int) -> list[dict[str, Any]]:
    """The items by which a conversation is listed; of an anonymous caller's, only the organization's list."""
    scopes = [organization_id, f"{organization_id}#{contact}"] if contact else [organization_id]
    return [
        {"pk": list_pk(scope), "sk": f"{created_ms:013d}#{conversation_id}", "conversation_id": conversation_id}
        for scope in scopes
    ]


def list_pk(scope: str) -> str:
    """The partition of a list: an organization's, or ``{organization}#{contact}``."""
    return f"LIST#conversations#{scope}"


def goes_on(table: str, thread: Thread, span_ms: tuple[int, int], received: int, continues: str) -> dict[str, Any]:
    """The action of a transaction that says: this thread goes on.

    Args:
        table: The table.
        thread: The thread.
        span_ms: When what is new of it began, and ended.
        received: How many texts have come so far.
        continues: The conversation that it goes on from, on another channel; ``""`` for none.
    """
    key = conversation_key(OrganizationId(thread.organization_id), ConversationId(thread.conversation_id))
    values: dict[str, Any] = {
        ":id": thread.conversation_id,
        ":organization": thread.organization_id,
        ":channel": thread.channel,
        ":contact": thread.contact,
        ":number": thread.agent_number,
        ":active": "active",
        ":began": iso(span_ms[0]),
        ":at": iso(span_ms[1]),
        ":received": received,
    }
    sets = (
        "SET conversation_id = :id, organization_id = :organization, channel = :channel, caller_number = :contact, "
        "agent_number = :number, #state = :active, created_at = if_not_exists(created_at, :began), updated_at = :at, "
        "received = :received"
    )
    if continues:
        sets, values[":continues"] = f"{sets}, continues = :continues", continues
    return {
        "Update": {
            "TableName": table,
            "Key": wire_key(key),
            "UpdateExpression": sets,
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": codec.dump_item(values),
        }
    }


def took_place(table: str, thread: Thread, at_ms: int) -> dict[str, Any]:
    """The action of a transaction that says: this thread took place elsewhere; it fails where the thread is known."""
    key = conversation_key(OrganizationId(thread.organization_id), ConversationId(thread.conversation_id))
    item = {
        "pk": key[0],
        "sk": key[1],
        "conversation_id": thread.conversation_id,
        "organization_id": thread.organization_id,
        "channel": thread.channel,
        "caller_number": thread.contact,
        "agent_number": thread.agent_number,
        "state": "inactive",
        "created_at": iso(at_ms),
        "updated_at": iso(at_ms),
        "received": 0,
    }
    put = {"TableName": table, "Item": codec.dump_item(item), "ConditionExpression": "attribute_not_exists(pk)"}
    return {"Put": put}


class Conversations:
    """Writes through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client, self._table, self._clock = client, table, clock

    def claim(self, organization_id: str, conversation_id: str) -> bool:
        """Have a conversation for oneself for a while; ``False`` when somebody else has it."""
        now = int(self._clock())
        return self._update(
            organization_id,
            conversation_id,
            "SET claimed_until = :until",
            "attribute_exists(pk) AND (attribute_not_exists(claimed_until) OR claimed_until <= :now)",
            {":until": now + CLAIM_S, ":now": now},
        )

    def release(self, organization_id: str, conversation_id: str) -> None:
        """Let others have it again."""
        self._update(organization_id, conversation_id, "REMOVE claimed_until", "attribute_exists(pk)", {})

    def rest(self, organization_id: str, conversation_id: str, received: int) -> bool:
        """A thread has been quiet; whether it still is, with so many texts received."""
        values = {":inactive": "inactive", ":received": received}
        condition = "received = :received"
        return self._update(
            organization_id, conversation_id, "SET #state = :inactive", condition, values, {"#state": "state"}
        )

    def _update(
        self,
        organization_id: str,
        conversation_id: str,
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> bool:
        key = conversation_key(OrganizationId(organization_id), ConversationId(conversation_id))
        return update_if(self._client, self._table, "update conversation", key, expression, condition, values, names)


def iso(at_ms: int) -> str:
    """An instant as it is stored: ``2026-11-26T04:17:00.123Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
