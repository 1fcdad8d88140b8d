"""Tools that are a frame: what may be played, pressed and spoken, and which keys are awaited."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core.fold import fold
from ringfold.core.frame_tools import (
    DIGITS_MS,
    FRAME_TOOLS,
    Awaited,
    awaited,
    awaited_by,
    frame_of,
    languages_of,
    told,
)
from ringfold.core.frames import Language, Play, build_frame
from tests.core.test_turn_tools import calling, results
from tests.stage import AGENT, CALL, SNAPSHOT, Stage, a_call, called, model

MUSIC = "https://cdn.example.com/hold.mp3"
NUMBER = {"language": "en-US", "languages": [{"code": "es-US"}, {"code": "fr-FR"}]}
TOOLS = ("look", *sorted(FRAME_TOOLS), "collect_digits")
ABLE = replace(SNAPSHOT, agent=replace(AGENT, tools=TOOLS, audio=(MUSIC,)), number=NUMBER)


@pytest.mark.accept("F4", "E6")
def test_audio_that_is_configured_is_played() -> None:
    """As often as asked for, once by default."""
    assert Play(MUSIC, 1) == frame_of("play_audio", {"url": MUSIC}, ABLE)
    assert Play(MUSIC, 3) == frame_of("play_audio", {"url": MUSIC, "loop": 3}, ABLE)


@pytest.mark.accept("F4")
@pytest.mark.parametrize(
    "url", ["https://evil.example/x.mp3", "", None, MUSIC + "?x", "http://169.254.169.254/", [MUSIC]]
)
def test_audio_that_is_not_configured_is_refused(url: object) -> None:
    """Whatever the model found it in; it is told what there is."""
    why = frame_of("play_audio", {"url": url}, ABLE)

    assert isinstance(why, str)
    assert MUSIC in why


@pytest.mark.accept("E13")
@pytest.mark.parametrize(("asked", "code"), [("es-US", "es-US"), ("ES-us", "es-US"), ("en-US", "en-US")])
def test_a_language_of_the_number_is_spoken_and_understood(asked: str, code: str) -> None:
    """Both ways; the voice is not named, so it is not switched."""
    assert Language(code, code) == frame_of("switch_language", {"language": asked}, ABLE)
    assert ["en-US", "es-US", "fr-FR"] == languages_of(ABLE)


@pytest.mark.accept("E13")
@pytest.mark.parametrize("asked", ["de-DE", "", "multi", "es", "en-US\n"])
def test_a_language_that_is_not_offered_is_refused(asked: str) -> None:
    """The model learns which are."""
    assert "es-US" in str(frame_of("switch_language", {"language": asked}, ABLE))
    assert isinstance(frame_of("switch_language", {"language": asked}, ABLE), str)


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@pytest.mark.accept("E6")
@given(
    st.sampled_from(sorted(FRAME_TOOLS)),
    st.dictionaries(st.sampled_from(["url", "loop", "digits", "language"]), ANYTHING),
)
def test_whatever_is_asked_for_is_a_legal_frame_or_a_reason(kind: str, arguments: dict[str, Any]) -> None:
    """Nothing is raised, and what is sent parses."""
    made = frame_of(kind, arguments, ABLE)

    assert isinstance(made, str) or json.loads(build_frame(made))["type"] in {"play", "sendDigits", "language"}


@given(st.dictionaries(st.sampled_from(["length", "terminator", "pause_s"]), ANYTHING))
def test_whatever_keys_are_asked_for(arguments: dict[str, Any]) -> None:
    """Bounded, or refused."""
    wanted = awaited_by(arguments)

    assert isinstance(wanted, str) or (0 <= wanted.length <= 32 and 1000 <= wanted.pause_ms <= 5000)


@pytest.mark.accept("E5")
@pytest.mark.parametrize(
    ("wanted", "digits", "complete"),
    [
        (Awaited(), "123", False),
        (Awaited(), "123#", True),
        (Awaited(4), "123", False),
        (Awaited(4), "1234", True),
        (Awaited(4), "12#", True),
        (Awaited(0, "*"), "12#", False),
        (Awaited(0, "*"), "12*", True),
    ],
)
def test_an_entry_is_complete(wanted: Awaited, digits: str, complete: bool) -> None:
    """By its length, or by the key that ends it."""
    assert complete is wanted.complete(digits)


# --- in a turn --------------------------------------------------------------------------------------------------------
FRAMES = [
    ("play_audio", {"url": MUSIC, "loop": 2}, {"type": "play", "source": MUSIC, "loop": 2}),
    ("send_digits", {"digits": "1w2#"}, {"type": "sendDigits", "digits": "1w2#"}),
    (
        "switch_language",
        {"language": "es-US"},
        {"type": "language", "ttsLanguage": "es-US", "transcriptionLanguage": "es-US"},
    ),
]


@pytest.mark.accept("E6", "F4", "F9")
@pytest.mark.parametrize(("name", "arguments", "frame"), FRAMES, ids=[name for name, _, _ in FRAMES])
def test_the_frame_follows_the_words_before_it(name: str, arguments: dict[str, Any], frame: dict[str, Any]) -> None:
    """Behind them, before those after it; the model is told that it has left, and the journal too."""
    stage = Stage(calling(called(name, arguments), say="One moment. "), model("There."), snapshot=ABLE).run()

    kinds = [sent.frame["type"] for sent in stage.sent]
    at = kinds.index(frame["type"])
    assert frame == stage.sent[at].frame
    assert "One moment." == "".join(sent.token for sent in stage.sent[:at]).strip()
    assert "There." == "".join(sent.token for sent in stage.sent[at:]).strip()
    assert "success" == results(stage)[0]["status"]
    (entry,) = stage.journal["tools"].values()
    assert "success" == entry["st"]


@pytest.mark.accept("F9")
@pytest.mark.parametrize(("name", "arguments", "frame"), FRAMES, ids=[name for name, _, _ in FRAMES])
def test_a_frame_is_not_sent_when_the_floor_is_lost(name: str, arguments: dict[str, Any], frame: Any) -> None:
    """Its intent is guarded like any effect's."""
    stage = Stage(calling(called(name, arguments)), model("There."), snapshot=ABLE)
    stage.says("Wait!", at=360)

    stage.run()

    assert frame["type"] not in [sent.frame["type"] for sent in stage.sent]


@pytest.mark.parametrize("fate", ["refused", "ambiguous", "lost"])
def test_a_frame_that_did_not_land_is_sent_once(fate: str) -> None:
    """Refused it is sent again; where nobody knows, it counts as sent."""
    stage = Stage(calling(called("send_digits", {"digits": "1"})), model("There."), snapshot=ABLE)
    stage.posts = [fate]

    stage.run()

    assert ["sendDigits"] * (fate != "ambiguous") == [s.frame["type"] for s in stage.sent if s.frame["type"] != "text"]
    assert "There." == stage.spoken


def test_what_may_not_be_played_is_told_and_not_written() -> None:
    """No intent, no frame."""
    stage = Stage(calling(called("play_audio", {"url": "https://evil.example/a.mp3"})), model("Sorry."), snapshot=ABLE)

    stage.run()

    assert "error" == results(stage)[0]["status"]
    assert all(journal.guard is None for journal in stage.all(c.Journal))
    assert "Sorry." == stage.spoken


@pytest.mark.accept("E13")
def test_the_prompt_follows_the_language() -> None:
    """From the next round on the agent is told which language the call is held in."""
    stage = Stage(calling(called("switch_language", {"language": "es-US"})), model("Hola."), snapshot=ABLE).run()

    first, second = [json.dumps(opened.request["system"]) for opened in stage.all(c.OpenModel)]
    assert "held in es-US" not in first
    assert "held in es-US" in second


@pytest.mark.accept("E13", "E16")
def test_a_new_link_speaks_the_language_that_was_switched_to() -> None:
    """A recovered session begins in the number's own: the frame comes before the words, once, and is no tool's."""
    sessions = a_call(ABLE)
    Stage(calling(called("switch_language", {"language": "es-US"})), model("Hola."), sessions=sessions).run()
    item = sessions.items[CALL]
    setup = ev.frame_key(2, 1_790_000_200_000, ev.SETUP, "m9")
    item["events"][setup] = {"type": ev.SETUP, "rid": "r9", "session_id": "VX2"}
    item["links"]["g2"] = "c2="
    item["link_gen"] = 2
    resume = {
        "key": ev.derived_key(setup, ev.RESUME),
        "event": {"type": ev.RESUME, "rid": "r9"},
        "rid": "r9",
        "link": (2, "c2="),
        "script_of": "back",
    }

    stage = Stage(sessions=sessions, **resume).run()

    kinds = [sent.frame["type"] for sent in stage.sent]
    assert ["language", "text"] == kinds[:2]
    assert 1 == kinds.count("language")
    assert {} == stage.journal["tools"]
    assert "held in" not in stage.spoken


def test_an_agent_is_told_only_of_the_powers_it_has() -> None:
    """The plain agent's prompt is what it was."""
    assert [] == told(SNAPSHOT)
    assert [True, True] == [part in "".join(told(ABLE)) for part in (MUSIC, "fr-FR")]


@pytest.mark.accept("E5", "F9")
def test_the_keys_awaited_are_those_asked_for_last() -> None:
    """Until the caller has answered; then the ordinary pause holds."""
    stage = Stage(calling(called("collect_digits", {"length": 6, "pause_s": 4})), model("Your code?"), snapshot=ABLE)
    stage.run()
    item = stage.item
    pressed = ev.frame_key(1, 1_790_000_200_000, ev.DIGIT, "d1")
    item["events"][pressed] = {"type": ev.DIGIT, "rid": "r", "digit": "1"}

    assert Awaited(6, "#", 4000) == awaited(fold(item))

    item["events"][ev.derived_key(pressed, ev.DIGITS)] = {"type": ev.DIGITS, "rid": "r"}
    later = ev.frame_key(1, 1_790_000_300_000, ev.DIGIT, "d2")
    item["events"][later] = {"type": ev.DIGIT, "rid": "r", "digit": "1"}
    assert Awaited(0, "#", DIGITS_MS) == awaited(fold(item))
