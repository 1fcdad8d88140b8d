"""What is written down of a handoff, and what the other sides are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.frames import MAX_TOKEN_CHARS, End
from ringfold.core.handoff import (
    MAX_HANDOFFS,
    NOBODY,
    OUTCOMES,
    TOO_OFTEN,
    handoff_data,
    new_handoff,
    note_of,
    refusal,
    whisper,
)
from tests.stage import SNAPSHOT

OPEN = replace(SNAPSHOT, number={"transfer_number": "+15125550190", "language": "en-US"})


@pytest.mark.accept("F7")
@pytest.mark.parametrize("target", ["", "+1", "sip:sales@example.com", "client:x", "anonymous"])
def test_without_a_number_there_is_nobody(target: str) -> None:
    """Only a number that can be dialled is somebody."""
    assert NOBODY == refusal({}, replace(SNAPSHOT, number={"transfer_number": target}))


@pytest.mark.accept("F8")
def test_a_caller_is_not_sent_on_for_ever() -> None:
    """After as many returns as there may be handoffs, the next is refused."""
    told = [refusal({"returned": {"n": n}} if n else {}, OPEN) for n in range(MAX_HANDOFFS + 1)]

    assert [*[""] * MAX_HANDOFFS, TOO_OFTEN] == told


@pytest.mark.accept("K2")
def test_the_payload_says_why_who_and_where() -> None:
    """The fields a human side routes by, the conversation's id among them."""
    asked = {"reason": "Wants a refund", "summary": "Flight OWL-318 is off.", "reason_code": "sensitive_topic"}
    item = {"conversation_id": "conv_1", "handoff": new_handoff({}, {**asked, "department": "billing"})}

    told = json.loads(handoff_data(item, OPEN))

    assert {
        "reason_code": "sensitive_topic",
        "reason": "Wants a refund",
        "summary": "Flight OWL-318 is off.",
        "conversation_id": "conv_1",
        "routing_hints": {"department": "billing", "agent": "Olive", "language": "en-US"},
    } == told


ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=4000) | st.lists(st.text(), max_size=3)


@pytest.mark.accept("E7")
@given(st.dictionaries(st.sampled_from(["reason", "summary", "reason_code", "department"]), ANY))
def test_whatever_the_model_writes_fits_into_the_frame(arguments: dict[str, Any]) -> None:
    """The data is JSON text that an ``end`` frame takes; odd arguments are left out."""
    data = handoff_data({"conversation_id": "conv_1", "handoff": new_handoff({}, arguments)}, OPEN)

    assert len(data) <= MAX_TOKEN_CHARS
    assert data == End(data).handoff_data or json.loads(End(data).handoff_data or "")


@pytest.mark.accept("K4")
def test_the_person_hears_why_and_what() -> None:
    """A sentence each; with nothing to tell, nothing is said."""
    told = whisper({"reason": "Wants a refund", "summary": "Flight is off."}, "SkyOwl")

    assert "A call for SkyOwl. Wants a refund. Flight is off." == told
    assert "" == whisper({}, "SkyOwl")


@pytest.mark.parametrize("outcome", [*OUTCOMES, "levitating"])
def test_the_agent_is_told_what_came_of_it(outcome: str) -> None:
    """In words, also for an outcome Twilio may invent."""
    assert OUTCOMES.get(outcome, OUTCOMES["failed"]) in note_of(outcome)
