"""Writing an answer as a whole, over a scripted model and real tools."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ringfold.adapters.threads import Threads
from ringfold.channels.sms import SMS
from ringfold.core.agent import Agent
from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.core.session import Snapshot
from ringfold.log import Log
from ringfold.service.answerer import Answerer
from ringfold.service.toolrunner import ToolRunner
from ringfold.tools.registry import Registry, Tool, ToolContext

AGENT = Agent(AgentId("agt_1"), OrganizationId("org_1"), "Olive", "Be kind.", tools=("look", "slow", "end_call"))
SNAPSHOT = Snapshot(agent=AGENT, caller_number="+15125551234", agent_number="+15125550100")
QUESTION = [{"role": "user", "content": [{"text": "Where is it?"}]}]
DONE = ModelStopped(0, "end_turn")


class Stream:
    def __init__(self) -> None:
        self.sent = threading.Event()
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Script:
    """A model that answers one request after another; ``"hang"`` does not until it is closed."""

    def __init__(self, answers: Sequence[Any], asked: list[dict[str, Any]] | None = None) -> None:
        self.answers, self.asked, self.models = list(answers), asked if asked is not None else [], list[str]()
        self.streams: list[Stream] = []

    def stream(self, _number: int) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]

    def run(self, stream: Stream, model_id: str, request: Mapping[str, Any], emit: Callable[[Any], None]) -> None:
        self.asked.append(json.loads(json.dumps(request)))
        self.models.append(model_id)
        answer = self.answers.pop(0)
        if answer == "hang":
            stream.closed.wait(10)
            return
        for outcome in answer:
            emit(outcome)

    def warm(self) -> None: ...


def build(model: Script, *tools: Tool, patience_s: float = 5.0) -> Answerer:
    threads, log = Threads(), Log("ERROR", lambda _line: None)
    runner = ToolRunner(Registry.of(list(tools)), threads, log, channel=SMS.name)
    return Answerer(SMS, model, runner, threads, ("first", "second"), log, patience_s)


def tool(name: str, run: Callable[[Mapping[str, Any], ToolContext], object]) -> Tool:
    return Tool(name, "A tool.", {"type": "object", "properties": {}}, run)


@pytest.mark.accept("G1", "G4")
def test_an_answer_is_written_with_what_the_tools_say() -> None:
    """Two tools of one round run side by side; one request each round."""
    meeting = threading.Barrier(2)

    def look(_arguments: Mapping[str, Any], context: ToolContext) -> object:
        meeting.wait(5)
        return {"for": context.caller_number, "key": len(context.idempotency_key)}

    calls = [ModelCalled(0, "t1", "look", "{}"), ModelCalled(0, "t2", "slow", "{}"), ModelStopped(0, "tool_use")]
    model = Script([calls, [ModelSaid(0, "It is at gate B14."), DONE]])

    written = build(model, tool("look", look), tool("slow", look)).answer(SNAPSHOT, QUESTION, "cnv_1")

    assert ("It is at gate B14.", "", 2, ("look", "slow")) == (
        written.text,
        written.failure,
        written.rounds,
        written.tools,
    )
    results = [each["toolResult"] for each in model.asked[1]["messages"][-1]["content"]]
    assert [{"for": "+15125551234", "key": 32}] * 2 == [each["content"][0]["json"] for each in results]


@pytest.mark.accept("N1")
@pytest.mark.parametrize(
    "first", [[ModelFailed(0, "ThrottlingException")], [DONE], [ModelSaid(0, "half")], "hang"], ids=str
)
def test_the_second_model_answers_where_the_first_does_not(first: Any) -> None:
    """Throttled, empty, broken off, or silent: its stream is closed."""
    model = Script([first, [ModelSaid(0, "Here."), DONE]])

    written = build(model, patience_s=0.3).answer(SNAPSHOT, QUESTION, "cnv_1")

    assert ("Here.", ["first", "second"]) == (written.text, model.models)
    assert first != "hang" or model.streams[0].closed.is_set()


def test_the_agents_own_models_are_asked() -> None:
    """Where it names some."""
    model = Script([[ModelFailed(0, "x")], [ModelFailed(0, "y")]])
    own = replace(SNAPSHOT, agent=replace(AGENT, model_id="mine", fallback_model_id="other"))

    written = build(model).answer(own, QUESTION, "cnv_1")

    assert ("", "y", ["mine", "other"]) == (written.text, written.failure, model.models)


def test_a_tool_that_hangs_is_told_and_not_waited_for() -> None:
    """The model answers with what is known."""
    stop = threading.Event()
    model = Script(
        [[ModelCalled(0, "t1", "slow", "{}"), ModelStopped(0, "tool_use")], [ModelSaid(0, "I do not know."), DONE]]
    )
    hurried = replace(SNAPSHOT, agent=replace(AGENT, tool_timeout_ms=100))

    written = build(model, tool("slow", lambda _a, _c: stop.wait(10))).answer(hurried, QUESTION, "cnv_1")
    stop.set()

    assert "I do not know." == written.text
    assert "error" == model.asked[1]["messages"][-1]["content"][0]["toolResult"]["status"]


def test_a_model_that_only_calls_tools_is_given_up() -> None:
    """After as many rounds as there are."""
    calls = [ModelCalled(0, "t1", "look", "{}"), ModelStopped(0, "tool_use")]

    written = build(Script([calls] * 10), tool("look", lambda _a, _c: {"ok": True})).answer(SNAPSHOT, QUESTION, "c")

    assert ("", "TooManyRounds") == (written.text, written.failure)
