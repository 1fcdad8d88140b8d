"""Tool calls as the offered schemas want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.model.dialogue.lines import say
from local.model.dialogue.reply import Call, Reply
from local.model.dialogue.talk import Talk

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "confirmation_code": ("confirmation_code", "confirmation", "code", "record_locator", "pnr"),
    "flight_number": ("flight_number", "flight", "flight_no"),
    "seat": ("seat", "seat_number", "new_seat"),
    "preference": ("preference", "seat_preference", "seat_type", "type", "position"),
    "cabin": ("cabin", "cabin_class", "class"),
}


def make_call(talk: Talk, tool: str, **wanted: str) -> Call:
    """A call with those of the wanted inputs that the tool's schema knows and whose value it allows."""
    schema = talk.conversation.tools.get(tool, {}).get("inputSchema", {}).get("json", {})
    properties: Mapping[str, Any] = schema.get("properties", {})
    given: dict[str, Any] = {}
    for name, value in wanted.items():
        target = next((alias for alias in ALIASES.get(name, (name,)) if alias in properties), None)
        if not value or (properties and target is None):
            continue
        allowed = properties.get(target, {}).get("enum") if target else None
        fitting = [option for option in allowed or [] if str(option).lower() == value.lower()]
        if allowed and not fitting:
            continue
        given[target or name] = fitting[0] if fitting else value
    return Call(tool, given)


def _preamble(talk: Talk, key: str) -> str:
    """A word before the first tool call of a turn; a caller listens, a texter does not."""
    return "" if talk.now.rounds or talk.is_sms else say(talk, key)


def look_up(talk: Talk, code: str) -> Reply:
    """Look a reservation up, with a word before it when it is the first thing done in this turn."""
    preamble = _preamble(talk, "looking_up")
    return Reply(preamble, (make_call(talk, "lookup_reservation", confirmation_code=code),))


def look_for_seats(talk: Talk, flight: str, preference: str, cabin: str) -> Reply:
    """Look for seats on a flight."""
    preamble = _preamble(talk, "looking_for_seats")
    call = make_call(
        talk,
        "lookup_available_seats",
        flight_number=flight,
        cabin=cabin,
        preference="" if preference == "any" else preference,
    )
    return Reply(preamble, (call,))


def change_seat(talk: Talk, seat: str) -> Reply:
    """Change the seat of the reservation at hand."""
    preamble = _preamble(talk, "changing")
    return Reply(preamble, (make_call(talk, "change_seat", confirmation_code=talk.known_code, seat=seat),))


def farewell(talk: Talk) -> Reply:
    """Say goodbye and hang up, by the tool for it when there is one."""
    company = talk.persona.company
    if talk.is_sms:
        return Reply(say(talk, "farewell_sms", us=f" {company}" if company else " us"))
    text = say(talk, "farewell", company=f" {company}" if company else "")
    if not talk.offers("end_call"):
        return Reply(text)
    call = make_call(talk, "end_call", farewell=text)
    return Reply("" if "farewell" in call.input else text, (call,))


def transfer(talk: Talk) -> Reply:
    """Put the caller through to a person, if that is possible."""
    if not talk.offers("transfer_call"):
        return Reply(say(talk, "no_transfer"))
    said = [exchange.caller for exchange in talk.conversation.exchanges if exchange.caller]
    summary = f"The caller said: {' / '.join(said[-3:])}"[:300]
    call = make_call(talk, "transfer_call", reason="The caller asked for a person", summary=summary)
    text = say(talk, "transferring")
    announced = make_call(talk, "transfer_call", announcement=text).input
    return Reply("" if announced else text, (Call(call.name, {**call.input, **announced}),))
