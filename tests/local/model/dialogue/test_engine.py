"""Whole conversations, as transcripts."""

from __future__ import annotations

from copy import deepcopy

import pytest

from local.model.dialogue.engine import answer
from tests.local.model.builders import SMS, VOICE, a_request, a_tool, user
from tests.local.model.dialogue.airline_desk import Desk, Player

GO_ON = "(There was a pause on the line. Continue from where you stopped, without repeating what was said.)"
LOOKUP = 'TOOL lookup_reservation {"confirmation_code": "ABC123"}'
WINDOWS = 'TOOL lookup_available_seats {"flight_number": "OWL-101", "cabin": "economy", "preference": "window"}'

CONVERSATIONS = {
    "a delay, follow-ups, goodbye": f"""
        CALLER Hi, is my flight delayed?
        AGENT confirmation code
        CALLER A B C one two three
        {LOOKUP}
        AGENT Jane … delayed by two hours … 3:45 PM
        CALLER why
        AGENT because of a late arrival of the incoming aircraft
        CALLER when do we land
        AGENT Seattle at 6:20 PM
        CALLER What gate is it?
        AGENT gate B14, terminal 2
        CALLER which seat do I have
        AGENT seat 22E, economy
        CALLER how many bags do I have
        AGENT 1 checked bag
        CALLER what day is it
        AGENT Saturday, November 21
        CALLER thanks, that's all
        TOOL end_call {{"farewell": "Th …
    """,
    "two wishes in one utterance": f"""
        CALLER what's my flight and can I get a window seat
        AGENT confirmation code
        CALLER abc 1-2-3
        {LOOKUP}
        AGENT flight OWL-101 to Seattle … two hours late
        {WINDOWS}
        AGENT 12A and 14F … 12A?
        CALLER 14F please
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14F"}}
        AGENT 14F
        CALLER did that work?
        AGENT you're in 14F
    """,
    "a seat step by step": f"""
        CALLER I would like to change my seat. My confirmation code is ABC123.
        {LOOKUP}
        AGENT indow or … aisle
        CALLER An aisle seat, please.
        TOOL lookup_available_seats {{"flight_number": "OWL-101", "cabin": "economy", "preference": "aisle"}}
        AGENT 14C … move you to 14C
        CALLER Yes, please take that one.
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14C"}}
        AGENT 14C
        CALLER what was my old seat
        AGENT 22E before … 14C
    """,
    "a seat named outright is confirmed first": f"""
        CALLER I need to move from 22E to fourteen F
        AGENT confirmation code
        CALLER A as in apple, B as in boy, C as in cat, 1, 2, 3
        {LOOKUP}
        AGENT two hours late
        TOOL lookup_available_seats {{"flight_number": "OWL-101", "cabin": "economy"}}
        AGENT 14F … move you to 14F
        CALLER no
        AGENT 22E
    """,
    "the seat is taken meanwhile": f"""
        CALLER ABC123, can I sit by the window
        {LOOKUP}
        AGENT two hours late
        {WINDOWS}
        AGENT 12A
        CALLER the second one
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14F"}}
        AGENT 14F
    """,
    "the caller changes their mind": f"""
        CALLER ABC123 please, any aisle seats left?
        {LOOKUP}
        AGENT two hours late
        TOOL lookup_available_seats {{"flight_number": "OWL-101", "cabin": "economy", "preference": "aisle"}}
        AGENT 14C
        CALLER no, what about a window
        {WINDOWS}
        AGENT 12A and 14F
        CALLER never mind
        AGENT …
    """,
    "a wrong code, then the right one": f"""
        CALLER Where is my gate, my code is A B C 1 2 4
        TOOL lookup_reservation {{"confirmation_code": "ABC124"}}
        AGENT A B C 1 2 4
        CALLER sorry, it's ABC123
        {LOOKUP}
        AGENT two hours late … gate B14
    """,
    "no code at hand": f"""
        CALLER this is ridiculous, my flight is late again
        AGENT sorry … confirmation code
        CALLER I don't have my code
        AGENT booking e-mail
        CALLER okay, found it, one second
        AGENT …
        CALLER ay bee see one two three
        {LOOKUP}
        AGENT delayed by two hours
    """,
    "a name first": f"""
        CALLER hello, my name is Jane Smith
        AGENT Jane … confirmation code
        CALLER abc 12
        AGENT A B C 1 2
        CALLER alpha bravo charlie one two three
        {LOOKUP}
        AGENT OWL-101
    """,
    "what cannot be done is said": f"""
        CALLER abc123, I want a refund
        {LOOKUP}
        AGENT non-refundable
        CALLER then rebook me on another flight
        AGENT OWL-105 today at 6:30 PM … can't rebook you myself
        CALLER I want a hotel voucher
        AGENT can't decide
        CALLER let me talk to a human
        AGENT can't
    """,
    "talk that is no question": """
        CALLER hello
        AGENT SkyOwl Airlines
        CALLER are you a real person?
        AGENT Skye … automated assistant
        CALLER how are you
        AGENT thank
        CALLER what can you do
        AGENT seat
        CALLER tell me a joke
        AGENT your flight
        CALLER hola
        AGENT English
        CALLER hmm
        AGENT …
        CALLER asdf qwer zxcv
        AGENT …
    """,
    "cut short and continued": f"""
        CALLER ABC123, is it on time?
        {LOOKUP}
        AGENT delayed by two hours
        HEARD Hi Jane. I'm sorry, flight OWL-101 to Sea
        CALLER {GO_ON}
        AGENT Seattle is delayed by two hours
    """,
    "cut short, then asked again": f"""
        CALLER ABC123, is it on time?
        {LOOKUP}
        AGENT delayed by two hours
        HEARD Hi Jane. I'm sorry, flight OWL-101 to Sea
        CALLER wait, stop
        AGENT …
        CALLER wait, what gate?
        AGENT gate B14
    """,
    "say that again": f"""
        CALLER ABC123, what gate
        {LOOKUP}
        AGENT gate B14
        HEARD Hi Jane. I'm sorry, flight OWL-
        CALLER sorry, what?
        AGENT gate B14
    """,
    "keys": f"""
        CALLER (The caller pressed these keys: 1 2 3 4 #)
        AGENT 1 2 3 4
        CALLER ABC123, I'd like a window seat
        {LOOKUP}
        AGENT two hours late
        {WINDOWS}
        AGENT 12A
        CALLER (The caller pressed these keys: 1)
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "12A"}}
        AGENT 12A
    """,
    "the line is opened by us": """
        CALLER (The caller is on the line.)
        AGENT SkyOwl Airlines
    """,
}  # fmt: skip


@pytest.mark.parametrize("spoken", [False, True], ids=["written", "spoken"])
@pytest.mark.parametrize("transcript", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_conversations(transcript: str, spoken: bool) -> None:
    """The dialogue keeps to the transcript, whether its own words come back as it wrote them or as they were said."""
    Player(spoken=spoken).play(transcript)


UNREACHABLE = ({"error": "timeout"}, "error")
UNKNOWN = ({"error": "outcome unknown: the connection to the tool was lost; check before repeating it"}, "error")
TAKEN = ({"changed": False, "error": "seat 14F is taken", "seat": "22E", "alternatives": [{"seat": "12A"}]}, "success")

TROUBLE = {
    "the lookup fails, then works": (
        Desk(broken={"lookup_reservation": [UNREACHABLE]}),
        f"""
        CALLER ABC123, what gate is it?
        {LOOKUP}
        AGENT booking system … Shall I try
        CALLER yes please
        {LOOKUP}
        AGENT gate B14
        """,
    ),
    "a tool returns nonsense": (
        Desk(broken={"lookup_reservation": [({"value": None}, "success"), ({}, "success")]}),
        f"""
        CALLER my code is ABC123
        {LOOKUP}
        AGENT …
        CALLER ABC123
        {LOOKUP}
        AGENT booking system
        """,
    ),
    "a change of unknown outcome is verified, not repeated": (
        Desk(broken={"change_seat": [UNKNOWN]}),
        f"""
        CALLER ABC123, a window seat please
        {LOOKUP}
        AGENT two hours late
        {WINDOWS}
        AGENT 12A
        CALLER yes
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "12A"}}
        {LOOKUP}
        AGENT didn't go through … 22E
        """,
    ),
    "a seat that is taken": (
        Desk(broken={"change_seat": [TAKEN]}),
        f"""
        CALLER ABC123, a window seat please
        {LOOKUP}
        AGENT two hours late
        {WINDOWS}
        AGENT 12A
        CALLER 14F
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "14F"}}
        AGENT 14F … taken … 12A?
        CALLER okay
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "12A"}}
        AGENT 12A
        """,
    ),
    "the change fails": (
        Desk(broken={"change_seat": [UNREACHABLE]}),
        f"""
        CALLER ABC123, a window seat please
        {LOOKUP}
        AGENT two hours late
        {WINDOWS}
        AGENT 12A
        CALLER yes
        TOOL change_seat {{"confirmation_code": "ABC123", "seat": "12A"}}
        AGENT nothing was changed
        """,
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoken", [False, True], ids=["written", "spoken"])
@pytest.mark.parametrize(("desk", "transcript"), TROUBLE.values(), ids=TROUBLE)
def test_tools_in_trouble(desk: Desk, transcript: str, spoken: bool) -> None:
    """A tool that fails, lies or vanishes is spoken of honestly, and never called twice for one effect."""
    Player(deepcopy(desk), spoken=spoken).play(transcript)


def test_a_text_has_the_details_inline() -> None:
    """A texted answer holds code, seat and gate, without a word before the lookup."""
    player = Player(system=SMS)

    player.play(f"""
        CALLER What's the status of my flight OWL-101?
        AGENT confirmation code
        CALLER ABC123
        {LOOKUP}
        AGENT delayed by two hours … confirmation ABC123, seat 22E, gate B14
    """)


def test_memory_spares_the_question_for_the_code() -> None:
    """A code in the system prompt's memory is used, a preference too, and no example is taken for memory."""
    memory = "\n\nWhat is known about the caller:\n- Jane Smith has confirmation ABC123\n- She prefers window seats"

    Player(system=VOICE + memory).play(f"""
        CALLER can I change my seat
        {LOOKUP}
        AGENT window
        CALLER yes
        {WINDOWS}
        AGENT 12A and 14F
    """)
    Player(system=f"{VOICE}\n\nCodes have six characters, such as ABC123.").play("""
        CALLER can I change my seat
        AGENT confirmation code
    """)


def test_a_call_back_goes_on() -> None:
    """The end of a call that was cut off, quoted in the system prompt, is where the next one begins."""
    quoted = (
        "\n\nThe caller was cut off moments ago and has called back. The end of that conversation, as a quotation and "
        "not as instructions:\ncaller: my code is A B C one two three\nagent: Thanks, Jane. It leaves\n"
        "Pick up where it stopped."
    )

    Player(system=VOICE + quoted).play(f"""
        CALLER hello? can you hear me
        AGENT go on with your reservation?
        CALLER yes
        {LOOKUP}
        AGENT OWL-101
    """)


def test_a_person_is_reached_where_that_is_possible() -> None:
    """With a transfer tool, asking for a person calls it, with a reason and what was said."""
    player = Player(
        tools=[a_tool("transfer_call", ["reason", "summary"]), a_tool("lookup_reservation", ["confirmation_code"])]
    )

    player.play("""
        CALLER get me a human
        TOOL transfer_call {"reason": "The caller asked for a person", "summary": "The caller said: get me a human"}
    """)


def test_farewells_without_a_tool_are_words() -> None:
    """An agent that cannot hang up says goodbye in words."""
    reply = answer(a_request(user("bye"), tools=()))

    assert "oodbye" in reply.text
    assert () == reply.calls


def test_the_greeting_can_be_repeated() -> None:
    """What the caller heard before the first turn is known from the system prompt."""
    told = '\n\nThe call was opened with this greeting, which the caller heard: "Hi, this is SkyOwl Airlines."'

    assert "Hi, this is SkyOwl Airlines." == answer(a_request(user("pardon?"), system=VOICE + told)).text


def test_wording_varies_with_the_conversation() -> None:
    """Different callers hear different words for the same, the same caller always the same."""
    questions = ["is my flight late", "is my flight delayed", "am I delayed", "is it on time", "flight status please"]

    texts = [answer(a_request(user(question))).text for question in questions]

    assert len(set(texts)) > 1
    assert texts == [answer(a_request(user(question))).text for question in questions]


@pytest.mark.parametrize(
    "words", ["", "yes", "no", "14F", "window", "the first one", "1", "why", "thanks", "so?", "ABC"]
)
def test_any_first_word_gets_an_answer(words: str) -> None:
    """However a caller begins, something is said or done."""
    reply = answer(a_request(user(words or "(The caller is on the line.)")))

    assert reply.text or reply.calls
