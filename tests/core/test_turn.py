"""A turn in which nothing goes wrong: what it asks for, when the words leave, and what it writes down."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.agent import Agent
from ringfold.core.pacing import count_clauses
from ringfold.core.turn import BEAT_MS, POLL_MS, WATCHDOG_S, Start, Turn
from tests.stage import CALL, LINK, PROMPT, RID, SNAPSHOT, T0, Stage, ToolBox, a_call, model, stall, warm

ANSWER = ("Your flight ", "leaves at ten. ", "Would you ", "like a window seat?")
EVENT = {"type": ev.PROMPT, "rid": RID, "text": "Hello", "lang": "en-US"}


def begin(**start: object) -> tuple[Turn, list[c.Command]]:
    """A turn by itself, and its first commands."""
    given: dict[str, object] = {"key": PROMPT, "rid": RID, "event": EVENT, "link": LINK, "models": ("first", "second")}
    turn = Turn(Start(**{**given, **start}), ToolBox())  # type: ignore[arg-type]
    return turn, turn.start(T0)


def kinds(commands: list[c.Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


# --- the first burst --------------------------------------------------------------------------------------------------
def test_a_cold_turn_arms_stores_and_loads_at_once() -> None:
    """Three requests side by side: the watchdog's message, the event, and what does not change."""
    _, commands = begin()

    assert ["Arm", "Append", "Load"] == kinds(commands)
    arm, append = commands[:2]
    assert c.Arm(PROMPT, WATCHDOG_S, EVENT, LINK) == arm
    opened = {"rid": RID, "at": T0, "p": {}, "tools": {}}
    assert c.Append(PROMPT, EVENT, opened, None, LINK) == append


def test_a_worker_that_knows_the_call_reads_nothing() -> None:
    """What does not change during a call is read once by a worker."""
    _, commands = begin(fixed=(SNAPSHOT, ()))

    assert ["Arm", "Append"] == kinds(commands)


@pytest.mark.accept("E10")
def test_a_warm_turn_asks_the_model_before_anything_else() -> None:
    """D15: with the session at hand, the model's delay begins with the frame."""
    sessions = a_call()

    _, commands = begin(cached=warm(sessions)["cached"])

    assert ["OpenModel", "Arm", "Append"] == kinds(commands)
    (opened,) = [command for command in commands if isinstance(command, c.OpenModel)]
    assert "first" == opened.model_id
    assert [{"role": "user", "content": [{"text": "Hello"}]}] == opened.request["messages"]


def test_a_turn_armed_already_arms_no_second_time() -> None:
    """A turn taken over has its watchdog message."""
    _, commands = begin(armed=True)

    assert ["Append", "Load"] == kinds(commands)


# --- the price of a turn ----------------------------------------------------------------------------------------------
@pytest.mark.accept("E10", "E11")
def test_before_its_first_words_a_plain_turn_costs_one_write_one_request_and_one_post() -> None:
    """design.md's figure, on a worker that holds the call; polls read, and nobody waits for them."""
    stage = Stage(model(*ANSWER), **warm(a_call())).run()

    first = stage.words[0].at
    assert 1 == stage.count(c.Append, c.Journal, before=first)
    assert 1 == stage.count(c.OpenModel)
    assert 1 == stage.count(c.PostFrame, before=first)
    assert 0 == stage.count(c.Load)


@pytest.mark.accept("E10", "E11")
def test_on_a_warm_call_the_caller_waits_for_the_model_and_a_post() -> None:
    """Nothing of ours lies between the first token and the post that carries it."""
    stage = Stage(model(*ANSWER), post_ms=10, **warm(a_call())).run()

    assert [350] == stage.times(c.PostFrame)[:1]
    assert 350 == stage.turn.report.first_token_ms
    assert 360 == stage.turn.report.first_post_ms
    assert "confirmed" == stage.turn.report.optimistic


def test_on_a_cold_call_the_table_comes_first() -> None:
    """One round trip, since append and load are under way together."""
    stage = Stage(model(*ANSWER), table_ms=6).run()

    assert [6] == stage.times(c.OpenModel)
    assert 356 == stage.turn.report.first_token_ms
    assert 4 == stage.count(c.Append, c.Journal, c.Load) - stage.count(c.Journal) + 2


@pytest.mark.accept("E3")
def test_an_answer_is_streamed_and_closed() -> None:
    """Text frames, ``last`` false but for the final one; joined they are the model's words."""
    stage = Stage(model(*ANSWER)).run()

    frames = [sent.frame for sent in stage.sent]
    assert {"text"} == {frame["type"] for frame in frames}
    assert [False] * (len(frames) - 1) + [True] == [frame["last"] for frame in frames]
    assert "".join(ANSWER) == stage.spoken
    assert {LINK[1]} == {sent.connection_id for sent in stage.sent}
    assert "completed" == stage.turn.report.ended_by


@pytest.mark.accept("E10")
def test_the_first_words_do_not_wait_for_the_rest() -> None:
    """A model that thinks for five more seconds has been heard long before."""
    stage = Stage(model("Well, ", 2900, "that depends.")).run()

    assert stage.words[0].at < 400
    assert "Well," == stage.words[0].token.strip()


@pytest.mark.parametrize("each", [0, 5, 30])
def test_posts_are_no_more_than_clauses_and_two(each: int) -> None:
    """design.md's figure, for a model quicker than the voice."""
    words = [f"{word} " for word in ("One two three four. Five six, seven. Eight nine ten? " * 4).split()]

    stage = Stage(model(*words, each=each)).run()

    assert len(stage.sent) <= count_clauses("".join(words)) + 2
    assert "".join(words).strip() == stage.spoken


def test_a_slow_model_is_passed_on_before_the_voice_runs_dry() -> None:
    """Word by word if need be: the caller never waits for the end of a clause."""
    words = [f"word{i} " for i in range(12)]

    stage = Stage(model(*words, each=700)).run()

    spoken_until = 0
    for sent, later in zip(stage.words, stage.words[1:], strict=False):
        spoken_until = max(spoken_until, sent.at + 300) + len(sent.token) * 1000 // 15
        # Whatever the model had said by the time the voice ran dry, it was there.
        assert later.at <= max(spoken_until, 356 + 700 * int(later.token.strip().split()[0][4:]) + 20)


def test_one_post_is_in_flight_at_a_time() -> None:
    """Frames cannot overtake one another."""
    stage = Stage(model(*[f"Sentence {i}. " for i in range(8)], each=3), post_ms=40).run()

    flying = 0
    for _, entry in stage.told:
        flying += isinstance(entry, c.PostFrame) - isinstance(entry, c.Posted | c.PostFailed)
        assert flying in (0, 1)


def test_every_post_but_the_first_waits_for_the_journal_of_the_one_before() -> None:
    """The journal's answer is the floor check of the next post."""
    stage = Stage(model(*[f"Sentence {i}. " for i in range(8)], each=3), table_ms=30).run()

    landed = 0
    written: set[str] = set()
    answered = False
    for _, entry in stage.told:
        if isinstance(entry, c.PostFrame) and json.loads(entry.frame)["token"].strip():
            assert answered or landed == 0
            assert {f"p.{i:03d}" for i in range(landed)} <= written
            landed, answered = landed + 1, False
        elif isinstance(entry, c.Journal):
            written |= set(entry.sets)
        elif isinstance(entry, c.Journaled):
            answered = True
    assert landed > 1


# --- the copy a warm worker holds -------------------------------------------------------------------------------------
def test_a_stale_copy_is_dropped_before_anything_is_said() -> None:
    """D15: words the copy did not know of are in the request that counts, and only its answer is heard."""
    sessions = a_call()
    held = warm(sessions)
    other = ev.frame_key(1, T0 - 900, ev.PROMPT, "m0")
    sessions.append(CALL, c.Append(other, {"type": ev.PROMPT, "rid": "r0", "text": "My code is X"}))

    stage = Stage(model("Wrong. ", first=2), model("Right."), **held).run()

    assert "Right." == stage.spoken
    assert "refused" == stage.turn.report.optimistic
    first, second = stage.all(c.OpenModel)
    assert [c.CloseModel(first.stream)] == stage.all(c.CloseModel)
    assert "My code is X" in json.dumps(second.request["messages"])


def test_nothing_is_said_before_the_copy_is_confirmed() -> None:
    """A model quicker than the table is held back, not trusted."""
    stage = Stage(model("Hello. ", "There.", first=5), table_ms=200, **warm(a_call())).run()

    assert "confirmed" == stage.turn.report.optimistic
    assert stage.times(c.PostFrame)[0] >= 200
    assert "Hello. There." == stage.spoken


def test_a_copy_that_shows_another_owner_is_not_asked_from() -> None:
    """A worker that knows of a newer utterance waits for the table."""
    sessions = a_call()
    newer = ev.frame_key(1, T0 + 50, ev.PROMPT, "m9")
    sessions.append(CALL, c.Append(newer, {"type": ev.PROMPT, "rid": "r9", "text": "Wait"}))

    _, commands = begin(cached=warm(sessions)["cached"])

    assert ["Arm", "Append"] == kinds(commands)


def test_the_copy_is_no_excuse_for_a_duplicate() -> None:
    """The second delivery of a frame asks, learns that it is the second, and is quiet."""
    sessions = a_call()
    held = warm(sessions)
    sessions.append(CALL, c.Append(PROMPT, {**EVENT, "rid": "r0"}, {"rid": "r0", "at": T0, "p": {}, "tools": {}}))

    stage = Stage(model("Hello.", first=2), **held).run()

    assert [] == stage.sent
    assert 1 == stage.count(c.CloseModel)
    assert 0 == stage.count(c.Journal)
    assert "duplicate" == stage.turn.report.ended_by


# --- what is written down ---------------------------------------------------------------------------------------------
def test_a_reply_writes_down_what_it_said_and_when() -> None:
    """Every landed post with its times, what it covers, and that it is done and closed."""
    stage = Stage(model("Hello there. ", "Bye.")).run()

    entry = stage.journal
    assert ["Hello there. ", "Bye."] == [post["x"] for _, post in sorted(entry["p"].items())]
    assert [PROMPT] == entry["covers"]
    assert (j.DONE, True) == (entry["st"], entry["last"])
    assert all(post["s"] <= post["at"] for post in entry["p"].values())


def test_the_last_words_and_the_end_go_into_one_write() -> None:
    """A one-sentence answer costs two writes: the event and the end."""
    stage = Stage(model("Hello there.")).run()

    assert 1 == stage.count(c.Append)
    assert stage.count(c.Journal) <= 2
    assert stage.turn.report.writes == stage.count(c.Append, c.Journal)


@pytest.mark.accept("E11")
def test_the_report_says_what_the_turn_was() -> None:
    """What the canonical log line is made of."""
    stage = Stage(model("Hello there. ")).run()

    report = stage.turn.report
    assert (1, 1, "first", "end_turn") == (report.posts, report.models_asked, report.model_id, report.stop_reason)
    assert (100, 20) == (report.input_tokens, report.output_tokens)
    assert report.polls == stage.count(c.Poll)


# --- time -------------------------------------------------------------------------------------------------------------
def test_while_the_model_is_silent_the_floor_is_looked_at_every_150_ms() -> None:
    """So a caller who speaks on is noticed at once, not at the first token."""
    stage = Stage(stall()).run(until=1100)

    looks = [at for at, entry in stage.told if isinstance(entry, c.Poll | c.Append)]
    gaps = [later - at for at, later in itertools.pairwise(looks)]
    assert gaps
    assert max(gaps) <= POLL_MS + 10


def test_a_silent_speaker_shows_that_it_is_alive() -> None:
    """Every second and a half, in place of a look."""
    stage = Stage(model("Hello.", first=2500), model("Hello.", first=9000)).run()

    beats = [at for at, entry in stage.told if isinstance(entry, c.Journal) and "beat" in entry.sets]
    assert beats
    assert BEAT_MS <= beats[0] <= BEAT_MS + POLL_MS + 20


@given(
    st.lists(st.sampled_from(["Hello. ", "and ", "yes, ", "7 ", "…", " ", "\n"]), max_size=12),
    st.integers(0, 600),
    st.integers(0, 300),
    st.sampled_from([1, 6, 40, 400]),
    st.sampled_from([1, 10, 400]),
    st.lists(st.sampled_from(["ok", "refused", "lost", "ambiguous", "gone"]), max_size=3),
)
@settings(max_examples=60)
def test_a_turn_never_spins_and_always_ends(
    words: list[str], first: int, each: int, table_ms: int, post_ms: int, posts: list[str]
) -> None:
    """Whatever the pace of model, table and gateway: each tick changes something, and there is an end."""
    stage = Stage(model(*words, first=first, each=each), table_ms=table_ms, post_ms=post_ms)
    stage.posts = posts

    stage.run()

    assert stage.turn.done
    assert 0 == stage.spins
    assert stage.ticks < 400


# --- scripts ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["reprompt", "back"])
def test_a_scripted_turn_asks_no_model(name: str) -> None:
    """A sentence of the agent's own, spoken under a floor key like any other."""
    stage = Stage(script_of=name).run()

    assert getattr(Agent, name) == stage.spoken
    assert 0 == stage.count(c.OpenModel)
    assert ["x"] == [post["f"] for post in stage.journal["p"].values()]
    assert stage.sent[-1].frame["last"]


def test_the_agents_own_models_win() -> None:
    """A model configured for the agent is asked instead of the deployment's."""
    agent = replace(SNAPSHOT.agent, model_id="mine", fallback_model_id="other")

    stage = Stage(stall(), model("Hello."), snapshot=replace(SNAPSHOT, agent=agent)).run()

    assert ["mine", "other"] == [opened.model_id for opened in stage.all(c.OpenModel)]


def test_history_that_another_worker_has_folded_is_read_again() -> None:
    """A10: what this worker holds of it has a hole; the model is asked when there is none."""
    sessions = a_call()
    held = warm(sessions)
    sessions.items[CALL]["folded"] = 1
    sessions.history[CALL].append({"mark": "", "entries": [{"role": "caller", "key": "", "text": "My name is Ann"}]})

    stage = Stage(model("Wrong.", first=100), model("Hello Ann.", first=100), **held).run()

    assert "Hello Ann." == stage.spoken
    assert "My name is Ann" in json.dumps(stage.all(c.OpenModel)[-1].request["messages"])
    assert 1 == stage.count(c.Load)
