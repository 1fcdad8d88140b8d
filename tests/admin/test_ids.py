"""Ids."""

from __future__ import annotations

import re

from ringfold_admin.ids import new_id


def test_ids_say_what_they_are_and_sort_by_time() -> None:
    """A prefix, and letters that grow with the time."""
    first, later = new_id("num", now_ms=1_790_000_000_000), new_id("num", now_ms=1_790_000_000_001)

    assert re.fullmatch(r"num_[0-9a-hjkmnp-tv-z]{22}", first)
    assert first < later


def test_ids_of_one_moment_differ() -> None:
    """Ten thousand in a millisecond."""
    assert 10_000 == len({new_id("num", now_ms=1) for _ in range(10_000)})
