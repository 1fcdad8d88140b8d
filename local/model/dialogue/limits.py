"""What the airline's agent cannot do, said plainly: refunds, rebooking, upgrades and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from local.model.dialogue.facts import Reservation
from local.model.dialogue.spoken import clock, listed
from local.model.dialogue.talk import Talk

Answer = Callable[[Reservation, Talk], str]
MAX_OPTIONS: Final = 2


def _refund(facts: Reservation, _: Talk) -> str:
    refundable = facts.value("refundable")
    if refundable is True:
        return "Your fare is refundable, but I can't issue the refund myself; our refunds team has to do that."
    if refundable is False:
        return "Your fare is marked as non-refundable; only our refunds team could make an exception."
    return "I can't issue refunds myself, and I don't want to promise you one; our refunds team can check your fare."


def _compensation(_: Reservation, __: Talk) -> str:
    return "I can't decide on vouchers or compensation, I'm afraid; the airport service desk can."


def _rebook(facts: Reservation, _: Talk) -> str:
    options = facts.value("rebooking")
    if isinstance(options, list) and options:
        told = listed([_option(option) for option in options[:MAX_OPTIONS]], "or")
        return f"I see {told}, but I can't rebook you myself; a colleague has to do that."
    return "I can't move you to another flight myself; a colleague at the airport or in our service center can do that."


def _option(option: object) -> str:
    if not isinstance(option, dict):
        return str(option)
    facts = Reservation(option)
    leaves = clock(facts.text("departure"))
    return f"{facts.text('flight') or 'a flight'}{' at ' + leaves if leaves else ''}"


def _fixed(sentence: str) -> Answer:
    return lambda _facts, _talk: sentence


LIMITS: Final[dict[str, Answer]] = {
    "refund": _refund,
    "compensation": _compensation,
    "rebook": _rebook,
    "cancel_booking": _fixed("I can't cancel a booking from here; you can do that online or with our service center."),
    "upgrade": _fixed("I can't sell upgrades, I'm afraid, but I can look for a better seat in your cabin."),
    "connection": _fixed("I only see this flight, not a connection; the gate agents can help with your onward flight."),
    "check_in": _fixed(
        "You can check in online or at the airport from a day before departure; I can't do it for you here."
    ),
    "amenities": _fixed("I don't have details about what's on board; the crew will be happy to tell you."),
    "assistance": _fixed("I can't book assistance from here, but the airport desk will arrange it if you tell them."),
}
