"""Answers about a reservation, one short sentence a topic, out of the facts; honest where a fact is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from local.model.dialogue.facts import Reservation, Seat, kind_of
from local.model.dialogue.heard import says
from local.model.dialogue.limits import LIMITS
from local.model.dialogue.spoken import clock, day, duration
from local.model.dialogue.talk import Talk

Answer = Callable[[Reservation, Talk], str]


def answer_topics(topics: Sequence[str], facts: Reservation, talk: Talk) -> list[str]:
    """One sentence a topic, in the order asked; topics nobody knows are left out."""
    said: list[str] = []
    for topic in topics:
        sentence = ANSWERS[topic](facts, talk) if topic in ANSWERS else ""
        sentence = sentence[:1].upper() + sentence[1:]
        if sentence and sentence not in said:
            said.append(sentence)
    return said


def overview(facts: Reservation, talk: Talk) -> str:
    """The reservation in one sentence."""
    flight = _flight(facts, talk)
    if facts.state == "cancelled":
        return f"You're booked on {flight}, but it has been cancelled, I'm sorry to say."
    if facts.state == "delayed":
        return f"You're on {flight}, and I'm sorry, it's running {_late(facts)} late{_now_leaving(facts)}."
    leaving = f", leaving at {clock(facts.text('departure'))}" if facts.text("departure") else ""
    fine = ", and it's on time" if facts.state == "on_time" else ""
    return f"You're on {flight}{leaving}{fine}."


def _status(facts: Reservation, talk: Talk) -> str:
    flight = _flight(facts, talk)
    reason = f" because of {_cause(facts)}" if facts.text("reason") else ""
    if facts.state == "cancelled":
        return f"I'm sorry, {flight} has been cancelled{reason}."
    if facts.state == "delayed":
        opening = ("I'm sorry, ", "")[talk.choose("status", 2)]
        return f"{opening}{flight} is delayed by {_late(facts)}{reason}{_now_leaving(facts)}."
    if facts.state == "on_time":
        leaving = f", leaving at {clock(facts.text('departure'))}" if facts.text("departure") else ""
        return f"Good news: {flight} is on time{leaving}."
    return f"I don't see a status for {flight} yet."


def _short_status(facts: Reservation, talk: Talk) -> str:
    flight = _flight(facts, talk)
    if facts.state == "cancelled":
        return _status(facts, talk)
    return f"I'm sorry, {flight} is running {_late(facts)} late{_now_leaving(facts)}."


def _departure(facts: Reservation, talk: Talk) -> str:
    leaves, scheduled = clock(facts.text("departure")), clock(facts.text("scheduled"))
    if facts.state == "cancelled":
        return _status(facts, talk)
    if not leaves:
        return "I don't see a departure time on it yet."
    instead = f" instead of {scheduled}" if scheduled and scheduled != leaves and facts.state == "delayed" else ""
    gate = (
        f" from gate {facts.text('gate')}" if facts.text("gate") and not instead and "gate" not in talk.wanted else ""
    )
    return f"It leaves at {leaves}{instead}{gate}."


def _arrival(facts: Reservation, _: Talk) -> str:
    arrives, where = clock(facts.text("arrival")), facts.text("destination")
    if not arrives:
        return "I don't have an arrival time for it, I'm sorry."
    return f"It gets in{' to ' + where if where else ''} at {arrives}."


def _gate(facts: Reservation, talk: Talk) -> str:
    gate, terminal = facts.text("gate"), facts.text("terminal")
    if gate and not terminal and "terminal" in talk.words:
        return f"I don't see the terminal, only that it's gate {gate}."
    if not gate:
        return "The gate hasn't been posted yet; please watch the screens at the airport."
    if re.search(r"announce|pending|tb[ad]\b|assigned", gate, re.IGNORECASE):
        return "The gate hasn't been announced yet; please watch the screens at the airport."
    return f"It's gate {gate}{_at_terminal(terminal)}."


def _at_terminal(name: str) -> str:
    bare = re.sub(r"\s*\bterminal\b\s*", " ", name, flags=re.IGNORECASE).strip()
    if not bare:
        return ""
    if re.fullmatch(r"[A-Za-z]?\d*[A-Za-z]?", bare):
        return f", terminal {bare.upper()}"
    return f" in {bare}" if bare.lower().startswith(("concourse", "pier", "hall")) else f" in the {bare} terminal"


def _my_seat(facts: Reservation, talk: Talk) -> str:
    seat, cabin = talk.current_seat, facts.text("cabin")
    if not seat:
        return "You don't have a seat assigned yet; I can pick one for you."
    return f"You're in seat {seat}{', ' + _lower(cabin.replace('_', ' ')) if cabin else ''}."


def _seat_kind(facts: Reservation, talk: Talk) -> str:
    kind = kind_of(Seat(talk.current_seat)) if talk.current_seat else ""
    if not kind:
        return _my_seat(facts, talk)
    agrees = "Yes" if kind in talk.words.split() else "No"
    return f"{agrees}, {talk.current_seat} is {'an' if kind == 'aisle' else 'a'} {kind} seat."


def _old_seat(facts: Reservation, talk: Talk) -> str:
    seat = facts.text("seat")
    if not seat or seat == talk.current_seat:
        return _my_seat(facts, talk)
    return f"You were in {seat} before, and now you're in {talk.current_seat}."


def _cabin(facts: Reservation, _: Talk) -> str:
    cabin = facts.text("cabin")
    return f"You're booked in {_lower(cabin.replace('_', ' '))}." if cabin else "I don't see the cabin on your booking."


def _route(facts: Reservation, _: Talk) -> str:
    origin, destination = facts.text("origin"), facts.text("destination")
    if not destination:
        return "I don't see the destination on your booking."
    return f"You're flying {'from ' + origin + ' ' if origin else ''}to {destination}."


def _date(facts: Reservation, _: Talk) -> str:
    given = facts.text("date") or facts.text("departure")
    told = day(given)
    if not given or ":" in told:
        return "I only see the time on your booking, not the day."
    return f"It's {'' if told.lower() in {'today', 'tomorrow'} else 'on '}{told}."


def _name(facts: Reservation, _: Talk) -> str:
    name = facts.text("passenger")
    return f"It's booked for {name}." if name else "I don't see a name on that booking."


def _reason(facts: Reservation, talk: Talk) -> str:
    reason = facts.text("reason")
    if facts.state not in {"delayed", "cancelled"}:
        return _status(facts, talk)
    word = "delay" if facts.state == "delayed" else "cancellation"
    return (
        f"The {word} is because of {_cause(facts)}."
        if reason
        else f"I don't have the reason for the {word}, I'm sorry."
    )


def _bags(facts: Reservation, _: Talk) -> str:
    bags = facts.value("bags")
    if isinstance(bags, list):
        bags = len(bags)
    if bags is None or isinstance(bags, bool):
        return "I don't see any bag details on your booking; the check-in desk can add bags for you."
    if not str(bags).isdigit():
        return f"Your booking says {_lower(str(bags))} for bags."
    return (
        f"You have {'no' if str(bags) == '0' else bags} checked bag{'' if str(bags) == '1' else 's'} on your booking."
    )


def _flight(facts: Reservation, talk: Talk) -> str:
    """The flight, with its destination the first time it is named."""
    number, where = facts.text("flight"), facts.text("destination")
    named = any(says(exchange.agent, number) for exchange in talk.before) if number else False
    if not number:
        return f"your flight to {where}" if where else "your flight"
    return f"flight {number}" if named or not where else f"flight {number} to {where}"


def _late(facts: Reservation) -> str:
    return duration(facts.delay_minutes) if facts.delay_minutes else "a while"


def _now_leaving(facts: Reservation) -> str:
    leaves = clock(facts.text("departure"))
    return f"; it now leaves at {leaves}" if leaves else ""


def _cause(facts: Reservation) -> str:
    """The reason as it follows "because of"."""
    reason = _lower(facts.text("reason"))
    bare = re.match(r"(late|early|technical|mechanical|medical|security|slow|missing|broken|heavy) ", reason)
    return f"a {reason}" if bare and not re.match(r"\S+ \S+s\b", reason) else reason


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:].rstrip(".")


ANSWERS: Final[dict[str, Answer]] = {
    "reservation": overview,
    "overview": overview,
    "status": _status,
    "short_status": _short_status,
    "departure": _departure,
    "arrival": _arrival,
    "gate": _gate,
    "my_seat": _my_seat,
    "seat_kind": _seat_kind,
    "old_seat": _old_seat,
    "cabin": _cabin,
    "route": _route,
    "date": _date,
    "name": _name,
    "reason": _reason,
    "bags": _bags,
    **LIMITS,
}
