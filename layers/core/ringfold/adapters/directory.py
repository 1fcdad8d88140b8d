"""What is configured and who is known: numbers, accounts, agents, organizations, contacts, conversations.

Every read below an organization has that organization in its key, so an id of another one finds nothing.

| item | pk | sk |
|---|---|---|
| number | ``NUMBER#{number}`` | ``META`` |
| account | ``ACCOUNT#{account_id}`` | ``META`` |
| account by its SID | ``ACCOUNT_SID#{account_sid}`` | ``META`` |
| organization | ``ORG#{organization_id}`` | ``META`` |
| agent | ``ORG#{organization_id}`` | ``AGENT#{agent_id}`` |
| a version of it | ``ORG#{organization_id}`` | ``AGENT#{agent_id}#V{version}`` |
| conversation | ``ORG#{organization_id}`` | ``CONVERSATION#{conversation_id}`` |
| contact: how the last call ended | ``CONTACT#{organization_id}#{number}`` | ``VOICE`` |
| contact: how the last texts ended | ``CONTACT#{organization_id}#{number}`` | ``TEXTS`` |
| contact: what is remembered of the person | ``CONTACT#{organization_id}#{number}`` | ``MEMORY`` |
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ringfold.adapters.items import Key, doc_of, get_many
from ringfold.core.agent import Agent, agent_from_doc
from ringfold.core.calls import CallRecord, Line, Persona
from ringfold.core.ids import AccountId, AccountSid, AgentId, CallSid, ConversationId, OrganizationId
from ringfold.core.lines import (
    Account,
    LastCall,
    Number,
    account_from_item,
    last_call_from_item,
    last_texts_from_item,
    number_from_item,
)
from ringfold.core.memory import Memory, memory_from_doc
from ringfold.core.session import SCHEMA, Snapshot, call_pk, snapshot_from_doc
from ringfold.errors import ConfigError

META = "META"


def number_key(phone_number: str) -> Key:
    return f"NUMBER#{phone_number}", META


def account_key(account_id: str) -> Key:
    return f"ACCOUNT#{account_id}", META


def account_sid_key(account_sid: str) -> Key:
    return f"ACCOUNT_SID#{account_sid}", META


def organization_key(organization_id: str) -> Key:
    return f"ORG#{organization_id}", META


def agent_key(organization_id: str, agent_id: str, version: int | None = None) -> Key:
    """An agent as it is now, or one of its versions."""
    suffix = f"#V{version:06d}" if version is not None else ""
    return f"ORG#{organization_id}", f"AGENT#{agent_id}{suffix}"


def conversation_key(organization_id: str, conversation_id: str) -> Key:
    return f"ORG#{organization_id}", f"CONVERSATION#{conversation_id}"


def contact_key(organization_id: str, phone_number: str) -> Key:
    return f"CONTACT#{organization_id}#{phone_number}", "VOICE"


def contact_texts_key(organization_id: str, phone_number: str) -> Key:
    return f"CONTACT#{organization_id}#{phone_number}", "TEXTS"


def contact_memory_key(organization_id: str, phone_number: str) -> Key:
    return f"CONTACT#{organization_id}#{phone_number}", "MEMORY"


class Directory:
    """Reads through a botocore ``dynamodb`` client; one request per method."""

    def __init__(self, client: Any, table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def find_line(self, to: str, account_sid: str, call_sid: str = "", *, with_snapshot: bool = False) -> Line:
        """Look up what a webhook names: the number, the account, and the call if it is asked for.

        Args:
            to: The number that was dialled; ``""`` when the webhook names none.
            account_sid: Not yet believed.
            call_sid: ``""`` to leave the call out.
            with_snapshot: Whether the call's snapshot is needed too.
        """
        session, snapshot = (call_pk(call_sid), "SESSION"), (call_pk(call_sid), "SNAPSHOT")
        keys = [account_sid_key(account_sid)]
        keys += [number_key(to)] if to else []
        keys += [session] if call_sid else []
        keys += [snapshot] if call_sid and with_snapshot else []
        found = self._get(keys, "find line")
        number = found.get(number_key(to))
        call = found.get(session)
        return Line(
            number=number_from_item(number) if number else None,
            account_id=str(found.get(account_sid_key(account_sid), {}).get("account_id", "")),
            call=call_from_items(call, found.get(snapshot), self._clock()) if call else None,
        )

    def load_persona(self, number: Number, caller_number: str) -> Persona:
        """Load what a call to this number is answered with.

        Args:
            number: The number.
            caller_number: ``""`` for a caller who is nobody in particular.
        """
        organization_id, account_id = number.organization_id, number.account.account_id
        agent = agent_key(organization_id, number.default_agent_id, number.default_agent_version)
        organization = organization_key(organization_id)
        contact, texts = contact_key(organization_id, caller_number), contact_texts_key(organization_id, caller_number)
        memory = contact_memory_key(organization_id, caller_number)
        pool = {id_: agent_key(organization_id, id_) for id_ in number.agents if number.routing_mode == "dynamic"}
        keys = [account_key(account_id), agent, organization] + ([contact, texts, memory] if caller_number else [])
        keys += [key for key in pool.values() if key != agent]
        found = self._get(keys, "load persona")
        account = found.get(account_key(account_id))
        who, fault = _read_agent(found.get(agent), number)
        return Persona(
            account=account_from_item(account) if account else None,
            agent=who,
            organization_name=_name(found.get(organization)),
            last_call=last_call_from_item(found[contact]) if contact in found else None,
            fault=fault,
            pool=_read_pool([found.get(key) for key in pool.values()]),
            memory=_read_memory(found.get(memory)),
            last_texts=last_texts_from_item(found[texts]) if texts in found else None,
        )

    def account(self, account_id: AccountId) -> Account | None:
        """An account by its id."""
        item = self._one(account_key(account_id))
        return account_from_item(item) if item else None

    def number(self, phone_number: str) -> Number | None:
        """A number by itself."""
        item = self._one(number_key(phone_number))
        return number_from_item(item) if item else None

    def agent(self, organization_id: OrganizationId, agent_id: AgentId) -> Agent | None:
        """An agent of this organization."""
        item = self._one(agent_key(organization_id, agent_id))
        return agent_from_doc(doc_of(item)) if item else None

    def last_call(self, organization_id: OrganizationId, phone_number: str) -> LastCall | None:
        """The last call of a contact of this organization."""
        item = self._one(contact_key(organization_id, phone_number))
        return last_call_from_item(item) if item else None

    def conversation(self, organization_id: OrganizationId, conversation_id: ConversationId) -> dict[str, Any] | None:
        """A conversation of this organization, as it is stored."""
        return self._one(conversation_key(organization_id, conversation_id))

    def _one(self, key: Key) -> dict[str, Any] | None:
        return self._get([key], f"read {key[0].partition('#')[0].lower()}").get(key)

    def _get(self, keys: list[Key], what: str) -> dict[Key, dict[str, Any]]:
        return get_many(self._client, self._table, keys, what)


def call_from_items(session: Mapping[str, Any], snapshot: Mapping[str, Any] | None, now_s: float) -> CallRecord | None:
    """Read a call; one that has expired is absent, whether DynamoDB has deleted it yet or not.

    Raises:
        ConfigError: If the item has a schema this version does not know, or lacks who is on the line.
    """
    if session.get("expires_at", 0) <= now_s:
        return None
    if session.get("schema") != SCHEMA:
        raise ConfigError(f"call {session.get('call_sid')!r}: schema {session.get('schema')!r}, expected {SCHEMA}")
    try:
        return CallRecord(
            call_sid=CallSid(session["call_sid"]),
            account_sid=AccountSid(session["account_sid"]),
            organization_id=OrganizationId(session["organization_id"]),
            conversation_id=ConversationId(session["conversation_id"]),
            created_ms=session["created_ms"],
            ended=session.get("ended") or "",
            link_gen=session.get("link_gen", 0),
            snapshot=read_snapshot(snapshot) if snapshot else None,
            handoff=session.get("handoff"),
            recoveries=int(session.get("recoveries", 0)),
            returned=int((session.get("returned") or {}).get("n", 0)),
        )
    except KeyError as exc:
        raise ConfigError(f"call {session.get('call_sid')!r}: {exc} is missing") from exc


def read_snapshot(item: Mapping[str, Any]) -> Snapshot:
    """Read a snapshot's item.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        return snapshot_from_doc(doc_of(item))
    except (KeyError, TypeError) as exc:
        raise ConfigError(f"snapshot {item.get('pk')!r} cannot be read: {exc}") from exc


def _read_agent(item: Mapping[str, Any] | None, number: Number) -> tuple[Agent | None, str]:
    """An agent that cannot be read is told, not raised: the request has not been verified yet."""
    if item is None:
        version = f" of version {number.default_agent_version}" if number.default_agent_version else ""
        missing = f"its organization has no agent {number.default_agent_id!r}{version}"
        return None, f"number {number.number_id!r}: {missing}"
    try:
        return agent_from_doc(doc_of(item)), ""
    except ConfigError as exc:
        return None, str(exc)


def _read_pool(items: Sequence[Mapping[str, Any] | None]) -> tuple[Agent, ...]:
    """Those of a number's agents that are there and can be read: a call is answered without the others."""
    found = []
    for item in items:
        with suppress(ConfigError):
            found += [agent_from_doc(doc_of(item))] if item is not None else []
    return tuple(found)


def _read_memory(item: Mapping[str, Any] | None) -> Memory | None:
    """What is remembered; what cannot be read is forgotten for this time: the call is worth more."""
    if item is None:
        return None
    with suppress(ConfigError, TypeError, KeyError, AttributeError):
        return memory_from_doc(doc_of(item))
    return None


def _name(item: Mapping[str, Any] | None) -> str:
    try:
        name = doc_of(item or {}).get("name")
    except ConfigError:
        return ""
    return name if isinstance(name, str) else ""
