"""What is left of a call when it is over: the conversation's transcript, and the end of it for a call back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ringfold.adapters.directory import contact_key, conversation_key
from ringfold.adapters.items import Key, update_if
from ringfold.core.ids import ConversationId, OrganizationId, PhoneNumber

MAX_DOC_BYTES: Final = 350_000
"""A DynamoDB item holds 400 KB; the oldest lines of a longer transcript go first, and are counted."""


class Transcripts:
    """Writes through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def keep(
        self,
        organization_id: str,
        conversation_id: str,
        reason: str,
        transcript: Sequence[Mapping[str, Any]],
        now_ms: int,
    ) -> None:
        """Close the conversation and store its transcript; the first end reason stays, a later transcript wins."""
        key = conversation_key(OrganizationId(organization_id), ConversationId(conversation_id))
        at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        values = {":closed": "closed", ":at": at, ":reason": reason, ":doc": _doc(transcript)}
        self._update(
            key,
            "SET #state = :closed, updated_at = :at, end_reason = if_not_exists(end_reason, :reason), doc = :doc",
            "attribute_exists(pk)",
            values,
            {"#state": "state"},
        )

    def remember(
        self,
        organization_id: str,
        contact: str,
        call_sid: str,
        reason: str,
        tail: Sequence[Mapping[str, str]],
        now_ms: int,
    ) -> None:
        """Store how the contact's last call ended, unless a newer call has begun meanwhile."""
        key = contact_key(OrganizationId(organization_id), PhoneNumber(contact))
        values = {":call": call_sid, ":ms": now_ms, ":reason": reason, ":doc": json.dumps({"tail": list(tail)})}
        self._update(
            key,
            "SET ended_ms = if_not_exists(ended_ms, :ms), end_reason = :reason, doc = :doc",
            "last_call_sid = :call",
            values,
        )

    def _update(
        self,
        key: Key,
        expression: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> None:
        update_if(self._client, self._table, "finish call", key, expression, condition, values, names)


def _doc(transcript: Sequence[Mapping[str, Any]]) -> str:
    lines = list(transcript)
    dropped = 0
    while True:
        doc = json.dumps({"transcript": lines, **({"dropped": dropped} if dropped else {})}, ensure_ascii=False)
        if len(doc.encode()) <= MAX_DOC_BYTES or not lines:
            return doc
        cut = max(1, len(lines) // 4)
        lines, dropped = lines[cut:], dropped + cut
