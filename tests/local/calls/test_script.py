"""Scripted calls: what can be written, and how a fault in one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.calls import script
from local.calls.script import ScriptError, load_script, parse_script

SCRIPTS = sorted((Path(script.__file__).parent).glob("*.yaml"))


def one_step(text: str) -> script.Action:
    return parse_script(f"steps:\n  - {text}").steps[0].action


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_shipped_scripts_can_be_meant(path: Path) -> None:
    """Every script that ships parses and says what it is about."""
    assert load_script(path).about


def test_the_shipped_scripts_are_complete() -> None:
    """The situations a newcomer wants to see are all there."""
    names = {
        "reservation",
        "barge_in",
        "seat_change",
        "keypad",
        "drop_and_recover",
        "slow_model",
        "dead_model",
        "goodbye",
    }

    assert names <= {path.stem for path in SCRIPTS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("say: Hello there.", script.Say("Hello there.")),
        ("barge_in: Stop", script.BargeIn("Stop")),
        ("barge_in: {text: Stop, after_words: 5}", script.BargeIn("Stop", 5)),
        ('press: "1 2 #"', script.Press("12#")),
        ("press: 42", script.Press("42")),
        ("drop:", script.Drop()),
        ("drop", script.Drop()),
        ("hang_up", script.HangUp()),
        ("listen: 3", script.Listen(3)),
        ("silence: 1.5", script.Silence(1.5)),
        ("expect: delayed", script.Expect(contains="delayed")),
        ("expect: {any_of: [a, b], within_ms: 900}", script.Expect(any_of=("a", "b"), within_ms=900)),
        ("expect: {matches: 'gate \\d+'}", script.Expect(matches="gate \\d+")),
        ("expect_end: {reason: hang-up}", script.ExpectEnd(reason="hang-up")),
        ("expect_end", script.ExpectEnd()),
        ("model: {fault: stall, times: 1}", script.SetModel({"fault": "stall", "times": 1})),
        ("gateway: {frames: {mode: shuffle}}", script.SetGateway({"frames": {"mode": "shuffle"}})),
    ],
)
def test_every_step_can_be_written(text: str, expected: script.Action) -> None:
    """Short and long forms."""
    assert expected == one_step(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "call.yaml:1: expected a script, got an empty file"),
        ("- say: hi", "call.yaml:1: expected a script, a mapping of about, to, from, steps"),
        ("about: x", "call.yaml:1: expected steps, a list"),
        ("steps: []", "call.yaml:1: expected a list of steps"),
        ("steps:\n  - say: hi\n  - shout: hi", "call.yaml:3: expected one of say, barge_in"),
        ("steps:\n  - say: hi\n    press: 1", "call.yaml:2: expected one step"),
        ("steps:\n  - say:", "call.yaml:2: expected what the caller says, got nothing"),
        ("steps:\n  - press: 12a", "call.yaml:2: expected keys in quotes"),
        ("steps:\n  - expect:\n      contain: x", "call.yaml:3: expected one of contains, any_of"),
        ("steps:\n  - expect: {within_s: soon}", "call.yaml:2: expected seconds, got 'soon'"),
        ("steps:\n  - expect: {matches: '('}", "call.yaml:2: expected a regular expression"),
        ("steps:\n  - expect_end: {reason: boredom}", "call.yaml:2: expected one of hang-up, application"),
        ("steps:\n  - drop: now", "call.yaml:2: expected nothing after the colon, got 'now'"),
        ("steps:\n  - barge_in: {text: hi, after_words: 0}", "call.yaml:2: expected how many words"),
        ("to: 15125550100\nsteps:\n  - say: hi", 'call.yaml:1: expected a number in E.164 in quotes, "+15125550100"'),
        ("steps:\n  - say: 'hi", "call.yaml:2: expected YAML"),
        ("steps: &a [*a]", "call.yaml:1: expected"),
    ],
)
def test_a_fault_names_its_line_and_what_was_expected(text: str, message: str) -> None:
    """File, line, what was expected there, and what stands there instead."""
    with pytest.raises(ScriptError) as caught:
        parse_script(text, "call.yaml")

    assert str(caught.value).startswith(message)


def test_a_missing_file_is_told_by_name() -> None:
    """No traceback for a typo in SCRIPT=."""
    with pytest.raises(ScriptError, match=r"nowhere\.yaml: cannot be read"):
        load_script(Path("nowhere.yaml"))


@given(st.text(max_size=80))
def test_any_text_is_a_script_or_a_script_error(text: str) -> None:
    """However odd the file, nothing but ScriptError gets out."""
    try:
        parse_script("steps:\n  - " + text)
    except ScriptError as exc:
        assert str(exc).startswith("script:")  # noqa: PT017  # both outcomes are right; only the message is judged
