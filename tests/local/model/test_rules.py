"""The judge of conversations: what Converse refuses, refused in its words."""

from __future__ import annotations

from typing import Any

import pytest

from local.model.errors import BedrockError
from tests.local.model.builders import AIRLINE_TOOLS, a_request, assistant, tool_result, tool_use, user

TWO_CALLS = {"role": "assistant", "content": [tool_use(name)["content"][0] for name in ("t1", "t2")]}
TWO_RESULTS = {"role": "user", "content": [tool_result(name)["content"][0] for name in ("t1", "t2")]}
TEXT_FIRST = {"role": "user", "content": [{"text": "and?"}, tool_result("t1")["content"][0]]}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([assistant("Hello, this is SkyOwl.")], "must start with a user message"),
        ([assistant("Hello."), user("Hi")], "must start with a user message"),
        ([user("Hi"), user("Are you there?")], "must alternate between user and assistant roles"),
        ([user("Hi"), assistant("Hello."), assistant("Yes?")], "must alternate between user and assistant roles"),
        ([user("Hi"), assistant("Hello.")], "must end with a user message"),
        ([user("")], "messages.0.content.0 is blank"),
        ([user("Hi", " \n ")], "messages.0.content.1 is blank"),
        ([user("Hi"), assistant("  "), user("So?")], "messages.1.content.0 is blank"),
        ([{"role": "user", "content": []}], "messages.0 is empty"),
        (
            [user("Hi"), tool_use("t1"), user("So?")],
            "Expected toolResult blocks at messages.2.content for the following",
        ),
        ([user("Hi"), TWO_CALLS, tool_result("t2")], "following Ids: t1"),
        ([user("Hi"), tool_use("t1"), tool_result("t9")], "following Ids: t1"),
        ([user("Hi"), tool_use("t1"), TWO_RESULTS], "exceeds the number of toolUse blocks of previous turn"),
        ([tool_result("t1")], "exceeds the number of toolUse blocks of previous turn"),
        ([user("Hi"), tool_use("t1"), TEXT_FIRST], "Did not find 1 tool_result block(s) at the beginning"),
        (
            [user("Hi"), tool_use("t1"), tool_result("t1"), tool_use("t1"), tool_result("t1")],
            "`tool_use` ids must be unique",
        ),
        ([user("Hi"), {"role": "assistant", "content": tool_result("t1")["content"]}, user("x")], "not allowed"),
        ([{"role": "user", "content": tool_use("t1")["content"]}], "not allowed"),
    ],
)
def test_illegal_conversations_are_refused(messages: list[Any], words: str) -> None:
    """Each thing Converse refuses is refused, and the message names the place."""
    with pytest.raises(BedrockError) as refused:
        a_request(*messages)

    assert "ValidationException" == refused.value.name
    assert words in refused.value.message


def test_tool_blocks_need_a_tool_config() -> None:
    """A history with tool calls is refused when the request offers no tools."""
    with pytest.raises(BedrockError, match="toolConfig field must be defined"):
        a_request(user("Hi"), tool_use("t1"), tool_result("t1"), tools=())


def test_tool_names_are_unique() -> None:
    """The same tool cannot be offered twice."""
    with pytest.raises(BedrockError, match="already defined"):
        a_request(user("Hi"), tools=[AIRLINE_TOOLS[0], AIRLINE_TOOLS[0]])


def test_a_chosen_tool_must_be_offered() -> None:
    """``toolChoice`` cannot name a tool that is not there."""
    with pytest.raises(BedrockError, match="not defined"):
        a_request(user("Hi"), toolConfig={"tools": AIRLINE_TOOLS, "toolChoice": {"tool": {"name": "fly"}}})


def test_a_blank_tool_result_is_refused() -> None:
    """Blank text is refused inside tool results too."""
    result = tool_result("t1")
    result["content"][0]["toolResult"]["content"] = [{"text": " "}]

    with pytest.raises(BedrockError, match=r"toolResult\.content\.0 is blank"):
        a_request(user("Hi"), tool_use("t1"), result)


def test_a_legal_conversation_passes() -> None:
    """Two parallel calls answered in one message, then words, is what Converse wants."""
    answered = {"role": "user", "content": [*TWO_RESULTS["content"], {"text": "And my seat?"}]}

    request = a_request(user("Hi"), TWO_CALLS, answered)

    assert "And my seat?" == request.last_utterance
