"""Which TwiML elements and attributes there are, and what may stand in each: Twilio's tables, as data.

Twilio itself ignores what it does not know, so that a typo switches a feature off without a word. Here it is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

Check = Callable[[str], str | None]
"""Returns what was expected, or ``None`` when the value will do."""

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def anything(value: str) -> str | None:  # noqa: ARG001  # a check takes the value it has no opinion on
    return None


def boolean(value: str) -> str | None:
    return None if value in ("true", "false") else "true or false"


def one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else " or ".join(allowed)


def words_of(*allowed: str) -> Check:
    return lambda value: None if set(value.split()) <= set(allowed) else "any of: " + " ".join(allowed)


def number(low: float, high: float, *, or_word: str = "", whole: bool = True) -> Check:
    pattern = r"\d+" if whole else r"\d+(\.\d+)?"
    expected = f"{'a whole number' if whole else 'a number'} from {low:g} to {high:g}" + (or_word and f", or {or_word}")

    def check(value: str) -> str | None:
        if or_word and value == or_word:
            return None
        return None if re.fullmatch(pattern, value) and low <= float(value) <= high else expected

    return check


def language(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*|multi", value) else "a BCP-47 language tag"


def web_url(value: str) -> str | None:
    """Webhook URLs may be relative to the document's own."""
    scheme = urlsplit(value).scheme
    return None if value and scheme in ("", "http", "https") else "an http(s) URL, absolute or relative"


def relay_url(value: str) -> str | None:
    parts = urlsplit(value)
    if parts.scheme == "wss" and parts.hostname:
        return None
    if parts.scheme == "ws" and parts.hostname in LOOPBACK:
        return None  # the local system has no certificate
    return "an absolute URL that starts with wss://"


def phone_number(value: str) -> str | None:
    return None if re.fullmatch(r"\+[1-9]\d{6,14}", value) else "a number in E.164, +15125551234"


METHOD: Final = one_of("GET", "POST")
INTERRUPTIBLE: Final = one_of("none", "dtmf", "speech", "any", "true", "false")
INPUT: Final = one_of("none", "dtmf", "speech", "any")
NORMALIZATION: Final = one_of("on", "auto", "off")
BOOLISH: Final = one_of("true", "false", "on", "off", "auto")
TTS_PROVIDER: Final = one_of("Google", "Amazon", "ElevenLabs")
STT_PROVIDER: Final = one_of("Google", "Deepgram")

RELAY_ATTRIBUTES: Final[dict[str, Check]] = {
    "url": relay_url,
    "welcomeGreeting": anything,
    "welcomeGreetingInterruptible": INTERRUPTIBLE,
    "language": language,
    "ttsLanguage": language,
    "ttsProvider": TTS_PROVIDER,
    "voice": anything,
    "transcriptionLanguage": language,
    "transcriptionProvider": STT_PROVIDER,
    "speechModel": anything,
    "hints": anything,
    "profanityFilter": boolean,
    "deepgramSmartFormat": boolean,
    "asrSmartFormat": boolean,
    "backgroundNoiseReduction": BOOLISH,
    "interruptible": INTERRUPTIBLE,
    "interruptSensitivity": one_of("low", "medium", "high"),
    "ignoreBackchannel": boolean,
    "echoPromptFiltering": boolean,
    "reportInputDuringAgentSpeech": INPUT,
    "dtmfDetection": boolean,
    "preemptible": boolean,
    "partialPrompts": boolean,
    "partialPromptOnHangup": boolean,
    "speechTimeout": number(600, 5000, or_word="auto"),
    "eotThreshold": number(0.5, 0.9, whole=False),
    "eagerEotThreshold": number(0.3, 0.9, whole=False),
    "turnDetection": boolean,
    "includeInPrompt": words_of("turn-state", "prompt-segments"),
    "elevenlabsTextNormalization": NORMALIZATION,
    "ttsTextNormalization": NORMALIZATION,
    "ttsLanguageTextNormalization": BOOLISH,
    "elevenlabsLanguageTextNormalization": BOOLISH,
    "intelligenceService": anything,
    "conversationConfiguration": anything,
    "conversationId": anything,
    "customerName": anything,
    "debug": words_of("debugging", "speaker-events", "tokens-played"),
    "events": words_of("speaker-events", "tokens-played"),
    "applicationReconnect": boolean,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What one element may hold."""

    attributes: dict[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    most_children: int | None = None
    text: bool = False


VERBS: Final = ("Connect", "Say", "Play", "Pause", "Dial", "Gather", "Hangup", "Redirect", "Reject")
SAY: Final = Rule({"voice": anything, "language": language, "loop": number(0, 1000)}, text=True)
PLAY: Final = Rule({"loop": number(0, 1000), "digits": anything}, text=True)
PAUSE: Final = Rule({"length": number(0, 600)})
RECORD: Final = one_of(
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
)

RULES: Final[dict[str, Rule]] = {
    "Response": Rule(children=VERBS),
    "Connect": Rule({"action": web_url, "method": METHOD}, children=("ConversationRelay",), most_children=1),
    "ConversationRelay": Rule(RELAY_ATTRIBUTES, required=("url",), children=("Language", "Parameter")),
    "Language": Rule(
        {
            "code": language,
            "ttsProvider": TTS_PROVIDER,
            "voice": anything,
            "transcriptionProvider": STT_PROVIDER,
            "speechModel": anything,
            "hints": anything,
            "asrSmartFormat": boolean,
            "ttsTextNormalization": NORMALIZATION,
            "ttsLanguageTextNormalization": BOOLISH,
        },
        required=("code",),
    ),
    "Parameter": Rule({"name": anything, "value": anything}, required=("name", "value")),
    "Say": SAY,
    "Play": PLAY,
    "Pause": PAUSE,
    "Dial": Rule(
        {
            "action": web_url,
            "method": METHOD,
            "timeout": number(5, 600),
            "timeLimit": number(1, 86400),
            "callerId": phone_number,
            "answerOnBridge": boolean,
            "hangupOnStar": boolean,
            "sequential": boolean,
            "record": RECORD,
            "recordingStatusCallback": web_url,
            "recordingStatusCallbackMethod": METHOD,
            "trim": one_of("trim-silence", "do-not-trim"),
            "ringTone": anything,
        },
        children=("Number",),
        text=True,
    ),
    "Number": Rule(
        {
            "url": web_url,
            "method": METHOD,
            "sendDigits": anything,
            "statusCallback": web_url,
            "statusCallbackMethod": METHOD,
            "statusCallbackEvent": words_of("initiated", "ringing", "answered", "completed"),
        },
        text=True,
    ),
    "Gather": Rule(
        {
            "action": web_url,
            "method": METHOD,
            "input": one_of("dtmf", "speech", "dtmf speech", "speech dtmf"),
            "timeout": number(0, 600, or_word="auto"),
            "numDigits": number(1, 1000),
            "finishOnKey": words_of(*"0123456789*#"),
            "actionOnEmptyResult": boolean,
            "language": language,
            "speechTimeout": number(1, 60, or_word="auto"),
            "speechModel": anything,
            "hints": anything,
            "bargeIn": boolean,
            "profanityFilter": boolean,
            "enhanced": boolean,
            "maxSpeechTime": number(1, 60),
            "partialResultCallback": web_url,
            "partialResultCallbackMethod": METHOD,
        },
        children=("Say", "Play", "Pause"),
    ),
    "Hangup": Rule(),
    "Redirect": Rule({"method": METHOD}, text=True),
    "Reject": Rule({"reason": one_of("rejected", "busy")}),
}
