"""The frames of ConversationRelay, both ways: the only place where Twilio's names for them stand.

From Twilio: :func:`parse_frame` gives one of ours or raises :class:`WireError`, whatever comes in. Text inward of
here is always encodable as UTF-8, holds no control characters, and has a length the session item can bear.

To Twilio: frames are frozen and checked when they are made, so a frame that Twilio would refuse (64107, and after
ten the session) cannot exist; :func:`build_frame` only writes it down.

Wire formats: https://www.twilio.com/docs/voice/conversationrelay/websocket-messages
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, assert_never
from urllib.parse import urlsplit

from ringfold.core.characters import clean, is_language_tag
from ringfold.core.ids import AccountSid, CallSid, SessionId
from ringfold.errors import WireError

MAX_INBOUND_BYTES: Final = 128 * 1024
MAX_OUTBOUND_BYTES: Final = 32 * 1024
MAX_HEARD_CHARS: Final = 8192
"""Longest text taken from one frame: minutes of speech; more would crowd out the call's session item."""
MAX_TOKEN_CHARS: Final = 8000
"""Longest text in one frame to Twilio: a character takes at most 4 bytes of JSON, and the limit is 32 KB."""

_MAX_NAME_CHARS: Final = 256
_MAX_PLAYED_MS: Final = 24 * 3600 * 1000
_MAX_PARAMETERS: Final = 100


# From Twilio


@dataclass(frozen=True, slots=True)
class Setup:
    """A session has begun; a second one on the same call has the same ``call_sid``.

    Attributes:
        from_: E.164, ``sip:…``, ``client:…``, or a mark of a withheld number; see :mod:`ringfold.core.phone`.
        call_status: As Twilio writes it here, ``RINGING`` or ``IN_PROGRESS``.
        custom_parameters: What the TwiML's ``<Parameter>`` children held.
    """

    session_id: SessionId
    call_sid: CallSid
    account_sid: AccountSid
    from_: str
    to: str
    direction: str
    call_type: str
    call_status: str
    custom_parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """The caller said something; act on it only when it is the ``last`` of its utterance.

    Attributes:
        text: May be empty: whoever acts decides what a blank utterance means.
        lang: Of the utterance; empty when unknown.
        last: False for a partial, which holds all that was said so far, not what was added.
    """

    text: str
    lang: str
    last: bool


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller cut the agent short; Twilio has dropped everything that was queued.

    Attributes:
        heard: What was spoken until then, as the TTS spelt it; may be empty.
        played_ms: For how long; never negative.
    """

    heard: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """One key: a digit, ``*`` or ``#``."""

    digit: str


@dataclass(frozen=True, slots=True)
class RelayError:
    """Twilio reports an error; the session may go on."""

    description: str


@dataclass(frozen=True, slots=True)
class TokensPlayed:
    """This piece of the reply has been played; spaces are kept, so that pieces can be joined."""

    text: str


@dataclass(frozen=True, slots=True)
class Info:
    """Another info frame: ``roundTripDelayMs``, ``agentSpeaking``, ``clientSpeaking``, or a new one."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ConfigUpdated:
    """Twilio acknowledges a change of settings; the shape of the frame is not documented, so nothing is read."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type we do not know: to be counted and not answered."""

    type: str


Frame = Setup | CallerSpoke | BargeIn | KeyPressed | RelayError | TokensPlayed | Info | ConfigUpdated | Unknown
Fields = Mapping[str, Any]


def parse_frame(raw: str | None) -> Frame:
    """Read a frame from Twilio.

    Args:
        raw: The text of the WebSocket message.

    Raises:
        WireError: If the frame is unusable, for whatever reason; the message never quotes what was said.
    """
    fields = _decode(raw)
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise WireError(f"frame: type must be text, got {_kind(kind)}")
    parse = _PARSERS.get(kind)
    return parse(fields) if parse else Unknown(clean(kind)[:_MAX_NAME_CHARS])


def _decode(raw: str | None) -> Fields:
    if not isinstance(raw, str):
        raise WireError("frame: no text")
    # Characters first: counting bytes needs a copy, and a lone surrogate has three of them.
    if len(raw) > MAX_INBOUND_BYTES or len(raw.encode("utf-8", "surrogatepass")) > MAX_INBOUND_BYTES:
        raise WireError(f"frame: over {MAX_INBOUND_BYTES} bytes")
    try:
        fields = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise WireError(f"frame: not JSON ({type(exc).__name__})") from None
    if not isinstance(fields, dict):
        raise WireError(f"frame: expected an object, got {_kind(fields)}")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _kind(value: object) -> str:
    return type(value).__name__


def _text(fields: Fields, name: str, most: int = MAX_HEARD_CHARS, *, required: bool = False) -> str:
    """A text field, cleaned; absent and null are empty unless it is required."""
    value = fields.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise WireError(f"{fields['type']}: {name} must be text, got {_kind(value)}")
    return clean(value)[:most]


def _word(fields: Fields, name: str, *, required: bool = False) -> str:
    word = _text(fields, name, _MAX_NAME_CHARS, required=required).strip()
    if required and not word:
        raise WireError(f"{fields['type']}: {name} is blank")
    return word


def _parse_setup(fields: Fields) -> Setup:
    return Setup(
        session_id=SessionId(_word(fields, "sessionId", required=True)),
        call_sid=CallSid(_word(fields, "callSid", required=True)),
        account_sid=AccountSid(_word(fields, "accountSid", required=True)),
        from_=_word(fields, "from"),
        to=_word(fields, "to"),
        direction=_word(fields, "direction"),
        call_type=_word(fields, "callType"),
        call_status=_word(fields, "callStatus"),
        custom_parameters=_parse_parameters(fields.get("customParameters")),
    )


def _parse_parameters(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise WireError("setup: customParameters must be an object of texts")
    if len(value) > _MAX_PARAMETERS:
        raise WireError(f"setup: more than {_MAX_PARAMETERS} customParameters")
    return {clean(name)[:_MAX_NAME_CHARS]: clean(text)[:MAX_HEARD_CHARS] for name, text in value.items()}


def _parse_prompt(fields: Fields) -> CallerSpoke:
    # An absent `last` means a whole utterance: partials come only to those who asked, and always marked.
    last = fields.get("last", True)
    if not isinstance(last, bool):
        raise WireError(f"prompt: last must be true or false, got {_kind(last)}")
    return CallerSpoke(_text(fields, "voicePrompt", required=True).strip(), _word(fields, "lang"), last)


def _parse_interrupt(fields: Fields) -> BargeIn:
    return BargeIn(_text(fields, "utteranceUntilInterrupt").strip(), _parse_played(fields))


def _parse_played(fields: Fields) -> int:
    """The duration: documented as a number and, in older pages, as a numeric string."""
    raw = fields.get("durationUntilInterruptMs")
    try:
        played_ms = math.nan if isinstance(raw, bool) or not isinstance(raw, int | float | str) else float(raw)
    except (ValueError, OverflowError):
        played_ms = math.nan
    if not math.isfinite(played_ms):
        raise WireError(f"interrupt: durationUntilInterruptMs must be a number, got {_kind(raw)}")
    return int(min(max(played_ms, 0), _MAX_PLAYED_MS))


def _parse_dtmf(fields: Fields) -> KeyPressed:
    digit = fields.get("digit")
    _demand(_is_match(r"[0-9*#]", digit), f"dtmf: digit must be one key, got {_kind(digit)}")
    return KeyPressed(str(digit))


def _parse_error(fields: Fields) -> RelayError:
    return RelayError(_text(fields, "description", 2048).strip())


def _parse_info(fields: Fields) -> TokensPlayed | Info:
    name = _word(fields, "name", required=True)
    value = fields.get("value")
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    text = _text({"type": "info", "value": value}, "value")
    return TokensPlayed(text) if name == "tokensPlayed" else Info(name, text.strip())


def _parse_config_updated(_fields: Fields) -> ConfigUpdated:
    return ConfigUpdated()


_PARSERS: Final[Mapping[str, Callable[[Fields], Frame]]] = {
    "setup": _parse_setup,
    "prompt": _parse_prompt,
    "interrupt": _parse_interrupt,
    "dtmf": _parse_dtmf,
    "error": _parse_error,
    "info": _parse_info,
    "configUpdated": _parse_config_updated,
}


# To Twilio


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise WireError(what)


def _demand_flags(kind: str, **flags: object) -> None:
    for name, flag in flags.items():
        _demand(flag is None or isinstance(flag, bool), f"{kind}: {name} must be true, false or left out")


def _demand_language(kind: str, name: str, tag: object, *, multi: bool = False) -> None:
    legal = tag is None or (isinstance(tag, str) and (is_language_tag(tag) or (multi and tag == "multi")))
    _demand(legal, f"{kind}: {name} must be a language tag such as en-US, got {tag!r:.80}")


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the reply, spoken in order of arrival and joined to its neighbours as it stands.

    Attributes:
        token: Spaces and all; what cannot be sent is dropped. At most ``MAX_TOKEN_CHARS``: see :func:`split_text`.
        last: Closes the talk cycle; an empty token does it without a word.
        interruptible: ``None`` leaves this and the next to the session's settings.
        preemptible: Whether a later frame may cut this one.
    """

    token: str
    last: bool = False
    lang: str | None = None
    interruptible: bool | None = None
    preemptible: bool | None = None

    def __post_init__(self) -> None:
        _demand(isinstance(self.token, str), f"text: token must be text, got {_kind(self.token)}")
        object.__setattr__(self, "token", clean(self.token))
        _demand(len(self.token) <= MAX_TOKEN_CHARS, f"text: token of {len(self.token)} characters; use split_text")
        _demand(isinstance(self.last, bool), "text: last must be true or false")
        _demand_language("text", "lang", self.lang)
        _demand_flags("text", interruptible=self.interruptible, preemptible=self.preemptible)


@dataclass(frozen=True, slots=True)
class Play:
    """An audio file.

    Attributes:
        source: Absolute URL that Twilio can fetch.
        loop: How often, up to 1000; 0 means 1000 times.
    """

    source: str
    loop: int = 1
    preemptible: bool | None = None
    interruptible: bool | None = None

    def __post_init__(self) -> None:
        _demand(_is_absolute_url(self.source), "play: source must be an absolute http or https URL")
        _demand(_is_count(self.loop), f"play: loop must be 0 to 1000, got {self.loop!r:.40}")
        _demand_flags("play", interruptible=self.interruptible, preemptible=self.preemptible)


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Keys pressed for the caller's side: ``0``-``9``, ``*``, ``#`` and ``w`` for half a second of silence."""

    digits: str

    def __post_init__(self) -> None:
        _demand(_is_match(r"[0-9*#w]{1,100}", self.digits), "sendDigits: digits must be 1 to 100 of 0-9, *, # and w")


@dataclass(frozen=True, slots=True)
class Language:
    """Switch what is spoken, what is heard, or both."""

    tts_language: str | None = None
    transcription_language: str | None = None

    def __post_init__(self) -> None:
        given = self.tts_language is not None or self.transcription_language is not None
        _demand(given, "language: one of ttsLanguage and transcriptionLanguage is required")
        _demand_language("language", "ttsLanguage", self.tts_language, multi=True)
        _demand_language("language", "transcriptionLanguage", self.transcription_language, multi=True)


@dataclass(frozen=True, slots=True)
class End:
    """End the session; Twilio plays what is queued, then requests the action URL.

    Attributes:
        handoff_data: Comes back there as it stands. JSON must be serialised by the caller: the field is a text.
    """

    handoff_data: str | None = None

    def __post_init__(self) -> None:
        if self.handoff_data is not None:
            _demand(isinstance(self.handoff_data, str), "end: handoffData must be text; serialise the JSON first")
            object.__setattr__(self, "handoff_data", clean(self.handoff_data))
            _demand(len(self.handoff_data) <= MAX_TOKEN_CHARS, "end: handoffData is too long; send an id instead")


OutboundFrame = Text | Play | SendDigits | Language | End


def build_frame(frame: OutboundFrame) -> str:
    """Write a frame as Twilio reads it: compact JSON under 32 KB, no field that says nothing."""
    match frame:
        case Text():
            fields: dict[str, object] = {"type": "text", "token": frame.token, "last": frame.last, "lang": frame.lang}
            fields |= {"interruptible": frame.interruptible, "preemptible": frame.preemptible}
        case Play():
            fields = {"type": "play", "source": frame.source, "loop": frame.loop}
            fields |= {"preemptible": frame.preemptible, "interruptible": frame.interruptible}
        case SendDigits():
            fields = {"type": "sendDigits", "digits": frame.digits}
        case Language():
            fields = {"type": "language", "ttsLanguage": frame.tts_language}
            fields |= {"transcriptionLanguage": frame.transcription_language}
        case End():
            fields = {"type": "end", "handoffData": frame.handoff_data}
        case _:
            assert_never(frame)
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(given, separators=(",", ":"), ensure_ascii=False)


def split_text(text: str, most: int = MAX_TOKEN_CHARS) -> list[str]:
    """Cut a text into pieces that fit a frame; joined, they are the text again.

    Cuts fall behind white space where there is any in the second half of a piece.
    """
    pieces: list[str] = []
    while len(text) > most:
        window = text[:most]
        space = max(window.rfind(mark) for mark in " \n\t")
        cut = space + 1 if space >= most // 2 else most
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text] if text else pieces


def _is_match(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000


def _is_absolute_url(url: object) -> bool:
    if not isinstance(url, str) or len(url) > 2048 or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname)
