"""The built-in tools that are a frame to Twilio, or say which keys are awaited; the turn carries them out itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ringfold.core.frame_tools import (
    COLLECT_DIGITS,
    LONGEST_PAUSE_S,
    MAX_DIGITS,
    MAX_LOOP,
    PLAY_AUDIO,
    SEND_DIGITS,
    SWITCH_LANGUAGE,
)
from ringfold.errors import StateError
from ringfold.tools.registry import Tool, ToolContext


def _never(_arguments: Mapping[str, Any], _context: ToolContext) -> object:
    raise StateError("a voice tool is the turn's own; it is never run")


def _tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required}
    return Tool(name, description, schema, _never, side_effect=True, control=True, channels=("voice",))


VOICE_TOOLS: Final = (
    _tool(
        PLAY_AUDIO,
        "Play an audio file to the caller, behind what you have said. Only files you were told of can be played.",
        {
            "url": {"type": "string", "description": "The file's URL, exactly as you were told it."},
            "loop": {"type": "integer", "minimum": 1, "maximum": MAX_LOOP, "description": "How often; 1 if left out."},
        },
        ["url"],
    ),
    _tool(
        SEND_DIGITS,
        "Press keys on the line, for a machine at the other end: 0-9, *, # and w for half a second of waiting.",
        {"digits": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[0-9*#w]+$"}},
        ["digits"],
    ),
    _tool(
        SWITCH_LANGUAGE,
        "Switch the language that is spoken and understood, when the caller speaks another one or asks for it. Then "
        "go on in that language.",
        {"language": {"type": "string", "description": "A language tag you were told of, such as es-US."}},
        ["language"],
    ),
    _tool(
        COLLECT_DIGITS,
        "Be ready for keys the caller presses, such as a code or a number; then ask for them. They come as the "
        "caller's next answer.",
        {
            "length": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_DIGITS,
                "description": "How many complete the entry; 0 or left out: a pause or the terminator does.",
            },
            "terminator": {"type": "string", "enum": ["#", "*"], "description": "The key that ends it; # if left out."},
            "pause_s": {"type": "number", "minimum": 1, "maximum": LONGEST_PAUSE_S, "description": "Between keys."},
        },
        [],
    ),
)
