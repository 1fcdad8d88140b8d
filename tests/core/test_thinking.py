"""One round of thinking by itself: hedge, claim, retries, stalls."""

from __future__ import annotations

import random

import pytest

from ringfold.core.commands import CloseModel, ModelCalled, ModelFailed, ModelSaid, ModelStopped, OpenModel
from ringfold.core.thinking import RETRY_MS, STALL_MS, ModelEvent, Round

REQUEST = {"messages": ["…"]}


def asked(hedge_ms: int = 1200, now_ms: int = 0) -> Round:
    """A round that has asked its first model."""
    round_ = Round(("first", "second"), hedge_ms, now_ms, 3)
    assert [OpenModel(3, "first", REQUEST)] == round_.start(REQUEST, now_ms)
    return round_


def test_the_second_model_is_asked_when_the_first_is_late() -> None:
    """At the limit, once, with the same request."""
    round_ = asked()

    assert 1200 == round_.wake_at()
    assert [] == round_.tick(1199)
    assert [OpenModel(4, "second", REQUEST)] == round_.tick(1200)
    assert [] == round_.tick(5000)
    assert round_.wake_at() is None


@pytest.mark.parametrize(
    "event", [ModelSaid(4, "Hello"), ModelCalled(4, "u", "look", "{}")], ids=["words", "a tool call"]
)
def test_the_first_event_of_any_kind_has_the_voice(event: ModelSaid | ModelCalled) -> None:
    """A12: a tool call claims it too, so that two models never call the same tool."""
    round_ = asked()
    round_.tick(1200)

    assert [CloseModel(3)] == round_.handle(event, 1300)
    assert [] == round_.handle(ModelSaid(3, "Late"), 1301)
    assert [] == round_.handle(ModelCalled(3, "v", "look", "{}"), 1302)

    assert 4 == round_.voice
    assert "Late" not in round_.text
    assert len(round_.calls) == isinstance(event, ModelCalled)


def test_blanks_claim_nothing() -> None:
    """White space is not an answer; the hedge stays armed."""
    round_ = asked()

    assert [] == round_.handle(ModelSaid(3, " \n"), 100)

    assert round_.voice is None
    assert 1200 == round_.wake_at()


def test_text_is_taken_once() -> None:
    """What has come since the last look."""
    round_ = asked()
    round_.handle(ModelSaid(3, "Hello "), 100)
    first = round_.take()
    round_.handle(ModelSaid(3, "there."), 110)

    assert ("Hello ", "there.", "") == (first, round_.take(), round_.take())
    assert "Hello there." == round_.text


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([ModelSaid(3, "Hello."), ModelStopped(3, "end_turn")], "answered"),
        ([ModelSaid(3, "Hello."), ModelStopped(3, "max_tokens")], "answered"),
        ([ModelSaid(3, "Hello."), ModelStopped(3, "")], "answered"),
        ([ModelCalled(3, "u", "look", "{}"), ModelStopped(3, "tool_use")], "tools"),
        ([ModelCalled(3, "u", "look", "{}"), ModelStopped(3, "end_turn")], "tools"),
        ([ModelSaid(3, "Hello."), ModelFailed(3, "StreamEnded")], "broken"),
        ([ModelCalled(3, "u", "look", "{}"), ModelFailed(3, "StreamEnded")], "broken"),
    ],
)
def test_how_a_round_ends(events: list[ModelSaid | ModelCalled | ModelStopped | ModelFailed], outcome: str) -> None:
    """By what was given, not by what the stream calls its end."""
    round_ = asked()

    for event in events:
        round_.handle(event, 100)

    assert outcome == round_.outcome
    assert round_.wake_at() is None


@pytest.mark.parametrize("event", [ModelFailed(3, "ThrottlingException"), ModelStopped(3, "end_turn")])
def test_a_first_model_that_gives_nothing_is_replaced_at_once(event: ModelFailed | ModelStopped) -> None:
    """Failed or empty, nobody waits for the hedge."""
    round_ = asked()

    assert [OpenModel(4, "second", REQUEST)] == round_.handle(event, 50)


def test_when_both_have_failed_each_is_asked_once_more() -> None:
    """After a pause; then the round is dead."""
    round_ = asked()
    round_.handle(ModelFailed(3, "x"), 50)
    round_.handle(ModelFailed(4, "x"), 60)

    assert 60 + RETRY_MS == round_.wake_at()
    assert [OpenModel(5, "first", REQUEST)] == round_.tick(60 + RETRY_MS)
    round_.handle(ModelFailed(5, "x"), 500)
    assert [OpenModel(6, "second", REQUEST)] == round_.tick(500 + RETRY_MS)
    round_.handle(ModelFailed(6, "x"), 1000)

    assert ("dead", None) == (round_.outcome, round_.wake_at())


def test_one_failure_beside_an_open_stream_is_waited_out() -> None:
    """The other may still answer."""
    round_ = asked()
    round_.tick(1200)

    assert [] == round_.handle(ModelFailed(4, "x"), 1300)
    round_.handle(ModelSaid(3, "Hello."), 1400)

    assert 3 == round_.voice


def test_a_stalled_voice_is_revoked_and_never_heard_again() -> None:
    """A12: its stream is closed; what it says later is nobody's."""
    round_ = asked()
    round_.handle(ModelSaid(3, "Hello"), 100)

    assert 100 + STALL_MS == round_.wake_at()
    assert [CloseModel(3)] == round_.tick(100 + STALL_MS)
    assert [] == round_.handle(ModelSaid(3, " again"), 4000)

    assert ("broken", "Hello") == (round_.outcome, round_.text)


def test_closing_closes_what_is_open() -> None:
    """Both streams of a hedge, once."""
    round_ = asked()
    round_.tick(1200)

    assert {CloseModel(3), CloseModel(4)} == set(round_.close())
    assert [] == round_.close()


def test_whatever_comes_there_is_one_voice() -> None:
    """Any events in any order: the text is that of one stream, and no stream is closed twice."""
    for seed in range(300):
        chance = random.Random(seed)
        round_, now, closed = asked(), 0, []
        for _ in range(30):
            now += chance.choice([0, 10, 400, 1300])
            stream = chance.choice([3, 4, 5, 6])
            events: list[ModelEvent] = [
                ModelSaid(stream, f"<{stream}>"),
                ModelSaid(stream, " "),
                ModelCalled(stream, "u", "look", "{}"),
                ModelStopped(stream, "end_turn"),
                ModelFailed(stream, "x"),
            ]
            commands = round_.handle(chance.choice(events), now) if chance.random() < 0.7 else round_.tick(now)
            closed += [command.stream for command in commands if isinstance(command, CloseModel)]
            wake = round_.wake_at()
            if wake is not None and wake <= now:
                closed += [command.stream for command in round_.tick(now) if isinstance(command, CloseModel)]
                later = round_.wake_at()
                assert later is None or later > now
        closed += [command.stream for command in round_.close() if isinstance(command, CloseModel)]
        assert len({part for part in round_.text.replace("><", "> <").split() if part.startswith("<")}) <= 1
        assert len(closed) == len(set(closed))
