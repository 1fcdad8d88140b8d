"""Ending a call for good: the session marked, the transcript kept, the contact remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ringfold.core import events as ev
from ringfold.core.commands import Plan
from ringfold.errors import DependencyError, SessionMissing
from ringfold.service.finish import TAIL, Finish
from tests.ports import CALL, Rig


@dataclass
class Kept:
    """Transcripts as they are given."""

    kept: list[tuple[Any, ...]] = field(default_factory=list)
    remembered: list[tuple[Any, ...]] = field(default_factory=list)

    def keep(self, *given: Any) -> None:
        self.kept.append(given)

    def remember(self, *given: Any) -> None:
        self.remembered.append(given)


def a_call_with_words(*words: str) -> Rig:
    """A call in which things were said."""
    rig = Rig(["Fine, thanks."])
    rig.sets_up()
    for text in words:
        rig.says(text)
    return rig


def finish(rig: Rig, kept: Kept, reason: str = "caller_hung_up", **parts: Any) -> None:
    later = parts.get("later", lambda *_: None)
    Finish(parts.get("calls", rig.sessions), kept, lambda number: number.startswith("+"), later)(
        CALL, reason, now_ms=rig.clock()
    )


def test_a_call_is_ended_with_its_transcript() -> None:
    """Who it belongs to, why it ended, what was said on both sides."""
    rig, kept = a_call_with_words("How are you?"), Kept()

    finish(rig, kept)

    ((organization, conversation, reason, transcript, _),) = kept.kept
    assert ("org_1", "conv_1", "caller_hung_up") == (organization, conversation, reason)
    assert ["Hello.", "How are you?", "Fine, thanks."] == [entry["text"] for entry in transcript]
    assert "caller_hung_up" == rig.item()["ended"]


@pytest.mark.accept("E25")
def test_the_first_reason_stays() -> None:
    """Two callbacks tell of one end; both write the same."""
    rig, kept = a_call_with_words("Hello"), Kept()

    finish(rig, kept, "agent_ended")
    finish(rig, kept, "caller_hung_up")

    assert ["agent_ended", "agent_ended"] == [given[2] for given in kept.kept]


@pytest.mark.accept("G16")
def test_what_was_folded_away_is_in_the_transcript() -> None:
    """History items first, then the window."""
    rig, kept = a_call_with_words("Second"), Kept()
    entry = {"role": "caller", "key": "g0001.0000000000001.3.m", "text": "First"}
    rig.sessions.compact(CALL, Plan("", "g0001.0000000000002.3.m", 0, [entry], [], []), 0)

    finish(rig, kept)

    said = [line["text"] for line in kept.kept[0][3]]
    assert said.index("First") < said.index("Second")


@pytest.mark.accept("G8")
def test_the_contact_remembers_the_last_words() -> None:
    """A few, for a call back."""
    rig, kept = a_call_with_words(*[f"Utterance {n}" for n in range(6)]), Kept()

    finish(rig, kept)

    ((organization, contact, call_sid, _, tail, _),) = kept.remembered
    assert ("org_1", "+15125550147", CALL) == (organization, contact, call_sid)
    assert TAIL == len(tail)
    assert {"role", "text"} == set(tail[-1])


@pytest.mark.parametrize("number", ["", "client:alice", "sip:a@b"])
def test_a_caller_without_a_number_is_not_remembered(number: str) -> None:
    """Row 7: nothing is shared between those who withhold theirs."""
    rig, kept = a_call_with_words("Hello"), Kept()
    rig.sessions.snapshots[CALL] = replace(rig.sessions.snapshots[CALL], caller_number=number)

    finish(rig, kept)

    assert [] == kept.remembered
    assert 1 == len(kept.kept)


def test_only_what_was_heard_is_kept() -> None:
    """E19: an answer cut short is cut in the transcript."""
    rig, kept = Rig(["One two three four five six seven eight nine ten."]), Kept()
    rig.says("Count")
    rig.service.frame(
        rig.frame(
            "interrupt", utteranceUntilInterrupt="One two three", durationUntilInterruptMs=900, at_ms=rig.clock() + 5
        )
    )

    finish(rig, kept)

    assert "One two three" == kept.kept[0][3][-1]["text"].strip()
    assert [ev.INTERRUPT] == [e["type"] for e in rig.item()["events"].values() if e["type"] == ev.INTERRUPT]


def test_no_call_is_said_to_be_none() -> None:
    """For the webhook to decide."""
    rig = Rig()
    rig.sessions.items.clear()

    with pytest.raises(SessionMissing):
        finish(rig, Kept())


def test_a_table_that_fails_is_called_again() -> None:
    """Nothing is kept halfway that a repeat would not mend."""
    rig, kept = a_call_with_words("Hello"), Kept()
    rig.sessions.down = True

    with pytest.raises(DependencyError):
        finish(rig, kept)
    rig.sessions.down = False
    finish(rig, kept)

    assert 1 == len(kept.kept)


@pytest.mark.accept("H12")
@pytest.mark.parametrize("remembers", [True, False])
def test_a_call_is_to_be_remembered(remembers: bool) -> None:
    """By whoever takes conversations in, unless its agent's memory is off."""
    rig, kept = a_call_with_words("Hello"), Kept()
    known = rig.sessions.snapshots[CALL]
    rig.sessions.snapshots[CALL] = replace(known, agent=replace(known.agent, memory=remembers))
    later: list[tuple[str, str]] = []

    finish(rig, kept, later=lambda *given: later.append(given))

    assert ([("org_1", "conv_1")] if remembers else []) == later
