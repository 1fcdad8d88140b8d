"""What to do when a tool has answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from local.model.dialogue.answers import answer_topics
from local.model.dialogue.calls import look_up
from local.model.dialogue.conversation import ToolRound
from local.model.dialogue.facts import Reservation, kind_of, outcome
from local.model.dialogue.heard import says
from local.model.dialogue.lines import say
from local.model.dialogue.powers import after_power
from local.model.dialogue.reply import Reply
from local.model.dialogue.seats import offer
from local.model.dialogue.spoken import spelled
from local.model.dialogue.talk import Talk
from local.model.dialogue.topics import answer_known

MAX_ROUNDS: Final = 5


def after_tool(talk: Talk) -> Reply:
    """Go on from the newest tool result of this turn."""
    done = talk.now.rounds[-1]
    handler = HANDLERS.get(done.name)
    if handler is None:
        return _other_tool(talk, done)
    reply = handler(talk, done)
    if reply.calls and len(talk.now.rounds) >= MAX_ROUNDS:
        return Reply(say(talk, "lookup_failed"))
    return reply


def _after_lookup(talk: Talk, done: ToolRound) -> Reply:
    became = outcome(done)
    code = str(done.input.get("confirmation_code") or talk.known_code)
    if became == "not_found":
        tries = sum(outcome(earlier) == "not_found" for earlier in talk.rounds() if earlier.name == done.name)
        return Reply(say(talk, "not_found" if tries < 2 else "not_found_again", spelled=spelled(code)))
    if became != "ok":
        return Reply(say(talk, "lookup_failed"))
    wished = _unknown_change(talk)
    if wished:
        seat = Reservation(done.result).text("seat")
        return Reply(say(talk, "verified" if seat == wished else "not_verified", seat=seat or "your old seat"))
    met = any(earlier.name == done.name and outcome(earlier) == "ok" for earlier in list(talk.rounds())[1:])
    return answer_known(talk, talk.wanted, greet=not met)


def _unknown_change(talk: Talk) -> str:
    """The seat of the change that the lookup just made was to verify, or ``""``."""
    rounds = list(talk.rounds())[1:]
    for earlier in rounds:
        if earlier.name == "change_seat":
            return str(earlier.input.get("seat", "")) if outcome(earlier) == "unknown" else ""
        if earlier.name == "lookup_reservation":
            return ""
    return ""


def _after_seats(talk: Talk, done: ToolRound) -> Reply:
    asked = [topic for topic in talk.wanted if topic not in {"seat_change", "reservation"}]
    told = answer_topics(asked, talk.reservation, talk) if talk.reservation else []
    said = [sentence for sentence in told if not says(talk.now.agent, sentence)]  # the rest was said before the search
    if outcome(done) == "taken":
        return Reply(" ".join([*said, say(talk, "no_seats")]))
    if outcome(done) != "ok":
        return Reply(" ".join([*said, say(talk, "seats_failed")]))
    return offer(talk, said)


def _after_change(talk: Talk, done: ToolRound) -> Reply:
    became, seat = outcome(done), str(done.input.get("seat", "your new seat"))
    if became == "ok":
        return Reply(say(talk, "changed", seat=talk.current_seat or seat))
    if became == "unknown":
        return (
            look_up(talk, talk.known_code) if talk.offers("lookup_reservation") else Reply(say(talk, "change_unknown"))
        )
    if became == "taken":
        return offer_another(talk, seat)
    return Reply(say(talk, "change_failed"))


def offer_another(talk: Talk, taken: str) -> Reply:
    """Offer what is left of the list after one seat was taken by somebody else."""
    left = [seat for seat in talk.seats if seat.number != taken]
    wished = [seat for seat in left if kind_of(seat) == talk.preference] or left
    sorry = say(talk, "change_taken", seat=taken)
    more = (
        say(talk, "offer_one", seat=wished[0].number) if wished else "Would you like me to look for a different seat?"
    )
    return Reply(f"{sorry} {more}")


def _after_end(_: Talk, __: ToolRound) -> Reply:
    return Reply("Goodbye!")


def _after_transfer(talk: Talk, done: ToolRound) -> Reply:
    return Reply(say(talk, "no_transfer") if outcome(done) != "ok" else "You'll be connected in a moment.")


def _other_tool(_: Talk, done: ToolRound) -> Reply:
    """A tool we have no words for: read out what it said, if it said anything readable."""
    if outcome(done) != "ok":
        return Reply("I'm sorry, that didn't work just now. Is there something else I can do?")
    told = done.result.get("text") or done.result.get("message") if isinstance(done.result, dict) else ""
    return Reply(str(told) if told else "That's done. Is there anything else?")


HANDLERS: Final[dict[str, Callable[[Talk, ToolRound], Reply]]] = {
    "lookup_reservation": _after_lookup,
    "lookup_available_seats": _after_seats,
    "change_seat": _after_change,
    "end_call": _after_end,
    "transfer_call": _after_transfer,
    "switch_language": after_power,
    "play_audio": after_power,
    "send_digits": after_power,
    "collect_digits": after_power,
}
