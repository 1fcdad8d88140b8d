"""What Twilio is told to do with a call: open a relay session, connect the caller elsewhere, or say sorry.

Everything an answer needs lies in the stored call, so a webhook delivered twice gets the same TwiML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfold.core import phone, relay_settings, relay_token, twiml
from ringfold.core.agent import Agent
from ringfold.core.calls import TOKEN_TTL_S, CallRecord, Persona
from ringfold.core.characters import is_language_tag
from ringfold.core.end_reasons import RESUMABLE
from ringfold.core.ids import AccountId
from ringfold.core.lines import LastCall, LastTexts, Number
from ringfold.core.memory import Memory, recall
from ringfold.core.session import MAX_RECOVERIES, Snapshot
from ringfold.errors import ConfigError

MAX_POOL_CHARS: Final = 150_000
"""Instructions of all agents of a call: with them the snapshot stays well below the 400 KB of an item."""
LONGEST_CALL_S: Final = 4 * 3600
"""A token that Twilio may present again must hold as long as a call may last."""
_FIRST_NAME: Final = re.compile(r"[^\W\d_][\w'’-]{0,29}")
ACTION_PATH: Final = "/api/voice/action/"
WHISPER_PATH: Final = "/api/voice/whisper/"

NOT_IN_SERVICE: Final = "I'm sorry, this number is not in service. Goodbye."
TROUBLE: Final = "I'm sorry, we can't take your call right now. Please try again in a few minutes. Goodbye."
TROUBLE_TRANSFER: Final = "I'm sorry, our assistant can't take your call right now. I'm connecting you with somebody."
LOST: Final = "I'm sorry, we keep losing the line. Please call again in a few minutes. Goodbye."
LOST_TRANSFER: Final = "I'm sorry, we keep losing the line. I'm connecting you with somebody."
HANDOFF: Final = "One moment, please. I'm connecting you now."
NOBODY_THERE: Final = "I'm sorry, nobody could take your call. Please try again later. Goodbye."


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP: always TwiML, whatever the status."""

    body: str
    status: int = 200


def refusal() -> Reply:
    """The answer to whoever is not Twilio: no detail."""
    return Reply(twiml.empty(), 403)


def build_snapshot(
    number: Number, agent: Agent, persona: Persona, caller_number: str, base_url: str, now_ms: int
) -> Snapshot:
    """Settle what will not change during the call.

    Raises:
        ConfigError: If the ConversationRelay attributes of the number or the agent are wrong; it names them.
    """
    attributes = relay_settings.merge(number.relay, agent.relay)
    languages = relay_settings.validate_languages(number.languages, attributes)
    previous = _previous(persona.last_call, agent, now_ms)
    elsewhere = _elsewhere(persona.last_texts, agent, now_ms)
    memory = persona.memory if agent.memory else None
    greeting = (number.resume_greeting if previous else "") or _named(number, memory) or number.greeting
    return Snapshot(
        agent=agent,
        caller_number=caller_number,
        agent_number=number.phone_number,
        greeting=greeting or attributes.get("welcomeGreeting", ""),
        organization_name=persona.organization_name,
        previous=previous,
        number={
            "number_id": number.number_id,
            "account_id": number.account.account_id,
            "name": number.name,
            "transfer_number": number.transfer_number,
            "language": _language(attributes),
            "base_url": base_url,
            "attributes": {name: text for name, text in attributes.items() if name not in {"url", "welcomeGreeting"}},
            "languages": languages,
            "routing_mode": number.routing_mode,
            "agent_id": agent.agent_id,
        },
        pool=_pool(number, agent, persona.pool),
        elsewhere=elsewhere,
        continues=_continued(persona, previous, elsewhere),
        memory=tuple(recall(memory, now_ms, about=_about(previous or elsewhere))) if memory else (),
    )


def connect(call: CallRecord, relay_url: str, key: str, *, attempt: int = 0, at_ms: int | None = None) -> str:
    """Open a relay session for a stored call.

    Args:
        call: With its snapshot.
        relay_url: The WebSocket API, without a query.
        key: Signs the token.
        attempt: 0 for the first session, which alone greets; then the number of the recovery.
        at_ms: When the attempt was granted; the call's beginning for the first.

    Raises:
        ConfigError: If the settings make no legal TwiML.
    """
    snapshot = _snapshot_of(call)
    number = snapshot.number
    attributes = dict(number["attributes"])
    if attempt == 0 and snapshot.greeting:
        attributes["welcomeGreeting"] = snapshot.greeting
    reusable = attributes.get("applicationReconnect") == "true"
    created_s = (call.created_ms if at_ms is None else at_ms) // 1000
    claims = relay_token.Claims(
        call.call_sid,
        AccountId(number["account_id"]),
        call.account_sid,
        call.organization_id,
        call.conversation_id,
        attempt,
        created_s + (LONGEST_CALL_S if reusable else TOKEN_TTL_S),
        reusable,
    )
    return twiml.connect_relay(
        f"{relay_url}?token={relay_token.mint(claims, key)}",
        f"{number['base_url']}{ACTION_PATH}{call.conversation_id}",
        attributes,
        number.get("languages", ()),
    )


def sorry(transfer_number: str, language: str | None, *, say: str = TROUBLE, transfer: str = TROUBLE_TRANSFER) -> str:
    """Say a polite sentence, and connect the caller with a person if there is a number for that."""
    tongue = language if language and is_language_tag(language) else None
    if phone.address_kind(transfer_number) is phone.AddressKind.NUMBER:
        return twiml.say_and_dial(transfer, transfer_number, language=tongue)
    return twiml.say_and_hangup(say, tongue)


def sorry_for(number: Number) -> str:
    """The polite sentence of a number whose settings may be at fault themselves."""
    language = number.relay.get("language")
    return sorry(number.transfer_number, language if isinstance(language, str) else None)


def ended(call: CallRecord) -> str:
    """Our own end: a handoff is connected with the number's own target, whatever else was said; else goodbye."""
    number: Mapping[str, Any] = call.snapshot.number if call.snapshot else {}
    if call.ended == "handoff" and number.get("transfer_number"):
        return sorry(number["transfer_number"], number.get("language"), transfer=HANDOFF)
    return twiml.hang_up()


def hand_off(call: CallRecord) -> str:
    """Connect a caller who was handed over with the number's own target, whatever else was said.

    The target hears a whisper first; what comes of it is told to the action URL, with the handoff's number.
    """
    snapshot, handoff = _snapshot_of(call), call.handoff or {}
    number = snapshot.number
    base = str(number["base_url"])
    return twiml.say_and_dial(
        HANDOFF,
        str(number.get("transfer_number", "")),
        action=f"{base}{ACTION_PATH}{call.conversation_id}?handoff={int(handoff.get('n', 1))}",
        language=language_of(call),
        whisper=f"{base}{WHISPER_PATH}{call.conversation_id}?call={call.call_sid}",
    )


def menu(call: CallRecord) -> str:
    """What a caller is asked whose session was lost too often; ``""`` when there is no menu, or it was used before."""
    snapshot = call.snapshot
    if snapshot is None or not snapshot.agent.recovery_menu or call.recoveries > MAX_RECOVERIES:
        return ""
    action = f"{snapshot.number['base_url']}{ACTION_PATH}{call.conversation_id}?menu=1"
    return twiml.ask_for_key(snapshot.agent.recovery_menu, action, language_of(call))


def lost(call: CallRecord) -> str:
    """The session was lost too often."""
    number: Mapping[str, Any] = call.snapshot.number if call.snapshot else {}
    return sorry(number.get("transfer_number", ""), number.get("language"), say=LOST, transfer=LOST_TRANSFER)


def language_of(call: CallRecord) -> str | None:
    """What the number's sentences are said in; ``None`` leaves it to Twilio."""
    language = str(call.snapshot.number.get("language") or "") if call.snapshot else ""
    return language if is_language_tag(language) else None


def _snapshot_of(call: CallRecord) -> Snapshot:
    if call.snapshot is None:
        raise ConfigError(f"call {call.call_sid} has no snapshot")
    return call.snapshot


def _pool(number: Number, agent: Agent, pool: Sequence[Agent]) -> tuple[Agent, ...]:
    """Who may speak: the default agent as it was settled, and as many others as a stored call has room for."""
    if number.routing_mode != "dynamic":
        return ()
    chosen = [agent]
    room = MAX_POOL_CHARS - len(agent.instructions)
    for other in pool:
        room -= len(other.instructions)
        if other.agent_id != agent.agent_id and room >= 0:
            chosen.append(other)
    ids = [*dict.fromkeys([*number.agents, agent.agent_id])]
    return tuple(sorted(chosen, key=lambda each: ids.index(each.agent_id)))


def _previous(last: LastCall | None, agent: Agent, now_ms: int) -> tuple[Mapping[str, str], ...]:
    """The end of the last call, if it was cut off a short while ago and has been finalized."""
    if last is None or last.ended_ms is None or (last.end_reason and last.end_reason not in RESUMABLE):
        return ()
    return last.tail if now_ms - last.ended_ms <= agent.resume_window_s * 1000 else ()


def _elsewhere(last: LastTexts | None, agent: Agent, now_ms: int) -> tuple[Mapping[str, str], ...]:
    """The end of the caller's texts, if they were written a short while ago."""
    return last.tail if last is not None and agent.recalls(last.at_ms, now_ms) else ()


def _continued(persona: Persona, previous: object, elsewhere: object) -> str:
    if previous and persona.last_call is not None:
        return persona.last_call.conversation_id
    return persona.last_texts.conversation_id if elsewhere and persona.last_texts is not None else ""


def _named(number: Number, memory: Memory | None) -> str:
    """The greeting with the caller's first name; ``""`` where there is none, or nobody knows the name."""
    found = _FIRST_NAME.match(memory.name) if memory else None
    return number.named_greeting.replace("{name}", found[0]) if found else ""


def _about(tail: Sequence[Mapping[str, str]]) -> str:
    """What the person spoke of last, for what is remembered about that."""
    return " ".join(turn["text"] for turn in tail if turn["role"] == "caller")


def _language(attributes: Mapping[str, str]) -> str:
    spoken = attributes.get("ttsLanguage", "multi")
    return attributes.get("language", "") if spoken == "multi" else spoken
