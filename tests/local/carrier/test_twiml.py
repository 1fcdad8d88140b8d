"""TwiML is read strictly: what Twilio would ignore without a word is a fault here."""

from __future__ import annotations

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml import voice_response  # type: ignore[import-untyped]  # Twilio ships no types

from local.carrier.twiml import TwimlError, parse
from local.carrier.twiml_rules import RULES


def relay(attributes: str, children: str = "") -> bytes:
    noun = f'<ConversationRelay url="wss://relay.example/prod" {attributes}>{children}</ConversationRelay>'
    return f'<Response><Connect action="/a">{noun}</Connect></Response>'.encode()


def faults(body: bytes) -> tuple[str, ...]:
    return parse(body, "text/xml").faults


def test_the_documented_shape_has_no_faults() -> None:
    """A relay with greeting, language and parameter is taken as it is."""
    body = relay(
        'welcomeGreeting="Hello." dtmfDetection="true" events="tokens-played speaker-events" speechTimeout="auto"',
        '<Language code="es-US" ttsProvider="Google" voice="es-US-Neural2-A"/><Parameter name="a" value="b"/>',
    )

    assert () == faults(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (relay('wellcomeGreeting="Hi"'), "<ConversationRelay> has no attribute wellcomeGreeting"),
        (relay('dtmf_detection="true"'), "no attribute dtmf_detection; dtmfDetection was meant, perhaps"),
        (relay('dtmfDetection="yes"'), "<ConversationRelay dtmfDetection> must be true or false, not 'yes'"),
        (relay('speechTimeout="100"'), "must be a whole number from 600 to 5000, or auto"),
        (relay('ttsProvider="google"'), "must be Google or Amazon or ElevenLabs"),
        (relay('conversationConfigurationId="x"'), "has no attribute conversationConfigurationId"),
        (relay("", '<Parameter name="a"/>'), "<Parameter> needs the attribute value"),
        (relay("", '<Language code="multi" ttsProvider="Google"/>'), "needs ttsProvider ElevenLabs"),
        (b'<Response><Connect><ConversationRelay url="ws://far.example/x"/></Connect></Response>', "wss://"),
        (b"<Response><Speak>Hi</Speak></Response>", "<Speak> is not known inside <Response>"),
        (b"<Response><say>Hi</say></Response>", "<say> is not known inside <Response>; Say was meant, perhaps"),
        (b"<Response><Connect/></Response>", "<Connect> takes one noun, this one has 0"),
        (b"<Response><Say></Say></Response>", "<Say> is empty"),
        (b"<Response>Hello</Response>", "<Response> holds text: 'Hello'"),
        (b"<Response><Dial><Number>5551234</Number></Dial><Pause length='x'/></Response>", "<Pause length> must be"),
    ],
)
def test_a_fault_names_what_was_expected(body: bytes, expected: str) -> None:
    """Unknown elements and attributes, and values that cannot be meant, are told apart and explained."""
    assert any(expected in fault for fault in faults(body)), faults(body)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"<Response/>", "application/json", 12300),
        (b"<Response/>", "", 12300),
        (b"<Response>", "text/xml", 12100),
        (b"<Answer/>", "text/xml", 12100),
        (b"", "text/xml", 12100),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Response>&b;</Response>', "text/xml", 12100),
        (b"<Response>" + b" " * 64_000 + b"</Response>", "text/xml", 11750),
    ],
)
def test_what_twilio_cannot_run_is_an_error(body: bytes, content_type: str, code: int) -> None:
    """Wrong content type, size, or not TwiML at all: Twilio's own error code."""
    with pytest.raises(TwimlError) as caught:
        parse(body, content_type)

    assert code == caught.value.code


@given(st.binary(max_size=200))
def test_any_body_parses_or_is_a_twiml_error(body: bytes) -> None:
    """However odd the answer, nothing but TwimlError gets out."""
    try:
        document = parse(body, "application/xml; charset=utf-8")
    except TwimlError:
        return

    assert all(verb.name in RULES["Response"].children for verb in document.verbs)


@pytest.mark.parametrize("name", ["ConversationRelay", "Language", "Connect", "Say", "Pause", "Reject", "Number"])
def test_the_tables_know_every_attribute_the_sdk_names(name: str) -> None:
    """Contract: whatever Twilio's own package can write into an element, apart from AMD and BYOC, is known here."""
    known = {re.sub(r"[-_]", "", attribute).lower() for attribute in RULES[name].attributes}
    method = getattr(voice_response, name).__init__
    of_sdk = {parameter.replace("_", "").lower() for parameter in _sdk_parameters(name, method)}

    assert set() == {each for each in of_sdk if not each.startswith(("machine", "amd"))} - known - {"byoc"}


def _sdk_parameters(name: str, method: object) -> set[str]:
    builders = {
        "ConversationRelay": (voice_response.Connect, "conversation_relay"),
        "Language": (voice_response.ConversationRelay, "language"),
        "Connect": (voice_response.VoiceResponse, "connect"),
        "Say": (voice_response.VoiceResponse, "say"),
        "Pause": (voice_response.VoiceResponse, "pause"),
        "Reject": (voice_response.VoiceResponse, "reject"),
        "Number": (voice_response.Dial, "number"),
    }
    owner, builder = builders[name]
    parameters = set(inspect.signature(getattr(owner, builder)).parameters)
    return parameters - {"self", "kwargs", "message", "phone_number"}
