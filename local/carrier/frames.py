"""The frames an application may send into a ConversationRelay session, read as strictly as they can be read.

What the documentation rules out is malformed: it is answered with an error frame and dropped. What it leaves open
(keys it does not name) is taken, and reported to the developer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*|multi")
DIGITS: Final = re.compile(r"[0-9*#w]+")


class MalformedFrameError(Exception):
    """The frame would be refused with 64107; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Text:
    token: str
    last: bool = False
    lang: str | None = None
    interruptible: bool | None = None
    preemptible: bool | None = None


@dataclass(frozen=True, slots=True)
class Play:
    source: str
    loop: int = 1
    interruptible: bool | None = None
    preemptible: bool | None = None


@dataclass(frozen=True, slots=True)
class SendDigits:
    digits: str


@dataclass(frozen=True, slots=True)
class Language:
    tts_language: str | None = None
    transcription_language: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    handoff_data: str | None = None


AppFrame = Text | Play | SendDigits | Language | End


@dataclass(frozen=True, slots=True)
class Read:
    """A frame that was taken, and what about it is doubtful all the same."""

    frame: AppFrame
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Fields:
    """The keys of one frame; what nobody asked for is left over."""

    of: Mapping[str, Any]
    asked: set[str] = field(default_factory=lambda: {"type"})

    def take(self, name: str, kind: type, *, required: bool = False) -> Any:
        self.asked.add(name)
        if name not in self.of:
            if required:
                raise MalformedFrameError(f"{name} is missing")
            return None
        value = self.of[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise MalformedFrameError(f"{name} must be {kind.__name__}, not {json.dumps(value)[:80]}")
        return value

    def language(self, name: str) -> str | None:
        value: str | None = self.take(name, str)
        if value is not None and not LANGUAGE.fullmatch(value):
            raise MalformedFrameError(f"{name} must be a BCP-47 language tag, not {value[:40]!r}")
        return value

    def left_over(self) -> tuple[str, ...]:
        return tuple(f"unknown key {name!r}" for name in self.of if name not in self.asked)


def _text(fields: _Fields) -> AppFrame:
    return Text(
        fields.take("token", str, required=True),
        bool(fields.take("last", bool)),
        fields.language("lang"),
        fields.take("interruptible", bool),
        fields.take("preemptible", bool),
    )


def _play(fields: _Fields) -> AppFrame:
    source = fields.take("source", str, required=True)
    if not source.startswith(("https://", "http://")):
        raise MalformedFrameError(f"source must be a public URL, not {source[:80]!r}")
    loop = fields.take("loop", int)
    if loop is not None and not 0 <= loop <= 1000:
        raise MalformedFrameError(f"loop must be 0 to 1000, not {loop}")
    return Play(
        source, 1 if loop is None else loop, fields.take("interruptible", bool), fields.take("preemptible", bool)
    )


def _send_digits(fields: _Fields) -> AppFrame:
    digits = fields.take("digits", str, required=True)
    if not DIGITS.fullmatch(digits):
        raise MalformedFrameError(f"digits may hold 0-9 * # w, not {digits[:40]!r}")
    return SendDigits(digits)


def _language(fields: _Fields) -> AppFrame:
    frame = Language(fields.language("ttsLanguage"), fields.language("transcriptionLanguage"))
    if frame == Language():
        raise MalformedFrameError("language needs ttsLanguage or transcriptionLanguage")
    return frame


def _end(fields: _Fields) -> AppFrame:
    return End(fields.take("handoffData", str))


READERS: Final[dict[str, Callable[[_Fields], AppFrame]]] = {
    "text": _text,
    "play": _play,
    "sendDigits": _send_digits,
    "language": _language,
    "end": _end,
}


def read(raw: str | bytes) -> Read:
    """Read one frame from the application.

    Raises:
        MalformedFrameError: If Twilio would refuse it with 64107.
    """
    if isinstance(raw, bytes):
        raise MalformedFrameError("binary frame: only text frames are understood")
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise MalformedFrameError("not JSON") from exc
    if not isinstance(decoded, dict):
        raise MalformedFrameError("not a JSON object")
    kind = decoded.get("type")
    if not isinstance(kind, str) or kind not in READERS:
        raise MalformedFrameError(f"type must be one of {', '.join(READERS)}, not {json.dumps(kind)[:80]}")
    fields = _Fields(decoded)
    frame = READERS[kind](fields)
    return Read(frame, fields.left_over())
