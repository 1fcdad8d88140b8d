"""Tools that are a frame to Twilio: audio, keys, another language; and the one that says which keys are awaited.

The turn posts the frame behind the words before it, as long as it owns the floor. What may be played or spoken is
configured; whatever else the model asks for is refused in words it can act on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.fold import View
from ringfold.core.frames import Language, OutboundFrame, Play, SendDigits
from ringfold.core.session import Snapshot
from ringfold.errors import WireError

PLAY_AUDIO: Final = "play_audio"
SEND_DIGITS: Final = "send_digits"
SWITCH_LANGUAGE: Final = "switch_language"
COLLECT_DIGITS: Final = "collect_digits"
FRAME_TOOLS: Final = frozenset({PLAY_AUDIO, SEND_DIGITS, SWITCH_LANGUAGE})

DIGITS_MS: Final = 1500
"""How long after the last key the digits are taken as complete."""
MAX_LOOP: Final = 20
MAX_DIGITS: Final = 32
LONGEST_PAUSE_S: Final = 5


@dataclass(frozen=True)
class Awaited:
    """Which keys are awaited.

    Attributes:
        length: So many complete the entry; 0 when only a pause or the terminator does.
        terminator: The key that ends the entry.
        pause_ms: How long after the last key the entry is taken as complete.
    """

    length: int = 0
    terminator: str = "#"
    pause_ms: int = DIGITS_MS

    def complete(self, digits: str) -> bool:
        """Whether nothing more is awaited."""
        return 0 < self.length <= len(digits.rstrip(self.terminator)) or digits.endswith(self.terminator)


def languages_of(snapshot: Snapshot) -> list[str]:
    """The languages of the number, its own first."""
    own = str(snapshot.number.get("language") or "")
    codes = [str(child.get("code", "")) for child in snapshot.number.get("languages", ())]
    return list(dict.fromkeys(code for code in [own, *codes] if code))


def frame_of(kind: str, arguments: Mapping[str, Any], snapshot: Snapshot) -> OutboundFrame | str:
    """The frame a tool stands for, or why it cannot be sent, for the model."""
    try:
        if kind == PLAY_AUDIO:
            return _play(arguments, snapshot.agent.audio)
        if kind == SEND_DIGITS:
            return SendDigits(str(arguments.get("digits", "")))
        return _language(str(arguments.get("language", "")), languages_of(snapshot))
    except WireError as exc:
        return f"{exc}. Correct the arguments and call the tool again."


def result_of(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the model is told once the frame has left."""
    if kind == SWITCH_LANGUAGE:
        language = arguments.get("language")
        return {"status": "switched", "language": language, "next": f"speak {language} from now on"}
    if kind == COLLECT_DIGITS:
        return {"status": "listening", "next": "ask the caller for the digits now; they come as the caller's answer"}
    return {"status": "playing" if kind == PLAY_AUDIO else "sent"}


def awaited_by(arguments: Mapping[str, Any]) -> Awaited | str:
    """What ``collect_digits`` waits for, or what is wrong with its arguments."""
    length, pause_s = arguments.get("length", 0), arguments.get("pause_s", DIGITS_MS / 1000)
    terminator = arguments.get("terminator", "#")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= MAX_DIGITS:
        return f"length: expected 0 to {MAX_DIGITS}"
    if terminator not in ("#", "*"):
        return "terminator: expected # or *"
    if not isinstance(pause_s, int | float) or isinstance(pause_s, bool) or not 1 <= pause_s <= LONGEST_PAUSE_S:
        return f"pause_s: expected 1 to {LONGEST_PAUSE_S}"
    return Awaited(length, str(terminator), int(pause_s * 1000))


def awaited(view: View) -> Awaited:
    """Which keys are awaited now: what the agent asked for last, until the caller has answered it."""
    if view.loose_digits is None:
        return Awaited()
    answered = [k for k, event in view.events.items() if event["type"] in (ev.PROMPT, ev.DIGITS)]
    since = max((k for k in answered if k < view.loose_digits[0]), default="")
    for reply in reversed(view.replies):
        for tool in reversed(reply.tools):
            if tool.name == COLLECT_DIGITS and tool.ok and reply.key >= since:
                wanted = awaited_by(_object(tool.arguments))
                return wanted if isinstance(wanted, Awaited) else Awaited()
    return Awaited()


def spoken_language(transcript: Iterable[Mapping[str, Any]], steps: Iterable[Any]) -> str:
    """The language the agent has switched to, ``""`` while it has not.

    Args:
        transcript: Entries, oldest first (see :mod:`ringfold.core.history`).
        steps: Tools of this turn, ``{"name", "input", "ok"}`` each.
    """
    language = ""
    calls = [tool for entry in transcript for step in entry.get("steps", ()) for tool in step["tools"]]
    for tool in [*calls, *steps]:
        if tool["name"] == SWITCH_LANGUAGE and tool["ok"]:
            language = str(_object(str(tool["input"])).get("language", language))
    return language


def told(snapshot: Snapshot) -> list[str]:
    """What the agent is told of its powers, beside the tools' own descriptions."""
    parts = []
    if PLAY_AUDIO in snapshot.agent.tools and snapshot.agent.audio:
        parts.append(f"Audio you may play with {PLAY_AUDIO}: " + ", ".join(snapshot.agent.audio))
    if SWITCH_LANGUAGE in snapshot.agent.tools:
        parts.append(f"Languages you may switch to with {SWITCH_LANGUAGE}: " + ", ".join(languages_of(snapshot)))
    return parts


def _play(arguments: Mapping[str, Any], allowed: Sequence[str]) -> Play | str:
    url, loop = arguments.get("url"), arguments.get("loop", 1)
    if url not in allowed:
        return "url: not one of the audio files of this agent: " + (", ".join(allowed) or "there are none")
    if not isinstance(loop, int) or isinstance(loop, bool) or not 1 <= loop <= MAX_LOOP:
        return f"loop: expected 1 to {MAX_LOOP}"
    return Play(str(url), loop)


def _language(code: str, offered: Sequence[str]) -> Language | str:
    known = next((each for each in offered if each.lower() == code.lower()), None)
    if known is None:
        return "language: not offered on this line; offered: " + ", ".join(offered)
    return Language(known, known)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
