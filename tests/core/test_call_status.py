"""The carrier's statuses."""

from __future__ import annotations

import pytest

from ringfold.core.call_status import FINAL_RANK, RANKS, is_final


@pytest.mark.accept("E18")
def test_final_statuses_rank_above_all_others_and_alike() -> None:
    """Nothing follows a final status, not even another final one."""
    final = {"completed", "busy", "failed", "no-answer", "canceled"}

    assert final == {status for status in RANKS if is_final(status)}
    assert {FINAL_RANK} == {RANKS[status] for status in final}
    assert all(rank < FINAL_RANK for status, rank in RANKS.items() if status not in final)


def test_an_unknown_status_is_not_final() -> None:
    """A call is not ended by a word we do not know."""
    assert not is_final("levitating")
