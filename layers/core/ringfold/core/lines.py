"""What a call is answered from: the number that was dialled, the account that owns it, the caller's last call.

Read from stored items (plain dictionaries; see ``docs/architecture.md`` for the table). A number whose settings
cannot be read is still a number: its account can be verified, and its caller gets a polite sentence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ringfold.core.ids import (
    AccountId,
    AccountSid,
    AgentId,
    CallSid,
    ConversationId,
    NumberId,
    OrganizationId,
    PhoneNumber,
)
from ringfold.errors import ConfigError

ROUTING_MODES: Final = ("fixed", "dynamic")
STATE_PURCHASING: Final = "purchasing"
"""Twilio has been asked for the number, and whether it has sold it is not written down yet."""
STATE_ACTIVE: Final = "active"
STATE_RELEASING: Final = "releasing"
"""The number is being given back."""


@dataclass(frozen=True)
class Account:
    """A Twilio account whose webhooks we verify.

    Attributes:
        organization_id: Whose account it is; ``None`` for the platform's.
        secret_id: ARN of its secret, or ``""``: then the secret has the account's own name.
        base_url: Overrides the deployment's public base URL; ``""`` when it does not.
    """

    account_id: AccountId
    account_sid: AccountSid
    organization_id: OrganizationId | None = None
    secret_id: str = ""
    base_url: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class Number:
    """A phone number that is answered here.

    Attributes:
        organization_id: Who is called; ``""``: nobody yet.
        account: The owning account as the number's own item knows it.
        default_agent_version: The version of the agent that answers; ``None`` for the newest.
        greeting: Said first; ``""`` for none.
        resume_greeting: Said first to a caller whose last call was cut off; ``""``: the greeting.
        named_greeting: Said first to a caller whose name is known, which stands for ``{name}``; ``""``: the greeting.
        transfer_number: Where a caller is sent when the agent cannot serve them; ``""`` for nowhere.
        relay: ConversationRelay attributes of this number; they win over the agent's.
        languages: ``<Language>`` children.
        agents: The pool that dynamic routing chooses from.
        base_urls: The base URLs Twilio was given for this number so far, the newest first: a webhook signed under one
            of them is believed, so that no call is lost while an address is changed.
        fault: Why the settings cannot be used; ``""`` when they can.
    """

    number_id: NumberId
    phone_number: PhoneNumber
    organization_id: OrganizationId
    account: Account
    default_agent_id: AgentId
    default_agent_version: int | None = None
    is_active: bool = True
    routing_mode: str = "fixed"
    name: str = ""
    greeting: str = ""
    resume_greeting: str = ""
    named_greeting: str = ""
    transfer_number: str = ""
    relay: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[Mapping[str, Any], ...] = ()
    agents: tuple[AgentId, ...] = ()
    base_urls: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class LastCall:
    """The end of a contact's last call, as the finalizer stored it.

    Attributes:
        ended_ms: ``None`` while that call has not been finalized.
        end_reason: ``""`` when the item does not say.
        tail: The last utterances, ``[{"role": "caller" | "agent", "text": ...}]``.
        conversation_id: Of that call; ``""`` when the item does not say.
    """

    call_sid: CallSid
    ended_ms: int | None = None
    end_reason: str = ""
    tail: tuple[Mapping[str, str], ...] = ()
    conversation_id: str = ""


@dataclass(frozen=True)
class LastTexts:
    """The end of what a contact and the organization last texted each other, on whichever of its numbers.

    Attributes:
        at_ms: When the newest of them was written.
        tail: As in :class:`LastCall`.
        conversation_id: Of the thread.
    """

    at_ms: int
    tail: tuple[Mapping[str, str], ...] = ()
    conversation_id: str = ""


def conversation_id_of(account_sid: str, call_sid: str) -> ConversationId:
    """The conversation of a call: the same however often and wherever it is asked for."""
    digest = hashlib.sha256(f"{account_sid}/{call_sid}".encode()).hexdigest()
    return ConversationId(f"conv_{digest[:26]}")


def account_from_item(item: Mapping[str, Any]) -> Account:
    """Read an account's item.

    Raises:
        ConfigError: If it lacks its ids or its ``doc`` is not JSON.
    """
    where = f"account {item.get('account_id')!r}"
    return Account(
        account_id=AccountId(_text(item, "account_id", where)),
        account_sid=AccountSid(_text(item, "account_sid", where)),
        organization_id=OrganizationId(item["organization_id"]) if item.get("organization_id") else None,
        secret_id=str(item.get("secret_arn") or ""),
        base_url=_base_url(_doc(item, where).get("base_url"), where),
        is_active=item.get("is_active") is True,
    )


def number_from_item(item: Mapping[str, Any]) -> Number:
    """Read a number's item; faulty settings are told in ``fault``.

    A number that serves no organization yet, or is being released, is read as one that is not active.

    Raises:
        ConfigError: If it does not even say whose account it is on: then nothing about it can be verified.
    """
    where = f"number {item.get('number_id')!r}"
    account = Account(
        account_id=AccountId(_text(item, "account_id", where)),
        account_sid=AccountSid(_text(item, "account_sid", where)),
        secret_id=str(item.get("secret_arn") or ""),
        is_active=item.get("account_active", True) is True,
    )
    known: dict[str, Any] = {
        "number_id": NumberId(str(item.get("number_id", ""))),
        "phone_number": PhoneNumber(_text(item, "phone_number", where)),
        "organization_id": OrganizationId(_organization_id(item)),
        "default_agent_id": AgentId(str(item.get("default_agent_id") or "")),
        "default_agent_version": _version(item.get("default_agent_version")),
        "is_active": _is_served(item),
        "base_urls": _base_urls(item, where),
    }
    try:
        return _with_settings(item, known, account, where)
    except ConfigError as exc:
        return Number(**known, account=account, transfer_number=_transfer_number(item, where), fault=str(exc))


def last_call_from_item(item: Mapping[str, Any]) -> LastCall:
    """Read a contact's item; a tail that cannot be read is none, for a greeting is worth more than a memory."""
    ended_ms = item.get("ended_ms")
    return LastCall(
        call_sid=CallSid(str(item.get("last_call_sid", ""))),
        ended_ms=ended_ms if isinstance(ended_ms, int) else None,
        end_reason=str(item.get("end_reason") or ""),
        tail=_tail(item),
        conversation_id=str(item.get("last_conversation_id") or ""),
    )


def last_texts_from_item(item: Mapping[str, Any]) -> LastTexts:
    """Read the item of a contact's texts, as leniently as that of the calls."""
    at_ms = item.get("at_ms")
    return LastTexts(at_ms if isinstance(at_ms, int) else 0, _tail(item), str(item.get("conversation_id") or ""))


def _tail(item: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    try:
        tail = _doc(item, "contact").get("tail")
    except ConfigError:
        tail = None
    entries = tail if isinstance(tail, list) else []
    return tuple({"role": entry["role"], "text": entry["text"]} for entry in entries if _is_utterance(entry))


def _is_utterance(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("role") in {"caller", "agent"} and isinstance(entry.get("text"), str)


def _with_settings(item: Mapping[str, Any], known: dict[str, Any], account: Account, where: str) -> Number:
    doc = _doc(item, where)
    relay, languages = doc.get("relay") or {}, doc.get("languages") or []
    if not isinstance(relay, dict):
        raise ConfigError(f"{where}: relay: expected attributes by name, got {type(relay).__name__}")
    if not isinstance(languages, list) or not all(isinstance(language, dict) for language in languages):
        raise ConfigError(f"{where}: languages: expected a list of attributes by name")
    if not known["default_agent_id"]:
        raise ConfigError(f"{where}: default_agent_id is missing; give the number an agent")
    routing_mode = str(item.get("routing_mode") or "fixed")
    if routing_mode not in ROUTING_MODES:
        raise ConfigError(f"{where}: routing_mode: expected {' or '.join(ROUTING_MODES)}, got {routing_mode!r}")
    return Number(
        **known,
        account=replace(account, base_url=_base_url(doc.get("base_url"), where)),
        name=_optional(doc, "name", where),
        greeting=_optional(doc, "greeting", where),
        resume_greeting=_optional(doc, "resume_greeting", where),
        named_greeting=_optional(doc, "named_greeting", where),
        transfer_number=_optional(doc, "transfer_number", where),
        routing_mode=routing_mode,
        relay=relay,
        languages=tuple(languages),
        agents=_agents(doc, where),
    )


def _agents(doc: Mapping[str, Any], where: str) -> tuple[AgentId, ...]:
    pool = doc.get("agents") or []
    if not isinstance(pool, list) or not all(isinstance(agent_id, str) and agent_id for agent_id in pool):
        raise ConfigError(f"{where}: agents: expected a list of agent ids")
    return tuple(AgentId(agent_id) for agent_id in dict.fromkeys(pool))


def _organization_id(item: Mapping[str, Any]) -> str:
    value = item.get("organization_id")
    return value if isinstance(value, str) else ""


def _is_served(item: Mapping[str, Any]) -> bool:
    """Whether calls are answered: a number of nobody, or one that is being given back, is out of service."""
    return item.get("is_active") is True and bool(_organization_id(item)) and item.get("state") != STATE_RELEASING


def _base_urls(item: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """What Twilio was given; what cannot be read is left out, for it only adds to what is believed."""
    try:
        told = _doc(item, where).get("base_urls")
    except ConfigError:
        return ()
    urls = told if isinstance(told, list) else []
    return tuple(url.rstrip("/") for url in urls if isinstance(url, str) and url.startswith(("https://", "http://")))


def _version(value: object) -> int | None:
    """A pinned version; what is none pins nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _transfer_number(item: Mapping[str, Any], where: str) -> str:
    """Where to send callers of a number whose other settings are faulty."""
    try:
        return _optional(_doc(item, where), "transfer_number", where)
    except ConfigError:
        return ""


def _text(item: Mapping[str, Any], name: str, where: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: {name} is missing")
    return value


def _optional(doc: Mapping[str, Any], name: str, where: str) -> str:
    value = doc.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where}: {name}: expected text, got {type(value).__name__}")
    return value or ""


def _base_url(value: object, where: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ConfigError(f"{where}: base_url: expected https://host without a trailing slash, got {value!r}")
    return value.rstrip("/")


def _doc(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    raw = item.get("doc")
    try:
        doc = json.loads(raw) if isinstance(raw, str) else {} if raw is None else raw
    except ValueError as exc:
        raise ConfigError(f"{where}: its doc is not JSON") from exc
    if not isinstance(doc, dict):
        raise ConfigError(f"{where}: its doc is not a JSON object")
    return doc
