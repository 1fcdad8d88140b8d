"""The built-in tool that lets another agent of the number go on; the turn itself changes the speaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfold.core.routing import HAND_TO_AGENT
from ringfold.errors import StateError
from ringfold.tools.registry import Tool, ToolContext


def _never(_arguments: Mapping[str, Any], _context: ToolContext) -> object:
    raise StateError("hand_to_agent is the turn's own; it is never run")


HAND_OVER = Tool(
    name=HAND_TO_AGENT,
    description=(
        "Let another agent of this line go on with the caller, when the matter is theirs. They know all that has been "
        "said, and answer at once; say nothing about it yourself."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "agent": {"type": "string", "minLength": 1, "maxLength": 100, "description": "The agent's name."},
            "why": {"type": "string", "maxLength": 300, "description": "In a sentence, for the record."},
        },
        "required": ["agent", "why"],
    },
    run=_never,
    side_effect=True,
    control=True,
    channels=("voice",),
)
