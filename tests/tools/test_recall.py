"""The tool that looks in what is remembered: of this person, in this organization, the nearest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfold.adapters.people import People
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.memory import Observation, Summary
from ringfold.core.profiles import Identity, Profile
from ringfold.tools.recall import Recall
from ringfold.tools.registry import ToolContext
from tests.aws import Aws

NOW = 1_800_000_000
PHONE = "+15125551234"
CONTEXT = ToolContext(OrganizationId("org_1"), ConversationId("conv_1"), PHONE)


@pytest.fixture
def tool(aws: Aws) -> Recall:
    """Jane, of whom a few things are remembered."""
    people = People(aws.client("dynamodb"), aws.table, clock=lambda: NOW)
    people.create(Profile("prf_1", "org_1", "Jane", (Identity("phone", PHONE),)))
    person = people.load("org_1", "prf_1")
    assert person is not None
    facts = [
        Observation(f"obs_{n}", text, "fact", subject, 0.9, text, ("conv_0",), NOW * 1000, NOW * 1000)
        for n, (text, subject) in enumerate((("Is vegetarian.", "diet"), ("Lost a suitcase in May.", "luggage")))
    ]
    ended = Summary("conv_0", "voice", "She asked for a refund.", NOW * 1000)
    memory = replace(person.memory, observations=tuple(facts), summaries=(ended,))
    people.save(replace(person, memory=memory), facts, [ended])
    return Recall(aws.client("dynamodb"), aws.table, clock=lambda: NOW)


@pytest.mark.accept("H8")
@pytest.mark.parametrize(("about", "first"), [("the bag", "Lost a suitcase in May."), ("a meal", "Is vegetarian.")])
def test_it_finds_what_it_is_about(tool: Recall, about: str, first: str) -> None:
    """The nearest first, and all within its budget."""
    found = tool.look({"about": about}, CONTEXT)

    assert found["known"]
    assert f"Fact: {first}" == next(line for line in found["notes"] if line.startswith("Fact"))


@pytest.mark.accept("G15")
@pytest.mark.parametrize(
    "context",
    [
        replace(CONTEXT, organization_id=OrganizationId("org_2")),
        replace(CONTEXT, caller_number="+15125559999"),
        replace(CONTEXT, caller_number=""),
    ],
    ids=["another organization", "another person", "withheld"],
)
def test_nobody_elses_is_found(tool: Recall, context: ToolContext) -> None:
    """And it says so."""
    found = tool.look({"about": "the bag"}, context)

    assert not found["known"]
    assert "suitcase" not in str(found)
