"""The application's frames are read as strictly as Twilio validates them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.carrier.frames import End, Language, MalformedFrameError, Play, SendDigits, Text, read

KEYS = st.sampled_from(["type", "token", "last", "lang", "source", "loop", "digits", "handoffData", "interruptible"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "text", "token": "Hi ", "last": False}, Text("Hi ")),
        ({"type": "text", "token": "", "last": True, "interruptible": False}, Text("", last=True, interruptible=False)),
        ({"type": "play", "source": "https://a.example/b.mp3", "loop": 2}, Play("https://a.example/b.mp3", 2)),
        ({"type": "sendDigits", "digits": "9ww#"}, SendDigits("9ww#")),
        ({"type": "language", "ttsLanguage": "es-US"}, Language("es-US")),
        ({"type": "end"}, End()),
        ({"type": "end", "handoffData": "{}"}, End("{}")),
    ],
)
def test_every_documented_frame_is_read(raw: dict[str, object], expected: object) -> None:
    """All five kinds, with and without what is optional."""
    assert expected == read(json.dumps(raw)).frame


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("nonsense", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        (b"{}", "binary frame"),
        ('{"type": "clear"}', "type must be one of"),
        ('{"type": {"a": 1}}', "type must be one of"),
        ('{"type": "text"}', "token is missing"),
        ('{"type": "text", "token": null}', "token must be str, not null"),
        ('{"type": "text", "token": "a", "last": "true"}', "last must be bool"),
        ('{"type": "text", "token": "a", "lang": "English!"}', "lang must be a BCP-47 language tag"),
        ('{"type": "end", "handoffData": {"reason": "x"}}', "handoffData must be str"),
        ('{"type": "play", "source": "a.mp3"}', "source must be a public URL"),
        ('{"type": "play", "source": "https://a", "loop": true}', "loop must be int"),
        ('{"type": "sendDigits", "digits": "12a"}', "digits may hold"),
        ('{"type": "language"}', "language needs"),
        ('{"message": "Internal server error", "connectionId": "x"}', "type must be one of"),
    ],
)
def test_a_malformed_frame_says_what_is_wrong(raw: str | bytes, why: str) -> None:
    """What Twilio answers with 64107 is refused with the reason."""
    with pytest.raises(MalformedFrameError, match=why):
        read(raw)


def test_an_unknown_key_is_taken_but_reported() -> None:
    """Whether Twilio tolerates extra keys is not known, so sending one is a doubt, not an error."""
    result = read('{"type": "end", "reason": "bye"}')

    assert (End(), ("unknown key 'reason'",)) == (result.frame, result.doubts)


@given(st.dictionaries(KEYS, st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["text", "end"])))
def test_any_object_is_read_or_malformed(fields: dict[str, object]) -> None:
    """However odd the frame, nothing but MalformedFrameError gets out."""
    try:
        read(json.dumps(fields))
    except MalformedFrameError:
        return

    assert fields["type"] in ("text", "play", "sendDigits", "language", "end")
