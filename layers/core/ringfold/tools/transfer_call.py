"""The built-in tool that hands a caller over to a person; the turn announces it, writes it down and ends the session.

Where to is no argument: the only place a call can go is the number's ``transfer_number``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfold.core.handoff import MAX_REASON_CHARS, MAX_SUMMARY_CHARS, REASON_CODES, TRANSFER_CALL
from ringfold.errors import StateError
from ringfold.tools.registry import Tool, ToolContext


def _never(_arguments: Mapping[str, Any], _context: ToolContext) -> object:
    raise StateError("transfer_call is the turn's own; it is never run")


TRANSFER = Tool(
    name=TRANSFER_CALL,
    description=(
        "Connect the caller with a person. Use it when they ask for one, when you cannot help, or when the matter is "
        "one for people. The announcement is spoken and the caller is connected; do not announce it yourself as well. "
        "If it is refused, tell the caller honestly that you cannot connect them."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "reason": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_REASON_CHARS,
                "description": "Why, in one sentence, for the person who takes the call.",
            },
            "summary": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_SUMMARY_CHARS,
                "description": "What the caller wants and what has been done, in two or three sentences.",
            },
            "reason_code": {
                "type": "string",
                "enum": list(REASON_CODES),
                "description": "explicit_request when the caller asked; low_confidence when you cannot help.",
            },
            "department": {"type": "string", "maxLength": 60, "description": "Who should take it, if it matters."},
            "announcement": {
                "type": "string",
                "maxLength": 300,
                "description": "What to say to the caller first, in one short sentence.",
            },
        },
        "required": ["reason", "summary"],
    },
    run=_never,
    side_effect=True,
    control=True,
    channels=("voice",),
)
