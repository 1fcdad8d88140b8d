"""The tools that are a frame."""

from __future__ import annotations

import pytest

from ringfold.core.frame_tools import COLLECT_DIGITS, FRAME_TOOLS
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import StateError
from ringfold.tools.registry import ToolContext
from ringfold.tools.schema import faults_of
from ringfold.tools.voice import VOICE_TOOLS


@pytest.mark.accept("F4", "F9")
def test_every_voice_tool_is_the_turns_own_and_only_on_calls() -> None:
    """A text has nothing to play and no keys."""
    assert FRAME_TOOLS | {COLLECT_DIGITS} == {tool.name for tool in VOICE_TOOLS}
    for tool in VOICE_TOOLS:
        assert (True, ("voice",)) == (tool.control, tool.channels)
        with pytest.raises(StateError):
            tool.run({}, ToolContext(OrganizationId("o"), ConversationId("c")))


@pytest.mark.parametrize("digits", ["12#", "9www4085551212"])
def test_keys_are_keys(digits: str) -> None:
    """As Twilio documents them."""
    schema = {tool.name: tool.input_schema for tool in VOICE_TOOLS}["send_digits"]

    assert [] == faults_of(schema, {"digits": digits})
    assert faults_of(schema, {"digits": "12a"})
