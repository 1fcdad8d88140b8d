"""Every documented attribute of ``<ConversationRelay>`` and its children, with what it may hold.

Twilio ignores an attribute it does not know, so a typo disables a feature without a word: the agent that cannot be
interrupted, the key presses that never arrive. Here a typo is a :class:`ConfigError` that names the right spelling.

The tables are the documentation of https://www.twilio.com/docs/voice/twiml/connect/conversationrelay and the
signature of the Python SDK 9.13 (``twilio.twiml.voice_response.ConversationRelay``); nothing else may be sent.
Whoever adds an attribute adds a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from ringfold.core.characters import clean, is_language_tag
from ringfold.errors import ConfigError

MAX_TEXT_CHARS: Final = 4096


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attribute may hold: ``read`` gives its text as Twilio expects it, or ``None`` when it is illegal."""

    expected: str
    read: Callable[[object], str | None]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of the table.

    Attributes:
        default: Twilio's own default, in words, for whoever configures; never sent.
    """

    name: str
    rule: Rule
    doc: str
    default: str = "none"


def _one_of(*choices: str) -> Rule:
    return Rule("one of " + ", ".join(choices), lambda value: str(value) if value in choices else None, choices)


def _read_flag(value: object) -> str | None:
    text = str(value).lower() if isinstance(value, bool) else value
    return text if isinstance(text, str) and text in {"true", "false"} else None


def _read_reach(value: object) -> str | None:
    """``true`` and ``false`` were once how ``any`` and ``none`` were written."""
    flag = _read_flag(value)
    if flag is not None:
        return "any" if flag == "true" else "none"
    return value if isinstance(value, str) and value in _REACH else None


def _read_text(value: object) -> str | None:
    text = clean(value).strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= MAX_TEXT_CHARS else None


def _read_id(value: object) -> str | None:
    text = _read_text(value)
    return text if text is not None and not re.search(r"\s", text) else None


def _read_language(value: object) -> str | None:
    return value if isinstance(value, str) and is_language_tag(value) else None


def _read_language_or_multi(value: object) -> str | None:
    return "multi" if value == "multi" else _read_language(value)


def _read_phrases(value: object) -> str | None:
    """A list of phrases is as good as their comma-separated text."""
    if isinstance(value, list | tuple):
        value = ",".join(value) if all(isinstance(phrase, str) and "," not in phrase for phrase in value) else None
    text = _read_text(value)
    return None if text is None else ",".join(phrase.strip() for phrase in text.split(",") if phrase.strip()) or None


def _read_url(value: object) -> str | None:
    text = value if isinstance(value, str) else ""
    local = r"ws://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?][^\s#]*)?"
    return text if re.fullmatch(rf"wss://[^\s/?#@]+(?:[/?][^\s#]*)?|{local}", text) and text.isascii() else None


def _words(*choices: str) -> Rule:
    def read(value: object) -> str | None:
        words = value.split() if isinstance(value, str) else []
        return " ".join(dict.fromkeys(words)) if words and set(words) <= set(choices) else None

    return Rule("one or more, separated by spaces, of " + ", ".join(choices), read, choices)


def _number(lowest: float, highest: float, expected: str, pattern: str, *, word: str = "") -> Rule:
    def read(value: object) -> str | None:
        text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
        if word and text == word:
            return word
        return text if re.fullmatch(pattern, text) and lowest <= float(text) <= highest else None

    return Rule(expected, read, (word,) if word else ())


def _fraction(lowest: float, highest: float) -> Rule:
    return _number(lowest, highest, f"a number from {lowest} to {highest}", r"[0-9](?:\.[0-9]{1,6})?")


_REACH: Final = ("none", "dtmf", "speech", "any")
_ON_OFF: Final = _one_of("on", "auto", "off")
_FLAG: Final = Rule("true or false", _read_flag, ("true", "false"))
_INTERRUPT: Final = Rule("one of none, dtmf, speech, any (or true, false)", _read_reach, _REACH)
_TEXT: Final = Rule(f"text of 1 to {MAX_TEXT_CHARS} characters", _read_text)
_ID: Final = Rule("an id or name without spaces", _read_id)
_PHRASES: Final = Rule("phrases separated by commas", _read_phrases)
_LANGUAGE: Final = Rule("a language tag such as en-US", _read_language)
_LANGUAGE_OR_MULTI: Final = Rule("a language tag such as en-US, or multi", _read_language_or_multi, ("multi",))
_URL: Final = Rule("an absolute wss:// URL (ws:// on this machine only)", _read_url)
_MILLISECONDS: Final = _number(600, 5000, "whole milliseconds from 600 to 5000, or auto", r"[0-9]{1,5}", word="auto")
_TTS: Final = _one_of("Google", "Amazon", "ElevenLabs")
_STT: Final = _one_of("Google", "Deepgram")


def _table(*rows: Attribute) -> Mapping[str, Attribute]:
    return MappingProxyType({row.name: row for row in rows})


ATTRIBUTES: Final = _table(
    Attribute("url", _URL, "Where Twilio opens the WebSocket.", "required"),
    Attribute("welcomeGreeting", _TEXT, "Spoken once the WebSocket is connected."),
    Attribute("welcomeGreetingInterruptible", _INTERRUPT, "What may cut the greeting.", "any"),
    Attribute("language", _LANGUAGE, "Language of speech in both directions.", "en-US"),
    Attribute("ttsLanguage", _LANGUAGE_OR_MULTI, "Language spoken; multi needs ElevenLabs.", "language"),
    Attribute("ttsProvider", _TTS, "Who speaks.", "ElevenLabs"),
    Attribute("voice", _ID, "Voice id of the TTS provider, without the prefix <Say> wants.", "the provider's"),
    Attribute("transcriptionLanguage", _LANGUAGE_OR_MULTI, "Language heard; multi needs Deepgram nova.", "language"),
    Attribute("transcriptionProvider", _STT, "Who listens.", "Deepgram; Google on accounts from before 2025-09-12"),
    Attribute("speechModel", _ID, "Model of the transcription provider.", "telephony, or nova-3-general"),
    Attribute("hints", _PHRASES, "Phrases the transcription should expect."),
    Attribute("profanityFilter", _FLAG, "Whether profanities are filtered from the transcript.", "the provider's"),
    Attribute("deepgramSmartFormat", _FLAG, "Punctuation, numerals and dates in transcripts.", "true"),
    Attribute("asrSmartFormat", _FLAG, "The same for every provider; wins over deepgramSmartFormat."),
    Attribute("backgroundNoiseReduction", _FLAG, "Noise filter before transcription."),
    Attribute("interruptible", _INTERRUPT, "What may cut the agent's speech.", "any"),
    Attribute("interruptSensitivity", _one_of("low", "medium", "high"), "How readily speech interrupts.", "high"),
    Attribute("ignoreBackchannel", _FLAG, "Whether 'uh-huh' and 'yeah' leave the agent speaking.", "false"),
    Attribute("echoPromptFiltering", _FLAG, "Drop transcripts that echo the agent.", "false"),
    Attribute("reportInputDuringAgentSpeech", _one_of(*_REACH), "Input reported while the agent speaks.", "none"),
    Attribute("dtmfDetection", _FLAG, "Report pressed keys.", "false"),
    Attribute("preemptible", _FLAG, "Whether later speech may cut what is playing.", "false"),
    Attribute("partialPrompts", _FLAG, "Report utterances before they are finished.", "false"),
    Attribute("partialPromptOnHangup", _FLAG, "Report an unfinished utterance at hang-up."),
    Attribute("speechTimeout", _MILLISECONDS, "Silence that ends an utterance.", "auto"),
    Attribute("eotThreshold", _fraction(0.5, 0.9), "End-of-turn confidence; Deepgram Flux only.", "0.8"),
    Attribute("eagerEotThreshold", _fraction(0.3, 0.9), "Early end-of-turn confidence; Deepgram Flux only."),
    Attribute("turnDetection", _FLAG, "Twilio Turn Detection; neither PCI nor HIPAA.", "false"),
    Attribute("includeInPrompt", _words("turn-state", "prompt-segments"), "Further fields in prompt frames."),
    Attribute("elevenlabsTextNormalization", _ON_OFF, "Numbers and dates read out by ElevenLabs.", "off"),
    Attribute("ttsTextNormalization", _ON_OFF, "The same for every provider; wins over the one above."),
    Attribute("ttsLanguageTextNormalization", _FLAG, "Normalization by language."),
    Attribute("elevenlabsLanguageTextNormalization", _FLAG, "Old name of ttsLanguageTextNormalization."),
    Attribute("intelligenceService", _ID, "Conversational Intelligence service: GA… or its unique name."),
    Attribute("conversationConfiguration", _ID, "Conversation Orchestrator configuration id."),
    Attribute("conversationId", _ID, "Conversation Orchestrator conversation to attach to."),
    Attribute("customerName", _TEXT, "Name used in Conversations and Intelligence.", "the caller id"),
    Attribute("debug", _words("debugging", "speaker-events", "tokens-played"), "Info frames for troubleshooting."),
    Attribute("events", _words("speaker-events", "tokens-played"), "Info frames about what is spoken."),
    Attribute("applicationReconnect", _FLAG, "Reconnect and replay after an unexpected drop.", "false"),
)
"""Attributes of ``<ConversationRelay>`` by name."""

LANGUAGE_ATTRIBUTES: Final = _table(
    Attribute("code", _LANGUAGE_OR_MULTI, "The language these settings are for.", "required"),
    *(
        ATTRIBUTES[name]
        for name in (
            "ttsProvider",
            "voice",
            "transcriptionProvider",
            "speechModel",
            "hints",
            "asrSmartFormat",
            "ttsTextNormalization",
            "ttsLanguageTextNormalization",
        )
    ),
)
"""Attributes of its child ``<Language>`` by name; what is missing comes from the parent."""

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "welcomeGreetingInterruptible": "any",
        "interruptible": "any",
        # With Twilio's default `none` the words that cut the agent short are never delivered: the deaf agent.
        "reportInputDuringAgentSpeech": "any",
        "dtmfDetection": "true",
        "ignoreBackchannel": "true",
        # An interrupt may come with empty heard text; what was played says where the caller cut in (A9).
        "events": "tokens-played",
    }
)
"""Sent unless a number or an agent says otherwise: what makes barge-in work."""

_PROVIDERS: Final = (
    ("ttsProvider", "ElevenLabs", ("voice",)),
    ("transcriptionProvider", "Deepgram", ("speechModel", "eotThreshold", "eagerEotThreshold")),
)
"""Who provides when nobody is named, and which attributes mean nothing to another provider."""


def validate(attributes: Mapping[str, object]) -> dict[str, str]:
    """Check attributes of ``<ConversationRelay>`` and write them as Twilio reads them.

    Args:
        attributes: Names as Twilio spells them. Booleans, numbers and (for ``hints``) lists are taken as well as
            their text; ``None`` leaves an attribute out.

    Returns:
        Name to text, in the order given.

    Raises:
        ConfigError: Naming every fault at once: the attribute, what was expected, what came, the nearest spelling.
    """
    values, faults = _read_all("ConversationRelay", ATTRIBUTES, attributes)
    _refuse(faults + _combination_faults("ConversationRelay", values))
    return values


def fault_of(name: str, value: object) -> str:
    """What is wrong with one attribute by itself, without the others; ``""`` when nothing is."""
    return "; ".join(_read_all("ConversationRelay", ATTRIBUTES, {name: value})[1])


def validate_languages(
    languages: Iterable[Mapping[str, object]], attributes: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, str]]:
    """Check the ``<Language>`` children against the attributes they inherit from.

    Raises:
        ConfigError: As :func:`validate`, and if a code is missing or declared twice.
    """
    inherited = {name: text for name, text in attributes.items() if name in {"ttsProvider", "transcriptionProvider"}}
    checked: list[dict[str, str]] = []
    faults: list[str] = []
    for position, language in enumerate(languages, start=1):
        where = f"Language {language.get('code', position)}"
        values, wrong = _read_all(where, LANGUAGE_ATTRIBUTES, language)
        faults += wrong + _combination_faults(where, {**inherited, **values})
        if "code" not in language:
            faults.append(f"{where}: code is missing; expected {_LANGUAGE_OR_MULTI.expected}")
        checked.append(values)
    codes = [language["code"] for language in checked if "code" in language]
    faults += [f"Language {code}: declared twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    _refuse(faults)
    return checked


def validate_parameters(parameters: Mapping[str, object]) -> dict[str, str]:
    """Check the ``<Parameter>`` children, which come back in ``setup.customParameters``.

    Raises:
        ConfigError: If a name is blank or a value is not text.
    """
    checked: dict[str, str] = {}
    for name, value in parameters.items():
        if not clean(name).strip() or not isinstance(value, str):
            raise ConfigError(f"Parameter {name!r}: expected a name and a text, got {_shown(value)}")
        checked[clean(name).strip()] = clean(value)
    return checked


def merge(number_settings: Mapping[str, object], agent_settings: Mapping[str, object]) -> dict[str, str]:
    """The attributes of one call: our defaults, then the agent's, then the number's, which win.

    A layer that names another provider takes with it what belongs to the provider beneath: its voice, its speech
    model. ``None`` in a layer takes an attribute out, a default included.

    Raises:
        ConfigError: As :func:`validate`, of the result.
    """
    merged: dict[str, object] = {}
    for layer in (DEFAULTS, agent_settings, number_settings):
        merged = overlay(merged, layer)
    return validate(merged)


def overlay(beneath: Mapping[str, object], layer: Mapping[str, object]) -> dict[str, object]:
    """One layer over another: its values win, and a provider it changes takes with it what belonged to the other."""
    merged = dict(beneath)
    for provider, default, dependents in _PROVIDERS:
        before = merged.get(provider) or default
        if provider in layer and (layer[provider] or default) != before:
            merged = {name: value for name, value in merged.items() if name not in dependents}
    return {**merged, **layer}


def _read_all(
    where: str, table: Mapping[str, Attribute], attributes: Mapping[str, object]
) -> tuple[dict[str, str], list[str]]:
    values: dict[str, str] = {}
    faults: list[str] = []
    for name, value in attributes.items():
        if name not in table:
            faults.append(f"{where}: unknown attribute {name!r}{_nearest(name, table)}")
        elif value is not None:
            rule = table[name].rule
            text = rule.read(value)
            if text is None:
                hint = _nearest(value, rule.choices) if isinstance(value, str) else ""
                faults.append(f"{where}: {name}: expected {rule.expected}, got {_shown(value)}{hint}")
            else:
                values[name] = text
    return values, faults


def _nearest(wrong: str, right: Iterable[str]) -> str:
    """A suggestion; case, hyphens and underscores do not count, so that ``tts_provider`` finds its name."""
    folded = {re.sub(r"[-_ ]", "", name).lower(): name for name in right}
    close = get_close_matches(re.sub(r"[-_ ]", "", wrong[:80]).lower(), folded, n=1, cutoff=0.7)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise ConfigError("; ".join(faults))


_VOICE_SHAPES: Final = (
    ("Google", re.compile(r"[a-z]{2,3}-(?:[A-Z][a-z]{3}-)?(?:[A-Z]{2}|[0-9]{3})-.+")),
    ("Amazon", re.compile(r"[^\W\d_]+-(?:Neural|Generative|Standard|Long-Form)")),
    ("ElevenLabs", re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20}(?:-.+)?")),
)
_MODEL_SHAPES: Final = (
    ("Deepgram", re.compile(r"(?:nova|flux)(?:-.+)?")),
    ("Google", re.compile(r"(?:telephony|long|short|latest|chirp)(?:[-_].+)?")),
)


def _combination_faults(where: str, values: Mapping[str, str]) -> list[str]:
    """What each attribute allows and Twilio still refuses (64101, 64106), or ignores."""
    speaker, listener = values.get("ttsProvider", "ElevenLabs"), values.get("transcriptionProvider", "Deepgram")
    faults: list[str] = []

    voice, model = values.get("voice", ""), values.get("speechModel", "")
    if voice.startswith(("Google.", "Polly.", "Amazon.", "ElevenLabs.")):
        faults.append(f"voice: the prefix of {voice!r} belongs to <Say>; write {voice.partition('.')[2]!r}")
    elif (owner := _owner(voice, _VOICE_SHAPES)) not in {"", speaker}:
        faults.append(f"voice: {voice!r} is a voice of {owner}, but ttsProvider is {speaker}")
    if (owner := _owner(model, _MODEL_SHAPES)) not in {"", listener}:
        faults.append(f"speechModel: {model!r} is a model of {owner}, but transcriptionProvider is {listener}")

    if "multi" in {values.get("ttsLanguage"), values.get("code")} and speaker != "ElevenLabs":
        faults.append(f"language multi: expected ttsProvider ElevenLabs, got {speaker}")
    if "multi" in {values.get("transcriptionLanguage"), values.get("code")}:
        if listener != "Deepgram":
            faults.append(f"language multi: expected transcriptionProvider Deepgram, got {listener}")
        if model not in {"", "nova-2-general", "nova-3-general"}:
            faults.append(f"language multi: expected speechModel nova-2-general or nova-3-general, got {model!r}")

    thresholds = [name for name in ("eotThreshold", "eagerEotThreshold") if name in values]
    if not model.startswith("flux"):
        faults += [f"{name}: expected speechModel flux (Deepgram), got {model or 'none'}" for name in thresholds]
    if float(values.get("eagerEotThreshold", 0)) > float(values.get("eotThreshold", 1)):
        faults.append("eagerEotThreshold: expected at most eotThreshold, it fires before")
    return [f"{where}: {fault}" for fault in faults]


def _owner(name: str, shapes: Sequence[tuple[str, re.Pattern[str]]]) -> str:
    """Whose voice or model a name looks like; empty when it could be anybody's."""
    return next((provider for provider, shape in shapes if shape.fullmatch(name)), "")
