"""One tool call of a turn."""

from __future__ import annotations

import json

import pytest

from ringfold.core.commands import ModelCalled
from ringfold.core.tool_use import ToolUse


def a_call(arguments: str = '{"seat": "14A", "code": "ABC123"}', name: str = "change_seat") -> ToolUse:
    """A call as the model made it."""
    return ToolUse(ModelCalled(0, "tooluse_1", name, arguments), "effect", step=1, index=2)


def test_the_same_effect_has_the_same_key_whoever_asks_for_it() -> None:
    """Not the model's id of the call, but conversation, tool and arguments in any order make it."""
    again = ToolUse(
        ModelCalled(3, "tooluse_9", "change_seat", '{"code":"ABC123","seat":"14A"}'), "effect", step=5, index=0
    )

    assert a_call().idempotency_key("conv_1") == again.idempotency_key("conv_1")
    assert a_call().idempotency_key("conv_1") != a_call().idempotency_key("conv_2")
    assert a_call().idempotency_key("conv_1") != a_call('{"seat": "14B"}').idempotency_key("conv_1")


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"', "7"])
def test_arguments_that_are_no_object_are_told_apart(arguments: str) -> None:
    """The model is told to call again; nothing is run with them."""
    assert a_call(arguments).arguments() is None


def test_no_arguments_are_an_empty_object() -> None:
    """Bedrock sends an empty text for a tool without arguments."""
    assert {} == a_call("").arguments()


def test_the_journal_holds_a_result_once_there_is_one() -> None:
    """Before that it holds the intent; the next turn then knows that the outcome is not."""
    call = a_call()
    intent = call.entry()

    call.fail("no such seat")

    assert "tools.002" == call.path
    assert "r" not in intent
    assert {"error": "no such seat"} == json.loads(call.entry()["r"])
    assert ("error", False) == (call.entry()["st"], call.told()["ok"])
