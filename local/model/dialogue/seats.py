"""Everything about choosing and changing a seat: asking what kind, offering, changing once the caller has agreed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from local.model.dialogue.calls import change_seat, look_for_seats
from local.model.dialogue.codes import find_ordinal
from local.model.dialogue.facts import Seat, kind_of, outcome
from local.model.dialogue.intents import ANY_SEAT, find_cabin, find_preference, is_no, is_yes
from local.model.dialogue.lines import say
from local.model.dialogue.reply import Reply
from local.model.dialogue.spoken import listed
from local.model.dialogue.talk import Talk
from local.model.dialogue.words import with_digits

MAX_OFFERED: Final = 2
BRIEF: Final = 4
"""Words at most of an utterance that is nothing but the seat or the kind of seat it names."""
WISHES: Final = re.compile(r"\b(change|switch|move|put|want|like|give|take|get|make|prefer)\b")
WHERE: Final = {"window": "by the window", "aisle": "on the aisle", "middle": "in the middle"}
ROW_END: Final = re.compile(r"\b(front|back|rear)\b")
ASKS_ON: Final = re.compile(r"\b(do you|is there|are there|what|how about|but|other|different|another|else)\b")
CHANGES_MIND: Final = re.compile(r"\b(instead|rather|other|different|another|else)\b")


def start_seat_change(talk: Talk, said: Sequence[str] = ()) -> Reply:
    """Begin with a wish for another seat: look, if the kind is known, else ask.

    Args:
        talk: The conversation, a reservation open.
        said: Answers to other questions of the same utterance, to be said first.
    """
    flight = talk.reservation.text("flight") if talk.reservation else ""
    if talk.seat and talk.seat == talk.current_seat:
        return Reply(_after(said, say(talk, "seat_is_yours", seat=talk.seat)))
    if talk.seat and talk.seat in {seat.number for seat in talk.seats}:
        return change_seat(talk, talk.seat)
    if not talk.offers("lookup_available_seats"):
        return Reply(_after(said, "I can't see the seat map from here, I'm sorry."))
    if talk.preference or talk.seat:
        kind = "" if talk.seat else talk.preference
        search = look_for_seats(talk, flight, kind, find_cabin(talk.words) or _booked_cabin(talk))
        return Reply(" ".join(said) or search.text, search.calls)
    remembered = talk.persona.remembered_preference
    question = say(talk, "ask_preference_remembered", kind=remembered) if remembered else say(talk, "ask_preference")
    return Reply(_after(said, question))


def offer(talk: Talk, said: Sequence[str] = ()) -> Reply:
    """Offer what the seat map showed."""
    seats, kind = _fitting(talk)
    numbers = [seat.number for seat in seats[:MAX_OFFERED]]
    open_seats = {seat.number for seat in talk.seats}
    if talk.seat and talk.seat in open_seats:
        text = say(talk, "offer_one", seat=talk.seat)
    elif talk.seat and len(numbers) == 1:
        text = say(talk, "seat_not_open_one", seat=talk.seat, other=numbers[0])
    elif talk.seat and numbers:
        text = say(talk, "seat_not_open", seat=talk.seat, seats=listed(numbers), first=numbers[0])
    elif not numbers:
        text = say(talk, "no_seats_kind", kind=kind) if kind else say(talk, "no_seats")
    elif len(numbers) == 1:
        text = say(talk, "offer_one_kind" if kind else "offer_one", seat=numbers[0], where=WHERE.get(kind, ""))
    else:
        text = say(
            talk,
            "offer_many_kind" if kind else "offer_many",
            seats=listed(numbers),
            first=numbers[0],
            where=WHERE.get(kind, ""),
        )
    return Reply(_after(said, text))


def answer_seat_question(talk: Talk, chosen: str = "", agreed: bool | None = None) -> Reply | None:
    """The caller answers what they were asked about seats.

    Args:
        talk: The conversation.
        chosen: A seat chosen otherwise than by words.
        agreed: Yes or no given otherwise than by words.
    """
    kind, value = talk.open_question
    if kind not in {"confirm_seat", "seat_choice", "preference", "seats_offer"} or not talk.known_code:
        return None
    yes = is_yes(talk.words) if agreed is None else agreed
    no = is_no(talk.words) if agreed is None else not agreed
    seat = chosen or talk.seat or _described(talk)
    if not seat and kind in {"confirm_seat", "seat_choice"}:
        seat = _agreed_to(talk, value, yes=yes)
    if seat and (kind in {"confirm_seat", "seat_choice"} or chosen):
        return _take(talk, seat, confirmed=value)
    if find_preference(talk.words):
        return start_seat_change(talk) if talk.reservation else None
    if no and not _elsewhere(talk):
        return Reply(
            say(talk, "keep_seat", seat=talk.current_seat) if talk.current_seat else say(talk, "keep_seat_unknown")
        )
    if yes and kind == "seat_choice":  # nothing of the offer was heard
        return offer(talk)
    if yes and kind in {"preference", "seats_offer"}:
        return _search_again(talk)
    return None


def request_seat(talk: Talk) -> Reply | None:
    """The caller names one of the seats offered a while ago, or simply one or a kind they want.

    Also whoever answers a question that was not heard to its end, as far as anybody can tell.
    """
    if talk.reservation is None or set(talk.topics) - {"seat_change", "my_seat"}:
        return None
    brief = len(talk.words.split()) <= BRIEF
    if talk.seat:
        return start_seat_change(talk) if brief or talk.seats or WISHES.search(talk.words) else None
    meant = _described(talk) if talk.offered and find_ordinal(talk.now.caller) is not None else ""
    if meant:
        return change_seat(talk, meant)
    return start_seat_change(talk) if brief and find_preference(talk.words) in WHERE else None


def unverified(talk: Talk) -> bool:
    """Whether the newest seat change may or may not have happened and nobody has looked since."""
    for done in talk.rounds():
        if done.name == "lookup_reservation" and outcome(done) == "ok":
            return False
        if done.name == "change_seat":
            return outcome(done) == "unknown" and talk.offers("lookup_reservation") and bool(talk.known_code)
    return False


def _take(talk: Talk, seat: str, confirmed: str) -> Reply:
    if seat == talk.current_seat:
        return Reply(say(talk, "seat_is_yours", seat=seat))
    if seat == confirmed or seat in {open_seat.number for open_seat in talk.seats}:
        return change_seat(talk, seat)
    return offer(talk)


def _search_again(talk: Talk) -> Reply | None:
    if talk.reservation is None or not talk.offers("lookup_available_seats"):
        return None
    # "no window left, shall I look for any other?" → any; "you usually like the window" → the window.
    offered_any = "any other seat" in talk.asked or "different seat" in talk.asked
    kind = "any" if offered_any else talk.persona.remembered_preference or "any"
    return look_for_seats(talk, talk.reservation.text("flight"), kind, _booked_cabin(talk))


def _booked_cabin(talk: Talk) -> str:
    return talk.reservation.text("cabin").lower() if talk.reservation else ""


def _agreed_to(talk: Talk, confirmed: str, *, yes: bool) -> str:
    """The seat a caller takes who agrees without naming one, or to whom any of those offered is fine; or ``""``."""
    wish, offered = find_preference(talk.words), _on_offer(talk)
    unwilling = is_no(" ".join(ANY_SEAT.sub(" ", talk.words).split()))  # "no preference" is no refusal
    if unwilling or ASKS_ON.search(talk.words):
        return ""
    if wish == "any":
        end = ROW_END.search(talk.words)
        if end and offered:
            return (min if end[1] == "front" else max)(offered, key=lambda seat: int(seat.number[:-1])).number
        return confirmed or (offered[0].number if offered else "")
    first = confirmed or next(iter(talk.offered), "")
    kind = next((kind_of(seat) for seat in offered if seat.number == first), "")
    return first if yes and wish in {"", kind} else ""


def _on_offer(talk: Talk) -> list[Seat]:
    """The seats the caller heard offered, in that order; those that would be offered, if none was heard."""
    heard = [seat for number in talk.offered for seat in talk.seats if seat.number == number]
    return heard or _fitting(talk)[0][:MAX_OFFERED]


def _described(talk: Talk) -> str:
    """A seat of those on offer named by its place in the list, its kind, or its row."""
    offered = _on_offer(talk)
    place = find_ordinal(talk.now.caller)
    if place is not None and offered and place < len(offered):
        return offered[place].number
    row = re.search(r"\b(?:row )?(\d{1,2})\b", with_digits(re.sub(r"\bone\b", "", talk.words)))
    by_row = [seat.number for seat in offered if row and seat.number[:-1] == row[1]]
    if len(by_row) == 1:
        return by_row[0]
    wish = find_preference(talk.words)
    by_kind = [seat.number for seat in offered if kind_of(seat) == wish]
    return by_kind[0] if len(by_kind) == 1 and len(offered) > 1 else ""


def _fitting(talk: Talk) -> tuple[list[Seat], str]:
    """The open seats of the kind asked for, and that kind if it narrows anything."""
    wish = "" if talk.preference == "any" else talk.preference
    seats = list(talk.seats)
    end = ROW_END.search(talk.words)
    if end:
        seats.sort(key=lambda seat: int(seat.number[:-1]), reverse=end[1] != "front")
    if not wish or talk.seat:
        return seats, ""
    return [seat for seat in seats if kind_of(seat) == wish], wish


def _elsewhere(talk: Talk) -> bool:
    """Whether a "no" goes on to ask for something else."""
    return bool(set(talk.topics) - {"seat_change"}) or bool(CHANGES_MIND.search(talk.words))


def _after(said: Sequence[str], question: str) -> str:
    return " ".join([*said, question])
