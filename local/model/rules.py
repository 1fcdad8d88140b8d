"""The judge, second part: what Converse demands of a conversation.

The sentences are the service's own where they are known, because that is what a developer will search for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from local.model.errors import invalid

Message = Mapping[str, Any]


def check_conversation(body: Mapping[str, Any]) -> None:
    """Refuse a conversation that Converse refuses.

    Raises:
        BedrockError: ``ValidationException``.
    """
    messages: Sequence[Message] = body.get("messages", [])
    _check_roles(messages)
    _check_content(messages)
    _check_tools_offered(messages, body.get("toolConfig"))
    _check_tool_results(messages)
    if messages[-1]["role"] == "assistant":
        raise invalid(
            "The model returned the following errors: This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def _check_roles(messages: Sequence[Message]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for earlier, later in pairwise(messages):
        if earlier["role"] == later["role"]:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation "
                "alternates between user and assistant roles and try again."
            )


def _check_content(messages: Sequence[Message]) -> None:
    for number, message in enumerate(messages):
        if not message["content"]:
            raise invalid(
                f"The content field in the Message object at messages.{number} is empty. Add a ContentBlock object "
                "to the content field and try again."
            )
        for place, block in enumerate(message["content"]):
            _check_block(f"messages.{number}.content.{place}", message["role"], block)


def _check_block(path: str, role: str, block: Mapping[str, Any]) -> None:
    if "text" in block:
        _check_text(path, block["text"])
    for kind, owner in (("toolUse", "assistant"), ("toolResult", "user")):
        if kind in block and role != owner:
            raise invalid(f"The {kind} block at {path} is not allowed in a message of role {role}.")
    for inner, content in enumerate(block.get("toolResult", {}).get("content", [])):
        if "text" in content:
            _check_text(f"{path}.toolResult.content.{inner}", content["text"])


def _check_text(path: str, text: str) -> None:
    if not text.strip():
        raise invalid(
            f"The text field in the ContentBlock object at {path} is blank. Add text to the text field, and try again."
        )


def _check_tools_offered(messages: Sequence[Message], tool_config: Mapping[str, Any] | None) -> None:
    used = [
        block for message in messages for block in message["content"] if "toolUse" in block or "toolResult" in block
    ]
    if used and tool_config is None:
        raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    if tool_config is None:
        return
    names = [tool["toolSpec"]["name"] for tool in tool_config["tools"] if "toolSpec" in tool]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"The tool {name} is already defined at toolConfig.tools. Use a unique name for each tool.")
    chosen = tool_config.get("toolChoice", {}).get("tool", {}).get("name")
    if chosen is not None and chosen not in names:
        raise invalid(f"The tool {chosen} of toolConfig.toolChoice is not defined at toolConfig.tools.")


def _check_tool_results(messages: Sequence[Message]) -> None:
    seen: set[str] = set()
    asked: list[str] = []
    for number, message in enumerate(messages):
        given = list(_ids(message, "toolResult"))
        _check_answers(f"messages.{number}.content", message, asked, given)
        asked = list(_ids(message, "toolUse"))
        for tool_use_id in asked:
            if tool_use_id in seen or asked.count(tool_use_id) > 1:
                raise invalid(
                    f"The model returned the following errors: messages.{number}: `tool_use` ids must be unique "
                    f"({tool_use_id})"
                )
        seen.update(asked)


def _check_answers(path: str, message: Message, asked: list[str], given: list[str]) -> None:
    missing = [tool_use_id for tool_use_id in asked if tool_use_id not in given]
    if missing:
        raise invalid(f"Expected toolResult blocks at {path} for the following Ids: {', '.join(missing)}")
    if len(given) > len(asked):
        raise invalid(
            f"The number of toolResult blocks at {path} exceeds the number of toolUse blocks of previous turn."
        )
    leading = [next(iter(block)) for block in message["content"][: len(given)]]
    if leading != ["toolResult"] * len(given):
        raise invalid(
            f"The model returned the following errors: {path}: Did not find {len(given)} tool_result block(s) at the "
            "beginning of this message. Messages following tool_use blocks must begin with a matching number of "
            "tool_result blocks."
        )


def _ids(message: Message, kind: str) -> Iterator[str]:
    return (block[kind]["toolUseId"] for block in message["content"] if kind in block)
