"""A call as the webhooks see it."""

from __future__ import annotations

import pytest

from ringfold.core.calls import CallRecord
from ringfold.core.end_reasons import AGENT_ENDED, HANDOFF
from ringfold.core.ids import AccountSid, CallSid, ConversationId, OrganizationId

CALL = (CallSid("CA1"), AccountSid("AC1"), OrganizationId("org_1"), ConversationId("conv_1"), 1)


@pytest.mark.accept("E25")
@pytest.mark.parametrize(
    ("ended", "handoff", "over"),
    [("", None, ""), ("", {"n": 1}, HANDOFF), (AGENT_ENDED, None, AGENT_ENDED), (AGENT_ENDED, {"n": 1}, AGENT_ENDED)],
)
def test_a_line_that_goes_down_now_ends_for_a_reason(ended: str, handoff: dict[str, int] | None, over: str) -> None:
    """What was decided for good wins over a handoff that may still come back."""
    assert over == CallRecord(*CALL, ended=ended, handoff=handoff).over
