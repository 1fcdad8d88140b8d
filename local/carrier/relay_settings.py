"""The attributes of one <ConversationRelay>, with Twilio's defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from local.carrier.twiml import Element
from local.carrier.voice import Interruptible, Style

BOOLEAN_FORMS: Final = {"true": "any", "false": "none"}


@dataclass(frozen=True, slots=True)
class RelaySettings:
    url: str
    welcome_greeting: str
    greeting_interruptible: Interruptible
    interruptible: Interruptible
    preemptible: bool
    report_input: Interruptible
    dtmf_detection: bool
    partial_prompts: bool
    partial_prompt_on_hangup: bool
    application_reconnect: bool
    transcription_language: str
    tts_language: str
    tokens_played: bool
    speaker_events: bool
    parameters: dict[str, str]

    @property
    def style(self) -> Style:
        return Style(self.interruptible, self.preemptible)

    def style_of(self, interruptible: bool | None, preemptible: bool | None) -> Style:
        """How a frame may be cut off: its own word, or the session's."""
        own: Interruptible = self.interruptible if interruptible is None else "any" if interruptible else "none"
        return Style(own, self.preemptible if preemptible is None else preemptible)


def relay_settings(noun: Element) -> RelaySettings:
    """Read a <ConversationRelay> whose faults have been reported already."""
    language = noun.get("language", "en-US")
    events = set(noun.get("events").split()) | set(noun.get("debug").split())
    return RelaySettings(
        url=noun.get("url"),
        welcome_greeting=noun.get("welcomeGreeting"),
        greeting_interruptible=_interruptible(noun, "welcomeGreetingInterruptible", "any"),
        interruptible=_interruptible(noun, "interruptible", "any"),
        preemptible=noun.flag("preemptible"),
        report_input=_interruptible(noun, "reportInputDuringAgentSpeech", "none"),
        dtmf_detection=noun.flag("dtmfDetection"),
        partial_prompts=noun.flag("partialPrompts"),
        partial_prompt_on_hangup=noun.flag("partialPromptOnHangup"),
        application_reconnect=noun.flag("applicationReconnect"),
        transcription_language=noun.get("transcriptionLanguage", language),
        tts_language=noun.get("ttsLanguage", language),
        tokens_played="tokens-played" in events,
        speaker_events="speaker-events" in events,
        parameters={child.get("name"): child.get("value") for child in noun.children if child.name == "Parameter"},
    )


def _interruptible(noun: Element, name: str, default: Interruptible) -> Interruptible:
    value = BOOLEAN_FORMS.get(noun.get(name, default), noun.get(name, default))
    return cast(Interruptible, value) if value in ("none", "dtmf", "speech", "any") else default
