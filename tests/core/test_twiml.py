"""TwiML, parsed back and compared with what Twilio's own package writes."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from ringfold.core.relay_settings import merge
from ringfold.core.twiml import (
    MAX_SAY_CHARS,
    MAX_TWIML_BYTES,
    ask_for_key,
    connect_relay,
    empty,
    hang_up,
    say,
    say_and_dial,
    say_and_hangup,
)
from ringfold.errors import ConfigError

URL = "wss://ws.example.com/prod?token=abc.DEF-1_2"
ACTION = "https://api.example.com/api/voice/action/conv_1"
ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates and control characters included


def parsed(twiml: str) -> ET.Element:
    """The document, as a parser that knows nothing of us reads it."""
    return ET.fromstring(twiml.encode())  # noqa: S314 - our own document


def tree(twiml: str) -> tuple[object, ...]:
    """Names, attributes and text of a document, whatever the order of the attributes."""
    return _shape(parsed(twiml))


def _shape(element: ET.Element) -> tuple[object, ...]:
    return element.tag, dict(element.attrib), element.text or "", [_shape(child) for child in element]


@pytest.mark.accept("E1")
def test_a_relay_carries_what_the_call_needs() -> None:
    """URL, provider, voice, language, greeting and action stand in the TwiML."""
    attributes = {
        "ttsProvider": "Google",
        "voice": "en-US-Journey-O",
        "language": "en-US",
        "welcomeGreeting": 'Hi, "SkyOwl" <Airlines> & friends',
    }

    root = parsed(connect_relay(URL, ACTION, attributes))

    connect, relay = root[0], root[0][0]
    assert ("Response", "Connect", "ConversationRelay") == (root.tag, connect.tag, relay.tag)
    assert {"action": ACTION, "method": "POST"} == connect.attrib
    assert {"url": URL, **attributes} == relay.attrib


@pytest.mark.accept("E1")
def test_a_relay_is_what_the_sdk_would_write() -> None:
    """Attributes, languages and parameters: the same document as Twilio's package gives."""
    response = VoiceResponse()
    relay = response.connect(action=ACTION, method="POST").conversation_relay(
        url=URL,
        welcome_greeting="Hello & welcome.",
        welcome_greeting_interruptible="any",
        interruptible="any",
        report_input_during_agent_speech="any",
        dtmf_detection=True,
        ignoreBackchannel=True,
        events="tokens-played",
        speechTimeout=900,
    )
    relay.language(code="es-US", tts_provider="Google", voice="es-US-Neural2-A", asr_smart_format=False)
    relay.parameter(name="tenantId", value="t-123 <&>")

    ours = connect_relay(
        URL,
        ACTION,
        merge({"welcomeGreeting": "Hello & welcome."}, {"speechTimeout": 900}),
        [{"code": "es-US", "ttsProvider": "Google", "voice": "es-US-Neural2-A", "asrSmartFormat": False}],
        {"tenantId": "t-123 <&>"},
    )

    assert tree(response.to_xml()) == tree(ours)


def test_the_rest_is_what_the_sdk_would_write() -> None:
    """Saying, dialling, hanging up and nothing at all."""
    said, dialled, hung_up = VoiceResponse(), VoiceResponse(), VoiceResponse()
    said.say("Good bye & thanks.", language="en-GB")
    said.hangup()
    dialled.say("One moment.")
    dialled.dial("+15551234567", answer_on_bridge=True, timeout=20, caller_id="+15557654321", action=ACTION)
    hung_up.hangup()

    assert tree(said.to_xml()) == tree(say_and_hangup("Good bye & thanks.", "en-GB"))
    assert tree(dialled.to_xml()) == tree(say_and_dial("One moment.", "+15551234567", "+15557654321", ACTION, 20))
    assert tree(hung_up.to_xml()) == tree(hang_up())
    assert tree(VoiceResponse().to_xml()) == tree(empty())


@pytest.mark.accept("E1")
@given(ANY_TEXT, ANY_TEXT)
def test_any_text_gives_wellformed_twiml(greeting: str, value: str) -> None:
    """Whatever the texts hold, the document parses, and they come back less what XML cannot carry."""
    attributes = {"welcomeGreeting": "Hello " + greeting}

    relay = parsed(connect_relay(URL, ACTION, attributes, parameters={"p": value}))[0][0]

    assert relay.attrib["welcomeGreeting"].startswith("Hello")
    assert visible("Hello " + greeting) == visible(relay.attrib["welcomeGreeting"])
    assert visible(value) == visible(relay[0].attrib["value"])


@given(ANY_TEXT)
def test_any_sentence_gives_wellformed_twiml(text: str) -> None:
    """A sentence with anything in it is said without it; what is blank is not said."""
    says = parsed(say_and_hangup(text)).findall("Say")

    assert visible(text) == "".join(visible(say.text or "") for say in says)


def visible(text: str) -> str:
    """What of a text is neither white space nor forbidden in XML."""
    return "".join(c for c in text if not c.isspace() and (c.isprintable() or c >= "\u00a0") and not _forbidden(c))


def _forbidden(character: str) -> bool:
    return "\ud800" <= character <= "\udfff" or character in "\ufffe\uffff"


def test_a_sentence_is_capped_at_what_say_takes() -> None:
    """4096 characters are said, and the document stays far below 64 kB even when each needs escaping."""
    twiml = say_and_hangup("&" * 10_000)

    assert "&" * MAX_SAY_CHARS == parsed(twiml)[0].text
    assert len(twiml.encode()) < MAX_TWIML_BYTES


def test_a_document_over_64_kilobytes_is_refused() -> None:
    """Twilio would answer 11750 and the caller would hear an error."""
    with pytest.raises(ConfigError, match=r"TwiML: .* bytes"):
        connect_relay(URL, ACTION, {}, parameters={str(n): "x" * 4000 for n in range(20)})


@pytest.mark.accept("E1")
@pytest.mark.parametrize("attributes", [{"interuptible": "any"}, {"ttsProvider": "Polly"}, {"voice": "Joanna-Neural"}])
def test_nothing_misspelt_is_sent(attributes: dict[str, str]) -> None:
    """However the attributes came here, an unknown name or value does not reach Twilio."""
    with pytest.raises(ConfigError):
        connect_relay(URL, ACTION, attributes)


@pytest.mark.parametrize("url", ["", "https://ws.example.com", "ws://ws.example.com"])
def test_a_relay_needs_a_websocket_url(url: str) -> None:
    """Anything else is refused, an attribute of that name does not stand in for it."""
    with pytest.raises(ConfigError):
        connect_relay(url, ACTION, {"url": URL})


@pytest.mark.parametrize("action", ["/api/voice/action/conv_1", "http://127.0.0.1:8000/api/voice/action/conv_1"])
def test_an_action_may_be_relative_or_local(action: str) -> None:
    """Twilio resolves a path against the webhook's URL."""
    assert action == parsed(connect_relay(URL, action, {}))[0].attrib["action"]


@pytest.mark.parametrize(
    "action", ["", "action", "ftp://example.com", "https://", "https://a b", "https://[", "/a\n", "/\0"]
)
def test_an_action_must_be_requestable(action: str) -> None:
    """What Twilio could not request is refused."""
    with pytest.raises(ConfigError):
        connect_relay(URL, action, {})


@pytest.mark.parametrize(
    "number", ["", "5551234567", "+266696687", "anonymous", "client:alice", "+1555<", "+15551234567 "]
)
def test_only_real_numbers_are_dialled(number: str) -> None:
    """Withheld, malformed and foreign addresses never reach <Dial>, nor the message the address."""
    with pytest.raises(ConfigError):
        say_and_dial("One moment.", number)
    with pytest.raises(ConfigError):
        say_and_dial("One moment.", "+15551234567", caller_id=number)


@pytest.mark.parametrize("timeout_s", [4, 601, 0, -1, True])
def test_ringing_has_limits(timeout_s: int) -> None:
    """Twilio takes 5 to 600 seconds."""
    with pytest.raises(ConfigError):
        say_and_dial("One moment.", "+15551234567", timeout_s=timeout_s)


def test_a_language_is_a_tag() -> None:
    """A wrong language is a configuration error, not a silent default."""
    with pytest.raises(ConfigError):
        say_and_hangup("Hello", "English")


@pytest.mark.accept("E15")
def test_no_document_opens_a_media_stream() -> None:
    """Twilio does not mix one with a relay: none of our documents has a verb that does not stand here."""
    verbs = {"Response", "Connect", "ConversationRelay", "Language", "Say", "Dial", "Number", "Gather", "Hangup"}
    documents = [
        connect_relay(URL, ACTION, {"language": "en-US"}, [{"code": "es-ES"}]),
        say_and_hangup("Bye."),
        say_and_dial("One moment.", "+15551234567", whisper=f"{ACTION}?call=1"),
        say("Hello."),
        ask_for_key("Press 1.", ACTION),
        hang_up(),
        empty(),
    ]

    assert {each.tag for document in documents for each in parsed(document).iter()} <= verbs
