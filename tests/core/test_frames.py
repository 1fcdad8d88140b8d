"""ConversationRelay's frames, both ways."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.frames import (
    MAX_HEARD_CHARS,
    MAX_INBOUND_BYTES,
    MAX_OUTBOUND_BYTES,
    MAX_TOKEN_CHARS,
    BargeIn,
    CallerSpoke,
    ConfigUpdated,
    End,
    Frame,
    Info,
    KeyPressed,
    Language,
    OutboundFrame,
    Play,
    RelayError,
    SendDigits,
    Setup,
    Text,
    TokensPlayed,
    Unknown,
    build_frame,
    parse_frame,
    split_text,
)
from ringfold.core.ids import AccountSid, CallSid, SessionId
from ringfold.errors import WireError

EVENTS = Path(__file__).parents[1] / "events"

SETUP = {"type": "setup", "sessionId": "VXtest", "callSid": "CAtest", "accountSid": "ACtest"}
PROMPT = {"type": "prompt", "voicePrompt": "hi", "lang": "en-US", "last": True}
INTERRUPT = {"type": "interrupt", "utteranceUntilInterrupt": "We open at", "durationUntilInterruptMs": 900}

ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates and control characters included
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3)
)
TYPES = ["setup", "prompt", "interrupt", "dtmf", "error", "info", "configUpdated", "new"]
FIELDS = [
    *("sessionId", "callSid", "accountSid", "from", "to", "direction", "callType", "callStatus", "customParameters"),
    *("voicePrompt", "lang", "last", "utteranceUntilInterrupt", "durationUntilInterruptMs"),
    *("digit", "description", "name", "value"),
]


def wire(frame: object, **changes: object) -> str:
    """A frame as it comes over the socket, with some fields changed."""
    return json.dumps({**frame, **changes} if isinstance(frame, dict) else frame)


def refused(raw: str | None) -> WireError:
    """The error that this frame raises."""
    with pytest.raises(WireError) as caught:
        parse_frame(raw)
    return caught.value


def parsed_or_none(raw: str) -> Frame | None:
    """The frame, or nothing when it was refused as it should be; anything else fails the test."""
    try:
        return parse_frame(raw)
    except WireError:
        return None


def recorded(name: str) -> str:
    """A frame of Twilio's documentation."""
    return json.dumps(json.loads((EVENTS / f"{name}.json").read_text())["frame"])


# From Twilio


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        (
            "relay_setup",
            Setup(
                SessionId("VXtest"),
                CallSid("CAtest"),
                AccountSid("ACtest"),
                from_="+15550100",
                to="+15550101",
                direction="inbound",
                call_type="PSTN",
                call_status="RINGING",
                custom_parameters={"tenantId": "t-123"},
            ),
        ),
        ("relay_prompt", CallerSpoke("text", "en-US", last=True)),
        ("relay_interrupt", BargeIn("Life is a", 460)),
        ("relay_dtmf", KeyPressed("1")),
        ("relay_error", RelayError('Invalid message received, code: 64107, {"type":"text"}')),
        ("relay_info_round_trip", Info("roundTripDelayMs", "109")),
        ("relay_info_tokens_played", TokensPlayed("Life is a ")),
        ("relay_config_updated", ConfigUpdated()),
    ],
)
def test_documented_frames_are_understood(name: str, frame: Frame) -> None:
    """Every frame of Twilio's documentation becomes the event it stands for."""
    assert frame == parse_frame(recorded(name))


def test_a_setup_may_lack_what_does_not_name_the_call() -> None:
    """Empty and missing extras are empty texts; unknown keys are ignored."""
    setup = parse_frame(wire(SETUP, forwardedFrom=None, brandNew={"a": 1}))

    assert Setup(SessionId("VXtest"), CallSid("CAtest"), AccountSid("ACtest"), "", "", "", "", "", {}) == setup


@pytest.mark.parametrize("name", ["sessionId", "callSid", "accountSid"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, [], "\0"])
def test_a_setup_without_a_name_is_refused(name: str, value: object) -> None:
    """Whoever does not say which call this is, is not bound to one."""
    refused(wire(SETUP, **{name: value}))


@pytest.mark.parametrize("parameters", ["x", [], {"a": 1}, {"a": None}, {str(n): "" for n in range(101)}])
def test_custom_parameters_are_texts(parameters: object) -> None:
    """Wrong types and floods of parameters are refused."""
    refused(wire(SETUP, customParameters=parameters))


@pytest.mark.accept("E21")
def test_a_partial_prompt_says_so() -> None:
    """A partial carries ``last=False``, so that nobody takes it for a turn."""
    assert CallerSpoke("I would", "en-US", last=False) == parse_frame(wire(PROMPT, voicePrompt="I would", last=False))


@pytest.mark.accept("E21")
@pytest.mark.parametrize("last", ["false", 0, 1, None, "x"])
def test_a_prompt_that_is_neither_partial_nor_last_is_refused(last: object) -> None:
    """Nothing that might be a partial is guessed to be a whole utterance."""
    refused(wire(PROMPT, last=last))


def test_a_prompt_without_last_is_whole() -> None:
    """Accounts without partial prompts may leave the mark out: the caller must still be answered."""
    fields = {name: value for name, value in PROMPT.items() if name != "last"}

    assert CallerSpoke("hi", "en-US", last=True) == parse_frame(wire(fields))


def test_a_blank_utterance_is_the_callers_to_judge() -> None:
    """A finished prompt without words is an event like any other."""
    assert CallerSpoke("", "en-US", last=True) == parse_frame(wire(PROMPT, voicePrompt=" \0 "))


def test_words_are_cleaned_and_bounded() -> None:
    """Control characters and lone surrogates are dropped, and no utterance crowds out the session."""
    spoke = parse_frame(wire(PROMPT, voicePrompt=" a\0b\ud800c " + "x" * 20_000))

    assert isinstance(spoke, CallerSpoke)
    assert spoke.text.startswith("abc xxx")
    assert len(spoke.text) <= MAX_HEARD_CHARS


@pytest.mark.parametrize(
    ("duration", "played_ms"),
    [(460, 460), ("460", 460), (460.9, 460), (0, 0), (-5, 0), ("-5", 0), (10**30, 86_400_000), ("1e3", 1000)],
)
def test_durations_come_as_numbers_and_as_texts(duration: object, played_ms: int) -> None:
    """Both documented forms count; nothing is negative or too large to store."""
    assert BargeIn("We open at", played_ms) == parse_frame(wire(INTERRUPT, durationUntilInterruptMs=duration))


@pytest.mark.parametrize("duration", [None, True, "", "soon", "nan", "inf", [], {}, 10**400])
def test_a_bad_duration_is_refused(duration: object) -> None:
    """What is no number is no duration."""
    refused(wire(INTERRUPT, durationUntilInterruptMs=duration))


def test_an_interrupt_may_have_been_heard_by_nobody() -> None:
    """Empty, null and missing heard text are the same."""
    frames = [
        parse_frame(wire({"type": "interrupt", "durationUntilInterruptMs": 9})),
        parse_frame(wire(INTERRUPT, utteranceUntilInterrupt=None, durationUntilInterruptMs=9)),
        parse_frame(wire(INTERRUPT, utteranceUntilInterrupt="", durationUntilInterruptMs=9)),
    ]

    assert [BargeIn("", 9)] * 3 == frames


@pytest.mark.parametrize("digit", ["12", "", "a", "w", " 1", 1, None, "１"])
def test_what_is_no_key_is_refused(digit: object) -> None:
    """One frame is one key of the telephone."""
    refused(wire({"type": "dtmf", "digit": digit}))


@pytest.mark.parametrize(("value", "text"), [(109, "109"), (True, "true"), (None, ""), ("on", "on")])
def test_info_values_are_texts(value: object, text: str) -> None:
    """A value that is not sent as text is written as one."""
    assert Info("clientSpeaking", text) == parse_frame(wire({"type": "info", "name": "clientSpeaking", "value": value}))


@pytest.mark.accept("E21")
def test_unknown_types_are_named_and_nothing_else() -> None:
    """A type we do not know is neither an error nor an answer."""
    assert Unknown("brandNew") == parse_frame('{"type":"brandNew","last":true,"voicePrompt":"x"}')
    assert 256 == len(asdict(parse_frame(wire({"type": "x" * 5000})))["type"])


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "hello",
        "\0",
        "\ud800",
        "{",
        "[]",
        "null",
        '"prompt"',
        "1",
        "{}",
        '{"type":null}',
        '{"type":["prompt"]}',
        '{"type":"prompt"}',
        '{"type":"prompt","voicePrompt":NaN}',
        '{"type":"prompt","voicePrompt":' + "9" * 5000 + "}",
        '{"type":"interrupt","durationUntilInterruptMs":1e999}',
        "[" * 1000 + "]" * 1000,
        "[" * 60_000,
        '{"a":' * 1000 + "1" + "}" * 1000,
        '{"a":' * 20_000,
        '{"type":"prompt","voicePrompt":"' + "x" * MAX_INBOUND_BYTES + '"}',
        '{"type":"prompt","voicePrompt":"' + "é" * (MAX_INBOUND_BYTES // 2) + '"}',
        "\ud800" * MAX_INBOUND_BYTES,
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_unusable_frames_are_wire_errors(raw: str | None) -> None:
    """Not JSON, not an object, nested a thousand deep, too large, no text: always WireError and nothing else."""
    assert len(str(refused(raw))) < 200


def test_a_frame_of_128_kilobytes_is_read() -> None:
    """The largest message API Gateway delivers is still a frame."""
    empty = wire(PROMPT, voicePrompt="")
    raw = wire(PROMPT, voicePrompt="x" * (MAX_INBOUND_BYTES - len(empty)))

    assert MAX_INBOUND_BYTES == len(raw)
    assert CallerSpoke("x" * MAX_HEARD_CHARS, "en-US", last=True) == parse_frame(raw)


def test_deep_nesting_inside_a_known_frame_is_harmless() -> None:
    """A field we do not read may hold anything the parser can bear."""
    raw = '{"type":"dtmf","digit":"1","x":' + "[" * 500 + "]" * 500 + "}"

    assert KeyPressed("1") == parse_frame(raw)


def test_an_error_never_quotes_what_was_said() -> None:
    """The message goes to the log: types and names only, no speech."""
    messages = [
        str(refused('{"type":"prompt","voicePrompt":["my card is 4111"]}')),
        str(refused('{"type":"prompt","voicePrompt":"my card is 4111"')),
        str(refused('{"type":"dtmf","digit":"4111"}')),
    ]

    assert not [message for message in messages if "4111" in message]


@given(ANY_TEXT)
def test_any_text_parses_or_is_a_wire_error(raw: str) -> None:
    """However odd the text, nothing but WireError gets out."""
    parsed_or_none(raw)


@given(ANY_JSON)
def test_any_json_parses_or_is_a_wire_error(value: object) -> None:
    """However odd the JSON, nothing but WireError gets out."""
    parsed_or_none(json.dumps(value))


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), ANY_JSON))
def test_any_fields_parse_or_are_a_wire_error(kind: str, fields: dict[str, object]) -> None:
    """However odd a frame's fields: WireError, or an event whose every text is UTF-8 without control characters."""
    frame = parsed_or_none(json.dumps({"type": kind, **fields}))

    for value in _texts(asdict(frame) if frame else {}):
        assert value == value.encode().decode()
        assert not [character for character in value if ord(character) < 32 and character not in "\t\n\r"]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    return [value] if isinstance(value, str) else []


# To Twilio: the rules of the documentation, written a second time, so that a slip in one shows.

LANGUAGES = st.sampled_from(["en-US", "es-419", "cmn-Hans-CN", "de"])
FLAGS = st.none() | st.booleans()
OUTBOUND = st.one_of(
    st.builds(
        Text, token=ANY_TEXT, last=st.booleans(), lang=st.none() | LANGUAGES, interruptible=FLAGS, preemptible=FLAGS
    ),
    st.builds(
        Play,
        source=st.just("https://example.com/a.mp3"),
        loop=st.integers(0, 1000),
        preemptible=FLAGS,
        interruptible=FLAGS,
    ),
    st.builds(SendDigits, digits=st.text("0123456789*#w", min_size=1, max_size=100)),
    st.builds(Language, tts_language=LANGUAGES, transcription_language=st.none() | LANGUAGES),
    st.builds(End, handoff_data=st.none() | ANY_TEXT),
)


def a_text(value: object) -> bool:
    """Whether it is text that UTF-8 can carry."""
    return isinstance(value, str) and value == value.encode("utf-8", "ignore").decode()


def a_flag(value: object) -> bool:
    """Whether it is true or false."""
    return value is True or value is False


RULES: dict[str, tuple[set[str], dict[str, Callable[[Any], bool]]]] = {
    "text": (
        {"token"},
        {"token": a_text, "last": a_flag, "lang": a_text, "interruptible": a_flag, "preemptible": a_flag},
    ),
    "play": (
        {"source"},
        {
            "source": lambda value: value.startswith("https://"),
            "loop": lambda value: type(value) is int and value >= 0,
            "preemptible": a_flag,
            "interruptible": a_flag,
        },
    ),
    "sendDigits": ({"digits"}, {"digits": lambda value: bool(value) and set(value) <= set("0123456789*#w")}),
    "language": (set(), {"ttsLanguage": a_text, "transcriptionLanguage": a_text}),
    "end": (set(), {"handoffData": a_text}),
}


def accepted(raw: str) -> bool:
    """Whether Twilio's validation, as documented, takes the frame."""
    fields = json.loads(raw)
    required, rules = RULES[fields.pop("type")]
    return required <= set(fields) <= set(rules) and all(rules[name](value) for name, value in fields.items())


@pytest.mark.accept("E6")
@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("text", Text("Hello ", last=False, lang="en-US", interruptible=True, preemptible=False)),
        ("close", Text("", last=True)),
        ("play", Play("https://example.com/a.mp3", loop=1, preemptible=False, interruptible=True)),
        ("sendDigits", SendDigits("9www4085551212")),
        ("language", Language("es-US", "es-US")),
        ("end", End('{"reason":"live-agent"}')),
    ],
)
def test_documented_frames_are_written(name: str, frame: OutboundFrame) -> None:
    """Each of the five frames comes out as in Twilio's documentation, field by field, and compact."""
    documented = json.loads((EVENTS / "relay_to_twilio.json").read_text())["frames"][name]

    assert json.dumps(documented, separators=(",", ":")) == build_frame(frame)


@pytest.mark.accept("E6")
@pytest.mark.parametrize(
    ("frame", "raw"),
    [
        (Text("Hi"), '{"type":"text","token":"Hi","last":false}'),
        (Play("http://127.0.0.1:8000/hold.mp3"), '{"type":"play","source":"http://127.0.0.1:8000/hold.mp3","loop":1}'),
        (Language(tts_language="de-DE"), '{"type":"language","ttsLanguage":"de-DE"}'),
        (Language(transcription_language="multi"), '{"type":"language","transcriptionLanguage":"multi"}'),
        (End(), '{"type":"end"}'),
    ],
)
def test_what_is_left_out_is_not_sent(frame: OutboundFrame, raw: str) -> None:
    """No null and no empty extra reaches Twilio."""
    assert raw == build_frame(frame)


@pytest.mark.accept("E6")
@given(OUTBOUND)
def test_no_frame_can_be_refused(frame: OutboundFrame) -> None:
    """Whatever goes into a frame, what comes out passes Twilio's validation (64107) and fits a WebSocket message."""
    raw = build_frame(frame)

    assert accepted(raw)
    assert len(raw.encode()) < MAX_OUTBOUND_BYTES


@pytest.mark.parametrize("character", ['"', "\\", "\n", "é", "\u2028", "😀"])
def test_the_longest_token_fits(character: str) -> None:
    """Even when every character takes the most JSON can make of it."""
    token = character * MAX_TOKEN_CHARS

    raw = build_frame(
        Text(token, last=True, lang="abc-abcdefgh-abcdefgh-abcdefgh", interruptible=False, preemptible=False)
    )

    assert token == json.loads(raw)["token"]
    assert len(raw.encode()) < MAX_OUTBOUND_BYTES


def test_a_token_keeps_its_spaces_and_loses_its_controls() -> None:
    """Tokens are joined as they stand, so only what cannot be sent is dropped."""
    assert '{"type":"text","token":" a b\\n","last":false}' == build_frame(Text(" a\0\x07 b\ud800\n"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Text(None),  # type: ignore[arg-type]
        lambda: Text("x" * (MAX_TOKEN_CHARS + 1)),
        lambda: Text("x", last=None),  # type: ignore[arg-type]
        lambda: Text("x", lang=""),
        lambda: Text("x", lang="en_US"),
        lambda: Text("x", lang="multi"),
        lambda: Text("x", interruptible="any"),  # type: ignore[arg-type]
        lambda: Text("x", preemptible=1),  # type: ignore[arg-type]
        lambda: replace(Text("x"), lang="?"),
        lambda: Play("/hold.mp3"),
        lambda: Play("hold.mp3"),
        lambda: Play("ftp://example.com/a.mp3"),
        lambda: Play("https://"),
        lambda: Play("https://[/a.mp3"),
        lambda: Play("https://example.com/a b.mp3"),
        lambda: Play("https://example.com/" + "a" * 3000),
        lambda: Play(None),  # type: ignore[arg-type]
        lambda: Play("https://example.com/a.mp3", loop=-1),
        lambda: Play("https://example.com/a.mp3", loop=1001),
        lambda: Play("https://example.com/a.mp3", loop=True),
        lambda: Play("https://example.com/a.mp3", loop="2"),  # type: ignore[arg-type]
        lambda: SendDigits(""),
        lambda: SendDigits("12a"),
        lambda: SendDigits("1 2"),
        lambda: SendDigits("1W"),
        lambda: SendDigits("１"),
        lambda: SendDigits("1\n"),
        lambda: SendDigits("1" * 101),
        lambda: SendDigits(12),  # type: ignore[arg-type]
        Language,
        lambda: Language(tts_language="english"),
        lambda: Language(transcription_language=""),
        lambda: End({"reason": "x"}),  # type: ignore[arg-type]
        lambda: End("x" * (MAX_TOKEN_CHARS + 1)),
    ],
)
def test_illegal_frames_cannot_be_made(make: Callable[[], OutboundFrame]) -> None:
    """What Twilio would refuse is refused when it is made, not when it is sent."""
    with pytest.raises(WireError):
        make()


@given(st.text(max_size=300), st.integers(1, 40))
def test_split_text_loses_nothing(text: str, most: int) -> None:
    """Pieces fit, none is empty, and joined they are the text again."""
    pieces = split_text(text, most)

    assert text == "".join(pieces)
    assert all(0 < len(piece) <= most for piece in pieces)


def test_split_text_cuts_behind_spaces() -> None:
    """A word is torn only when it is longer than half a piece."""
    assert ["one two ", "three ", "four"] == split_text("one two three four", 8)
    assert ["abcdefgh", "ij"] == split_text("abcdefghij", 8)
