"""Which events leave the session item, and that nothing is lost or moved by it (A10)."""

from typing import Any

import pytest

from ringfold.core import compaction
from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.compaction import WINDOW_MS, plan
from ringfold.core.fold import fold
from ringfold.core.history import entries
from tests.core.test_fold import EPOCH, append, item_of, journal, key, post


def a_call(turns: int, *, every_ms: int = 10_000) -> dict[str, Any]:
    """A call in which the caller said something every ten seconds and was answered at once, and all was played."""
    writes = []
    for turn in range(turns):
        at = key(ev.PROMPT, turn * every_ms)
        writes += [
            append(at, ev.PROMPT, text=f"Question {turn}?"),
            journal(at, p000=post(f"Answer {turn}.", turn * every_ms + 500), st=j.DONE, covers=[at]),
            append(key(ev.PLAYED, turn * every_ms + 1500), ev.PLAYED, text=f"Answer {turn}."),
        ]
    return item_of(writes)


def now(at_ms: int) -> int:
    """So many milliseconds into the call."""
    return EPOCH + at_ms


def compacted(item: dict[str, Any], planned: compaction.Plan) -> dict[str, Any]:
    """The item after the plan, as the table carries it out."""
    events = {k: v for k, v in item["events"].items() if k not in planned.events}
    replies = {k: v for k, v in item["replies"].items() if k not in planned.replies}
    return {**item, "events": events, "replies": replies, "mark": planned.new_mark, "folded": planned.number + 1}


def test_a_short_call_is_left_alone() -> None:
    """Too little would be gained by a write."""
    assert plan(a_call(4), now(40_000)) is None
    assert plan(a_call(1), now(10**6)) is None


@pytest.mark.accept("G16")
def test_old_turns_leave_and_are_told_on() -> None:
    """What leaves the item is what the history item holds: nothing is lost, nothing is there twice."""
    item = a_call(12)
    before = entries(fold(item))

    planned = plan(item, now(120_000))

    assert planned is not None
    assert before == [*planned.entries, *entries(fold(compacted(item, planned)))]


def test_the_last_minute_stays() -> None:
    """Nothing younger than the longest invocation's life is folded."""
    planned = plan(a_call(12), now(120_000))

    assert planned is not None
    assert all(ev.stamp_of(k) < now(120_000 - WINDOW_MS) for k in planned.events)


def test_the_last_two_turns_stay_however_old() -> None:
    """A caller who was silent for an hour is answered from what was said last."""
    item = a_call(12)

    planned = plan(item, now(3_600_000))

    assert planned is not None
    assert ["Question 10?", "Question 11?"] == [u.text for u in fold(compacted(item, planned)).utterances]


def test_a_reply_that_lives_is_waited_for() -> None:
    """Its journal is still being written."""
    item = a_call(12)
    first = min(item["replies"])
    item["replies"][first] |= {"st": "", "beat": now(115_000)}

    assert plan(item, now(120_000)) is None


def test_keys_stay_with_the_event_that_collects_them() -> None:
    """The mark does not fall between them."""
    item = a_call(13, every_ms=4000)
    item["events"] = {k: event for k, event in item["events"].items() if event["type"] != ev.PLAYED}
    for at in (58_000, 59_500):
        append(key(ev.DIGIT, at), ev.DIGIT, digit="1")(item)
    append(ev.derived_key(key(ev.DIGIT, 62_000), ev.DIGITS), ev.DIGITS)(item)
    append(key(ev.DIGIT, 62_000), ev.DIGIT, digit="#")(item)
    append(key(ev.PROMPT, 70_000), ev.PROMPT, text="And?")(item)

    planned = plan(item, now(120_000))

    assert planned is not None
    assert ["11#", "And?"] == [u.text for u in fold(compacted(item, planned)).utterances][-2:]


def test_a_reply_that_is_still_being_played_stays() -> None:
    """Its next report would find no words to belong to."""
    item, long_one = a_call(24), key(ev.PROMPT, 100_000)
    for k in [k for k, event in item["events"].items() if event["type"] == ev.PLAYED and k > long_one]:
        del item["events"][k]
    append(key(ev.PLAYED, 230_000), ev.PLAYED, text="Answer 10.")(item)

    planned = plan(item, now(240_000))

    assert planned is not None
    assert max(planned.replies) < long_one


def test_late_reports_leave_with_their_reply() -> None:
    """However late they came."""
    item = a_call(12)
    late = key(ev.PLAYED, 45_000)
    item["events"][late] = item["events"].pop(key(ev.PLAYED, 31_500))

    planned = plan(item, now(120_000))

    assert planned is not None
    assert late in planned.events


def test_an_event_below_the_mark_is_folded_behind_it() -> None:
    """A late event is kept, never dropped (A10)."""
    item = a_call(24)
    first = plan(item, now(120_000))
    assert first is not None
    item = compacted(item, first)
    append(key(ev.PROMPT, 1000), ev.PROMPT, text="Wait!")(item)

    second = plan(item, now(300_000))

    assert second is not None
    assert "Wait!" == second.entries[0]["text"]
    assert (first.new_mark, 1) == (second.old_mark, second.number)
    assert second.new_mark > first.new_mark
