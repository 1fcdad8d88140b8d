"""What is known at this point of the conversation: the words just said, the facts found, the question left open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final
from zlib import crc32

from local.model.dialogue.codes import find_code, find_seat, is_spelled
from local.model.dialogue.conversation import Conversation, Exchange, ToolRound
from local.model.dialogue.facts import Reservation, Seat, outcome, read_seats
from local.model.dialogue.heard import seats_in, sentence_begun
from local.model.dialogue.intents import find_manners, find_preference
from local.model.dialogue.persona import Persona
from local.model.dialogue.questions import NOTHING, find_question
from local.model.dialogue.reply import Reply
from local.model.dialogue.subjects import drop_general, find_topics
from local.model.dialogue.words import normalise

GREETING: Final = re.compile(r"greeting[^\"\n]{0,60}\"([^\"]+)\"")
SPELLING: Final = re.compile(r"\b(code|confirmation|found|it is|spelled|here)\b")
MAX_OPEN_EXCHANGES: Final = 4


@dataclass(frozen=True)
class Talk:
    """One conversation at the moment of an answer.

    Attributes:
        conversation: All that was said and done.
        persona: Who the agent is.
        recall: Works out an earlier answer again, by which the agent knows what it was going to say when it was cut
            short; ``None`` if it cannot.
    """

    conversation: Conversation
    persona: Persona
    recall: Callable[[Conversation], Reply] | None = None

    @property
    def now(self) -> Exchange:
        """The exchange to be answered."""
        return self.conversation.exchanges[-1]

    @property
    def before(self) -> list[Exchange]:
        """The exchanges before it."""
        return list(self.conversation.exchanges[:-1])

    @cached_property
    def words(self) -> str:
        """What was just said, normalised."""
        return normalise(self.now.caller)

    @cached_property
    def manners(self) -> tuple[str, ...]:
        """Habits of talk in it."""
        return find_manners(self.words)

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """Questions about a journey in it."""
        return find_topics(self.words)

    @cached_property
    def is_sms(self) -> bool:
        """Whether this is a thread of texts."""
        return self.conversation.is_sms

    def offers(self, tool: str) -> bool:
        """Whether the request offers a tool."""
        return tool in self.conversation.tools

    @cached_property
    def last_agent(self) -> str:
        """What the agent said last, as far as it was heard."""
        return next((exchange.agent for exchange in reversed(self.before) if exchange.agent), "")

    @cached_property
    def greeting(self) -> str:
        """What the caller heard when the call was opened, as the system prompt tells it; ``""`` if it does not."""
        found = GREETING.search(self.conversation.system)
        return found[1] if found else ""

    @cached_property
    def was_cut(self) -> bool:
        """Whether the agent's last words end in the middle of a sentence."""
        return bool(self.last_agent) and not self.last_agent.rstrip().endswith((".", "!", "?", ")", '"'))

    @cached_property
    def last_answer(self) -> Reply | None:
        """The agent's last answer in full, worked out again."""
        for place in range(len(self.before) - 1, -1, -1):
            exchange = self.before[place]
            if exchange.agent and self.recall:
                again = Exchange(exchange.caller, exchange.keys, exchange.note, list(exchange.rounds))
                return self.recall(replace(self.conversation, exchanges=[*self.before[:place], again]))
        return None

    @cached_property
    def asked(self) -> str:
        """What the agent said last, a sentence the caller cut into brought to its end: that is what they answer."""
        if not self.was_cut or self.last_answer is None:
            return self.last_agent
        return sentence_begun(self.last_answer.text, self.last_agent) or self.last_agent

    @cached_property
    def open_question(self) -> tuple[str, str]:
        """What the agent asked last and the caller heard: its kind and a value; ``("", "")`` for nothing."""
        found = find_question(self.asked)
        guessed = self.was_cut and found[0] == "confirm_seat" and found[1] not in seats_in(self.last_agent)
        return self._offer_begun() if found == NOTHING or guessed else found

    def _offer_begun(self) -> tuple[str, str]:
        """Seats were being told when the caller cut in: their question can be guessed."""
        last = next((exchange for exchange in reversed(self.before) if exchange.agent), None)
        done = last.rounds[-1] if last and last.rounds else None
        if done is None or not self.seats or done.name not in {"lookup_available_seats", "change_seat"}:
            return NOTHING
        heard = [seat for seat in seats_in(self.last_agent) if seat in self.offered]
        return ("confirm_seat", heard[0]) if heard else ("seat_choice", "")

    @cached_property
    def offered(self) -> list[str]:
        """The open seats the caller heard named last, in that order."""
        open_seats = {seat.number for seat in self.seats}
        for exchange in reversed(self.before[-MAX_OPEN_EXCHANGES:]):
            named = [seat for seat in seats_in(exchange.agent) if seat in open_seats]
            if named:
                return named
        return []

    @cached_property
    def asked_for_code(self) -> bool:
        """Whether a code is what the caller was asked for."""
        return self.open_question[0] == "code"

    @cached_property
    def code(self) -> str:
        """A confirmation code in what was just said, or ``""``."""
        return find_code(self.now.caller, expected=self.asked_for_code or self._spells())

    def _spells(self) -> bool:
        """Whether somebody without a reservation seems to spell something."""
        if self.reservation:
            return False
        return SPELLING.search(self.words) is not None or is_spelled(self.now.caller)

    @cached_property
    def seat(self) -> str:
        """A seat named in an utterance that is still to be answered, or ``""``."""
        if not self.code:
            found = find_seat(self.now.caller, expected=self.open_question[0] in {"seat_choice", "confirm_seat"})
            if found or self.opened_before:
                return found
        earlier = [] if self.opened_before else self.before[-MAX_OPEN_EXCHANGES:]
        said = [exchange.caller for exchange in reversed(earlier) if not find_code(exchange.caller)]
        return next((seat for text in said if (seat := find_seat(text))), "")

    @cached_property
    def opened_before(self) -> bool:
        """Whether a reservation had been found before this exchange."""
        return any(
            done.name == "lookup_reservation" and outcome(done) == "ok"
            for exchange in self.before
            for done in exchange.rounds
        )

    def rounds(self) -> Iterator[ToolRound]:
        """Every finished tool call of the conversation, newest first."""
        for exchange in reversed(self.conversation.exchanges):
            yield from reversed(exchange.rounds)

    @cached_property
    def reservation(self) -> Reservation | None:
        """The facts of the newest reservation that was found."""
        found = next((r for r in self.rounds() if r.name == "lookup_reservation" and outcome(r) == "ok"), None)
        return Reservation(found.result) if found else None

    @cached_property
    def known_code(self) -> str:
        """The confirmation code in use: just said, looked up before, or remembered."""
        if self.code:
            return self.code
        for done in self.rounds():
            if done.name == "lookup_reservation" and outcome(done) != "not_found":
                return str(done.input.get("confirmation_code", ""))
        said = (find_code(exchange.caller) for exchange in reversed(self.before))
        failed = {
            str(done.input.get("confirmation_code", "")) for done in self.rounds() if outcome(done) == "not_found"
        }
        return next((code for code in (*said, self.persona.remembered_code) if code and code not in failed), "")

    @cached_property
    def current_seat(self) -> str:
        """The passenger's seat, changes of this conversation included."""
        for done in self.rounds():
            if done.name == "change_seat" and outcome(done) == "ok":
                return Reservation(done.result).text("seat") or str(done.input.get("seat", ""))
            if done.name == "lookup_reservation" and outcome(done) == "ok":
                break
        return self.reservation.text("seat") if self.reservation else ""

    @cached_property
    def seats(self) -> list[Seat]:
        """The seats found last, without the passenger's own; empty once one was taken."""
        for done in self.rounds():
            if done.name == "change_seat" and outcome(done) == "ok":
                return []
            refused = done.name == "change_seat" and isinstance(done.result, Mapping) and "alternatives" in done.result
            if done.name == "lookup_available_seats" or refused:
                found = read_seats(done.result["alternatives"] if refused else done.result)
                return [seat for seat in found if seat.number != self.current_seat and self._own_cabin(seat)]
        return []

    def _own_cabin(self, seat: Seat) -> bool:
        booked = self.reservation.text("cabin").lower() if self.reservation else ""
        return not booked or not seat.cabin or seat.cabin == booked

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """Questions still unanswered: those just asked and, until a reservation was found, those before."""
        utterances = [self.now.caller]
        if not self.opened_before:
            utterances = [exchange.caller for exchange in self.conversation.exchanges[-MAX_OPEN_EXCHANGES:]]
        found: list[str] = []
        for utterance in utterances:
            found += [topic for topic in find_topics(normalise(utterance)) if topic not in found]
        return drop_general(found)

    @cached_property
    def preference(self) -> str:
        """The kind of seat asked for in the newest utterance that names one, or ``""``."""
        for exchange in [self.now, *reversed(self.before[-MAX_OPEN_EXCHANGES:])]:
            words = normalise(exchange.caller)
            topics = find_topics(words)
            found = find_preference(words)
            if found and (exchange is self.now or not topics or "seat_change" in topics):
                return found
            if any(done.name == "change_seat" and outcome(done) == "ok" for done in exchange.rounds):
                break
        return ""

    def choose(self, key: str, count: int) -> int:
        """A number below ``count``: the same for the same conversation, another for the next utterance."""
        said = "|".join(exchange.caller for exchange in self.conversation.exchanges)
        return crc32(f"{key}|{said}".encode()) % count
