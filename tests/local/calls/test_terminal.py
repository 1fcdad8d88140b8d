"""The call in a terminal: the agent's words come as they are spoken and never run into what is being typed."""

from __future__ import annotations

import pytest

from local.calls.terminal import CTRL_U, Screen
from local.carrier import Happening


def word(text: str, utterance: int = 1) -> Happening:
    return Happening(0, "agent_word", {"utterance": utterance, "text": text, "upto": 0})


def type_text(screen: Screen, text: str) -> list[str]:
    return [line for line in map(screen.typed, text) if line is not None]


@pytest.fixture
def screen() -> Screen:
    """A terminal without colours."""
    return Screen(colour=False, echo=False)


def test_words_of_one_utterance_make_one_line(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    """Each utterance has a line of its own, to which words are added as they sound."""
    for happening in (word("Hello"), word("there."), word("Yes?", utterance=2)):
        screen.show(happening)
    screen.remark("over")

    assert " agent  Hello there.\n agent  Yes?\n        over\n" == capsys.readouterr().out


def test_words_wait_while_the_caller_types(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    """What the agent says meanwhile is written when the line is complete."""
    screen.show(word("Hello"))
    type_text(screen, "stop")
    screen.show(word("there."))
    before = capsys.readouterr().out
    lines = type_text(screen, "\n")

    assert ["stop"] == lines
    assert " agent  Hello\n   you  stop" == before
    assert "\n agent  there." == capsys.readouterr().out


def test_a_line_can_be_corrected_and_wiped(screen: Screen) -> None:
    """Backspace takes one key back, Ctrl-U all of them."""
    type_text(screen, "nope" + CTRL_U + "yess\x7f")

    assert ["yes"] == type_text(screen, "\n")


def test_an_interrupted_utterance_shows_where(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    """A dash stands where the agent was cut off."""
    screen.show(word("One"))
    screen.show(Happening(0, "agent_cut", {"utterance": 1, "by": "speech", "heard": "One", "text": "One two"}))

    assert " agent  One —" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("happening", "shown"),
    [
        (Happening(0, "violation", {"what": "late"}), "     !  late\n"),
        (Happening(0, "turn", {"first_token_ms": 412}), "        first token after 412 ms\n"),
        (Happening(0, "state", {"relay": "down"}), "        connection lost\n"),
        (Happening(0, "state", {"state": "in-progress", "dialing": "+15125550190"}), "        dialling +15125550190\n"),
        (Happening(0, "ended", {"reason": "hang-up", "duration_s": 3}), "        the call is over (hang-up, 3 s)\n"),
        (Happening(0, "frame_in", {"frame": {}}), ""),
    ],
)
def test_what_matters_is_remarked(
    screen: Screen, happening: Happening, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Problems, first tokens, connection and end; frames are the page's business."""
    screen.show(happening)

    assert shown == capsys.readouterr().out
