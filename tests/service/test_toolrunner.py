"""Running tools for a turn: a deadline, and never an exception."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ringfold.adapters.threads import Threads
from ringfold.core.agent import Agent
from ringfold.core.commands import RunTool, ToolReturned
from ringfold.core.ids import AgentId, ConversationId, OrganizationId
from ringfold.log import Log
from ringfold.service.toolrunner import ToolRunner
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import Registry, Tool, ToolContext, ToolOutcome

AGENT = Agent(AgentId("a"), OrganizationId("org_1"), "Olive", "Be kind.", tools=("look", "change", "end_call"))
SCHEMA = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}


class Kit:
    """A runner over tools that do what the test wants."""

    def __init__(self, does: Any = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self.contexts: list[ToolContext] = []
        self._does = does
        tools = [
            Tool("look", "Looks.", SCHEMA, self._run),
            Tool("change", "Changes.", SCHEMA, self._run, side_effect=True),
        ]
        log = Log("DEBUG", lambda line: self.lines.append(json.loads(line)))
        self.runner = ToolRunner(Registry.of([*tools, END_CALL]), Threads(), log)

    def _run(self, arguments: Mapping[str, Any], context: ToolContext) -> object:
        self.contexts.append(context)
        return self._does(arguments) if self._does else {"found": arguments["code"]}

    def run(self, name: str = "look", arguments: Any = None, timeout_ms: int = 2000) -> ToolReturned:
        given = {"code": "X"} if arguments is None else arguments
        return self.runner.run("CA1", RunTool("u1", name, given, timeout_ms, "key", "org_1", "conv_1", "+15125550147"))


def test_a_tool_gives_its_result_as_json() -> None:
    """Under the id of its call."""
    assert ToolReturned("u1", True, '{"found": "X"}') == Kit().run()  # noqa: FBT003 - the port's own shape


def test_a_tool_is_told_for_whom_it_runs() -> None:
    """Organization, conversation, caller and idempotency key; the model has no say in it."""
    kit = Kit()

    kit.run()

    organization, conversation = OrganizationId("org_1"), ConversationId("conv_1")
    assert [ToolContext(organization, conversation, "+15125550147", "key")] == kit.contexts


def test_a_tool_that_hangs_is_not_waited_for() -> None:
    """Row 82: the model is told that nobody knows; the log names the tool."""
    go_on = threading.Event()
    kit = Kit(lambda _: go_on.wait(5))
    since = time.monotonic()

    returned = kit.run(timeout_ms=50)

    assert time.monotonic() - since < 1
    assert not returned.ok
    assert "unknown" in returned.result
    assert [("tool failed", "look", "timeout")] == [
        (line["message"], line["tool"], line["error"]) for line in kit.lines
    ]
    go_on.set()


def broken(_: Any) -> object:
    raise ValueError("canary")


@pytest.mark.parametrize(
    "does", [broken, lambda _: None, lambda _: object(), lambda _: {"a": {1, 2}}, lambda _: float("nan")]
)
def test_a_tool_that_raises_or_returns_nonsense_is_told(does: Any) -> None:
    """A result the model can act on; what was raised stays inside."""
    kit = Kit(does)

    returned = kit.run()

    assert isinstance(json.loads(returned.result), dict)
    assert "canary" not in returned.result + json.dumps(kit.lines)


def test_a_huge_result_is_capped() -> None:
    """Row 84: one megabyte does not go to the model."""
    returned = Kit(lambda _: {"page": "<html>" * 200_000}).run()

    assert len(returned.result) < 10_000
    assert isinstance(json.loads(returned.result), dict)


@pytest.mark.parametrize(
    ("name", "arguments"), [("look", {}), ("look", {"code": 7}), ("nothing", {}), ("end_call", {})]
)
def test_what_cannot_be_run_is_refused(name: str, arguments: dict[str, Any]) -> None:
    """Wrong types, missing fields, unknown tools, tools that are the turn's own: nothing runs."""
    kit = Kit()

    returned = kit.run(name, arguments)

    assert not returned.ok
    assert [] == kit.contexts


def test_kinds_are_the_turns_words() -> None:
    """Read, effect, the control tool by its name, and nothing for what the agent does not have (row 86)."""
    runner = Kit().runner
    other = Agent(AgentId("b"), OrganizationId("org_2"), "Bob", "", tools=())

    assert ["read", "effect", "end_call", ""] == [
        runner.kind(AGENT, name) for name in ("look", "change", "end_call", "nothing")
    ]
    assert "" == runner.kind(other, "look")
    assert ["look", "change", "end_call"] == [spec["toolSpec"]["name"] for spec in runner.specs(AGENT)]
    assert [] == list(runner.specs(other))


# --- an organization's own tools --------------------------------------------------------------------------------------
ORDERS = {"name": "orders", "description": "Looks orders up.", "input_schema": SCHEMA, "side_effect": False}
REFUND = {"name": "refund", "description": "Refunds.", "input_schema": SCHEMA}
TAKEN = {"name": "look", "description": "Looks elsewhere.", "input_schema": SCHEMA}
OWNER = replace(AGENT, http_tools=(ORDERS, REFUND, TAKEN, {}))


class Own:
    """What runs an organization's own tools, as the test wants it."""

    def __init__(self) -> None:
        self.made = 0
        self.called: list[tuple[Mapping[str, Any], Mapping[str, Any], ToolContext]] = []

    def __call__(self) -> Own:
        self.made += 1
        return self

    def call(self, definition: Mapping[str, Any], arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        self.called.append((definition, arguments, context))
        return ToolOutcome('{"status": 200}', ok=True)


def owning(own: Own) -> ToolRunner:
    tools = [Tool("look", "Looks.", SCHEMA, lambda arguments, context: {"found": "ours"})]
    return ToolRunner(Registry.of(tools), Threads(), Log("DEBUG", lambda line: None), own)


@pytest.mark.accept("F10")
def test_an_organizations_own_tools_are_offered_beside_ours() -> None:
    """A name that is ours stays ours; until one is called, nothing of what runs them is made."""
    own = Own()
    runner = owning(own)

    offered = [spec["toolSpec"]["name"] for spec in runner.specs(OWNER)]

    assert ["look", "orders", "refund"] == offered
    kinds = ["read", "read", "effect", ""]
    assert kinds == [runner.kind(OWNER, name) for name in ("look", "orders", "refund", "nobody")]
    assert 0 == own.made


@pytest.mark.accept("F10")
def test_an_own_tool_runs_for_its_call() -> None:
    """With the definition the call began with, and the call's organization."""
    own = Own()
    command = RunTool("u1", "orders", {"code": "X"}, 2000, "key", "org_1", "conv_1", "+1", ORDERS)

    returned = owning(own).run("CA1", command)

    ((definition, arguments, context),) = own.called
    assert (True, '{"status": 200}') == (returned.ok, returned.result)
    assert (ORDERS, {"code": "X"}, "org_1", "key") == (
        definition, arguments, context.organization_id, context.idempotency_key,
    )  # fmt: skip


def test_a_definition_does_not_replace_a_tool_of_ours() -> None:
    """Whatever came to be stored on the agent."""
    own = Own()

    returned = owning(own).run("CA1", RunTool("u1", "look", {"code": "X"}, 2000, "key", "org_1", "c", "", TAKEN))

    assert ([], '{"found": "ours"}') == (own.called, returned.result)
