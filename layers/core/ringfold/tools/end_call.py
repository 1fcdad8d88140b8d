"""The built-in tool that ends a call: the turn speaks the farewell, then sends ``end``; nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfold.errors import StateError
from ringfold.tools.registry import Tool, ToolContext


def _never(_arguments: Mapping[str, Any], _context: ToolContext) -> object:
    raise StateError("end_call is the turn's own; it is never run")


END_CALL = Tool(
    name="end_call",
    description=(
        "Say goodbye and hang up. Use it only when the caller has said goodbye, or has confirmed that nothing else "
        "is needed. Do not write a goodbye yourself as well: the farewell you give here is spoken."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "farewell": {
                "type": "string",
                "minLength": 1,
                "maxLength": 300,
                "description": "What to say last, in one short sentence.",
            }
        },
        "required": ["farewell"],
    },
    run=_never,
    side_effect=True,
    control=True,
    channels=("voice",),
)
