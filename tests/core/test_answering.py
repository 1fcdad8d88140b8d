"""An answer that is written as a whole."""

from __future__ import annotations

import json

from ringfold.core.answering import ENOUGH, MOST_ROUNDS, NO_OBJECT, NOT_YOURS, Answering, Round, read_round
from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped

KINDS = {"look": "read", "change": "effect", "end_call": "end_call"}


def call(name: str = "look", arguments: str = "{}", use_id: str = "t1") -> ModelCalled:
    return ModelCalled(0, use_id, name, arguments)


def answering() -> Answering:
    return Answering([{"role": "user", "content": [{"text": "Hello"}]}], "cnv_1")


def test_a_stream_becomes_a_round() -> None:
    """Words and calls; one that broke, said nothing or ended without saying so is a failure."""
    assert Round("Hi you", (call(),), "tool_use") == read_round(
        [ModelSaid(0, "Hi "), ModelSaid(0, "you"), call(), ModelStopped(0, "tool_use")]
    )
    assert "Throttled" == read_round([ModelSaid(0, "Hi"), ModelFailed(0, "Throttled")]).failure
    assert "StreamEnded" == read_round([ModelSaid(0, "Hi")]).failure
    assert "EmptyAnswer" == read_round([ModelSaid(0, "  "), ModelStopped(0, "end_turn")]).failure


def test_words_without_a_call_are_the_answer() -> None:
    """The first round may be the last."""
    it = answering()

    assert [] == it.take(Round(" Hello there. ", (), "end_turn"), KINDS)
    assert "Hello there." == it.text


def test_calls_and_their_results_are_told_in_pairs() -> None:
    """As Converse wants them."""
    it = answering()

    (use,) = it.take(Round("One moment.", (call(arguments='{"code": "A"}'),), "tool_use"), KINDS)
    use.result, use.ok = json.dumps({"seat": "12A"}), True
    it.give([use])
    it.take(Round("Seat 12A.", (), "end_turn"), KINDS)

    assert ["user", "assistant", "user"] == [each["role"] for each in it.messages]
    assert {"text": "One moment."} == it.messages[1]["content"][0]
    assert "t1" == it.messages[1]["content"][1]["toolUse"]["toolUseId"]
    assert {"toolUseId": "t1", "content": [{"json": {"seat": "12A"}}], "status": "success"} == it.messages[2][
        "content"
    ][0]["toolResult"]
    assert "Seat 12A." == it.text


def test_what_cannot_be_run_is_told() -> None:
    """A tool that is not the agent's, one that only a call has, and arguments that are none."""
    it = answering()

    uses = it.take(
        Round("", (call("fly"), call("end_call", use_id="t2"), call("look", "[1]", "t3")), "tool_use"), KINDS
    )

    assert [NOT_YOURS, NOT_YOURS, NO_OBJECT] == [json.loads(use.result or "")["error"] for use in uses]


def test_it_ends() -> None:
    """A model that calls tools for ever is told to answer, and then not asked any more."""
    it = answering()
    for _ in range(MOST_ROUNDS):
        assert not it.is_spent
        uses = it.take(Round("", (call(),), "tool_use"), KINDS)
        if it.rounds < MOST_ROUNDS:
            assert None is uses[0].result
            uses[0].result = "{}"
        it.give(uses)

    assert ENOUGH == json.loads(uses[0].result or "")["error"]
    it.take(Round("", (call(),), "tool_use"), KINDS)
    assert it.is_spent
