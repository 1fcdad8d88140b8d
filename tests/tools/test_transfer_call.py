"""The tool that hands a caller over."""

from __future__ import annotations

import pytest

from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import StateError
from ringfold.tools.registry import ToolContext
from ringfold.tools.schema import faults_of
from ringfold.tools.transfer_call import TRANSFER


@pytest.mark.accept("F1")
def test_a_reason_and_a_summary_are_asked_for() -> None:
    """And no number: where to is not the model's to say."""
    assert [] == faults_of(TRANSFER.input_schema, {"reason": "Wants a person", "summary": "About a refund."})
    assert faults_of(TRANSFER.input_schema, {"reason": "Wants a person"})
    assert not {"to", "number", "transfer_number"} & set(TRANSFER.input_schema["properties"])


@pytest.mark.accept("K1")
def test_the_model_says_which_trigger_it_was() -> None:
    """One of four codes."""
    asked = {"reason": "r", "summary": "s"}

    assert [] == faults_of(TRANSFER.input_schema, {**asked, "reason_code": "low_confidence"})
    assert faults_of(TRANSFER.input_schema, {**asked, "reason_code": "boredom"})


def test_it_is_the_turns_own_and_only_on_calls() -> None:
    """It speaks and ends the session, which no function does."""
    assert (True, ("voice",)) == (TRANSFER.control, TRANSFER.channels)
    with pytest.raises(StateError):
        TRANSFER.run({}, ToolContext(OrganizationId("o"), ConversationId("c")))
