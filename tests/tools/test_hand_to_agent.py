"""The tool that lets another agent go on."""

from __future__ import annotations

import pytest

from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import StateError
from ringfold.tools.hand_to_agent import HAND_OVER
from ringfold.tools.registry import ToolContext
from ringfold.tools.schema import faults_of


@pytest.mark.accept("D7")
def test_it_names_an_agent_and_is_the_turns_own() -> None:
    """Whether that agent may speak is the turn's to say."""
    assert [] == faults_of(HAND_OVER.input_schema, {"agent": "Bea", "why": "A refund"})
    assert faults_of(HAND_OVER.input_schema, {"why": "A refund"})
    assert (True, ("voice",)) == (HAND_OVER.control, HAND_OVER.channels)
    with pytest.raises(StateError):
        HAND_OVER.run({}, ToolContext(OrganizationId("o"), ConversationId("c")))
