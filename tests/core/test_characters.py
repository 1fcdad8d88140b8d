"""Which characters cross the border."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.characters import clean, is_language_tag

ANY_TEXT = st.text(st.characters(), max_size=50)  # lone surrogates and control characters included


@given(ANY_TEXT)
def test_whatever_is_left_can_be_sent(text: str) -> None:
    """Cleaned text is UTF-8, survives XML, and cleaning it again changes nothing."""
    element = ET.Element("Say")

    cleaned = clean(text)
    element.text = cleaned

    assert cleaned == cleaned.encode().decode()
    parsed = ET.fromstring(ET.tostring(element))  # noqa: S314 - our own, written a line above
    assert (parsed.text or "") == cleaned.replace("\r\n", "\n").replace("\r", "\n")
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "text", ["", " a  b ", "naïve café", "日本語", "👩‍👩‍👧", "line\nline\ttab", "“quotes” — dash…"]
)
def test_words_and_spaces_stay(text: str) -> None:
    """What people say and models write is not touched, its spaces least of all."""
    assert text == clean(text)


@pytest.mark.parametrize("unwanted", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\ud800", "\ufffe", "\uffff"])
def test_what_cannot_be_carried_is_dropped(unwanted: str) -> None:
    """Control characters, lone surrogates and non-characters go, their neighbours stay."""
    assert "ab" == clean(f"a{unwanted}b")


@pytest.mark.parametrize("tag", ["en", "en-US", "es-419", "cmn-Hans-CN", "fil-PH"])
def test_language_tags(tag: str) -> None:
    """Tags of one to three parts are taken."""
    assert is_language_tag(tag)


@pytest.mark.parametrize("tag", ["", "e", "en_US", "en-", "english", "multi", "en-US ", "en-US\n", "１１"])
def test_not_language_tags(tag: str) -> None:
    """Words, underscores and stray white space are not."""
    assert not is_language_tag(tag)
