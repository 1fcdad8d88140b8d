"""Tools in a turn: rounds, fillers, effects behind their intents, and the end of the call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold.core import commands as c
from ringfold.core import journal as j
from ringfold.core.agent import Agent
from ringfold.core.turn import MAX_ROUNDS
from tests.stage import CALL, PROMPT, Stage, a_call, an_agent, called, failed, model, stall, stopped

FILLERS = Agent.fillers


def calling(*calls: c.ModelCalled, say: str = "", **timing: int) -> Any:
    """A round that ends in tool calls."""
    return model(*([say] if say else []), *calls, stopped("tool_use"), **timing)


def results(stage: Stage, request: int = 1) -> list[dict[str, Any]]:
    """The tool results of a later request."""
    messages = stage.all(c.OpenModel)[request].request["messages"]
    return [block["toolResult"] for block in messages[-1]["content"] if "toolResult" in block]


# --- rounds -----------------------------------------------------------------------------------------------------------
def test_a_tools_result_goes_to_the_model_and_its_answer_to_the_caller() -> None:
    """Call and result are paired in the next request, and kept in the journal."""
    stage = Stage(calling(called("look", {"code": "X"})), model("It is on time."))
    stage.tools["look"] = {"status": "on time"}

    stage.run()

    assert "It is on time." == stage.spoken
    (result,) = results(stage)
    assert ("use_look", "success", [{"json": {"status": "on time"}}]) == (
        result["toolUseId"], result["status"], result["content"],
    )  # fmt: skip
    (entry,) = stage.journal["tools"].values()
    assert ('{"status": "on time"}', "success", 0) == (entry["r"], entry["st"], entry["n"])


def test_reads_run_side_by_side() -> None:
    """Two looks cost the time of one, and nobody writes an intent for them."""
    stage = Stage(calling(called("look"), called("look_too")), model("Done."))
    stage.tools.update(look=(500, {"a": 1}), look_too=(500, {"b": 1}))

    stage.run()

    assert 1 == len(set(stage.times(c.RunTool)))
    assert all(journal.guard is None for journal in stage.all(c.Journal))
    assert {"use_look", "use_look_too"} == {result["toolUseId"] for result in results(stage)}


def test_words_before_and_after_a_tool_do_not_run_together() -> None:
    """The model writes no blank between its rounds."""
    stage = Stage(calling(called("look"), say="Let me look. "), model("Found it. ")).run()

    assert "Let me look. Found it." == " ".join(stage.spoken.split())
    assert [0, 1] == [post["n"] for _, post in sorted(stage.journal["p"].items())]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (called("look", "{not json"), "not a JSON object"),
        (called("look", "[1, 2]"), "not a JSON object"),
        (called("no_such_tool"), "no tool named no_such_tool"),
        (called("change", '{"seat": '), "not a JSON object"),
    ],
)
def test_a_call_that_makes_no_sense_is_told_and_has_no_effect(call: c.ModelCalled, told: str) -> None:
    """Row 77: broken arguments, an unknown tool: a result of its own, nothing runs."""
    stage = Stage(calling(call), model("Sorry, once more?")).run()

    assert "Sorry, once more?" == stage.spoken
    assert 0 == stage.count(c.RunTool)
    (result,) = results(stage)
    assert "error" == result["status"]
    assert told in json.dumps(result)


def test_a_failing_tool_is_told() -> None:
    """The model says it in its own words."""
    stage = Stage(calling(called("look")), model("That did not work."))
    stage.tools["look"] = {"error": "broken"}

    stage.run()

    assert "error" == results(stage)[0]["status"]
    assert "That did not work." == stage.spoken


def test_a_hundred_rounds_are_not_run() -> None:
    """Row 77: bounded, and the caller hears a sentence."""
    stage = Stage(*[calling(called("look", tool_use_id=f"u{i}"), first=50) for i in range(100)])
    stage.tools["look"] = (5, {"again": True})

    stage.run()

    assert MAX_ROUNDS == stage.count(c.OpenModel)
    assert Agent.apology in stage.spoken
    assert stage.sent[-1].frame["last"]


@pytest.mark.parametrize("second", [stall(), model(first=20), model("  ", first=20), model(failed(), first=20)])
@pytest.mark.parametrize("slow_ms", [20, 1500])
def test_a_round_after_a_tool_that_gives_nothing_is_not_left_in_silence(second: Any, slow_ms: int) -> None:
    """D6 again in every round: a filler or a preamble is not an answer."""
    stage = Stage(calling(called("look")), second, second, second, second, second)
    stage.tools["look"] = (slow_ms, {"a": 1})

    stage.run(until=15_000)

    assert Agent.apology in stage.spoken
    gaps = [later.at - sent.at for sent, later in zip(stage.words, stage.words[1:], strict=False)]
    assert max([stage.words[0].at, *gaps]) < 5000
    assert stage.words[0].at <= 3500


def test_a_round_that_breaks_before_its_words_is_asked_of_the_other_model() -> None:
    """Although something was said before the tool."""
    stage = Stage(calling(called("look"), say="Let me look. "), model("F", failed(), each=0), model("Found it.")).run()

    assert "Let me look." == stage.spoken[:12]
    assert stage.spoken.endswith("Found it.")
    assert "second" == stage.all(c.OpenModel)[-1].model_id


# --- fillers ----------------------------------------------------------------------------------------------------------
@pytest.mark.accept("F6", "G10")
def test_a_tool_that_is_really_slow_is_covered() -> None:
    """After 800 ms, preemptible, once."""
    stage = Stage(calling(called("look")), model("Found it."))
    stage.tools["look"] = (3000, {"a": 1})

    stage.run()

    begun = stage.times(c.RunTool)[0]
    (filler, *rest) = stage.words
    assert 800 <= filler.at - begun <= 850
    assert FILLERS[0] == filler.token.strip()
    assert filler.frame["preemptible"]
    assert not filler.frame["last"]
    assert not any(sent.token.strip() in FILLERS for sent in rest)
    assert "f" == stage.journal["p"]["000"]["f"]


@pytest.mark.accept("G10")
def test_a_quick_tool_is_not_covered() -> None:
    """No filler for what takes 700 ms."""
    stage = Stage(calling(called("look")), model("Found it."))
    stage.tools["look"] = (700, {"a": 1})

    stage.run()

    assert "Found it." == stage.spoken


def test_there_is_no_filler_once_the_answer_has_begun() -> None:
    """The words before the tool are cover enough."""
    stage = Stage(calling(called("look"), say="Let me look. "), model("Found it."))
    stage.tools["look"] = (3000, {"a": 1})

    stage.run()

    assert not any(filler in stage.spoken for filler in FILLERS)


def test_the_same_filler_is_not_heard_twice_in_a_row() -> None:
    """The next turn's slow tool gets the next sentence."""
    sessions = a_call()
    heard = []
    for number in range(4):
        key = PROMPT.replace("m1", f"m{number}").replace(".3.", f".3.{number}")
        stage = Stage(calling(called("look")), model("Found it."), sessions=sessions, key=key)
        stage.tools["look"] = (2000, {"a": 1})
        heard.append(stage.run().words[0].token.strip())

    assert [*FILLERS, FILLERS[0]] == heard


@pytest.mark.accept("E22")
def test_a_late_tool_call_does_not_cost_the_caller_another_wait() -> None:
    """Whatever the model and the tool need together, something is heard by the agent's limit."""
    stage = Stage(calling(called("look"), first=1000), model("Found it.", first=2900))
    stage.tools["look"] = (700, {"a": 1})

    stage.run()

    assert stage.words[0].at <= 2950
    assert FILLERS[0] == stage.words[0].token.strip()
    assert stage.spoken.endswith("Found it.")


def test_a_filler_waits_for_the_floor_to_be_known() -> None:
    """On a slow table the last look is too old; nothing spins meanwhile."""
    stage = Stage(calling(called("look")), model("Found it."), table_ms=120)
    stage.tools["look"] = (3000, {"a": 1})

    stage.run()

    assert FILLERS[0] == stage.words[0].token.strip()
    assert 0 == stage.spins


def test_a_barge_in_over_a_filler_stops_the_turn() -> None:
    """Somebody else speaks; the tool's answer is kept all the same."""
    stage = Stage(calling(called("change")), model("Changed."))
    stage.tools["change"] = (4000, {"done": True})
    stage.says("Never mind", 2000)

    stage.run()

    assert "Changed" not in stage.spoken
    assert j.STOPPED == stage.journal["st"]


# --- effects ----------------------------------------------------------------------------------------------------------
def test_an_effect_starts_only_behind_its_written_intent() -> None:
    """A13: the intent is conditional on the floor keys seen, and answered before the tool runs."""
    stage = Stage(calling(called("change", {"seat": "4A"})), model("Done.")).run()

    (guarded,) = [journal for journal in stage.all(c.Journal) if journal.guard is not None]
    assert 1 == guarded.guard
    assert "r" not in guarded.sets["tools.000"]
    kinds = [type(entry) for _, entry in stage.told if isinstance(entry, c.RunTool | c.Journaled)]
    assert kinds.index(c.Journaled) < kinds.index(c.RunTool)


def test_an_effect_does_not_start_when_the_floor_is_lost() -> None:
    """The caller has said something more; nothing is changed behind their back."""
    stage = Stage(calling(called("change")))
    stage.says("Wait", 385)

    stage.run()

    assert 0 == stage.count(c.RunTool)
    assert 1 == stage.count(c.JournalFailed)
    assert (j.STOPPED, "superseded") == (stage.journal["st"], stage.turn.report.ended_by)


def test_an_interrupt_that_concerns_another_reply_delays_an_effect_by_a_look() -> None:
    """The guard fails, the floor is still ours, the intent is written again."""
    stage = Stage(calling(called("change")), model("Done."))
    stage.barges_in(400, heard="")

    stage.run()

    assert 1 == stage.count(c.RunTool)
    assert "Done." == stage.spoken
    assert 0 == stage.spins


def test_a_refusing_table_is_not_hammered_for_an_intent() -> None:
    """Row 50: paced; the effect begins when the intent is written, once."""
    stage = Stage(calling(called("change")), model("Done."))
    stage.table_down(420, 2400)

    stage.run()

    assert 1 == stage.count(c.RunTool)
    assert stage.spoken.endswith("Done.")
    assert stage.count(c.Journal) < 25
    assert 0 == stage.spins


@pytest.mark.parametrize("until", [2000, 5000])
def test_what_an_effect_came_to_is_written_down_after_the_floor_is_lost(until: int) -> None:
    """Row 82: the next turn knows."""
    stage = Stage(calling(called("change"), say="Let me. "), model("Done."))
    stage.tools["change"] = (until, {"done": True})
    stage.says("And my meal?", 900)

    stage.run()

    (entry,) = stage.journal["tools"].values()
    assert ("success", '{"done": true}') == (entry["st"], entry["r"])
    assert j.STOPPED == stage.journal["st"]


def test_a_known_outcome_survives_a_lost_guard() -> None:
    """The second effect is refused; what the first came to is still written."""
    stage = Stage(calling(called("change"), called("change_too")))
    stage.tools["change"] = (1, {"done": 1})
    stage.says("Wait", 444)

    stage.run()

    assert "success" == stage.journal["tools"]["000"]["st"]
    assert 1 == stage.count(c.RunTool)


def test_words_that_landed_with_a_refused_intent_are_written_down() -> None:
    """They were in the same write; the write was refused, the words were heard."""
    stage = Stage(calling(called("change"), say="Let me see. ", each=2), post_ms=100)
    stage.says("Wait", 457)

    stage.run()

    assert 0 == stage.count(c.RunTool)
    assert ["Let me see. "] == [post["x"] for post in stage.journal["p"].values()]


def test_the_same_effect_has_the_same_key_however_it_is_spelt() -> None:
    """Row 83: conversation, tool and canonical arguments; not the id of the call."""
    keys = []
    for arguments, use in (('{"a": 1, "b": 2}', "u1"), ('{"b":2,"a":1}', "u2"), ('{"a": 1, "b": 3}', "u3")):
        stage = Stage(calling(called("change", arguments, use)), model("Done.")).run()
        keys.append(stage.all(c.RunTool)[0].idempotency_key)

    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


@pytest.mark.accept("F10")
def test_an_own_tool_is_run_with_the_definition_the_call_began_with() -> None:
    """And a tool of ours with none."""
    own = {"name": "look_too", "description": "Looks elsewhere.", "input_schema": {}, "url": "https://x.example/"}
    stage = Stage(
        calling(called("look"), called("look_too")), model("Done."), snapshot=an_agent(http_tools=(own,))
    ).run()

    assert {"look": None, "look_too": own} == {run.name: run.definition for run in stage.all(c.RunTool)}


def test_a_tool_learns_for_whom_it_runs_from_us() -> None:
    """Organization, conversation and caller come from the session, never from the model."""
    forged = {"organization_id": "org_2", "conversation_id": "other"}

    stage = Stage(calling(called("look", forged)), model("Done.")).run()

    (run,) = stage.all(c.RunTool)
    assert ("org_1", "conv_1", "+15125550147") == (run.organization_id, run.conversation_id, run.caller_number)


# --- the end of the call ----------------------------------------------------------------------------------------------
@pytest.mark.accept("F5", "E6")
def test_end_call_speaks_then_hangs_up() -> None:
    """The flag first, the farewell not to be interrupted, ``end`` after it, and all of it written down."""
    stage = Stage(calling(called("end_call", {"farewell": "Safe travels. Goodbye."}))).run()

    (guarded,) = [journal for journal in stage.all(c.Journal) if journal.guard is not None]
    assert "agent_ended" == guarded.ended
    assert stage.times(c.Journal)[0] < stage.times(c.PostFrame)[0]
    frames = [sent.frame for sent in stage.sent]
    assert ["text"] * (len(frames) - 1) + ["end"] == [frame["type"] for frame in frames]
    assert {False} == {frame["interruptible"] for frame in frames if frame.get("token", "").strip()}
    assert "Safe travels. Goodbye." == stage.spoken
    assert ("agent_ended", True) == (stage.item["ended"], stage.item["end_sent"])
    assert (j.DONE, "end_call") == (stage.journal["st"], stage.turn.report.ended_by)


@pytest.mark.accept("E25", "F5")
def test_every_command_of_an_ended_call_has_its_outcome_written() -> None:
    """The end reason on the item, the farewell as a post, the tool as done, the ``end`` as sent."""
    stage = Stage(calling(called("end_call", {"farewell": "Goodbye."}))).run()

    assert "agent_ended" == stage.item["ended"]
    assert ["Goodbye."] == [post["x"] for post in stage.journal["p"].values()]
    assert stage.item["end_sent"]


@pytest.mark.accept("F5")
def test_what_the_caller_says_over_the_farewell_does_not_stop_it() -> None:
    """It has been announced; it happens."""
    stage = Stage(calling(called("end_call", {"farewell": "Thank you for calling. Goodbye."})), post_ms=200)
    stage.says("Oh, one more thing", 560)

    stage.run()

    assert "Thank you for calling. Goodbye." == stage.spoken
    assert "end" == stage.sent[-1].frame["type"]


@pytest.mark.accept("F5")
def test_words_said_before_the_flag_keep_the_call() -> None:
    """The guard fails: the caller goes on, so does the call."""
    stage = Stage(calling(called("end_call", {"farewell": "Goodbye."})))
    stage.says("Oh, one more thing", 385)

    stage.run()

    assert [] == stage.sent
    assert "ended" not in stage.item


@pytest.mark.parametrize("arguments", [{}, {"farewell": "  "}])
def test_a_farewell_is_said_even_when_the_model_gives_none(arguments: dict[str, str]) -> None:
    """Nobody is cut off without a word."""
    stage = Stage(calling(called("end_call", arguments))).run()

    assert "Goodbye." == stage.spoken
    assert "end" == stage.sent[-1].frame["type"]


def test_a_farewell_the_model_has_spoken_is_enough() -> None:
    """Without one in the call, its own words stand."""
    stage = Stage(calling(called("end_call", {}), say="Goodbye then. ")).run()

    assert "Goodbye then." == stage.spoken
    assert "end" == stage.sent[-1].frame["type"]


@pytest.mark.parametrize("fate", ["refused", "lost", "gone"])
def test_an_end_that_did_not_land_is_sent_again_unless_it_may_have(fate: str) -> None:
    """Twilio is told to hang up once."""
    stage = Stage(calling(called("end_call", {"farewell": "Goodbye."})))
    stage.posts = ["ok", "ok", fate] if fate == "x" else ["ok", fate]

    stage.run()

    assert 1 == sum(sent.frame["type"] == "end" for sent in stage.sent)
    assert stage.item["end_sent"]


def test_an_agent_without_fillers_is_silent_while_it_looks() -> None:
    """As configured; then the answer."""
    stage = Stage(calling(called("look")), model("Found it."), snapshot=an_agent(fillers=()))
    stage.tools["look"] = (1500, {"a": 1})

    stage.run()

    assert "Found it." == stage.spoken
    assert CALL in stage.sessions.items
