"""The shape of what DynamoDB keeps of a running call (design D1, D2, A10).

Two items under ``CALL#{call_sid}``: the *session*, small and written by every frame, and the *snapshot*, written
once by the voice webhook, that holds all that does not change during the call. Older history lies in
append-only ``HISTORY#`` items.

The session item:

| attribute | type | meaning |
|---|---|---|
| ``schema`` | N | version of this table: 1 |
| ``call_sid`` ``account_sid`` ``organization_id`` ``conversation_id`` | S | who is on the line |
| ``link_gen`` | N | link generation; every handshake adds 1 |
| ``burned`` | NS | attempts whose one-time token has been used |
| ``links`` | M | ``g{generation}`` → connection id of that link |
| ``events`` | M | event key → event (see :mod:`ringfold.core.events`) |
| ``floor_keys`` | SS | keys of the floor events in ``events``; its maximum is the fence |
| ``replies`` | M | floor key → journal of the reply that spoke for it |
| ``mark`` | S | everything at or below this key has been folded into history items |
| ``folded`` | N | how many history items there are |
| ``ended`` | S | the end reason; absorbing |
| ``recoveries`` | N | how often the action callback has reconnected the call |
| ``created_ms`` | N | when the voice webhook wrote the item |
| ``expires_at`` | N | TTL, epoch seconds |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ringfold.core.agent import Agent, agent_from_doc

SCHEMA: Final = 1
SESSION_TTL_S: Final = 24 * 3600
MAX_RECOVERIES: Final = 3


def call_pk(call_sid: str) -> str:
    """Partition key of a call's items."""
    return f"CALL#{call_sid}"


def new_item(
    *, call_sid: str, account_sid: str, organization_id: str, conversation_id: str, created_ms: int
) -> dict[str, Any]:
    """The session item as the voice webhook writes it, before it answers (a frame cannot be appended without it)."""
    return {
        "pk": call_pk(call_sid),
        "sk": "SESSION",
        "schema": SCHEMA,
        "call_sid": call_sid,
        "account_sid": account_sid,
        "organization_id": organization_id,
        "conversation_id": conversation_id,
        "link_gen": 0,
        "links": {},
        "events": {},
        "replies": {},
        "mark": "",
        "folded": 0,
        "recoveries": 0,
        "created_ms": created_ms,
        "expires_at": created_ms // 1000 + SESSION_TTL_S,
    }


@dataclass(frozen=True)
class Snapshot:
    """What does not change during a call. Written once, read at most once per worker.

    Attributes:
        caller_number: E.164, or ``""`` when withheld.
        greeting: What Twilio says at the start (``welcomeGreeting``); ``""`` for none.
        organization_name: Spoken and shown name of the organization.
        previous: The end of the caller's last call, when that was cut off within the agent's window:
            ``[{"role": "caller" | "agent", "text": ...}]``.
        number: Settings of the number: name, transfer_number, language.
        pool: The agents that may speak on a number with dynamic routing, the default one among them.
        elsewhere: The end of what was said with this person on another channel within the agent's window, in the form
            of ``previous``.
        memory: What is remembered of this person, a line each.
        continues: The conversation that ``previous`` or ``elsewhere`` is the end of.
    """

    agent: Agent
    caller_number: str
    agent_number: str
    greeting: str = ""
    organization_name: str = ""
    previous: tuple[Mapping[str, str], ...] = ()
    number: Mapping[str, Any] = field(default_factory=dict)
    pool: tuple[Agent, ...] = ()
    elsewhere: tuple[Mapping[str, str], ...] = ()
    memory: tuple[str, ...] = ()
    continues: str = ""

    def to_doc(self) -> dict[str, Any]:
        """The JSON form that is stored in the item's ``doc``."""
        return asdict(self)


def snapshot_from_doc(doc: Mapping[str, Any]) -> Snapshot:
    """Read a snapshot from its stored form."""
    return Snapshot(
        agent=agent_from_doc(doc["agent"]),
        caller_number=doc.get("caller_number", ""),
        agent_number=doc.get("agent_number", ""),
        greeting=doc.get("greeting", ""),
        organization_name=doc.get("organization_name", ""),
        previous=tuple(doc.get("previous", ())),
        number=doc.get("number", {}),
        pool=tuple(agent_from_doc(each) for each in doc.get("pool", ())),
        elsewhere=tuple(doc.get("elsewhere", ())),
        memory=tuple(doc.get("memory", ())),
        continues=doc.get("continues", ""),
    )
