"""What a delayed look at a call finds: is somebody needed who is dead?"""

from __future__ import annotations

from typing import Any

import pytest

from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.fold import fold
from ringfold.core.frame_tools import DIGITS_MS
from ringfold.core.turn import LEASE_MS
from ringfold.core.watch import NOTHING, REPROMPT_MS, Finding, diagnose
from tests.core.test_fold import EPOCH, I2, P1, P2, Write, append, item_of, journal, key, post

ASKED = append(P1, ev.PROMPT, text="Hello?")
ANSWERED = [ASKED, journal(P1, p000=post("Hello.", 1500), covers=[P1], st=j.DONE)]


def look(writes: list[Write], at_ms: int, *, end_sent: bool = False, **item: Any) -> Finding:
    """Look so many milliseconds into the call."""
    return diagnose(fold({**item_of(writes), **item}), EPOCH + at_ms, end_sent=end_sent)


def test_nothing_was_asked() -> None:
    """A call in which nobody has spoken needs nobody."""
    assert NOTHING == look([append(key(ev.SETUP, 0), ev.SETUP)], 9000)


def test_an_answered_utterance_needs_nobody() -> None:
    """All is well."""
    assert NOTHING == look(ANSWERED, 9000)


@pytest.mark.accept("E22")
def test_a_speaker_that_lives_is_waited_for() -> None:
    """It is looked for again when it would count as dead."""
    assert Finding("wait", EPOCH + 1000 + LEASE_MS) == look([ASKED], 1000 + LEASE_MS - 1)
    assert Finding("wait", EPOCH + 3000 + LEASE_MS) == look([ASKED, journal(P1, beat=EPOCH + 3000)], 5000)


@pytest.mark.accept("E22")
def test_a_speaker_that_stopped_writing_is_dead() -> None:
    """Somebody else answers."""
    assert Finding("answer") == look([ASKED], 1000 + LEASE_MS)


@pytest.mark.accept("E22")
@pytest.mark.parametrize("state", [j.STOPPED, j.FAILED])
def test_a_reply_that_ended_without_a_word_has_answered_nothing(state: str) -> None:
    """Whoever it stopped for is not there either."""
    assert Finding("answer") == look([ASKED, journal(P1, st=state)], 9000)


def test_a_lost_link_is_waited_for() -> None:
    """There is nobody to speak to until a newer link is there."""
    gone = [ASKED, journal(P1, st=j.GONE)]

    assert NOTHING == look(gone, 9000, links={"g1": "c1"})
    assert Finding("answer") == look(gone, 9000, links={"g1": "c1", "g2": "c2"})


@pytest.mark.accept("E22")
def test_an_interrupt_with_nothing_behind_it_is_asked_about() -> None:
    """The caller broke in and said nothing: after a while they are asked to go on."""
    cough = [*ANSWERED, append(I2, ev.INTERRUPT, heard="Hello.")]

    assert Finding("wait", EPOCH + 3000 + REPROMPT_MS) == look(cough, 3000 + REPROMPT_MS - 1)
    assert Finding("reprompt") == look(cough, 3000 + REPROMPT_MS)


def test_words_behind_an_interrupt_need_no_reprompt() -> None:
    """Their own answer counts."""
    broke_in = [*ANSWERED, append(I2, ev.INTERRUPT, heard="Hello.")]
    went_on = [append(P2, ev.PROMPT, text="A seat."), journal(P2, p000=post("4A.", 3500), covers=[P1, P2], st=j.DONE)]

    assert NOTHING == look([*broke_in, *went_on], 9000)


@pytest.mark.accept("E22")
def test_pressed_keys_that_nobody_collects_are_collected() -> None:
    """Their own invocation has a second longer than the caller's pause."""
    pressed = [append(key(ev.DIGIT, 1000), ev.DIGIT, digit="1")]
    due = 1000 + DIGITS_MS + 1000

    assert Finding("wait", EPOCH + due) == look(pressed, due - 1)
    assert Finding("collect") == look(pressed, due)


def test_a_call_that_is_over_needs_nobody() -> None:
    """Whatever was left unanswered."""
    assert NOTHING == look([ASKED], 9000, ended="caller_hung_up")


def test_an_end_that_was_never_sent_is_sent() -> None:
    """The agent's farewell was the last thing its worker lived for."""
    said = [ASKED, journal(P1, p000=post("Goodbye.", 1500))]

    assert Finding("wait", EPOCH + 1510 + LEASE_MS) == look(said, 2000, ended="agent_ended")
    assert Finding("end") == look(said, 9000, ended="agent_ended")
    assert NOTHING == look(said, 9000, ended="agent_ended", end_sent=True)
