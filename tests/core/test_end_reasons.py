"""Why a call ended."""

from __future__ import annotations

import pytest

from ringfold.core import end_reasons
from ringfold.core.call_status import RANKS, is_final
from ringfold.core.end_reasons import MEANINGS, RESUMABLE, reason_of_status


@pytest.mark.accept("E25")
@pytest.mark.parametrize("status", [status for status in RANKS if is_final(status)])
@pytest.mark.parametrize("ended", ["", "nonsense", *MEANINGS])
@pytest.mark.parametrize("connected", [True, False])
def test_every_end_has_one_reason_of_the_table(status: str, ended: str, connected: bool) -> None:
    """Whatever is stored and reported, the reason is one of the fixed ones, and our own decision wins."""
    reason = reason_of_status(status, ended=ended, connected=connected)

    assert reason in MEANINGS
    assert ended not in MEANINGS or ended == reason


def test_a_goodbye_is_not_resumed() -> None:
    """Only a call nobody had ended on purpose goes on at the next one."""
    assert set(MEANINGS) >= RESUMABLE
    assert not {end_reasons.AGENT_ENDED, end_reasons.HANDOFF, end_reasons.LIMIT} & RESUMABLE
