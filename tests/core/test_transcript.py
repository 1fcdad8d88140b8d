"""The durable transcript."""

from typing import Any

from ringfold.core.transcript import MAX_TOOL_CHARS, build_transcript, tail_of

CALLER: dict[str, Any] = {"role": "caller", "key": "g0001.1790000000000.3.m", "text": "Hello?"}
AGENT: dict[str, Any] = {"role": "agent", "key": "g0001.1790000001500.3.m", "text": "Good morning.", "steps": []}


def test_the_greeting_comes_first_and_entries_follow_with_their_time() -> None:
    """Times are ISO 8601, UTC, to the millisecond."""
    assert [
        {"role": "agent", "text": "Owl here.", "greeting": True},
        {"role": "caller", "text": "Hello?", "at": "2026-09-21T14:13:20.000Z"},
        {"role": "agent", "text": "Good morning.", "at": "2026-09-21T14:13:21.500Z"},
    ] == build_transcript("Owl here.", [CALLER, AGENT])


def test_pressed_keys_are_marked() -> None:
    """A reader can tell them from words."""
    [line] = build_transcript("", [{**CALLER, "text": "12#", "typed": True}])

    assert line["typed"] is True


def test_tool_calls_are_kept_as_objects() -> None:
    """Input and result are JSON where they can be, text where not."""
    tools = [
        {"id": "t", "name": "look", "input": '{"a": 1}', "result": '{"b": 2}', "ok": True},
        {"id": "u", "name": "change", "input": "[", "result": None, "ok": False},
    ]

    [line] = build_transcript("", [{**AGENT, "steps": [{"text": "", "tools": tools}]}])

    assert [
        {"name": "look", "input": {"a": 1}, "result": {"b": 2}, "ok": True},
        {"name": "change", "input": "[", "result": None, "ok": False},
    ] == line["tools"]


def test_a_long_tool_result_is_cut() -> None:
    """The rest is in the tool's own system."""
    tool = {"id": "t", "name": "look", "input": "{}", "result": "x" * 9000, "ok": True}

    [line] = build_transcript("", [{**AGENT, "steps": [{"text": "", "tools": [tool]}]}])

    assert MAX_TOOL_CHARS == len(line["tools"][0]["result"])


def test_the_tail_is_the_last_utterances_without_the_greeting() -> None:
    """As a caller who calls back is reminded of them."""
    transcript = build_transcript("Owl here.", [CALLER, AGENT, CALLER])

    assert [
        {"role": "agent", "text": "Good morning."},
        {"role": "caller", "text": "Hello?"},
    ] == tail_of(transcript, 2)
    assert 3 == len(tail_of(transcript, 8))


def test_a_call_in_which_nobody_spoke_has_no_tail() -> None:
    """The agent's words alone remind nobody of anything."""
    assert [] == tail_of(build_transcript("Owl here.", [AGENT]), 8)
