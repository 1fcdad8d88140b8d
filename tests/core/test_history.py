"""What the model is told: always what Converse accepts, and only what was said and heard."""

from typing import Any

import pytest

from ringfold.core.fold import fold
from ringfold.core.history import GO_ON, MAX_ENTRIES, SPEAK_FIRST, UNKNOWN_OUTCOME, entries, messages
from tests.core.test_fold import P1, P2, append, item_of, journal, post


def caller(text: str, **more: Any) -> dict[str, Any]:
    """A caller's entry."""
    return {"role": "caller", "key": P1, "text": text, **more}


def agent(*steps: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """An agent's entry: (words, tool calls) of each round."""
    text = "".join(words for words, _ in steps)
    return {"role": "agent", "key": P1, "text": text, "steps": [{"text": words, "tools": t} for words, t in steps]}


def call(result: str | None, *, ok: bool = True) -> dict[str, Any]:
    """A tool call."""
    return {"id": "t1", "name": "look", "input": '{"seat": "4A"}', "result": result, "ok": ok}


def said(role: str, *texts: str) -> dict[str, Any]:
    """A message of nothing but words."""
    return {"role": role, "content": [{"text": text} for text in texts]}


def test_a_question_and_its_answer() -> None:
    """Utterances are the user's, replies the assistant's."""
    history = [caller("Hello?"), agent(("Good morning.", [])), caller("A seat, please.")]

    assert [
        said("user", "Hello?"), said("assistant", "Good morning."), said("user", "A seat, please."),
    ] == messages(history)  # fmt: skip


def test_utterances_in_a_row_are_one_message() -> None:
    """Roles alternate, whatever happened between."""
    assert [said("user", "Hello?", "Anybody?")] == messages([caller("Hello?"), caller("Anybody?")])


def test_nothing_said_yet() -> None:
    """The user must speak first, so we say that they are there."""
    assert [said("user", SPEAK_FIRST)] == messages([])
    assert [said("user", SPEAK_FIRST)] == messages([agent(("Hello.", []))])


def test_a_reply_that_was_cut_short_is_to_be_finished() -> None:
    """When the agent spoke last, the model is asked to go on."""
    assert said("user", GO_ON) == messages([caller("Hello?"), agent(("Well, ", []))])[-1]


def test_pressed_keys_are_told_as_such() -> None:
    """The model cannot mistake them for speech."""
    assert [said("user", "(The caller pressed these keys: 1 2 #)")] == messages([caller("12#", typed=True)])


def test_a_tool_call_is_followed_by_its_result() -> None:
    """The result is a message of the user's; what the caller says next joins it, behind it."""
    told = messages([caller("4A?"), agent(("Let me see.", [call('{"free": true}')])), caller("Well?")])

    use = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"seat": "4A"}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"free": True}}], "status": "success"}}
    assert {"role": "assistant", "content": [{"text": "Let me see."}, use]} == told[1]
    assert {"role": "user", "content": [result, {"text": "Well?"}]} == told[2]


@pytest.mark.parametrize(
    ("result", "ok", "told", "status"),
    [
        (None, False, UNKNOWN_OUTCOME, "error"),
        ('{"error": "no such seat"}', False, {"error": "no such seat"}, "error"),
        ("[1, 2]", True, {"value": [1, 2]}, "success"),
        ("no JSON", True, {"value": "no JSON"}, "success"),
    ],
)
def test_what_came_of_a_tool(result: str | None, ok: bool, told: dict[str, Any], status: str) -> None:
    """An unknown outcome is an error that says so; a result that is no object is wrapped in one."""
    [_, _, answer] = messages([caller("4A?"), agent(("", [call(result, ok=ok)]))])

    block = answer["content"][0]["toolResult"]
    assert ([{"json": told}], status) == (block["content"], block["status"])


def test_only_so_many_entries_are_told() -> None:
    """What lies further back stays in the transcript; what is left begins with the user and has no orphaned result."""
    history = [caller("Hello?"), agent(("", [call("{}")]))] * MAX_ENTRIES

    told = messages(history[:-1])

    assert ("user", {"text": "Hello?"}) == (told[0]["role"], told[0]["content"][0])
    assert len(told) < len(history)


@pytest.mark.accept("E19")
def test_words_behind_a_cut_do_not_run_together() -> None:
    """A frame that was cut in its middle and another that was heard behind it."""
    item = item_of([
        append(P1, "prompt", text="One."),
        journal(P1, p000=post("I think that it ", 1100), p001=post("Anyway.", 3010)),
        append(P2.replace(".3.", ".1."), "interrupt", heard="I think"),  # type: ignore[arg-type]
    ])  # fmt: skip

    assert "I think Anyway." == entries(fold(item))[1]["text"]
