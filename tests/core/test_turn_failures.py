"""Never silent: what the caller hears when the model, the table or the session fails."""

from __future__ import annotations

import pytest

from ringfold.core import commands as c
from ringfold.core import journal as j
from ringfold.core.agent import Agent
from ringfold.core.frames import MAX_TOKEN_CHARS
from ringfold.core.turn import LOST_THREAD, MAX_SPOKEN_CHARS
from tests.stage import CALL, LINK, Stage, a_call, an_agent, failed, model, stall, stopped, warm

APOLOGY = Agent.apology


def first_words(stage: Stage) -> int:
    """When the caller first hears something."""
    return stage.words[0].at


# --- the model --------------------------------------------------------------------------------------------------------
@pytest.mark.accept("E22")
def test_a_late_model_is_hedged() -> None:
    """At the agent's limit the second is asked too, and whoever is first has the voice."""
    stage = Stage(stall(), model("Hello.", first=200), snapshot=an_agent(first_token_ms=900)).run()

    asked = list(zip(stage.times(c.OpenModel), stage.all(c.OpenModel), strict=True))
    assert [(6, "first"), (906, "second")] == [(at, opened.model_id) for at, opened in asked]
    assert "Hello." == stage.spoken
    assert [c.CloseModel(0)] == stage.all(c.CloseModel)
    assert first_words(stage) < 1200


@pytest.mark.accept("E22")
@pytest.mark.parametrize(
    "models",
    [
        (stall(), stall()),
        (stall("  "), stall("\n")),
        (stall("…"), stall("—")),
        (model(failed(), first=5),) * 4,
        (model(failed(), first=700),) * 4,
        (model(failed(), first=5), stall()),
        (stall(), model(failed(), first=5), stall()),
        (model(first=10),) * 4,
        (model("  ", "\n", first=10),) * 4,
        (model("...", first=10),) * 4,
        (model(stopped("guardrail_intervened"), first=10),) * 4,
        (model(stopped("something_new"), first=10),) * 4,
    ],
    ids=[
        "both stall", "blank, then stall", "a mark, then stall", "throttled", "throttled late",
        "throttled and stalled", "stalled and throttled", "empty", "white space", "a mark", "guardrail", "unknown stop",
    ],
)  # fmt: skip
def test_whatever_the_models_do_there_are_words_within_three_and_a_half_seconds(models: tuple[object, ...]) -> None:
    """The scripted sentence, once, closed, and every stream shut."""
    stage = Stage(*models).run()  # type: ignore[arg-type]

    assert APOLOGY == stage.spoken
    assert first_words(stage) <= 3500
    assert stage.sent[-1].frame["last"]
    assert set() == stage._open
    assert "scripted" == stage.turn.report.ended_by
    assert 0 == stage.spins


@pytest.mark.accept("E22")
def test_the_other_model_answers_when_the_first_gives_nothing() -> None:
    """Empty counts as failed: the second is asked at once."""
    stage = Stage(model(first=100), model("Hello.", first=100)).run()

    assert "Hello." == stage.spoken
    assert first_words(stage) < 400


def test_a_voice_that_breaks_before_its_first_word_is_replaced() -> None:
    """What it had begun is forgotten; the caller hears one answer."""
    broken = model("W", failed("StreamEnded"), first=5, each=0)

    stage = Stage(broken, model("Hello.", first=100), table_ms=40, **warm(a_call())).run()

    assert "Hello." == stage.spoken


@pytest.mark.parametrize("end", [failed("modelStreamErrorException"), 100_000])
def test_a_voice_that_breaks_after_its_first_words_says_so(end: object) -> None:
    """Broken or stalled: a polite end, nothing said twice, nothing asked again."""
    script = model("Your flight leaves ", "at ", end, stopped())  # type: ignore[arg-type]

    stage = Stage(script, model("Twice.")).run(until=20_000)

    assert stage.spoken.startswith("Your flight leaves")
    assert stage.spoken.endswith(LOST_THREAD.strip())
    assert "Twice" not in stage.spoken
    assert stage.sent[-1].frame["last"]
    assert stage.elapsed < 4500


@pytest.mark.parametrize("reason", ["max_tokens", "stop_sequence", "content_filtered", "never_heard_of"])
def test_any_stop_reason_ends_a_spoken_answer(reason: str) -> None:
    """What was said is said; the cycle is closed."""
    stage = Stage(model("Hello there. ", "And", stopped(reason))).run()

    assert "Hello there." == " ".join(stage.spoken.split()[:2])
    assert stage.sent[-1].frame["last"]
    assert reason == stage.turn.report.stop_reason


def test_a_loser_that_streams_on_is_not_heard() -> None:
    """Both answer; one has the voice, and the other is closed at once (A12)."""
    stage = Stage(model("First. ", "First again.", first=1300), model("Second. ", "Second again.", first=101)).run()

    assert ("First" in stage.spoken) != ("Second" in stage.spoken)
    assert 1 == stage.count(c.CloseModel)


def test_an_answer_without_an_end_is_cut() -> None:
    """Ten thousand words are not read out; no frame is longer than a frame may be."""
    stage = Stage(model(*["word " * 2000] * 5, each=1), post_ms=3000).run()

    assert len(stage.spoken) <= MAX_SPOKEN_CHARS
    assert all(len(sent.token) <= MAX_TOKEN_CHARS for sent in stage.sent)
    assert stage.sent[-1].frame["last"]
    assert set() == stage._open


def test_a_text_longer_than_a_frame_is_sent_in_several() -> None:
    """Whatever a configured sentence holds, no frame is refused."""
    long = "word " * 4000

    stage = Stage(script_of="back", snapshot=an_agent(back=long)).run(until=600_000)

    assert long.strip() == stage.spoken
    assert len(stage.sent) >= 3


# --- the table --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("since", [0, 4, 100, 340, 360, 420, 900])
def test_two_seconds_without_a_table_do_not_silence_the_turn(since: int) -> None:
    """Row 50: retried in budget; the whole answer is heard, once, and written down."""
    words = [f"Sentence {i}. " for i in range(6)]
    stage = Stage(model(*words, each=100))
    stage.table_down(since, since + 2000)

    stage.run()

    assert "".join(words).strip() == stage.spoken
    assert j.DONE == stage.journal["st"]
    assert len(stage.journal["p"]) == len(stage.words)
    assert 0 == stage.spins
    assert stage.count(c.Append, c.Journal) < 30


def test_a_reply_goes_on_while_only_writes_fail() -> None:
    """Reads tell that the floor is ours; what was said is written down when the table is back."""
    words = [f"Sentence {i}. " for i in range(6)]
    stage = Stage(model(*words, each=100))
    stage.table_down(365, 2500, reads=False)

    stage.run()

    assert max(sent.at for sent in stage.words) < 2500
    assert len(stage.journal["p"]) == len(stage.words)


def test_a_table_that_stays_down_is_answered_with_a_sentence() -> None:
    """On the link the frame came on, closed, with a bounded number of tries."""
    stage = Stage(model("Hello."))
    stage.table_down(0, 100_000)

    stage.run()

    assert APOLOGY == stage.spoken
    assert [LINK[1]] == [sent.connection_id for sent in stage.sent]
    assert stage.elapsed < 5000
    assert "table_failed" == stage.turn.report.ended_by
    assert stage.count(c.Append) <= 25


def test_a_blind_sentence_closes_the_model_that_was_asked_beforehand() -> None:
    """A warm turn had asked from its copy."""
    stage = Stage(stall("Hello"), **warm(a_call()))
    stage.table_down(0, 100_000)

    stage.run()

    assert APOLOGY == stage.spoken
    assert 1 == stage.count(c.CloseModel)


def test_a_frame_of_a_call_nobody_knows_gets_a_sentence() -> None:
    """Row 55: the session item is missing; polite, and nothing is hammered."""
    sessions = a_call()
    del sessions.items[CALL]

    stage = Stage(model("Hello."), sessions=sessions).run()

    assert APOLOGY == stage.spoken
    assert "no_session" == stage.turn.report.ended_by
    assert (1, 0) == (stage.count(c.Append), stage.count(c.Journal))


def test_a_call_without_its_snapshot_gets_a_sentence() -> None:
    """Row 55: tried again at a measured pace, then polite."""
    sessions = a_call()
    del sessions.snapshots[CALL]

    stage = Stage(model("Hello."), sessions=sessions).run()

    assert APOLOGY == stage.spoken
    assert "no_snapshot" == stage.turn.report.ended_by
    assert stage.count(c.Load) <= 25
    assert stage.elapsed < 5000


@pytest.mark.parametrize(("table_ms", "since"), [(6, 420), (700, 1420)])
def test_an_end_that_cannot_be_written_is_given_up(table_ms: int, since: int) -> None:
    """The words are out; the watchdog finds the rest. On a slow table nobody spins while a write is under way."""
    stage = Stage(model("Hello. ", "Bye."), table_ms=table_ms)
    stage.table_down(since, 100_000)

    stage.run()

    assert stage.turn.done
    assert stage.elapsed < 10_000
    assert 0 == stage.spins


def test_a_journal_that_is_gone_ends_the_turn() -> None:
    """Its entry has been folded away, or the item is gone: nothing is hammered."""
    stage = Stage(model(*[f"Sentence {i}. " for i in range(6)], each=200))
    stage.at(500, stage.item["replies"].clear)

    stage.run()

    assert "journal_gone" == stage.turn.report.ended_by
    assert stage.elapsed < 1000
