"""Conversations are taken in over real tables: once, only what the person said, whichever way they came."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.adapters.conversations import Conversations, places
from ringfold.adapters.directory import Directory, agent_key, conversation_key
from ringfold.adapters.people import People, Person
from ringfold.adapters.transcripts import Transcripts
from ringfold.core.agent import Agent
from ringfold.core.answering import Round
from ringfold.core.commands import ModelCalled
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.memory import RECORD
from ringfold.core.profiles import Identity
from ringfold.errors import ConfigError, DependencyError
from ringfold.service.insights import Insights, read_message
from tests.aws import Aws
from tests.texts_world import ACCOUNT, CONTACT, NUMBER, THREAD, TextWorld, build
from tests.world import World, world

__all__ = ["world"]

ORG = "org_skyowl"
VEGETARIAN = {
    "text": "Is vegetarian.",
    "kind": "fact",
    "subject": "diet",
    "confidence": 0.9,
    "quote": "I am vegetarian",
}
SAID = [
    {"role": "agent", "text": "Hi, how can I help?", "greeting": True},
    {"role": "caller", "text": "I'm Jane and I am vegetarian."},
    {"role": "agent", "text": "Noted, Jane."},
]


@dataclass
class Model:
    """Records what it is told to.

    Attributes:
        answers: The next ones: arguments of the tool, words, or ``None`` for a model that fails.
        meanwhile: Done while it thinks.
    """

    answers: list[Any] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def ask(self, _agent: Agent | None, request: Mapping[str, Any]) -> Round:
        self.asked.append(request)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        answer = self.answers.pop(0) if self.answers else recorded()
        if answer is None:
            return Round(failure="Throttled")
        if isinstance(answer, str):
            return Round(said=answer, reason="end_turn")
        return Round(calls=(ModelCalled(0, "t1", RECORD, json.dumps(answer)),), reason="tool_use")

    @property
    def told(self) -> list[str]:
        return [each["messages"][0]["content"][0]["text"] for each in self.asked]


def recorded(*observations: Any, **more: Any) -> dict[str, Any]:
    found = observations or (VEGETARIAN,)
    return {"name": "Jane", "summary": "She likes no meat.", "unfinished": "", "observations": [*found], **more}


@dataclass
class Desk:
    """Takes conversations in, and looks at what came of it."""

    them: TextWorld
    model: Model = field(default_factory=Model)
    ids: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def people(self) -> People:
        return People(self.them.world.dynamodb, self.them.world.aws.table, clock=self.them.world.clock)

    @property
    def insights(self) -> Insights:
        return Insights(
            directory=Directory(self.them.world.dynamodb, self.them.world.aws.table),
            people=self.people,
            conversations=Conversations(
                self.them.world.dynamodb, self.them.world.aws.table, clock=self.them.world.clock
            ),
            store=self.them.store,
            asker=self.model,
            new_id=lambda kind: f"{kind}_{next(self.ids)}",
            log=self.them.world.log(),
        )

    def held(self, conversation_id: str = "conv_1", caller: str = CONTACT, said: Any = SAID, day: int = 1) -> str:
        """A call that is over."""
        key = conversation_key(OrganizationId(ORG), ConversationId(conversation_id))
        item = {
            "pk": key[0],
            "sk": key[1],
            "caller_number": caller,
            "agent_id": "agt_skyowl_airline",
            "created_at": f"2026-12-0{day}T10:00:00.000Z",
            "state": "active",
            "channel": "voice",
            "conversation_id": conversation_id,
            "organization_id": ORG,
            "agent_number": NUMBER,
        }
        contact = "" if caller == "anonymous" else caller
        for place in places(ORG, contact, conversation_id, 1_796_119_200_000 + 86_400_000 * (day - 1)):
            self.them.world.dynamodb.put_item(TableName=self.them.world.aws.table, Item=codec.dump_item(place))
        self.them.world.dynamodb.put_item(TableName=self.them.world.aws.table, Item=codec.dump_item(item))
        keeper = Transcripts(self.them.world.dynamodb, self.them.world.aws.table)
        keeper.keep(ORG, conversation_id, "caller_hung_up", said, 0)
        return conversation_id

    def person(self, organization: str = ORG, number: str = CONTACT) -> Person | None:
        profile_id = self.people.find(organization, Identity("phone", number))
        return self.people.load(organization, profile_id) if profile_id else None

    def facts(self) -> list[str]:
        person = self.person()
        return [each.text for each in person.memory.observations if not each.superseded_by] if person else []

    def reasons(self) -> list[str]:
        return [line["reason"] for line in self.them.world.lines if line["message"] == "conversation not remembered"]


@pytest.fixture
def desk(world: World, aws: Aws) -> Desk:
    return Desk(build(world, aws))


@pytest.mark.accept("H1", "H2", "H3", "H14")
def test_a_call_is_remembered(desk: Desk) -> None:
    """A profile by the caller's number, the fact with its conversation, the summary, the name."""
    desk.insights.call(ORG, desk.held())

    person = desk.person()
    assert person is not None
    (fact,), (summary,) = person.memory.observations, person.memory.summaries
    assert ("Jane", "Is vegetarian.", ("conv_1",), "I am vegetarian") == (
        person.profile.name,
        fact.text,
        fact.conversations,
        fact.quote,
    )
    assert ("She likes no meat.", "voice", "conv_1") == (summary.text, summary.channel, summary.conversation_id)
    assert "caller: I'm Jane and I am vegetarian.\nagent: Noted, Jane." in desk.model.told[0]
    assert desk.person("org_harbor") is None


def test_a_call_taken_in_twice_is_remembered_once(desk: Desk) -> None:
    """At once or in turn: the model is asked once."""
    conversation_id = desk.held()
    desk.model.meanwhile = [lambda: desk.insights.call(ORG, conversation_id)]

    desk.insights.call(ORG, conversation_id)
    desk.insights.call(ORG, conversation_id)

    person = desk.person()
    assert person is not None
    assert (1, 1, 1) == (len(person.memory.observations), len(person.memory.summaries), len(desk.model.asked))


def test_two_conversations_at_once_lose_nothing(desk: Desk) -> None:
    """The one that is late reads the profile again; the model is not asked again."""
    desk.held("conv_2", said=[{"role": "caller", "text": "I live in Austin."}], day=2)
    austin = {**VEGETARIAN, "text": "Lives in Austin.", "subject": "home", "quote": "I live in Austin"}
    desk.model.answers = [recorded(austin, name=""), recorded()]
    desk.model.meanwhile = [lambda: desk.insights.call(ORG, "conv_2")]

    desk.insights.call(ORG, desk.held())

    assert {"Is vegetarian.", "Lives in Austin."} == set(desk.facts())
    assert 2 == len(desk.model.asked)


@pytest.mark.accept("H14")
def test_a_later_call_corrects_an_earlier_one(desk: Desk) -> None:
    """The old fact is kept with what superseded it."""
    vegan = {**VEGETARIAN, "text": "Is vegan.", "quote": "I am vegan now"}
    desk.model.answers = [recorded(), recorded(vegan)]

    desk.insights.call(ORG, desk.held())
    desk.insights.call(ORG, desk.held("conv_2", said=[{"role": "caller", "text": "I am vegan now."}], day=2))

    person = desk.person()
    assert person is not None
    old, new = person.memory.observations
    assert (["Is vegan."], new.observation_id) == (desk.facts(), old.superseded_by)


@pytest.mark.accept("H2", "I1")
def test_texts_are_remembered_when_they_are_quiet(desk: Desk) -> None:
    """Not while more comes; then what is new since the last time, into the same profile as the calls."""
    them = desk.them
    them.text("I am vegetarian, by the way.")
    them.replies().answer(THREAD, ACCOUNT)
    ((thread, seen),) = them.quiet
    them.text("And I need a seat.")

    desk.insights.quiet(thread, seen)
    assert (["goes on"], []) == (desk.reasons(), desk.model.asked)

    them.replies().answer(THREAD, ACCOUNT)
    desk.insights.quiet(*them.quiet[-1])
    them.text("My name is Jane.")
    them.replies().answer(THREAD, ACCOUNT)
    desk.insights.quiet(*them.quiet[-1])
    desk.insights.quiet(*them.quiet[-1])
    desk.insights.call(ORG, desk.held())

    first, second, _ = desk.model.told
    assert ["vegetarian" in first, "seat" in first, "Jane" in first] == [True, True, False]
    assert ["vegetarian" in second, "Jane" in second] == [False, True]
    assert "taken already" == desk.reasons()[-1]
    person = desk.person()
    assert person is not None
    assert ["sms", "sms", "voice"] == sorted(each.channel for each in person.memory.summaries)


@pytest.mark.accept("H12", "L2")
def test_memory_can_be_off(desk: Desk) -> None:
    """Nothing is asked, nothing kept, nothing told."""
    desk.insights.call(ORG, desk.held())
    desk.them.world.change(agent_key("org_skyowl", "agt_skyowl_airline"), doc={"memory": False})

    desk.insights.call(ORG, desk.held("conv_2", day=2))
    desk.them.text("Hello")
    desk.them.replies().answer(THREAD, ACCOUNT)

    assert 1 == len(desk.model.asked)
    assert [] == desk.them.quiet
    assert () == desk.them.writer.told[-1].memory


@pytest.mark.accept("H4", "H5", "H8")
def test_what_is_remembered_is_told_to_the_next_text(desk: Desk) -> None:
    """In the system prompt's part of the request, the nearest to what was asked first."""
    seat = {**VEGETARIAN, "text": "Prefers aisle seats.", "kind": "preference", "subject": "seat", "quote": "the aisle"}
    said = [{"role": "caller", "text": "I'm Jane, I am vegetarian and I like the aisle."}]
    desk.model.answers = [recorded(seat, VEGETARIAN)]
    desk.insights.call(ORG, desk.held(said=said))

    for question in ("What meals do you have?", "Which seat is mine?"):
        desk.them.text(question)
        desk.them.replies().answer(THREAD, ACCOUNT)

    lines = [[line for line in told.memory if not line.startswith("Earlier")] for told in desk.them.writer.told]
    assert [
        ["Name: Jane", "Fact: Is vegetarian.", "Preference: Prefers aisle seats."],
        ["Name: Jane", "Preference: Prefers aisle seats.", "Fact: Is vegetarian."],
    ] == lines


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"caller": "anonymous"}, "anonymous"),
        ({"caller": "+266696687"}, "anonymous"),
        ({"said": [{"role": "agent", "text": "Hello?"}]}, "nothing was said"),
    ],
)
def test_what_is_nobodys_is_not_remembered(desk: Desk, changes: dict[str, Any], reason: str) -> None:
    """No caller, no words, no transcript."""
    desk.insights.call(ORG, desk.held(**changes))
    desk.insights.call(ORG, "conv_none")

    assert [reason, "no transcript"] == desk.reasons()
    assert [] == desk.model.asked


def test_a_model_that_fails_is_asked_again_later(desk: Desk) -> None:
    """The queue delivers again; one that only talks still gives a summary."""
    desk.model.answers = [None, "She is vegetarian."]
    conversation_id = desk.held()

    with pytest.raises(DependencyError):
        desk.insights.call(ORG, conversation_id)
    desk.insights.call(ORG, conversation_id)

    person = desk.person()
    assert person is not None
    assert ([], ["She is vegetarian."]) == (desk.facts(), [each.text for each in person.memory.summaries])


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"kind": "other"}'])
def test_a_message_that_is_none_of_ours_is_said_to_be_none(body: str) -> None:
    """It ends in the dead-letter queue."""
    with pytest.raises(ConfigError):
        read_message(body)
