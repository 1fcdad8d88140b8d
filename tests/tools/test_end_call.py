"""The tool that ends a call."""

from __future__ import annotations

import pytest

from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import StateError
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import ToolContext
from ringfold.tools.schema import faults_of


@pytest.mark.accept("F5")
def test_a_farewell_is_asked_for() -> None:
    """Without one the caller would be hung up on in silence."""
    assert [] == faults_of(END_CALL.input_schema, {"farewell": "Goodbye, Jane."})
    assert ["farewell: is required"] == faults_of(END_CALL.input_schema, {})
    assert faults_of(END_CALL.input_schema, {"farewell": ""})


@pytest.mark.accept("F5")
def test_it_is_the_turns_own_and_only_on_calls() -> None:
    """It speaks and hangs up, which no function does; a text has nothing to hang up."""
    assert (True, ("voice",)) == (END_CALL.control, END_CALL.channels)
    with pytest.raises(StateError):
        END_CALL.run({"farewell": "x"}, ToolContext(OrganizationId("o"), ConversationId("c")))
