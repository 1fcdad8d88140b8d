"""Who speaks, and who no longer does: fences, quiet, duplicates, late words, hand-over, lost links."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.turn import QUIET_MS, RETRY_MS, SPEAKS_MS
from tests.stage import CALL, LINK, PROMPT, RID, T0, Stage, a_call, model, stall, stopped, warm
from tests.stage import called as tool

LONG = [f"This is sentence number {i}. " for i in range(12)]


def starts_after(stage: Stage, at: int) -> list[int]:
    """How long after a moment each later post was started."""
    return [when - at for when in stage.times(c.PostFrame) if when > at]


# --- losing the floor -------------------------------------------------------------------------------------------------
@pytest.mark.accept("E4", "E20")
@pytest.mark.parametrize("at", range(360, 1400, 37))
@pytest.mark.parametrize("each", [3, 60, 300])
def test_after_a_fence_at_most_one_more_post_starts(at: int, each: int) -> None:
    """And none later than 250 ms, whenever the caller speaks."""
    stage = Stage(model(*LONG, each=each))
    stage.says("Wait", at)

    stage.run()

    late = starts_after(stage, at)
    assert len(late) <= 1
    assert all(ms <= 250 for ms in late)


@pytest.mark.accept("E4")
def test_a_loser_falls_silent_closes_its_stream_and_says_so() -> None:
    """No closing frame either: the new owner closes the cycle (A4)."""
    stage = Stage(model(*LONG, each=150))
    stage.says("Wait", 700)

    stage.run()

    assert {False} == {sent.frame["last"] for sent in stage.sent}
    assert 1 == stage.count(c.CloseModel)
    assert (j.STOPPED, "superseded") == (stage.journal["st"], stage.turn.report.ended_by)
    assert "last" not in stage.journal


@pytest.mark.accept("E4")
def test_a_barge_in_stops_a_reply_that_sounds() -> None:
    """Its words agree with what was heard, so it is this one that was cut."""
    stage = Stage(model(*LONG, each=150))
    stage.barges_in(900, heard="This is sentence")

    stage.run()

    assert "barge_in" == stage.turn.report.ended_by
    assert j.STOPPED == stage.journal["st"]


def test_a_barge_in_before_the_first_word_stops_nothing() -> None:
    """It concerned what was playing before; the answer is wanted (A6, X4)."""
    stage = Stage(model("Hello there.", first=800))
    stage.barges_in(300)

    stage.run()

    assert "Hello there." == stage.spoken


@pytest.mark.parametrize("heard", ["words that nobody said at all", ""])
def test_what_was_heard_decides_whose_barge_in_it_was(heard: str) -> None:
    """A text that agrees with nothing we said stops nothing; no text at all stops what sounds."""
    stage = Stage(model(*LONG[:4], each=200))
    stage.barges_in(800, heard=heard)

    stage.run()

    assert ("barge_in" if not heard else "completed") == stage.turn.report.ended_by


def test_the_floor_is_lost_while_the_model_is_silent() -> None:
    """The poll tells; nothing is ever said."""
    stage = Stage(stall(), stall())
    stage.says("Wait", 400)

    stage.run()

    assert [] == stage.sent
    assert stage.elapsed <= 400 + 250
    assert stage.count(c.CloseModel) >= 1


def test_words_that_landed_after_the_fence_are_written_down() -> None:
    """The post on its way is heard, so it is in the journal, and the end comes after it."""
    stage = Stage(model(*LONG, each=3), post_ms=120)
    stage.says("Wait", 380)

    stage.run()

    assert len(stage.words) == len(stage.journal["p"])
    assert j.STOPPED == stage.journal["st"]


def test_when_the_call_ends_the_reply_ends() -> None:
    """A hang-up known from the status callback stops the words."""
    stage = Stage(model(*LONG, each=200))
    stage.hangs_up(700)

    stage.run()

    assert "ended" == stage.turn.report.ended_by
    assert [] == starts_after(stage, 950)


def test_a_call_that_has_ended_is_not_answered() -> None:
    """The words are stored; nothing is asked and nothing is said."""
    sessions = a_call()
    sessions.end(CALL, "agent_ended")

    stage = Stage(model("Hello."), sessions=sessions).run()

    assert ([], 0) == (stage.sent, stage.count(c.OpenModel))
    assert PROMPT in stage.item["events"]


# --- quiet ------------------------------------------------------------------------------------------------------------
def another_speaks(*, state: str = "", closed: bool = False) -> Any:
    """A call in which an older reply has been talking."""
    sessions = a_call()
    key = ev.frame_key(1, T0 - 6000, ev.PROMPT, "m0")
    event = {"type": ev.PROMPT, "rid": "r0", "text": "First"}
    post = {"x": "An answer. ", "s": T0 - 4000, "at": T0 - 3990, "n": 0, "f": "s"}
    opened = {"rid": "r0", "at": T0 - 5900, "beat": T0 - 50, "p": {"000": post}, "tools": {}, "covers": [key]}
    opened |= {"st": state} if state else {}
    sessions.append(CALL, c.Append(key, event, opened | ({"last": True} if closed else {})))
    return sessions, key


def test_a_new_speaker_waits_for_an_older_one_to_fall_silent() -> None:
    """A3: its first post is held until the older one has said that it stopped, or 250 ms."""
    sessions, _ = another_speaks()

    stage = Stage(model("Hello.", first=5), sessions=sessions, table_ms=6).run()

    first = stage.times(c.PostFrame)[0]
    assert QUIET_MS <= first <= QUIET_MS + 20


def test_the_hold_ends_when_the_older_one_has_stopped() -> None:
    """Normally long before the bound."""
    sessions, key = another_speaks()
    stage = Stage(model("Hello.", first=5), sessions=sessions)
    stage.at(40, lambda: stage._ignore(sessions.journal(CALL, c.Journal(key, {"st": j.STOPPED}))))

    stage.run()

    assert stage.times(c.PostFrame)[0] < QUIET_MS


def test_a_dead_speaker_is_not_waited_for() -> None:
    """One that has shown no life for so long that it cannot be speaking holds nobody up."""
    sessions, key = another_speaks()
    entry = sessions.items[CALL]["replies"][key]
    entry["at"] = entry["beat"] = T0 - SPEAKS_MS - 500
    entry["p"]["000"] |= {"s": T0 - SPEAKS_MS - 400, "at": T0 - SPEAKS_MS - 390}

    stage = Stage(model("Hello.", first=5), sessions=sessions).run()

    assert stage.times(c.PostFrame)[0] < 20


def test_the_new_owner_closes_the_cycle_of_the_one_it_stopped() -> None:
    """An empty last frame while its own model thinks (A4)."""
    sessions, _ = another_speaks(state=j.STOPPED)

    stage = Stage(model("Hello.", first=400), sessions=sessions).run()

    closing = stage.sent[0]
    assert ("", True) == (closing.token, closing.frame["last"])
    assert closing.at < 100
    assert "Hello." == stage.spoken


def test_a_closed_cycle_is_not_closed_again() -> None:
    """Nothing is posted that nobody needs."""
    sessions, _ = another_speaks(state=j.DONE, closed=True)

    stage = Stage(model("Hello. ", first=400), sessions=sessions).run()

    assert "Hello. " == stage.sent[0].token


# --- order, duplicates, late words ------------------------------------------------------------------------------------
def test_the_second_copy_of_a_frame_says_nothing() -> None:
    """A1: only the request id that is stored may speak."""
    sessions = a_call()
    event = {"type": ev.PROMPT, "rid": "r0", "text": "Hello"}
    sessions.append(CALL, c.Append(PROMPT, event, {"rid": "r0", "at": T0, "p": {}, "tools": {}}))

    stage = Stage(model("Hello."), sessions=sessions).run()

    assert ([], 0) == (stage.sent, stage.count(c.OpenModel, c.Journal))


def test_late_words_take_the_floor_above_newer_ones_and_answer_both() -> None:
    """A5: an utterance that finds a newer one there is not left to the watchdog."""
    sessions = a_call()
    newer = ev.frame_key(1, T0 + 40, ev.PROMPT, "m2")
    event = {"type": ev.PROMPT, "rid": "r2", "text": "And my seat?"}
    sessions.append(CALL, c.Append(newer, event, {"rid": "r2", "at": T0, "p": {}, "tools": {}, "covers": [newer]}))

    stage = Stage(model("Both."), sessions=sessions).run()

    assert stage.turn.key > newer
    assert {PROMPT, newer} == set(stage.journal["covers"])
    assert "stopped" == stage.item["replies"][PROMPT]["st"]
    asked = json.dumps(stage.all(c.OpenModel)[0].request["messages"])
    assert "Hello" in asked
    assert "And my seat?" in asked


def test_taking_the_floor_survives_a_table_that_fails_once() -> None:
    """The reply opened first is closed all the same."""
    sessions = a_call()
    newer = ev.frame_key(1, T0 + 40, ev.PROMPT, "m2")
    sessions.append(CALL, c.Append(newer, {"type": ev.PROMPT, "rid": "r2", "text": "And?"}))
    stage = Stage(model("Both."), sessions=sessions)
    stage.table_down(5, 60)

    stage.run()

    assert "Both." == stage.spoken
    assert "stopped" == stage.item["replies"][PROMPT]["st"]


def test_words_a_newer_reply_has_answered_are_not_answered_again() -> None:
    """Whoever spoke above them covered them."""
    sessions = a_call()
    newer = ev.frame_key(1, T0 + 40, ev.PROMPT, "m2")
    opened = {"rid": "r2", "at": T0, "p": {}, "tools": {}, "covers": [PROMPT, newer]}
    sessions.append(CALL, c.Append(newer, {"type": ev.PROMPT, "rid": "r2", "text": "And?"}, opened))

    stage = Stage(model("Twice."), sessions=sessions).run()

    assert ([], "superseded") == (stage.sent, stage.turn.report.ended_by)


# --- links ------------------------------------------------------------------------------------------------------------
@pytest.mark.accept("N2")
def test_a_closed_link_sends_the_words_to_the_newest() -> None:
    """A7: 410 closes that link only, and the frame that it did not carry is said on the other."""
    stage = Stage(model("Hello there. ", "How are you?"))
    stage.at(340, lambda: stage.item["links"].update(g2="c2="))
    stage.posts = ["gone"]

    stage.run()

    assert {"c2="} == {sent.connection_id for sent in stage.sent}
    assert "Hello there. How are you?" == stage.spoken


def test_without_another_link_the_reply_ends_as_gone() -> None:
    """To be resumed on the next one, from what was heard."""
    stage = Stage(model(*LONG[:4], each=100))
    stage.posts = ["ok", "gone", "gone"]

    stage.run()

    assert (j.GONE, "link_lost") == (stage.journal["st"], stage.turn.report.ended_by)
    assert [LONG[0]] == [post["x"] for post in stage.journal["p"].values()]


def test_a_post_of_unknown_fate_counts_as_said_and_is_never_repeated() -> None:
    """Doubled words would be worse than missing ones."""
    stage = Stage(model(*LONG[:3], each=100))
    stage.posts = ["lost"]

    stage.run()

    assert "".join(LONG[:3]).strip() == stage.spoken
    assert "".join(LONG[:3]).strip() == "".join(p["x"] for _, p in sorted(stage.journal["p"].items())).strip()


def test_a_second_post_of_unknown_fate_ends_the_turn() -> None:
    """Something is wrong with the gateway; the watchdog speaks next."""
    stage = Stage(model(*LONG, each=100))
    stage.posts = ["ambiguous", "ambiguous"]

    stage.run()

    assert (j.FAILED, "post_timeouts") == (stage.journal["st"], stage.turn.report.ended_by)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_refused_post_is_tried_again_after_a_pause(times: int) -> None:
    """429 and its like were certainly not delivered: said once in the end, in order."""
    stage = Stage(model("Hello there. ", "How are you?"))
    stage.posts = ["refused"] * times

    stage.run()

    assert "Hello there. How are you?" == stage.spoken
    tried = stage.times(c.PostFrame)
    assert all(later - at >= 50 for at, later in itertools.pairwise(tried))


def test_a_gateway_that_always_refuses_is_given_up() -> None:
    """A bounded number of tries."""
    stage = Stage(model("Hello there."))
    stage.posts = ["refused"] * 99

    stage.run()

    assert 4 == stage.count(c.PostFrame)
    assert (j.FAILED, "post_refused") == (stage.journal["st"], stage.turn.report.ended_by)
    assert stage.elapsed < 356 + 5 * RETRY_MS


def test_a_refused_post_is_not_repeated_by_one_who_lost_the_floor() -> None:
    """The pause is a chance to look."""
    stage = Stage(model(*LONG, each=10))
    stage.posts = ["ok", "refused"]
    stage.says("Wait", 372)

    stage.run()

    assert 1 == len(stage.sent)
    assert "superseded" == stage.turn.report.ended_by


# --- handing over -----------------------------------------------------------------------------------------------------
def test_a_turn_that_needs_longer_hands_itself_over() -> None:
    """A11: after its last post has landed and is written down, with nothing in flight."""
    words = [f"word{i} " for i in range(60)]
    stage = Stage(model(*words, each=300), budget_ms=5000).run()

    assert [c.Dispatch(PROMPT, 1)] == stage.all(c.Dispatch)
    assert 5000 <= stage.elapsed < 5400
    assert "handed_over" == stage.turn.report.ended_by
    assert len(stage.words) == len(stage.journal["p"])
    assert "st" not in stage.journal
    assert 1 == stage.count(c.CloseModel)


def test_a_turn_does_not_hand_over_the_last_words() -> None:
    """When all is thought, what is left is quicker said than handed over."""
    stage = Stage(model(*LONG[:3], each=10), budget_ms=385, post_ms=100).run()

    assert 0 == stage.count(c.Dispatch)
    assert "completed" == stage.turn.report.ended_by


def test_a_turn_with_an_effect_under_way_is_not_handed_over() -> None:
    """What it came to must be written down by who started it."""
    script = model(tool("change"), stopped("tool_use"))
    stage = Stage(script, model("Changed."), budget_ms=1000)
    stage.tools["change"] = (3000, {"done": 1})

    stage.run()

    assert "success" == next(iter(stage.journal["tools"].values()))["st"]
    assert all(at >= stage.times(c.ToolReturned)[0] for at in stage.times(c.Dispatch))


def test_the_next_part_goes_on_from_the_journal() -> None:
    """It asks with what was heard, adds its words behind, and numbers its tools behind the earlier ones."""
    words = [f"word{i} " for i in range(60)]
    first = Stage(model(tool("look"), stopped("tool_use")), model(*words, each=300), budget_ms=5000).run()
    heard = len(first.journal["p"])
    item = first.sessions.load(CALL)

    more = Stage(
        model(tool("change", {"seat": "4A"}, "use_2"), stopped("tool_use")),
        model("Done."),
        sessions=first.sessions,
        event=None,
        item=item,
        part=1,
        armed=True,
        rid="r7",
    )
    more.run()

    requests = [opened.request["messages"] for opened in more.all(c.OpenModel)]
    assert "word1" in json.dumps(requests[0])
    assert ["use_look", "use_2"] == [call["id"] for _, call in sorted(more.journal["tools"].items())]
    ids = [b["toolUse"]["toolUseId"] for m in requests[1] for b in m["content"] if "toolUse" in b]
    assert ["use_look", "use_2"] == ids
    assert len(more.journal["p"]) > heard
    assert 0 == more.count(c.Arm, c.Append)


def test_a_part_that_comes_too_late_says_nothing() -> None:
    """Row 42: sixty seconds later a newer reply has covered its words."""
    words = [f"word{i} " for i in range(60)]
    first = Stage(model(*words, each=300), budget_ms=3000).run()
    newer = ev.frame_key(1, T0 + 9000, ev.PROMPT, "m9")
    opened = {"rid": "r9", "at": T0 + 9000, "p": {}, "tools": {}, "covers": [PROMPT, newer], "st": j.DONE}
    first.sessions.append(CALL, c.Append(newer, {"type": ev.PROMPT, "rid": "r9", "text": "Hm?"}, opened))

    late = Stage(
        model("Late."), sessions=first.sessions, event=None, item=first.sessions.load(CALL), part=1, armed=True
    )
    late.run()

    assert ([], 0) == (late.sent, late.count(c.OpenModel))


@pytest.mark.accept("E20")
@pytest.mark.parametrize("at", [200, 352, 358, 363, 371, 420])
def test_a_worker_frozen_for_five_seconds_sees_the_fence_before_it_posts(at: int) -> None:
    """Row 41: whatever had come for it meanwhile, it looks first."""
    stage = Stage(model(*LONG, each=50))
    other = ev.frame_key(1, T0 + at, ev.PROMPT, "m9")
    opened = {"rid": "r9", "at": T0 + at, "p": {}, "tools": {}}

    def freeze() -> None:
        stage.now += 5000
        stage.sessions.append(CALL, c.Append(other, {"type": ev.PROMPT, "rid": "r9", "text": "Wait"}, opened))

    stage.at(at, freeze)

    stage.run()

    assert [] == [when for when in stage.times(c.PostFrame) if when > at]
    assert "superseded" == stage.turn.report.ended_by


# --- after a reconnect ------------------------------------------------------------------------------------------------
def replayed(state: str, *, beat: int = 0) -> Stage:
    """The words of this turn came before, on the link before, and were answered as told."""
    sessions = a_call()
    old = ev.frame_key(1, T0 - 4000, ev.PROMPT, "m0")
    opened = {"rid": "r0", "at": T0 - 4000, "beat": T0 - beat, "p": {}, "tools": {}, "covers": [old]}
    opened |= {"st": state} if state else {}
    sessions.append(CALL, c.Append(old, {"type": ev.PROMPT, "rid": "r0", "text": "Hello"}, opened))
    setup = ev.frame_key(2, T0 - 100, ev.SETUP, "m5")
    sessions.append(CALL, c.Append(setup, {"type": ev.SETUP, "rid": "r5", "session_id": "VX2"}, link=(2, "c2=")))
    key = ev.frame_key(2, T0 - 3, ev.PROMPT, "m6")
    return Stage(model("Hello again."), sessions=sessions, key=key, link=(2, "c2="))


@pytest.mark.parametrize(("state", "beat"), [(j.DONE, 3900), ("", 100)])
def test_replayed_words_that_have_been_answered_are_left_alone(state: str, beat: int) -> None:
    """A8: answered, or being answered right now."""
    stage = replayed(state, beat=beat).run()

    assert ([], "replay") == (stage.sent, stage.turn.report.ended_by)


def test_replayed_words_whose_answer_died_are_answered() -> None:
    """Nobody else will."""
    stage = replayed(j.GONE, beat=3900).run()

    assert "Hello again." == stage.spoken
    assert {"c2="} == {sent.connection_id for sent in stage.sent}


def test_a_turn_stays_on_the_link_of_its_frame_until_it_knows_of_another() -> None:
    """What the session item says counts, not what came with the frame."""
    sessions = a_call()
    sessions.items[CALL]["links"]["g3"] = "c3="

    stage = Stage(model("Hello."), **{**warm(sessions), "link": LINK, "rid": RID}).run()

    assert {"c3="} == {sent.connection_id for sent in stage.sent}
    assert replace(stage.sent[0], at=0).connection_id == "c3="
