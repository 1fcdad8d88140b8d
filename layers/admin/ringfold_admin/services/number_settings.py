"""A number's settings: what an administrator sends, checked against everything a call will need, and merged.

Whatever could make a call fail is refused here, naming the field: a misspelt ConversationRelay attribute, a voice of
another provider, a language only one of the providers knows, an agent of another organization, a transfer number that
could be abused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ringfold.adapters.items import doc_of
from ringfold.core import languages, relay_settings, twiml
from ringfold.core.agent import Agent, agent_from_doc
from ringfold.errors import ConfigError
from ringfold_admin.phones import country_of, transfer_fault
from ringfold_admin.principal import Principal
from ringfold_admin.problems import forbidden, invalid_fields
from ringfold_admin.stores.numbers import ATTRIBUTES
from ringfold_admin.stores.table import Item

VIEWS: Final = {"tts_provider": "ttsProvider", "tts_voice_id": "voice", "language": "language"}
"""Fields of their own that are ConversationRelay attributes."""
OURS: Final = {
    "url": "Ringfold sets it; see RELAY_URL",
    "welcomeGreeting": "set the field greeting instead",
    "conversationId": "it belongs to one call, so it cannot be a setting of the number",
}
TEXTS: Final = ("name", "greeting", "resume_greeting", "named_greeting", "transfer_number", "base_url")
MOST_AGENTS: Final = 20
_TYPICAL_URL: Final = "wss://relay.example/stage?token=" + "t" * 600
_TYPICAL_ACTION: Final = "https://ringfold.example/api/voice/action/conv_0123456789"


class AgentDirectory(Protocol):
    """Knows the agents of an organization."""

    def get(self, organization_id: str, agent_id: str, version: int | None = None) -> Item | None:
        """One agent's item, of now or of a version."""

    def missing(self, organization_id: str, agent_ids: Sequence[str]) -> list[str]:
        """Those of these ids that are no agents of the organization."""


@dataclass(frozen=True)
class Settled:
    """A number's settings, checked.

    Attributes:
        attributes: Those that are attributes of the item.
        doc: The others.
        warnings: What may go wrong and is not refused.
    """

    attributes: Mapping[str, Any]
    doc: Mapping[str, Any]
    warnings: Sequence[str] = ()


@dataclass
class _Faults:
    """Collects faults, so that all are told at once."""

    details: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, message: str) -> None:
        self.details.append({"field": name, "message": message})


class NumberSettings:
    """Checks settings.

    Args:
        agents: Knows the agents.
    """

    def __init__(self, agents: AgentDirectory) -> None:
        self._agents = agents

    def settle(
        self,
        principal: Principal,
        account: Mapping[str, Any],
        organization_id: str | None,
        phone_number: str,
        before: Settled,
        given: Mapping[str, Any],
    ) -> Settled:
        """Merge what was sent into what is there, and check the result.

        Args:
            principal: Who sends it.
            account: The item of the account the number is on.
            organization_id: Whom it will serve.
            phone_number: Its phone number.
            before: The settings so far; empty ones for a new number.
            given: Fields that were sent; null takes one away.

        Raises:
            Problem: 400, naming every field that cannot be meant; 403 for one the principal may not change.
        """
        self._require_rights(principal, account, phone_number, before, given)
        faults = _Faults()
        doc = {**before.doc}
        for name in TEXTS:
            if name in given:
                doc[name] = given[name]
        doc["relay"] = _merged_relay(before.doc.get("relay") or {}, given, faults)
        for name in ("languages", "agents", "transfer_countries"):
            if name in given:
                doc[name] = list(given[name] or [])
        attributes = {name: given.get(name, before.attributes.get(name)) for name in ATTRIBUTES}
        attributes["is_active"] = attributes["is_active"] is not False
        attributes["routing_mode"] = attributes["routing_mode"] or "fixed"
        if attributes["default_agent_id"] is None:
            if given.get("default_agent_version") is not None:
                faults.add("default_agent_version", "a version is of an agent: send default_agent_id too")
            attributes["default_agent_version"] = None
        elif "default_agent_id" in given and "default_agent_version" not in given:
            changed = given["default_agent_id"] != before.attributes.get("default_agent_id")
            attributes["default_agent_version"] = None if changed else attributes["default_agent_version"]
        agent = self._checked_agents(organization_id, attributes, doc, faults)
        _check_transfer(phone_number, doc, faults)
        warnings = _check_speech(doc, agent, faults)
        if faults.details:
            raise invalid_fields(faults.details)
        if organization_id and not attributes["default_agent_id"]:
            warnings.append("No agent answers: set default_agent_id, or callers are told politely to call again.")
        if not organization_id:
            warnings.append("It serves nobody yet: callers are told politely that it is not in service.")
        return Settled(attributes, doc, warnings)

    def warnings(self, item: Item) -> list[str]:
        """What may go wrong with settings that are stored."""
        settings = settings_of(item)
        organization_id = item.get("organization_id") or None
        agent_id = settings.attributes.get("default_agent_id")
        if not organization_id:
            return ["It serves nobody yet: callers are told politely that it is not in service."]
        if not agent_id:
            return ["No agent answers: set default_agent_id, or callers are told politely to call again."]
        found = self._agents.get(organization_id, agent_id, settings.attributes.get("default_agent_version"))
        if found is None:
            return [f"Its agent {agent_id} is not there (any more): set default_agent_id."]
        faults = _Faults()
        doubts = _check_speech(settings.doc, _agent_of(found), faults)
        return [*(f"{each['field']}: {each['message']}" for each in faults.details), *doubts]

    def _require_rights(
        self,
        principal: Principal,
        account: Mapping[str, Any],
        phone_number: str,
        before: Settled,
        given: Mapping[str, Any],
    ) -> None:
        """Where the platform pays and answers for the account, it decides where webhooks and transfers go."""
        if principal.is_platform or account.get("organization_id") == principal.organization_id:
            return
        known = {
            "base_url": (before.doc.get("base_url"),),
            "transfer_countries": (before.doc.get("transfer_countries"), transfer_countries(phone_number, before.doc)),
        }
        for name, same in known.items():
            if name in given and (given[name] or None) not in [each or None for each in same]:
                raise forbidden(f"{name}: the number is on the platform's account; ask the platform to change it.")

    def _checked_agents(
        self, organization_id: str | None, attributes: Mapping[str, Any], doc: Mapping[str, Any], faults: _Faults
    ) -> Agent | None:
        """The agent that answers, if it can be told."""
        agent_id, version = attributes["default_agent_id"], attributes["default_agent_version"]
        pool = doc.get("agents") or []
        if organization_id is None:
            if agent_id or pool:
                name = "default_agent_id" if agent_id else "agents"
                faults.add(name, "agents belong to an organization: send organization_id too, or leave agents out")
            return None
        repeated = sorted({each for each in pool if pool.count(each) > 1})
        if repeated:
            faults.add("agents", f"named more than once: {', '.join(repeated)}")
        if len(pool) > MOST_AGENTS:
            faults.add("agents", f"expected at most {MOST_AGENTS} agents, got {len(pool)}")
        absent = self._agents.missing(organization_id, list(dict.fromkeys(pool))) if pool else []
        if absent:
            faults.add("agents", f"its organization has no agent {', '.join(absent)}; GET /api/agents lists them")
        if attributes["routing_mode"] == "dynamic" and not pool:
            faults.add("agents", "routing_mode dynamic chooses among agents: name at least one, or use fixed")
        if agent_id is None:
            return None
        found = self._agents.get(organization_id, agent_id, version)
        if found is None and version is not None and self._agents.get(organization_id, agent_id) is not None:
            faults.add("default_agent_version", f"the agent has no version {version}; its versions list them")
        elif found is None:
            message = f"its organization has no agent {agent_id}; GET /api/agents lists them"
            faults.add("default_agent_id", message)
        return _agent_of(found) if found else None


def settings_of(item: Item) -> Settled:
    """The settings of a stored number."""
    return Settled({name: item.get(name) for name in ATTRIBUTES}, doc_of(item))


def new_settings() -> Settled:
    """Settings of a number that has none yet."""
    return Settled({}, {"name": "", "relay": {}, "languages": [], "agents": [], "transfer_countries": []})


def transfer_countries(phone_number: str, doc: Mapping[str, Any]) -> list[str]:
    """Where callers may be sent: as set, else to the number's own country."""
    return list(doc.get("transfer_countries") or []) or [country_of(phone_number)]


def speech_of(doc: Mapping[str, Any], agent: Agent | None) -> dict[str, str]:
    """The ConversationRelay attributes of a call to this number.

    Raises:
        ConfigError: If they make none.
    """
    return relay_settings.merge(doc.get("relay") or {}, agent.relay if agent else {})


def _view_of(attribute: str) -> str:
    """The field that shows an attribute; ``""`` when only ``relay`` does."""
    return next((view for view, shown in VIEWS.items() if shown == attribute), "")


def _agent_of(item: Item) -> Agent | None:
    try:
        return agent_from_doc(doc_of(item))
    except ConfigError:
        return None


def _merged_relay(before: Mapping[str, Any], given: Mapping[str, Any], faults: _Faults) -> dict[str, Any]:
    """The number's own attributes with what was sent merged in; null takes one away."""
    layer: dict[str, Any] = {}
    sent = given.get("relay", {})
    if sent is None:
        kept = set(VIEWS.values())
        layer = {name: None for name in before if name not in kept}
    else:
        layer = dict(sent)
    for name, attribute in VIEWS.items():
        if name not in given:
            continue
        if layer.get(attribute, given[name]) != given[name]:
            faults.add(name, f"sent twice with different values: here and as relay.{attribute}")
        layer[attribute] = given[name]
    for name, value in layer.items():
        fault = OURS[name] if name in OURS and value is not None else relay_settings.fault_of(name, value)
        if fault:
            view = _view_of(name)
            where = view if view in given else f"relay.{name}"
            faults.add(where, fault.removeprefix("ConversationRelay: ").removeprefix(f"{name}: "))
    merged = relay_settings.overlay(before, layer)
    return {name: value for name, value in merged.items() if value is not None}


def _check_transfer(phone_number: str, doc: Mapping[str, Any], faults: _Faults) -> None:
    number = doc.get("transfer_number")
    if not number:
        return
    if number == phone_number:
        faults.add("transfer_number", "it is the number itself: callers would come back to the agent in a circle")
        return
    fault = transfer_fault(number, transfer_countries(phone_number, doc))
    if fault:
        faults.add("transfer_number", fault)


def _check_speech(doc: Mapping[str, Any], agent: Agent | None, faults: _Faults) -> list[str]:
    """Build what Twilio would be told for a call; what it would refuse is a fault."""
    if any(each["field"].startswith(("relay", *VIEWS)) for each in faults.details):
        return []
    try:
        attributes = speech_of(doc, agent)
    except ConfigError as exc:
        for fault in re.split(r"; (?=ConversationRelay: )", str(exc)):
            name, _, message = fault.removeprefix("ConversationRelay: ").partition(": ")
            hint = "; the agent's own settings count too" if agent and agent.relay else ""
            known = name in relay_settings.ATTRIBUTES
            faults.add(_view_of(name) or (f"relay.{name}" if known else "relay"), f"{message or fault}{hint}")
        return []
    for name in ("greeting", "resume_greeting", "named_greeting"):
        try:
            relay_settings.validate({"welcomeGreeting": doc.get(name) or None})
        except ConfigError as exc:
            faults.add(name, str(exc).removeprefix("ConversationRelay: welcomeGreeting: "))
    try:
        relay_settings.validate_languages(doc.get("languages") or [], attributes)
    except ConfigError as exc:
        faults.add("languages", str(exc))
        return []
    greeting = {"welcomeGreeting": doc["greeting"]} if doc.get("greeting") else {}
    try:
        twiml.connect_relay(_TYPICAL_URL, _TYPICAL_ACTION, {**attributes, **greeting}, doc.get("languages") or [])
    except ConfigError as exc:
        if not faults.details:
            faults.add("relay", str(exc))
    return _check_languages(attributes, doc.get("languages") or [], faults)


def _check_languages(
    attributes: Mapping[str, str], children: Sequence[Mapping[str, Any]], faults: _Faults
) -> list[str]:
    """Every language must be one that both of its providers know."""
    speaker = attributes.get("ttsProvider", "ElevenLabs")
    listener = attributes.get("transcriptionProvider", "Deepgram")
    language = attributes.get("language", "en-US")
    asked: list[tuple[str, str, str | None, str | None]] = [
        ("language", attributes.get("ttsLanguage", language), speaker, None),
        ("language", attributes.get("transcriptionLanguage", language), None, listener),
    ]
    for child in children:
        speaks, listens = child.get("ttsProvider", speaker), child.get("transcriptionProvider", listener)
        asked.append(("languages", str(child.get("code", "")), speaks, listens))
    doubts: list[str] = []
    for name, tag, speaks, listens in asked:
        verdict = languages.verdict(tag, speaker=speaks, listener=listens)
        told = f"{verdict.lacking} is not known to support {tag} ({verdict.source})"
        if verdict.support == "no":
            message = f"{told}: choose another provider, or a language that GET /api/voice/languages lists"
            faults.add(name, message)
        elif verdict.support == "unknown":
            doubts.append(f"{name}: {told}; call the number before you rely on it.")
    return list(dict.fromkeys(doubts))
