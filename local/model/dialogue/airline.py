"""The airline agent's rules for a new utterance, in the order they are tried."""

from __future__ import annotations

import re
from typing import Final

from local.model.dialogue import manners
from local.model.dialogue.calls import look_for_seats, look_up
from local.model.dialogue.codes import find_flight, find_partial
from local.model.dialogue.facts import outcome
from local.model.dialogue.intents import HAS_CODE, NO_CODE, is_no, is_yes
from local.model.dialogue.lines import say
from local.model.dialogue.manners import Rule
from local.model.dialogue.reply import Reply
from local.model.dialogue.seats import answer_seat_question, request_seat, unverified
from local.model.dialogue.spoken import spelled
from local.model.dialogue.talk import Talk
from local.model.dialogue.topics import answer_known

FIELD: Final = "your flight and your booking"
UPDATE: Final = re.compile(r"\b(update|latest|any change|check (it |that )?again|refresh|look again|right now)\b")
NAME: Final = re.compile(
    r"\bmy name is\s+([a-z]{2,})\b|\bthis is\s+([a-z]{2,})(?: [a-z]{2,})?$"
    r"|\b(?:(?:reservation|booking|it is) (?:is )?(?:under|for)|the name is)\s+([a-z]{2,})\b"
    r"|\b(?:i am|for|under)\s+([a-z]{2,})\s+[a-z]{2,}$"
)
BARE_NAME: Final = re.compile(r"^([a-z]{2,}) [a-z]{2,}$")
NO_NAME: Final = re.compile(
    r"\b(calling|trying|flying|looking|going|not|sorry|the|a|an|here|just|at|on|in|was|so|very|really|code|number|please"
    r"|about|bad|good|wrong|it|him|fine|nice|weird|crazy|ready|late|lost|back|stuck|flight|you|me)\b"
)


def keypad(talk: Talk) -> Reply | None:
    """Digits typed on the keypad: 1 is yes and 2 is no where that was the question."""
    keys = talk.now.keys.strip("*#")
    if not keys or talk.words:
        return None
    if talk.reservation is None and (talk.asked_for_code or len(keys) >= 4):
        return Reply(say(talk, "code_keys", spelled=spelled(keys)))
    by_row = [seat for seat in talk.seats if seat.number[:-1] == keys]
    if len(by_row) == 1:
        return answer_seat_question(talk, chosen=by_row[0].number)
    if talk.open_question[0] == "seat_choice" and keys.isdigit() and 0 < int(keys) <= len(talk.offered):
        return answer_seat_question(talk, chosen=talk.offered[int(keys) - 1])
    if keys in {"1", "2"} and talk.open_question[0]:
        return answer_seat_question(talk, agreed=keys == "1") or Reply(say(talk, "anything_else"))
    return Reply(say(talk, "keys_unasked", spelled=spelled(keys)))


def code_given(talk: Talk) -> Reply | None:
    """The caller gave a confirmation code."""
    if not talk.code:
        return None
    known = talk.reservation is not None and talk.reservation.text("code").upper() == talk.code
    return None if known and talk.topics else look_up(talk, talk.code)


def retry(talk: Talk) -> Reply | None:
    """The caller answers whether to try a failed lookup again."""
    if talk.open_question[0] != "retry" or not (is_yes(talk.words) or is_no(talk.words)):
        return None
    if is_no(talk.words):
        return Reply(say(talk, "cancelled"))
    failed = next((done for done in talk.rounds() if outcome(done) != "ok"), None)
    if failed is None or failed.name == "change_seat" or not talk.offers(failed.name):
        return look_up(talk, talk.known_code) if talk.known_code else Reply(say(talk, "ask_code"))
    if failed.name == "lookup_available_seats":
        return look_for_seats(talk, str(failed.input.get("flight_number", "")), talk.preference, "")
    return look_up(talk, str(failed.input.get("confirmation_code", talk.known_code)))


def without_code(talk: Talk) -> Reply | None:
    """The caller was asked for the code and does not have it, or not yet."""
    if not talk.asked_for_code or talk.reservation:
        return None
    if NO_CODE.search(talk.words) or is_no(talk.words):
        return Reply(say(talk, "code_where"))
    if (HAS_CODE.search(talk.words) or is_yes(talk.words) or "hold" in talk.manners) and not talk.topics:
        return Reply(say(talk, "code_ready"))
    return None


def verify_change(talk: Talk) -> Reply | None:
    """A seat change whose outcome nobody knows is checked before anything else is done about seats."""
    asks = re.search(r"\b(did|has|is) (it|that|you|the change)\b", talk.words) is not None
    if unverified(talk) and (talk.topics or is_yes(talk.words) or asks):
        return look_up(talk, talk.known_code)
    changed = next((done for done in talk.rounds() if done.name == "change_seat"), None)
    if asks and not talk.topics and changed and outcome(changed) == "ok":
        return Reply(say(talk, "in_seat", seat=talk.current_seat))
    return None


def question(talk: Talk) -> Reply | None:
    """The caller asks about the journey."""
    if not talk.topics or "off_topic" in talk.manners:
        return None
    if talk.reservation is None:
        return _open_reservation(talk)
    if UPDATE.search(talk.words) and set(talk.topics) & {"status", "departure", "gate", "arrival", "reservation"}:
        return look_up(talk, talk.known_code)
    return answer_known(talk, talk.topics)


def _open_reservation(talk: Talk) -> Reply:
    if talk.known_code:
        return look_up(talk, talk.known_code)
    flight = find_flight(talk.now.caller)
    if flight and "seat_change" in talk.topics and talk.offers("lookup_available_seats") and talk.preference:
        return look_for_seats(talk, flight, talk.preference, "")
    if talk.asked_for_code:
        return Reply(say(talk, "ask_code_again"))
    name = _name(talk)
    return Reply(say(talk, "ask_code_named", name=name) if name else say(talk, "ask_code"))


def named(talk: Talk) -> Reply | None:
    """The caller gives a name where a code is needed."""
    name = _name(talk)
    if not name or talk.reservation or set(talk.manners) - {"greeting", "thanks"}:
        return None
    return Reply(say(talk, "ask_code_named", name=name))


def _name(talk: Talk) -> str:
    found = NAME.search(talk.words) or (BARE_NAME.search(talk.words) if talk.asked_for_code else None)
    if not found or NO_NAME.search(found[0]) or is_yes(talk.words) or is_no(talk.words):
        return ""
    return next(name for name in found.groups() if name).capitalize()


def partial_code(talk: Talk) -> Reply | None:
    """The caller's code came out too short or too long."""
    if talk.reservation or talk.topics:
        return None
    heard = find_partial(talk.now.caller)
    if not talk.asked_for_code and (talk.manners or len(heard) < 4 or not heard[:2].isalpha()):
        return None
    return Reply(say(talk, "code_partial", spelled=spelled(heard))) if heard else None


def cut_off(talk: Talk) -> Reply | None:
    """The caller comes back after a dropped call."""
    if "cut_off" not in talk.manners and not (talk.open_question[0] == "resume_offer" and is_yes(talk.words)):
        return None
    if talk.reservation:
        return Reply(say(talk, "back", name=talk.reservation.first_name))
    return look_up(talk, talk.known_code) if talk.known_code else Reply(say(talk, "back_unknown"))


def abilities(talk: Talk) -> Reply | None:
    """The caller asks what can be done here."""
    return Reply(say(talk, "abilities_airline")) if "abilities" in talk.manners else None


def still_no_code(talk: Talk) -> Reply | None:
    """Anything else in answer to the question for the code."""
    if talk.asked_for_code and talk.reservation is None and not talk.manners:
        return Reply(say(talk, "ask_code_again"))
    return None


RULES: Final[tuple[Rule, ...]] = (
    *manners.BEFORE,
    keypad,
    abilities,
    code_given,
    verify_change,
    retry,
    answer_seat_question,
    request_seat,
    without_code,
    question,
    named,
    partial_code,
    cut_off,
    still_no_code,
    *manners.AFTER,
    manners.off_topic(FIELD),
    manners.not_understood,
)
