"""A Converse request as the brains see it, after the judge has let it pass."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from local.model.errors import invalid
from local.model.rules import check_conversation
from local.model.shapes import check_shape

DEFAULT_MAX_TOKENS: Final = 4096
CHARACTERS_PER_TOKEN: Final = 4
TOOL_OVERHEAD_TOKENS: Final = 346


@dataclass(frozen=True)
class ConverseRequest:
    """One request, judged valid.

    Attributes:
        body: The whole JSON object, for the log and for brains that translate it.
        tools: ``toolSpec`` objects by name, in the order offered.
        tool_choice: Name of the tool that must be called, ``"any"``, or ``""``.
    """

    request_id: str
    model_id: str
    body: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    system: str
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tool_choice: str = ""
    max_tokens: int = DEFAULT_MAX_TOKENS
    stop_sequences: tuple[str, ...] = ()

    @property
    def input_tokens(self) -> int:
        """A plausible count of what a model would have read."""
        overhead = TOOL_OVERHEAD_TOKENS if self.tools else 0
        return len(json.dumps(self.body)) // CHARACTERS_PER_TOKEN + overhead

    @property
    def last_utterance(self) -> str:
        """The newest text of the user's side; tool results are no utterance."""
        for message in reversed(self.messages):
            texts = [block["text"] for block in message["content"] if "text" in block]
            if message["role"] == "user" and texts:
                return " ".join(texts)
        return ""


def parse_request(request_id: str, model_id: str, raw: bytes) -> ConverseRequest:
    """Judge and read a request.

    Raises:
        BedrockError: ``ValidationException`` in Bedrock's words, for the first thing Bedrock would refuse.
    """
    try:
        body = json.loads(raw or b"{}")
    except ValueError as exc:
        raise invalid("The request body is not valid JSON.") from exc
    check_shape(model_id, body)
    check_conversation(body)
    inference = body.get("inferenceConfig", {})
    tool_config = body.get("toolConfig", {})
    specs = [tool["toolSpec"] for tool in tool_config.get("tools", []) if "toolSpec" in tool]
    return ConverseRequest(
        request_id=request_id,
        model_id=model_id,
        body=body,
        messages=body["messages"],
        system="\n\n".join(block["text"] for block in body.get("system", []) if "text" in block),
        tools={spec["name"]: spec for spec in specs},
        tool_choice=_tool_choice(tool_config.get("toolChoice", {})),
        max_tokens=inference.get("maxTokens", DEFAULT_MAX_TOKENS),
        stop_sequences=tuple(inference.get("stopSequences", ())),
    )


def _tool_choice(choice: Mapping[str, Any]) -> str:
    if "tool" in choice:
        return str(choice["tool"]["name"])
    return "any" if "any" in choice else ""
