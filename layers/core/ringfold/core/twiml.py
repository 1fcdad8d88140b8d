"""TwiML: what the voice webhooks answer.

Built with ElementTree, which botocore loads anyway; the Twilio package would cost the speaking path its import and
checks neither names nor values. Whatever text comes in, what goes out is well-formed XML 1.0.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only ever written here, never parsed
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from ringfold.core import phone, relay_settings
from ringfold.core.characters import clean, is_language_tag
from ringfold.errors import ConfigError

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
MAX_SAY_CHARS: Final = 4096
MAX_TWIML_BYTES: Final = 64 * 1024
DIAL_TIMEOUT_S: Final = 30
KEY_TIMEOUT_S: Final = 6


def connect_relay(
    url: str,
    action: str,
    attributes: Mapping[str, object],
    languages: Iterable[Mapping[str, object]] = (),
    parameters: Mapping[str, object] | None = None,
) -> str:
    """Open a ConversationRelay session.

    Args:
        url: Where Twilio opens the WebSocket, query included.
        action: What Twilio requests when the session ends; absolute, or relative to the webhook.
        attributes: As :func:`ringfold.core.relay_settings.merge` gives them; checked again here, because an
            attribute that Twilio does not know is ignored without a word.
        languages: ``<Language>`` children.
        parameters: ``<Parameter>`` children, name to value.

    Raises:
        ConfigError: If anything is not as Twilio documents it, or all of it is over 64 kB.
    """
    checked = relay_settings.validate({**attributes, "url": url})
    children = relay_settings.validate_languages(languages, checked)
    response, connect = _open("Connect", {"action": _action_url(action), "method": "POST"})
    relay = ET.SubElement(connect, "ConversationRelay", {"url": checked.pop("url"), **checked})
    for language in children:
        ET.SubElement(relay, "Language", language)
    for name, value in relay_settings.validate_parameters(parameters or {}).items():
        ET.SubElement(relay, "Parameter", {"name": name, "value": value})
    return _render(response)


def say_and_hangup(text: str, language: str | None = None) -> str:
    """Say a sentence and hang up; a blank text is not said."""
    response = ET.Element("Response")
    _say(response, text, language)
    ET.SubElement(response, "Hangup")
    return _render(response)


def say_and_dial(
    text: str,
    number: str,
    caller_id: str | None = None,
    action: str | None = None,
    timeout_s: int = DIAL_TIMEOUT_S,
    language: str | None = None,
    whisper: str | None = None,
) -> str:
    """Say a sentence and connect the caller to a number.

    Args:
        text: Said first; blank says nothing.
        number: E.164.
        caller_id: One of our numbers, or the caller's; ``None`` leaves it to Twilio, which shows the caller's.
        action: Requested when the dialled leg ends, with ``DialCallStatus``; ``None`` lets the call end with it.
        timeout_s: How long it may ring, 5 to 600 seconds.
        language: Of the text.
        whisper: Where the TwiML is had that the dialled side hears before the two are joined.

    Raises:
        ConfigError: If a number is not one that can be dialled, or the timeout is out of range.
    """
    attributes = {"answerOnBridge": "true"}
    if isinstance(timeout_s, bool) or not 5 <= timeout_s <= 600:
        raise ConfigError(f"Dial: timeout: expected 5 to 600 seconds, got {timeout_s!r}")
    attributes["timeout"] = str(int(timeout_s))
    if caller_id is not None:
        attributes["callerId"] = _dialable("callerId", caller_id)
    if action is not None:
        attributes["action"] = _action_url(action)
    response = ET.Element("Response")
    _say(response, text, language)
    dial = ET.SubElement(response, "Dial", attributes)
    if whisper is None:
        dial.text = _dialable("number", number)
    else:
        ET.SubElement(dial, "Number", {"url": _action_url(whisper)}).text = _dialable("number", number)
    return _render(response)


def say(text: str, language: str | None = None) -> str:
    """Say a sentence, and nothing more."""
    response = ET.Element("Response")
    _say(response, text, language)
    return _render(response)


def ask_for_key(text: str, action: str, language: str | None = None, timeout_s: int = KEY_TIMEOUT_S) -> str:
    """Say a sentence and wait for one key; the action is requested with ``Digits``, empty when none came."""
    attributes = {"input": "dtmf", "numDigits": "1", "timeout": str(timeout_s), "actionOnEmptyResult": "true"}
    response, gather = _open("Gather", {"action": _action_url(action), "method": "POST", **attributes})
    _say(gather, text, language)
    return _render(response)


def hang_up() -> str:
    """Hang up without a word."""
    return _render(_open("Hangup", {})[0])


def empty() -> str:
    """Nothing to do: the answer to callbacks whose TwiML is not looked at."""
    return _render(ET.Element("Response"))


def _open(verb: str, attributes: dict[str, str]) -> tuple[ET.Element, ET.Element]:
    response = ET.Element("Response")
    return response, ET.SubElement(response, verb, attributes)


def _say(response: ET.Element, text: str, language: str | None) -> None:
    # Runs of white space become one space: XML would turn line ends into others anyway, and none is heard.
    spoken = " ".join(clean(text).split())[:MAX_SAY_CHARS].rstrip()
    if language is not None and not is_language_tag(language):
        raise ConfigError(f"Say: language: expected a tag such as en-US, got {language!r}")
    if spoken:
        ET.SubElement(response, "Say", {} if language is None else {"language": language}).text = spoken


def _dialable(what: str, number: str) -> str:
    if phone.address_kind(number) is not phone.AddressKind.NUMBER:
        raise ConfigError(f"Dial: {what}: expected an E.164 number such as +15125551234, got {phone.mask(number)}")
    return number


def _action_url(url: str) -> str:
    if url.isprintable() and not any(map(str.isspace, url)):
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if (parts.scheme in {"https", "http"} and parts.netloc) or (not parts.scheme and url.startswith("/")):
            return url
    raise ConfigError(f"action: expected an absolute https URL or a path, got {url[:200]!r}")


def _render(response: ET.Element) -> str:
    text = '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")
    if (size := len(text.encode())) > MAX_TWIML_BYTES:
        raise ConfigError(f"TwiML: {size} bytes, at most {MAX_TWIML_BYTES}; shorten greeting, hints or parameters")
    return text
