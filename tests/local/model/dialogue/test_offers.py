"""Answers to an offer that comes back as it was spoken, whole and cut short: as in a call."""

from __future__ import annotations

from typing import Any

import pytest

from local.model.dialogue.engine import answer
from local.model.dialogue.reply import Call
from ringfold.core.speech import Shaper
from tests.local.model.builders import a_request, assistant, tool_result, tool_use, user
from tests.local.model.dialogue.airline_desk import JANE, Desk, Player

LOOKUP = 'TOOL lookup_reservation {"confirmation_code": "ABC123"}'
AISLES = 'TOOL lookup_available_seats {"flight_number": "OWL-101", "cabin": "economy", "preference": "aisle"}'
OPEN = [{"seat": "11C", "type": "aisle"}, {"seat": "14C", "type": "aisle"}]
WINDOWS = [{"seat": "5A", "type": "window"}, {"seat": "12A", "type": "window"}, {"seat": "14F", "type": "window"}]
OFFER = "11C and 14C are free on the aisle. Would you like me to move you to 11C?"
LONG_OFFER = "5A, 12A and 14F are free by the window. Which would you like?"


def shaped(text: str) -> str:
    """What is spoken of a text."""
    shaper = Shaper()
    return shaper.feed(text) + shaper.finish()


def words_heard(text: str) -> list[str]:
    """Every beginning of what is spoken that ends with a word, the whole of it last."""
    words = shaped(text).split()
    return [" ".join(words[:count]) for count in range(1, len(words) + 1)]


def asked_about_seats(heard: str, seats: list[dict[str, str]], caller: str, kind: str = "aisle") -> Any:
    """The reply to a caller who heard this of an offer of these seats."""
    return answer(
        a_request(
            user("I would like to change my seat. My confirmation code is ABC123."),
            tool_use("t1", confirmation_code="ABC123"),
            tool_result("t1", JANE),
            assistant("Happy to. Window or aisle?"),
            user(f"{kind}, please."),
            tool_use("t2", "lookup_available_seats", flight_number="OWL-101", preference=kind),
            tool_result("t2", {"found": True, "seats": seats}),
            assistant(heard),
            user(caller),
        )
    )


def taken(reply: Any) -> str:
    """The seat that a reply takes, or what it says or does instead."""
    if [Call("change_seat", {"confirmation_code": "ABC123", "seat": "11C"})] == list(reply.calls):
        return "11C"
    return next((str(call.input.get("seat", call.name)) for call in reply.calls), reply.text)


ANSWERS = {
    "Yes, please.": "11C",
    "yes": "11C",
    "Yeah, that works.": "11C",
    "Sure, go ahead.": "11C",
    "I'll take it.": "11C",
    "I'll take that one, thanks.": "11C",
    "The first one, please.": "11C",
    "Yes, please, the first one.": "11C",
    "the first one, I think": "11C",
    "Yes, please. Any of those is fine.": "11C",
    "Either is fine.": "11C",
    "I don't care": "11C",
    "no preference": "11C",
    "Yes, the aisle is fine.": "11C",
    "11 C, please.": "11C",
    "eleven C": "11C",
    "row eleven": "11C",
    "the second one": "14C",
    "The other one, please.": "14C",
    "number two": "14C",
    "Yes, and the last one, please.": "14C",
    "Second, please.": "14C",
    "14 C": "14C",
    "the one further back": "14C",
}


@pytest.mark.parametrize(("caller", "seat"), ANSWERS.items(), ids=ANSWERS)
@pytest.mark.parametrize("offer", [OFFER, shaped(OFFER)], ids=["written", "spoken"])
def test_an_offer_is_answered(offer: str, caller: str, seat: str) -> None:
    """However a caller agrees or chooses, it is understood, in whatever shape the offer comes back."""
    assert seat == taken(asked_about_seats(offer, OPEN, caller))


REFUSALS = {
    "No, thanks.": "stay in 22E|leave you in 22E",
    "no, a window": "lookup_available_seats",
    "No, any other seat?": "lookup_available_seats",
    "do you have anything else?": "lookup_available_seats",
    "hold on a second": "ahead|listening|No problem",
    "first tell me what gate it is": "gate B14",
}


@pytest.mark.parametrize(("caller", "instead"), REFUSALS.items(), ids=REFUSALS)
def test_an_offer_is_declined(caller: str, instead: str) -> None:
    """Whoever wants none of them, or asks on, keeps their seat."""
    found = taken(asked_about_seats(shaped(OFFER), OPEN, caller))

    assert any(part in found for part in instead.split("|")), found


@pytest.mark.parametrize(
    ("caller", "seat"),
    [
        ("Yes please", "5A"),
        ("any", "5A"),
        ("Any of those is fine.", "5A"),
        ("whatever you have at the back", "14F"),
        ("the third one", "14F"),
        ("12 A", "12A"),
        ("twelve", "12A"),
        ("(The caller pressed these keys: 2)", "12A"),
    ],
)
def test_a_longer_offer_is_answered(caller: str, seat: str) -> None:
    """Of a longer list the first one is taken without asking again, unless another one was chosen."""
    assert seat == taken(asked_about_seats(shaped(LONG_OFFER), WINDOWS, caller, "window"))


@pytest.mark.parametrize("heard", words_heard(OFFER))
@pytest.mark.parametrize("caller", ["Yes, please.", "Yes, please. Any of those is fine.", "The first one, please."])
def test_an_offer_cut_anywhere_is_answered(caller: str, heard: str) -> None:
    """Once a seat was heard, agreeing takes it; before that the offer is made again, and never is it not understood."""
    found = taken(asked_about_seats(heard, OPEN, caller))

    if heard == "11" and caller == "Yes, please.":
        assert "11C and 14C" in found or "11C?" in found
    else:
        assert "11C" == found


@pytest.mark.parametrize("heard", [heard for heard in words_heard(OFFER) if "14 C" in heard])
@pytest.mark.parametrize("caller", ["the second one", "fourteen C please", "14 C"])
def test_the_second_of_a_cut_offer(caller: str, heard: str) -> None:
    """The second seat can be chosen as soon as it was told."""
    assert "14C" == taken(asked_about_seats(heard, OPEN, caller))


def test_listening_lets_the_agent_finish() -> None:
    """Somebody who only shows that they listen agrees to nothing before the question has begun."""
    reply = asked_about_seats("11 C and 14 C are", OPEN, "uh huh")

    assert () == reply.calls


CALLS = {
    "a seat, thanks, goodbye": f"""
        CALLER I would like to change my seat. My confirmation code is ABC123.
        {LOOKUP}
        AGENT indow or … aisle
        CALLER An aisle seat, please.
        {AISLES}
        AGENT 14C … move you to 14C
        CALLER Yes, please.
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14C"}}
        AGENT 14C
        CALLER Which seat do I have now?
        AGENT 14C
        CALLER thanks, goodbye
        TOOL end_call {{"farewell": "Th …
    """,
    "cut in the question": f"""
        CALLER Can I get an aisle seat? It's ABC123.
        {LOOKUP}
        AGENT two hours late
        {AISLES}
        AGENT 14C
        HEARD 14C is open on the aisle. Shall I move
        CALLER Yes, please.
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14C"}}
        AGENT 14C
    """,
    "cut in the choice of a kind": f"""
        CALLER I would like to change my seat. My confirmation code is ABC123.
        {LOOKUP}
        AGENT indow or … aisle
        HEARD I'm sorry, flight OWL-101 to Seattle is running two hours late; it now leaves at 3:45 PM. Happy to. Window
        CALLER aisle
        {AISLES}
        AGENT 14C
        CALLER The first one, please.
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14C"}}
        AGENT 14C
    """,
    "cut before the choice of a kind": f"""
        CALLER I would like to change my seat. My confirmation code is ABC123.
        {LOOKUP}
        AGENT indow or … aisle
        HEARD I'm sorry, flight OWL-101 to Seattle is running two hours late; it now leaves at 3:45 PM. Happy to.
        CALLER aisle
        {AISLES}
        AGENT 14C
        HEARD 14
        CALLER 14 C, please.
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14C"}}
        AGENT 14C
    """,
    "cut, a word between, then chosen": f"""
        CALLER I'd like a window seat, code ABC123
        {LOOKUP}
        AGENT two hours late
        TOOL lookup_available_seats {{"flight_number": "OWL-101", "cabin": "economy", "preference": "window"}}
        AGENT 12A and 14F
        CALLER hold on a second
        AGENT …
        CALLER okay, the second one
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14F"}}
        AGENT 14F
    """,
    "cut in the flight's number, then continued": f"""
        CALLER ABC123, is it on time?
        {LOOKUP}
        AGENT delayed by two hours
        HEARD Hi Jane. I'm sorry, flight OWL-101
        CALLER go on
        AGENT to Seattle is delayed by two hours
    """,
}  # fmt: skip


@pytest.mark.parametrize("transcript", CALLS.values(), ids=CALLS)
def test_calls(transcript: str) -> None:
    """Whole calls, the agent's turns coming back as they were spoken and heard."""
    Player(Desk(), spoken=True).play(transcript)
