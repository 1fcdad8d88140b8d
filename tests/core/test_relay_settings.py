"""The table of ConversationRelay's attributes."""

import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml import lower_camel  # type: ignore[import-untyped]
from twilio.twiml.voice_response import Connect, ConversationRelay  # type: ignore[import-untyped]

from ringfold.core.relay_settings import (
    ATTRIBUTES,
    DEFAULTS,
    LANGUAGE_ATTRIBUTES,
    MAX_TEXT_CHARS,
    fault_of,
    merge,
    overlay,
    validate,
    validate_languages,
    validate_parameters,
)
from ringfold.errors import ConfigError

# https://www.twilio.com/docs/voice/twiml/connect/conversationrelay, November 2026, and what only the SDK names.
DOCUMENTED = {
    *("url", "welcomeGreeting", "welcomeGreetingInterruptible", "language", "ttsLanguage", "ttsProvider", "voice"),
    *("transcriptionLanguage", "transcriptionProvider", "speechModel", "hints", "profanityFilter"),
    *("deepgramSmartFormat", "asrSmartFormat", "backgroundNoiseReduction", "interruptible", "interruptSensitivity"),
    *("ignoreBackchannel", "echoPromptFiltering", "reportInputDuringAgentSpeech", "dtmfDetection", "preemptible"),
    *("partialPrompts", "partialPromptOnHangup", "speechTimeout", "eotThreshold", "eagerEotThreshold"),
    *("turnDetection", "includeInPrompt", "elevenlabsTextNormalization", "ttsTextNormalization"),
    *("ttsLanguageTextNormalization", "elevenlabsLanguageTextNormalization", "intelligenceService"),
    *("conversationConfiguration", "conversationId", "customerName", "debug", "events", "applicationReconnect"),
}

LEGAL = {
    "url": [
        "wss://ws.example.com/prod?token=a.b",
        "ws://127.0.0.1:8000/relay",
        "ws://localhost/relay",
        "ws://[::1]:8000",
    ],
    "welcomeGreeting": ["Hello & welcome <you>!"],
    "welcomeGreetingInterruptible": ["none", "dtmf", "speech", "any"],
    "language": ["en-US", "es-419", "cmn-Hans-CN"],
    "ttsLanguage": ["en-US", "multi"],
    "ttsProvider": ["Google", "Amazon", "ElevenLabs"],
    "voice": ["UgBBYS2sOqTuMpoF3BR0", "UgBBYS2sOqTuMpoF3BR0-flash_v2_5-1.0_0.8_0.8"],
    "transcriptionLanguage": ["de-DE", "multi"],
    "transcriptionProvider": ["Google", "Deepgram"],
    "speechModel": ["nova-3-general", "flux-general-en"],
    "hints": ["SkyOwl,OWL-101"],
    "interruptible": ["none", "dtmf", "speech", "any"],
    "interruptSensitivity": ["low", "medium", "high"],
    "reportInputDuringAgentSpeech": ["none", "dtmf", "speech", "any"],
    "speechTimeout": ["600", "5000", "auto"],
    "includeInPrompt": ["turn-state", "prompt-segments", "turn-state prompt-segments"],
    "elevenlabsTextNormalization": ["on", "auto", "off"],
    "ttsTextNormalization": ["on", "auto", "off"],
    "intelligenceService": ["GAtest", "my-service"],
    "conversationConfiguration": ["conv_configuration_1"],
    "conversationId": ["conv_conversation_1"],
    "customerName": ["Jane Smith"],
    "debug": ["debugging", "speaker-events tokens-played"],
    "events": ["speaker-events", "tokens-played", "speaker-events tokens-played"],
}
FLAGS = {
    *("profanityFilter", "deepgramSmartFormat", "asrSmartFormat", "backgroundNoiseReduction", "ignoreBackchannel"),
    *("echoPromptFiltering", "dtmfDetection", "preemptible", "partialPrompts", "partialPromptOnHangup"),
    *("turnDetection", "ttsLanguageTextNormalization", "elevenlabsLanguageTextNormalization", "applicationReconnect"),
}
THRESHOLDS = {"eotThreshold": (0.5, 0.9), "eagerEotThreshold": (0.3, 0.9)}


def fault(attributes: dict[str, object]) -> str:
    """The message with which these attributes are refused."""
    with pytest.raises(ConfigError) as caught:
        validate(attributes)
    return str(caught.value)


@pytest.mark.accept("E9")
def test_the_table_is_the_documentation() -> None:
    """Every documented attribute has a row, and no row is invented."""
    assert set(ATTRIBUTES) == DOCUMENTED
    assert set(ATTRIBUTES) == LEGAL.keys() | FLAGS | THRESHOLDS.keys()


@pytest.mark.accept("E9")
def test_the_table_knows_what_the_sdk_knows() -> None:
    """Each named keyword of Twilio's package, for the relay and for a language, is a row here."""
    relay = inspect.signature(Connect.conversation_relay).parameters
    language = inspect.signature(ConversationRelay.language).parameters

    assert {lower_camel(name) for name in relay} - {"self", "kwargs"} <= set(ATTRIBUTES)
    assert {lower_camel(name) for name in language} - {"self", "kwargs"} == set(LANGUAGE_ATTRIBUTES)


@pytest.mark.accept("E9")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in LEGAL.items() for value in values])
def test_every_documented_value_is_taken(name: str, value: str) -> None:
    """What the documentation allows is passed on as it stands."""
    assert {name: value} == validate({name: value})


@pytest.mark.accept("E9")
@pytest.mark.parametrize("name", sorted(FLAGS))
@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), ("true", "true"), ("false", "false")])
def test_flags_are_written_as_xml_wants_them(name: str, value: object, text: str) -> None:
    """Booleans become the words Twilio reads, never Python's."""
    assert {name: text} == validate({name: value})


@pytest.mark.parametrize("name", sorted(FLAGS))
@pytest.mark.parametrize("value", ["True", "yes", "on", "1", 1, "", [], 0.0])
def test_what_is_neither_true_nor_false_is_refused(name: str, value: object) -> None:
    """Nothing is guessed."""
    assert name in fault({name: value})


@pytest.mark.parametrize(("value", "text"), [(True, "any"), (False, "none"), ("true", "any"), ("false", "none")])
def test_the_old_way_to_say_interruptible(value: object, text: str) -> None:
    """``true`` means ``any`` and ``false`` means ``none``, as they always did."""
    assert {"interruptible": text} == validate({"interruptible": value})
    assert {"welcomeGreetingInterruptible": text} == validate({"welcomeGreetingInterruptible": value})


@pytest.mark.accept("E9")
@pytest.mark.parametrize("name", sorted(THRESHOLDS))
def test_thresholds_keep_their_range(name: str) -> None:
    """Numbers and their text are taken from the lowest to the highest value, with Flux only."""
    lowest, highest = THRESHOLDS[name]
    flux = {"speechModel": "flux"}

    assert str(lowest) == validate({name: lowest, **flux})[name]
    assert str(highest) == validate({name: str(highest), **flux})[name]
    for value in (lowest - 0.01, highest + 0.01, "high", True, math.nan, math.inf, "0.7 ", "", "None"):
        assert f"{name}: expected a number from {lowest} to {highest}" in fault({name: value, **flux})
    assert "expected speechModel flux" in fault({name: 0.7})
    assert "expected speechModel flux" in fault({name: 0.7, "speechModel": "nova-3-general"})


@pytest.mark.accept("E9")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "https://ws.example.com"),
        ("url", "wss://"),
        ("url", "ws://ws.example.com/relay"),
        ("url", "ws://localhost.example.com/relay"),
        ("url", "wss://user:pw@ws.example.com"),
        ("url", "wss://ws.example.com/a b"),
        ("url", "wss://ws.example.com/a#b"),
        ("url", "/relay"),
        ("welcomeGreeting", ""),
        ("welcomeGreeting", "x" * (MAX_TEXT_CHARS + 1)),
        ("welcomeGreeting", 7),
        ("language", "en_US"),
        ("language", "multi"),
        ("ttsLanguage", "english"),
        ("ttsProvider", "elevenlabs"),
        ("voice", "two words"),
        ("hints", ""),
        ("hints", " , "),
        ("hints", ["a,b"]),
        ("hints", [1]),
        ("hints", []),
        ("interruptible", "all"),
        ("reportInputDuringAgentSpeech", True),
        ("interruptSensitivity", "highest"),
        ("speechTimeout", 599),
        ("speechTimeout", 5001),
        ("speechTimeout", "1.5"),
        ("speechTimeout", 700.5),
        ("speechTimeout", "７００"),
        ("events", "tokens_played"),
        ("events", ""),
        ("events", "tokens-played,speaker-events"),
        ("debug", ["debugging"]),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    """The message names the attribute and what was expected."""
    assert f"ConversationRelay: {name}: expected " in fault({name: value})


@pytest.mark.accept("E9")
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("interuptible", "interruptible"),
        ("tts_provider", "ttsProvider"),
        ("TTSProvider", "ttsProvider"),
        ("welcome-greeting", "welcomeGreeting"),
        ("conversationConfigurationId", "conversationConfiguration"),
        ("dtmfDetect", "dtmfDetection"),
        ("reportInputDuringAgentspeech", "reportInputDuringAgentSpeech"),
    ],
)
def test_a_misspelt_attribute_is_told_its_name(wrong: str, right: str) -> None:
    """Twilio would ignore it in silence; here the message has the spelling to use."""
    assert f"unknown attribute {wrong!r}; did you mean {right!r}?" in fault({wrong: "x"})


@pytest.mark.accept("E9")
@given(st.text(max_size=40), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
def test_nothing_unknown_gets_through(name: str, value: object) -> None:
    """Any name and any value: known and legal, or ConfigError."""
    try:
        checked = validate({name: value})
    except ConfigError:
        return

    assert set(checked) <= DOCUMENTED


@given(st.sampled_from(sorted(DOCUMENTED)), st.booleans() | st.integers() | st.floats() | st.text(st.characters()))
def test_any_value_is_text_or_an_error(name: str, value: object) -> None:
    """What comes out of any value is text that XML can carry."""
    try:
        checked = validate({name: value})
    except ConfigError:
        return

    assert checked[name] == checked[name].encode().decode()


def test_wrong_values_are_told_their_spelling_too() -> None:
    """A value close to an allowed one is suggested."""
    assert "did you mean 'ElevenLabs'?" in fault({"ttsProvider": "elevenlabs"})


def test_every_fault_is_reported_at_once() -> None:
    """Whoever configures mends the whole in one go."""
    message = fault({"interuptible": "any", "ttsProvider": "Polly", "speechTimeout": 1})

    assert all(name in message for name in ("interuptible", "ttsProvider", "speechTimeout"))


def test_none_leaves_an_attribute_out() -> None:
    """What is not set is not sent."""
    assert {} == validate({"voice": None})


def test_hints_may_be_a_list() -> None:
    """Phrases are joined by commas, blanks dropped."""
    assert {"hints": "SkyOwl,flight OWL-101"} == validate({"hints": ["SkyOwl", " flight OWL-101 ", ""]})


@pytest.mark.accept("E9")
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ttsLanguage": "multi", "ttsProvider": "Google"}, "expected ttsProvider ElevenLabs"),
        ({"transcriptionLanguage": "multi", "transcriptionProvider": "Google"}, "transcriptionProvider Deepgram"),
        ({"transcriptionLanguage": "multi", "speechModel": "flux"}, "expected speechModel nova-2-general"),
        ({"ttsProvider": "Google", "voice": "Google.en-US-Chirp3-HD-Aoede"}, "write 'en-US-Chirp3-HD-Aoede'"),
        ({"ttsProvider": "Amazon", "voice": "Polly.Joanna-Neural"}, "write 'Joanna-Neural'"),
        ({"ttsProvider": "Amazon", "voice": "en-US-Journey-O"}, "is a voice of Google"),
        ({"ttsProvider": "Google", "voice": "Joanna-Neural"}, "is a voice of Amazon"),
        ({"ttsProvider": "Google", "voice": "UgBBYS2sOqTuMpoF3BR0"}, "is a voice of ElevenLabs"),
        ({"voice": "Joanna-Neural"}, "ttsProvider is ElevenLabs"),
        ({"transcriptionProvider": "Google", "speechModel": "nova-3-general"}, "is a model of Deepgram"),
        ({"speechModel": "telephony"}, "is a model of Google"),
        ({"speechModel": "flux", "eotThreshold": 0.5, "eagerEotThreshold": 0.6}, "at most eotThreshold"),
    ],
)
def test_combinations_that_twilio_refuses(attributes: dict[str, object], expected: str) -> None:
    """What would end the session with 64101 or 64106, or do nothing, is refused here."""
    assert expected in fault(attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"ttsProvider": "Google", "voice": "en-US-Chirp3-HD-Aoede"},
        {"ttsProvider": "Google", "voice": "cmn-CN-Standard-A"},
        {"ttsProvider": "Amazon", "voice": "Léa-Neural"},
        {"ttsProvider": "ElevenLabs", "voice": "UgBBYS2sOqTuMpoF3BR0", "ttsLanguage": "multi"},
        {"transcriptionProvider": "Google", "speechModel": "telephony"},
        {"transcriptionLanguage": "multi", "transcriptionProvider": "Deepgram", "speechModel": "nova-2-general"},
        {"speechModel": "flux-general-en", "eotThreshold": 0.8, "eagerEotThreshold": 0.4},
        {"speechModel": "a-model-of-next-year", "voice": "a-voice-of-next-year"},
    ],
)
def test_combinations_that_work(attributes: dict[str, object]) -> None:
    """Documented combinations pass, and names we cannot judge are left to Twilio."""
    assert set(attributes) == set(validate(attributes))


# Number, agent, defaults


@pytest.mark.accept("E9")
def test_the_defaults_make_barge_in_work() -> None:
    """Nothing configured: the agent can be interrupted and hears what interrupted it."""
    assert {
        "welcomeGreetingInterruptible": "any",
        "interruptible": "any",
        "reportInputDuringAgentSpeech": "any",
        "dtmfDetection": "true",
        "ignoreBackchannel": "true",
        "events": "tokens-played",
    } == merge({}, {})


@pytest.mark.accept("E9")
def test_a_number_wins_over_its_agent_and_both_over_the_defaults() -> None:
    """What the line says counts most: TTS is configurable per number."""
    merged = merge(
        {"language": "de-DE", "interruptible": "speech"}, {"language": "en-US", "hints": "OWL", "events": None}
    )

    assert "de-DE" == merged["language"]
    assert "speech" == merged["interruptible"]
    assert "OWL" == merged["hints"]
    assert "events" not in merged


def test_another_provider_brings_its_own_voice() -> None:
    """A number that names a provider does not inherit the voice of the agent's provider."""
    agent = {"ttsProvider": "Google", "voice": "en-US-Journey-O", "speechModel": "flux", "eotThreshold": 0.7}

    merged = merge({"ttsProvider": "Amazon", "transcriptionProvider": "Google"}, agent)

    assert {"ttsProvider": "Amazon", "transcriptionProvider": "Google", **DEFAULTS} == merged


def test_the_same_provider_keeps_its_voice() -> None:
    """Saying again which provider speaks changes nothing."""
    agent = {"ttsProvider": "Google", "voice": "en-US-Journey-O"}

    assert "en-US-Journey-O" == merge({"ttsProvider": "Google"}, agent)["voice"]
    assert "UgBBYS2sOqTuMpoF3BR0" == merge({"ttsProvider": "ElevenLabs"}, {"voice": "UgBBYS2sOqTuMpoF3BR0"})["voice"]


def test_a_faulty_merge_is_refused() -> None:
    """Two legal halves may not fit."""
    with pytest.raises(ConfigError, match="is a voice of Google"):
        merge({"voice": "en-US-Journey-O"}, {"ttsProvider": "Amazon"})


# Children


@pytest.mark.accept("E9")
def test_languages_are_checked_one_by_one() -> None:
    """Each child has its own providers; what is missing comes from the parent."""
    languages: list[dict[str, object]] = [
        {"code": "es-US", "ttsProvider": "Google", "voice": "es-US-Neural2-A", "hints": ["vuelo"]},
        {"code": "multi", "asrSmartFormat": True},
    ]

    assert [
        {"code": "es-US", "ttsProvider": "Google", "voice": "es-US-Neural2-A", "hints": "vuelo"},
        {"code": "multi", "asrSmartFormat": "true"},
    ] == validate_languages(languages, {"ttsProvider": "ElevenLabs"})


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ([{}], "Language 1: code is missing"),
        ([{"code": "es_US"}], "Language es_US: code: expected a language tag"),
        ([{"code": "es-US", "language": "es-US"}], "Language es-US: unknown attribute 'language'"),
        ([{"code": "es-US"}, {"code": "es-US"}], "Language es-US: declared twice"),
        ([{"code": "multi", "ttsProvider": "Amazon"}], "expected ttsProvider ElevenLabs"),
        ([{"code": "multi", "ttsProvider": "ElevenLabs"}], "expected transcriptionProvider Deepgram"),
        ([{"code": "es-US", "voice": "Lupe-Neural"}], "is a voice of Amazon"),
    ],
)
def test_faulty_languages_are_named(languages: list[dict[str, object]], expected: str) -> None:
    """The message says which language, and what of it."""
    with pytest.raises(ConfigError, match=expected):
        validate_languages(languages, {"transcriptionProvider": "Google", "ttsProvider": "Google"})


def test_parameters_are_names_and_texts() -> None:
    """Values come back in setup as they were written."""
    assert {"tenantId": "t-123", "empty": ""} == validate_parameters({"tenantId": "t-123", "empty": "\0"})
    for faulty in ({"": "x"}, {" ": "x"}, {"a": 1}, {"a": None}):
        with pytest.raises(ConfigError):
            validate_parameters(faulty)


def test_every_row_is_documented() -> None:
    """The table is what an administrator reads."""
    assert all(row.doc.endswith(".") and row.rule.expected and row.default for row in ATTRIBUTES.values())


def test_an_attribute_is_checked_by_itself() -> None:
    """Without the others, for whoever must say which field is at fault."""
    faults = [fault_of(name, value) for name, value in (("voice", "Joanna-Neural"), ("voize", "x"))]

    assert "" == faults[0]
    assert "did you mean 'voice'" in faults[1]
    assert "600 to 5000" in fault_of("speechTimeout", 5)


def test_a_layer_takes_what_belonged_to_the_provider_beneath() -> None:
    """A voice and a model go with their provider; naming the same one again changes nothing."""
    beneath = {"ttsProvider": "Google", "voice": "en-US-Journey-O", "hints": "a"}

    assert {"ttsProvider": "Amazon", "hints": "a"} == overlay(beneath, {"ttsProvider": "Amazon"})
    assert beneath == overlay(beneath, {"ttsProvider": "Google"})
    assert {"ttsProvider": None, "hints": "a"} == overlay(beneath, {"ttsProvider": None})
