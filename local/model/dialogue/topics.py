"""Answers to one or several questions about a reservation that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from local.model.dialogue.answers import answer_topics, overview
from local.model.dialogue.facts import Reservation
from local.model.dialogue.lines import say
from local.model.dialogue.reply import Reply
from local.model.dialogue.seats import start_seat_change
from local.model.dialogue.talk import Talk

MAX_SENTENCES_VOICE: Final = 2
MAX_SENTENCES_SMS: Final = 3
TELLING: Final = frozenset({"status", "departure", "overview", "reservation", "reason", "arrival", "rebook"})
"""Topics whose answer tells a delay; with any other the traveler hears of it first."""


def answer_known(talk: Talk, topics: Sequence[str], greet: bool = False) -> Reply:
    """Answer from the facts; a wish for another seat comes last, because it asks something back.

    Args:
        talk: The conversation, a reservation open.
        topics: What was asked.
        greet: Whether to call the passenger by name: right after the reservation was found.
    """
    facts = talk.reservation or Reservation({})
    plain = [topic for topic in topics if topic != "seat_change"]
    if greet and facts.state in {"delayed", "cancelled"} and not TELLING & set(plain):
        plain = ["short_status", *plain]
    said = answer_topics(plain, facts, talk)
    if "seat_change" in topics:
        return start_seat_change(talk, said)
    if not said:
        said = [overview(facts, talk)]
    if greet and facts.first_name:
        said[0] = f"{_thanks(talk, facts.first_name)} {said[0]}"
    if talk.is_sms:
        said = _with_details(said, facts, talk)
    elif len(said) < MAX_SENTENCES_VOICE and not greet and talk.choose("tail", 3) == 0:
        said.append(say(talk, "anything_else"))
    elif len(said) == 1 and greet and not plain:
        said.append("What would you like to know?")
    return Reply(" ".join(said))


def _thanks(talk: Talk, name: str) -> str:
    ways = (f"Thanks, {name}.", f"Hi {name}.", f"Thank you, {name}.")
    return ways[1] if talk.now.agent.startswith("Thank") else ways[talk.choose("greet", 3)]


def _with_details(said: list[str], facts: Reservation, talk: Talk) -> list[str]:
    """Texts carry the key details inline."""
    code, seat, gate = facts.text("code") or talk.known_code, talk.current_seat, facts.text("gate")
    details = [f"confirmation {code}" if code else "", f"seat {seat}" if seat else "", f"gate {gate}" if gate else ""]
    told = ", ".join(detail for detail in details if detail)
    if told and len(said) < MAX_SENTENCES_SMS:
        said.append(f"Your details: {told}.")
    return said
