"""Agents without the airline's tools: their system prompt is all they know."""

from __future__ import annotations

import pytest

from local.model.dialogue.engine import answer
from local.model.dialogue.persona import read_persona
from tests.local.model.builders import END_CALL, a_request, user
from tests.local.model.dialogue.airline_desk import Player

VOICE_RULES = "You are speaking with a caller in a phone call (channel: voice). Answer in one or two short sentences."
SALES = f"""You are Sol, who sells flights and group travel for SkyOwl Airlines to business customers.
Find out, one question at a time: where to, when, how many travelers, and whether dates are flexible. SkyOwl
flies between Austin, Seattle, Denver, Chicago and Boston. You have no prices and cannot book: collect what is
needed, read it back in one sentence, and say that a colleague sends an offer within one business day.
Never invent a fare or a discount. When the caller is done, use end_call.

{VOICE_RULES}"""
DENTIST = f"""You are Harper at the front desk of Harbor Dental, open weekdays from eight to five at 12 Pier Street.
Take requests for appointments: name, reason, preferred day and time, and whether it hurts; somebody calls back
within the hour to confirm. For strong pain, swelling or bleeding offer the next free slot today and say that
they should go to an emergency room if breathing or swallowing is hard. Give no medical advice and no prices.

{VOICE_RULES}"""
BILLING = f"""You are the billing assistant of Acme Cloud. You help callers with invoices, charges and payment methods.
Our billing office is open Monday to Friday, nine to five. Never take card numbers.

{VOICE_RULES}"""

CONVERSATIONS = {
    "sales asks its list and reads back": (
        SALES,
        """
        CALLER Hi, I'd like to book flights for my team
        AGENT Where would you like to go?
        CALLER to Denver
        AGENT What day and time
        CALLER next Friday morning
        AGENT How many travelers
        CALLER do you fly to Miami?
        AGENT Austin, Seattle, Denver, Chicago and Boston … How many travelers
        CALLER about twelve people
        AGENT Are your dates flexible?
        CALLER yes they are
        AGENT Denver, next Friday morning, twelve people … A colleague sends an offer within one business day
        CALLER how much does it cost
        AGENT no prices
        CALLER no thanks, bye
        TOOL end_call …
        """,
    ),
    "what was told at once is not asked again": (
        SALES,
        """
        CALLER I need to fly to Denver on Monday with 12 people
        AGENT Are your dates flexible?
        """,
    ),
    "a front desk, and its rule for emergencies": (
        DENTIST,
        """
        CALLER Hello, I need an appointment
        AGENT your name?
        CALLER Tom Baker
        AGENT What is it about?
        CALLER a filling fell out
        AGENT What day and time
        CALLER tomorrow morning
        AGENT Does it hurt?
        CALLER yes, and there's swelling
        AGENT next free slot today … emergency room … Somebody calls back within the hour
        CALLER when are you open
        AGENT weekdays from eight to five
        CALLER where are you
        AGENT 12 Pier Street
        """,
    ),
    "billing without a list": (
        BILLING,
        """
        CALLER I need to update my payment method
        AGENT new card
        CALLER it's a new card
        AGENT billing in your account
        CALLER 4111 1111 1111 1111
        AGENT don't read me your card number
        CALLER when are you open
        AGENT Monday to Friday, nine to five
        CALLER who am I speaking to?
        AGENT billing assistant of Acme Cloud
        CALLER no that's everything
        TOOL end_call …
        """,
    ),
}


@pytest.mark.parametrize(("system", "transcript"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_conversations(system: str, transcript: str) -> None:
    """The agent is who its prompt says, asks what it is told to ask, and says what it knows."""
    Player(system=system, tools=[END_CALL]).play(transcript)


@pytest.mark.parametrize(
    ("system", "name", "company", "domain"),
    [
        (SALES, "Sol", "SkyOwl Airlines", "sales"),
        (DENTIST, "Harper", "Harbor Dental", ""),
        (BILLING, "", "Acme Cloud", "billing"),
        ("You are Max, the sales assistant at Acme Cloud.", "Max", "Acme Cloud", "sales"),
        ("You are a support agent for Acme.", "", "Acme", "support"),
        ("Be nice.", "", "", ""),
    ],
)
def test_personas(system: str, name: str, company: str, domain: str) -> None:
    """Name, company and trade are read from the prompt."""
    persona = read_persona(system)

    assert (name, company, domain) == (persona.name, persona.company, persona.domain)


def test_orders_are_not_read_out() -> None:
    """Instructions to the agent are no facts for the caller."""
    assert ("Our billing office is open Monday to Friday, nine to five.",) == read_persona(BILLING).facts


def test_without_any_prompt_there_is_an_answer() -> None:
    """No tools, no persona: still somebody to talk to."""
    assert answer(a_request(user("what do you know about boats?"), system="Be nice.", tools=())).text
