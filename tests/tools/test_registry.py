"""Tools as they are offered and run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, ConversationId, OrganizationId
from ringfold.errors import ConfigError, DependencyError
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import MAX_RESULT_BYTES, Registry, Tool, ToolContext, told

CONTEXT = ToolContext(OrganizationId("org_1"), ConversationId("conv_1"), "+15125550147", "key")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def tool(name: str = "double", run: Any = None, **changes: Any) -> Tool:
    return Tool(name, "Doubles a number.", SCHEMA, run or (lambda given, _: {"n": given["n"] * 2}), **changes)


def agent(*tools: str) -> Agent:
    return Agent(AgentId("agt_1"), OrganizationId("org_1"), "Olive", "Be kind.", tools=tools)


@pytest.mark.accept("F5")
def test_an_agent_is_offered_its_own_tools() -> None:
    """Those it lists, that exist, on this channel; as Converse takes them."""
    registry = Registry.of([tool(), tool("texts_only", channels=("sms",)), tool("of_others"), END_CALL])
    olive = agent("double", "texts_only", "end_call", "gone")

    names = [spec["toolSpec"]["name"] for spec in registry.specs(olive)]

    assert ["double", "end_call"] == names
    assert ["double", "texts_only"] == [offer.name for offer in registry.offered(olive, "sms")]
    assert ["gone"] == registry.unknown(olive)
    assert SCHEMA == registry.specs(olive)[0]["toolSpec"]["inputSchema"]["json"]


@pytest.mark.accept("F5")
def test_a_tool_has_a_kind() -> None:
    """Reads start at once, effects behind a guard, control is the turn's own, and what is not offered is nothing."""
    registry = Registry.of([tool(), tool("change", side_effect=True), END_CALL, tool("of_others")])
    olive = agent("double", "change", "end_call")

    kinds = [registry.kind(olive, name) for name in ("double", "change", "end_call", "of_others", "invented")]

    assert ["read", "effect", "end_call", "", ""] == kinds


def test_a_name_is_taken_once() -> None:
    """Two tools of one name would hide each other."""
    with pytest.raises(ConfigError):
        Registry.of([tool(), tool()])


def test_a_tool_gets_its_context() -> None:
    """Who it runs for is not the model's to say."""
    seen: list[ToolContext] = []

    def run(_: Mapping[str, Any], context: ToolContext) -> object:
        seen.append(context)
        return {}

    outcome = Registry.of([tool(run=run)]).call("double", {"n": 1}, CONTEXT)

    assert (CONTEXT, True, "{}") == (seen[0], outcome.ok, outcome.result)


@pytest.mark.parametrize("arguments", [{}, {"n": "1"}, {"n": 1.5}, {"n": True}, {"n": None}])
def test_wrong_arguments_are_told(arguments: dict[str, Any]) -> None:
    """The tool does not run; the model learns which argument to correct."""
    outcome = Registry.of([tool(run=lambda *_: 1 / 0)]).call("double", arguments, CONTEXT)

    assert not outcome.ok
    assert json.loads(outcome.result)["error"].startswith("n: ")


@pytest.mark.parametrize("name", ["invented", "end_call", "x" * 5000])
def test_what_is_no_tool_is_told(name: str) -> None:
    """An invented tool, and one the turn handles itself."""
    outcome = Registry.of([END_CALL]).call(name, {"farewell": "Bye"}, CONTEXT)

    assert (False, True) == (outcome.ok, len(outcome.result) < 200)


@pytest.mark.parametrize("error", [ValueError("canary"), DependencyError("dynamodb", "canary"), RecursionError()])
def test_a_tool_that_raises_becomes_a_result(error: Exception) -> None:
    """The model is told to say so; what was raised stays in the log, by its type."""

    def run(*_: Any) -> object:
        raise error

    outcome = Registry.of([tool(run=run)]).call("double", {"n": 1}, CONTEXT)

    assert (False, type(error).__name__) == (outcome.ok, outcome.error)
    assert "canary" not in outcome.result


@pytest.mark.parametrize(
    ("returned", "ok"),
    [
        ({"a": 1}, True),
        ([1, 2], True),
        ("text", True),
        (0, True),
        (None, False),
        (float("nan"), False),
        ({"error": "taken"}, False),
        ({1: {2, 3}}, True),
        (object(), True),
        ("x" * 1_000_000, True),
        ("ü" * 1_000_000, True),
        ("\ud800", True),
    ],
)
def test_whatever_a_tool_returns_is_a_small_json_object(returned: object, ok: bool) -> None:
    """Nonsense, foreign types and a megabyte included."""
    outcome = told(returned)

    assert isinstance(json.loads(outcome.result), dict)
    assert len(outcome.result.encode()) <= MAX_RESULT_BYTES
    assert ok == outcome.ok


@given(
    st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_result_is_readable(returned: Any) -> None:
    """However odd."""
    assert isinstance(json.loads(told(returned).result), dict)
